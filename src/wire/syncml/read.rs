//! Elements to messages (SyncML Representation Protocol 1.2, sections 5 and 6; document type definition).
//!
//! Tolerant where clients differ: vocabularies are not looked at, white space around identifiers is dropped, order
//! does not matter, and what DM does not use (`NoResp`, `Lang`, `Cred` inside commands) is skipped.

use super::{
    Alert, AlertCode, Chal, Command, Cred, Data, Group, GroupKind, Header, Item, Location, Message, Meta,
    MoreData, Operation, Results, Status, StatusCode, Unsupported, Verb,
};
use crate::wire::{
    DecodeError,
    infoset::{Element, Node, Vocabulary},
};

const WHAT: &str = "SyncML message";

/// Reads the root element of a message.
pub(super) fn message(root: &Element) -> Result<Message, DecodeError> {
    if root.name != "SyncML" {
        return Err(invalid(format!("the root element is {}; expected SyncML", root.name)));
    }
    let header = header(required_child(root, "SyncHdr")?)?;
    let body = required_child(root, "SyncBody")?;
    Ok(Message { header, commands: commands(body)?, is_final: body.child("Final").is_some() })
}

fn header(element: &Element) -> Result<Header, DecodeError> {
    Ok(Header {
        ver_dtd: required(element, "VerDTD")?,
        ver_proto: required(element, "VerProto")?,
        session_id: required(element, "SessionID")?,
        msg_id: required(element, "MsgID")?,
        target: required_location(element, "Target")?,
        source: required_location(element, "Source")?,
        resp_uri: optional(element, "RespURI"),
        cred: element.child("Cred").map(cred).transpose()?,
        meta: optional_meta(element)?,
    })
}

fn commands(parent: &Element) -> Result<Vec<Command>, DecodeError> {
    parent.elements().filter_map(|e| command(e).transpose()).collect()
}

/// A command, or nothing for an element that is none.
fn command(element: &Element) -> Result<Option<Command>, DecodeError> {
    let verb = |verb| operation(element, verb).map(Command::Operation);
    let group = |kind| {
        let cmd_id = required(element, "CmdID")?;
        Ok(Command::Group(Group { kind, cmd_id, commands: commands(element)? }))
    };
    let command = match element.name.as_str() {
        "Add" => verb(Verb::Add)?,
        "Replace" => verb(Verb::Replace)?,
        "Delete" => verb(Verb::Delete)?,
        "Get" => verb(Verb::Get)?,
        "Exec" => verb(Verb::Exec)?,
        "Copy" => verb(Verb::Copy)?,
        "Atomic" => group(GroupKind::Atomic)?,
        "Sequence" => group(GroupKind::Sequence)?,
        "Alert" => Command::Alert(alert(element)?),
        "Status" => Command::Status(Box::new(status(element)?)),
        "Results" => Command::Results(results(element)?),
        // CmdID, NoResp, Meta and Final have no CmdID of their own.
        name => match optional(element, "CmdID") {
            Some(cmd_id) => Command::Unsupported(Unsupported { name: name.to_owned(), cmd_id }),
            None => return Ok(None),
        },
    };
    Ok(Some(command))
}

fn operation(element: &Element, verb: Verb) -> Result<Operation, DecodeError> {
    let meta = optional_meta(element)?;
    Ok(Operation {
        verb,
        cmd_id: required(element, "CmdID")?,
        correlator: optional(element, "Correlator"),
        items: items(element, meta.as_ref())?,
        meta,
    })
}

fn alert(element: &Element) -> Result<Alert, DecodeError> {
    Ok(Alert {
        cmd_id: required(element, "CmdID")?,
        code: AlertCode(number(element, "Data")?),
        correlator: optional(element, "Correlator"),
        items: items(element, None)?,
    })
}

fn status(element: &Element) -> Result<Status, DecodeError> {
    Ok(Status {
        cmd_id: required(element, "CmdID")?,
        msg_ref: required(element, "MsgRef")?,
        cmd_ref: required(element, "CmdRef")?,
        cmd: required(element, "Cmd")?,
        target_refs: all(element, "TargetRef"),
        source_refs: all(element, "SourceRef"),
        cred: element.child("Cred").map(cred).transpose()?,
        chal: match element.child("Chal") {
            Some(chal) => Some(Chal { meta: optional_meta(chal)?.unwrap_or_default() }),
            None => None,
        },
        code: StatusCode(number(element, "Data")?),
        items: items(element, None)?,
    })
}

fn results(element: &Element) -> Result<Results, DecodeError> {
    let meta = optional_meta(element)?;
    Ok(Results {
        cmd_id: required(element, "CmdID")?,
        msg_ref: optional(element, "MsgRef"),
        cmd_ref: required(element, "CmdRef")?,
        items: items(element, meta.as_ref())?,
        meta,
    })
}

fn cred(element: &Element) -> Result<Cred, DecodeError> {
    Ok(Cred { meta: optional_meta(element)?.unwrap_or_default(), data: required(element, "Data")? })
}

