//! Messages to elements, in the order that the document type definition asks for (SyncML Representation Protocol 1.2).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Alert, Chal, Command, Cred, Data, Group, GroupKind, Header, Item, Location, Message, Meta, MoreData,
    Operation, Results, Status, Verb,
};
use crate::wire::{
    Syntax,
    infoset::{Element, Node, Vocabulary},
};

/// Writes a message; octets take the form that `syntax` can carry.
pub(super) fn message(message: &Message, syntax: Syntax) -> Element {
    let mut body = commands(syncml("SyncBody"), &message.commands, syntax);
    if message.is_final {
        body = body.with_child(syncml("Final"));
    }
    syncml("SyncML").with_child(header(&message.header)).with_child(body)
}

fn header(header: &Header) -> Element {
    syncml("SyncHdr")
        .with_child(leaf("VerDTD", &header.ver_dtd))
        .with_child(leaf("VerProto", &header.ver_proto))
        .with_child(leaf("SessionID", &header.session_id))
        .with_child(leaf("MsgID", &header.msg_id))
        .with_child(location("Target", &header.target))
        .with_child(location("Source", &header.source))
        .with_all(header.resp_uri.as_ref().map(|uri| leaf("RespURI", uri)))
        .with_all(header.cred.as_ref().map(cred))
        .with_all(header.meta.as_ref().map(meta))
}

fn commands(parent: Element, commands: &[Command], syntax: Syntax) -> Element {
    parent.with_all(commands.iter().map(|c| command(c, syntax)))
}

fn command(command: &Command, syntax: Syntax) -> Element {
    match command {
        Command::Operation(operation) => self::operation(operation, syntax),
        Command::Group(Group { kind, cmd_id, commands }) => {
            let name = match kind {
                GroupKind::Atomic => "Atomic",
                GroupKind::Sequence => "Sequence",
            };
            self::commands(numbered(name, cmd_id), commands, syntax)
        }
        Command::Alert(Alert { cmd_id, code, correlator, items }) => numbered("Alert", cmd_id)
            .with_child(leaf("Data", &code.0.to_string()))
            .with_all(correlator.as_ref().map(|c| leaf("Correlator", c)))
            .with_all(items.iter().map(|i| item(i, None, syntax))),
        Command::Status(status) => self::status(status, syntax),
        Command::Results(Results { cmd_id, msg_ref, cmd_ref, meta, items }) => numbered("Results", cmd_id)
            .with_all(msg_ref.as_ref().map(|m| leaf("MsgRef", m)))
            .with_child(leaf("CmdRef", cmd_ref))
            .with_all(meta.as_ref().map(self::meta))
            .with_all(items.iter().map(|i| item(i, meta.as_ref(), syntax))),
        Command::Unsupported(other) => numbered(&other.name, &other.cmd_id),
    }
}

fn operation(operation: &Operation, syntax: Syntax) -> Element {
    let name = match operation.verb {
        Verb::Add => "Add",
        Verb::Replace => "Replace",
        Verb::Delete => "Delete",
        Verb::Get => "Get",
        Verb::Exec => "Exec",
        Verb::Copy => "Copy",
    };
    let common = operation.meta.as_ref();
    numbered(name, &operation.cmd_id)
        .with_all(common.map(meta))
        .with_all(operation.correlator.as_ref().map(|c| leaf("Correlator", c)))
        .with_all(operation.items.iter().map(|i| item(i, common, syntax)))
}

fn status(status: &Status, syntax: Syntax) -> Element {
    numbered("Status", &status.cmd_id)
        .with_child(leaf("MsgRef", &status.msg_ref))
        .with_child(leaf("CmdRef", &status.cmd_ref))
        .with_child(leaf("Cmd", &status.cmd))
        .with_all(status.target_refs.iter().map(|uri| leaf("TargetRef", uri)))
        .with_all(status.source_refs.iter().map(|uri| leaf("SourceRef", uri)))
        .with_all(status.cred.as_ref().map(cred))
        .with_all(status.chal.as_ref().map(|Chal { meta }| syncml("Chal").with_child(self::meta(meta))))
        .with_child(leaf("Data", &status.code.0.to_string()))
        .with_all(status.items.iter().map(|i| item(i, None, syntax)))
}

