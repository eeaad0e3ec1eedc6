//! Settings → message: the objects as plain Adds, or in one piece for the Inbox.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{BootstrapError, Settings},
    ident::Imei,
    profile::DmEncoding,
    wire::{
        Syntax,
        syncml::{Command, Data, Header, Item, Location, Message, Meta, MoreData, Operation, Verb},
        tnds::{self, Content, MgmtTree, Node, OctetFormat, Value},
    },
};

use super::{
    objects::{Delivery, Object, objects},
    place::{INBOX, Place},
};

/// Writes settings that were reduced.
pub(super) fn message(settings: &Settings) -> Result<Message, BootstrapError> {
    let account = settings.dm_account.as_ref().ok_or(BootstrapError::NoAccount)?;
    let commands = match settings.dm.encoding {
        DmEncoding::Plain => plain_adds(&objects(settings, Delivery::ToPlaces)?),
        encoding => vec![inbox_add(objects(settings, Delivery::ToInbox)?, encoding)?],
    };
    // A device has no name before it has one: the message is for whoever reads it.
    let device = settings.device.as_ref().map_or_else(|| "unknown".to_owned(), Imei::device_uri);
    let header = Header {
        ver_dtd: "1.2".into(),
        ver_proto: "DM/1.2".into(),
        session_id: "0".into(),
        msg_id: "0".into(),
        target: Location::new(device),
        // It must be an address of the account.
        source: Location::new(&account.address),
        resp_uri: None,
        cred: None,
        meta: None,
    };
    Ok(Message { header, commands, is_final: true })
}

/// One Add for the nodes of the account, one for those of the connectivity objects.
fn plain_adds(objects: &[Object]) -> Vec<Command> {
    let items = |of_account: bool| {
        let mut items = Vec::new();
        for object in objects.iter().filter(|o| (o.place == Place::DmAcc) == of_account) {
            flatten(&object.node, &format!("./{}", object.place.name()), &mut items);
        }
        items
    };
    let mut commands = vec![add("1", items(true))];
    let connectivity = items(false);
    if !connectivity.is_empty() {
        commands.push(add("2", connectivity));
    }
    commands
}

/// Everything in one Add: TNDS is taken wholly or not at all.
fn inbox_add(objects: Vec<Object>, encoding: DmEncoding) -> Result<Command, BootstrapError> {
    let tree = MgmtTree::new(objects.into_iter().map(|o| o.node).collect());
    // A client is known that takes WBXML with format bin only, in both forms, and refuses it with format xml.
    let (format, kind, data) = match encoding {
        DmEncoding::TndsXml => {
            let text = crate::wire::xml::write(&tree.to_element(Syntax::Xml))?;
            ("xml", tnds::TYPE_XML, Data::Text(text))
        }
        DmEncoding::TndsInline => {
            ("bin", tnds::TYPE_WBXML, Data::Element(Box::new(tree.to_element(Syntax::Wbxml))))
        }
        DmEncoding::TndsOpaque | DmEncoding::Plain => {
            ("bin", tnds::TYPE_WBXML, Data::Octets(tree.encode(Syntax::Wbxml)?))
        }
    };
    let meta = Meta { format: Some(format.into()), kind: Some(kind.into()), ..Meta::default() };
    Ok(add("1", vec![item(format!("./{INBOX}"), meta, Some(data))]))
}

/// The nodes of a sub-tree, a parent before its children.
fn flatten(node: &Node, above: &str, items: &mut Vec<Item>) {
    let uri = format!("{above}/{}", node.name);
    match &node.content {
        Content::Interior { nodes, .. } => {
            let meta = Meta { format: Some("node".into()), ..Meta::default() };
            items.push(item(uri.clone(), meta, None));
            nodes.iter().for_each(|n| flatten(n, &uri, items));
        }
        Content::Leaf { mime, value } => {
            let meta = Meta {
                format: Some(value.format(Syntax::Wbxml).into()),
                kind: Some(mime.clone()),
                ..Meta::default()
            };
            let data = match value {
                Value::Text(_, text) => Some(Data::Text(text.clone())),
                Value::Octets(OctetFormat::Bin, octets) => Some(Data::Octets(octets.clone())),
                Value::Octets(OctetFormat::B64, octets) => Some(Data::Text(BASE64.encode(octets))),
                Value::Null => None,
            };
            items.push(item(uri, meta, data));
        }
    }
}

fn item(uri: String, meta: Meta, data: Option<Data>) -> Item {
    Item { target: Some(Location::new(uri)), source: None, meta: Some(meta), data, more_data: MoreData::No }
}

fn add(cmd_id: &str, items: Vec<Item>) -> Command {
    Command::Operation(Operation {
        verb: Verb::Add,
        cmd_id: cmd_id.into(),
        meta: None,
        correlator: None,
        items,
    })
}