fn items(parent: &Element, common: Option<&Meta>) -> Result<Vec<Item>, DecodeError> {
    parent.elements().filter(|e| e.name == "Item").map(|e| item(e, common)).collect()
}

/// An item; `common` is the meta information of its command, which holds where the item has none.
fn item(element: &Element, common: Option<&Meta>) -> Result<Item, DecodeError> {
    let meta = optional_meta(element)?;
    let told = |field: fn(&Meta) -> Option<&str>| {
        meta.as_ref().and_then(field).or_else(|| common.and_then(field)).unwrap_or("")
    };
    let format = told(|m| m.format.as_deref());
    let kind = told(|m| m.kind.as_deref());
    let octets = format.eq_ignore_ascii_case("bin") || kind.ends_with("wbxml");
    let data = element.child("Data").map(|e| data(e, octets));
    Ok(Item {
        target: location(element, "Target"),
        source: location(element, "Source"),
        data,
        more_data: if element.child("MoreData").is_some() { MoreData::Yes } else { MoreData::No },
        meta,
    })
}

/// One element, or text, or octets. One client sends all text as OPAQUE: octets stay octets only where the meta
/// information says that they are, or where they are no text.
fn data(element: &Element, octets: bool) -> Data {
    if let Some(inner) = element.elements().next() {
        let mut inner = inner.clone();
        if inner.name == "MgmtTree" && inner.vocabulary == Vocabulary::SyncMl {
            be_tree(&mut inner);
        }
        return Data::Element(Box::new(inner));
    }
    let mut joined = Vec::new();
    let mut opaque = false;
    for node in &element.children {
        match node {
            Node::Text(text) => joined.extend_from_slice(text.as_bytes()),
            Node::Opaque(part) => {
                opaque = true;
                joined.extend_from_slice(part);
            }
            Node::Element(_) => {}
        }
    }
    if opaque && octets {
        return Data::Octets(joined);
    }
    match String::from_utf8(joined) {
        Ok(text) => Data::Text(text),
        Err(e) => Data::Octets(e.into_bytes()),
    }
}

/// A tree whose sender left its namespace out, so that it seems to be of the namespace around it.
fn be_tree(element: &mut Element) {
    element.vocabulary = Vocabulary::DmDdf;
    for node in &mut element.children {
        if let Node::Element(inner) = node {
            be_tree(inner);
        }
    }
}

fn optional_meta(parent: &Element) -> Result<Option<Meta>, DecodeError> {
    let Some(element) = parent.child("Meta") else { return Ok(None) };
    // Its elements stand in it directly; some put the root of their own vocabulary around them.
    let element = element.child("MetInf").unwrap_or(element);
    let mut meta = Meta::default();
    for field in element.elements() {
        let text = field.text().trim().to_owned();
        let size = || {
            text.parse::<u64>()
                .map_err(|_| invalid(format!("{} of the meta information is not a number", field.name)))
        };
        match field.name.as_str() {
            "Format" => meta.format = Some(text),
            "Type" => meta.kind = Some(text),
            "NextNonce" => meta.next_nonce = Some(text),
            "MaxMsgSize" => meta.max_msg_size = Some(size()?),
            "MaxObjSize" => meta.max_obj_size = Some(size()?),
            "Size" => meta.size = Some(size()?),
            "Mark" => meta.mark = Some(text),
            // Anchor and Mem hold elements; they belong to data synchronisation.
            name if field.elements().next().is_none() => meta.other.push((name.to_owned(), text)),
            _ => {}
        }
    }
    Ok(Some(meta))
}

fn location(parent: &Element, name: &str) -> Option<Location> {
    let element = parent.child(name)?;
    Some(Location { uri: optional(element, "LocURI")?, name: optional(element, "LocName") })
}

fn required_location(parent: &Element, name: &'static str) -> Result<Location, DecodeError> {
    location(parent, name).ok_or_else(|| missing(parent, &format!("{name} with LocURI")))
}

fn required_child<'a>(parent: &'a Element, name: &str) -> Result<&'a Element, DecodeError> {
    parent.child(name).ok_or_else(|| missing(parent, name))
}

fn optional(parent: &Element, name: &str) -> Option<String> {
    parent.child(name).map(|e| e.text().trim().to_owned())
}

fn required(parent: &Element, name: &str) -> Result<String, DecodeError> {
    optional(parent, name).ok_or_else(|| missing(parent, name))
}

fn all(parent: &Element, name: &str) -> Vec<String> {
    parent.elements().filter(|e| e.name == name).map(|e| e.text().trim().to_owned()).collect()
}

fn number(parent: &Element, name: &str) -> Result<u16, DecodeError> {
    let text = required(parent, name)?;
    text.parse().map_err(|_| invalid(format!("{name} of {} is not a code", parent.name)))
}

fn missing(parent: &Element, name: &str) -> DecodeError {
    invalid(format!("{} has no {name}", parent.name))
}

fn invalid(why: String) -> DecodeError {
    DecodeError::invalid(WHAT, 0, why)
}