fn cred(Cred { meta, data }: &Cred) -> Element {
    syncml("Cred").with_child(self::meta(meta)).with_child(leaf("Data", data))
}

fn item(item: &Item, common: Option<&Meta>, syntax: Syntax) -> Element {
    let mut own = item.meta.clone();
    let data = item.data.as_ref().map(|data| {
        let element = syncml("Data");
        match data {
            Data::Text(text) => with_text(element, text, syntax),
            Data::Element(inner) => element.with_child((**inner).clone()),
            Data::Octets(octets) if syntax == Syntax::Wbxml => with_octets(element, octets),
            Data::Octets(octets) => {
                let format = |m: Option<&Meta>| m.and_then(|m| m.format.clone());
                let format = format(own.as_ref()).or_else(|| format(common)).unwrap_or_default();
                match std::str::from_utf8(octets) {
                    Ok(base64) if format == "b64" => element.with_text(base64),
                    _ => {
                        // XML cannot carry octets: base64 text, and the format must say so (RepPro, Data).
                        own.get_or_insert_default().format = Some("b64".to_owned());
                        with_text(element, &STANDARD.encode(octets), syntax)
                    }
                }
            }
        }
    });
    syncml("Item")
        .with_all(item.target.as_ref().map(|l| location("Target", l)))
        .with_all(item.source.as_ref().map(|l| location("Source", l)))
        .with_all(own.as_ref().map(meta))
        .with_all(data)
        .with_all((item.more_data == MoreData::Yes).then(|| syncml("MoreData")))
}

fn meta(meta: &Meta) -> Element {
    let text = |name: &str, text: &str| {
        let element = Element::new(Vocabulary::MetInf, name);
        if text.is_empty() { element } else { element.with_text(text) }
    };
    let number = |name: &str, value: Option<u64>| value.map(|v| text(name, &v.to_string()));
    let optional = |name: &str, value: &Option<String>| value.as_ref().map(|v| text(name, v));
    syncml("Meta")
        .with_all(optional("Format", &meta.format))
        .with_all(optional("Type", &meta.kind))
        .with_all(optional("Mark", &meta.mark))
        .with_all(number("Size", meta.size))
        .with_all(optional("NextNonce", &meta.next_nonce))
        .with_all(number("MaxMsgSize", meta.max_msg_size))
        .with_all(number("MaxObjSize", meta.max_obj_size))
        .with_all(meta.other.iter().map(|(name, value)| text(name, value)))
}

fn location(name: &str, location: &Location) -> Element {
    syncml(name)
        .with_child(leaf("LocURI", &location.uri))
        .with_all(location.name.as_ref().map(|n| leaf("LocName", n)))
}

fn numbered(name: &str, cmd_id: &str) -> Element {
    syncml(name).with_child(leaf("CmdID", cmd_id))
}

fn syncml(name: &str) -> Element {
    Element::new(Vocabulary::SyncMl, name)
}

fn leaf(name: &str, text: &str) -> Element {
    let element = syncml(name);
    if text.is_empty() { element } else { element.with_text(text) }
}

/// Inline strings end at a NUL, so text that holds one goes as octets; XML refuses it.
fn with_text(element: Element, text: &str, syntax: Syntax) -> Element {
    match (text, syntax) {
        ("", _) => element,
        (text, Syntax::Wbxml) if text.contains('\0') => with_octets(element, text.as_bytes()),
        (text, _) => element.with_text(text),
    }
}

fn with_octets(mut element: Element, octets: &[u8]) -> Element {
    element.children.push(Node::Opaque(octets.to_vec()));
    element
}
