//! What a payload holds, line by line, for people who look at a card: whoever wrote it, and without its secrets.

use crate::{
    ident::without_imsi,
    wire::{
        Syntax,
        infoset::Element,
        prov::{Characteristic, Item, ProvDoc},
        syncml::{Command, Data, Message},
        wbxml,
    },
};

use super::{BootstrapError, PayloadKind, recognise};

/// What a payload holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its kind.
    pub kind: PayloadKind,
    /// Path and value, in the order of the payload. Secrets and nonces read `***`, numbers that
    /// may be an IMSI are cut short.
    pub lines: Vec<(String, String)>,
    /// True when a secret stands in it.
    pub has_secrets: bool,
}

/// What stands for a secret.
const HIDDEN: &str = "***";

/// Says what a payload of either kind holds.
///
/// # Errors
/// [`BootstrapError::Unrecognised`] when it is of no kind, [`BootstrapError::Decode`] when it is broken.
pub fn describe(octets: &[u8]) -> Result<Description, BootstrapError> {
    let kind = recognise(octets).ok_or(BootstrapError::Unrecognised)?;
    let mut d = Description { kind, lines: Vec::new(), has_secrets: false };
    match kind {
        PayloadKind::Cp => {
            let document = ProvDoc::decode(Syntax::Wbxml, octets)?;
            let root = Characteristic {
                kind: String::new(),
                items: document.characteristics.into_iter().map(Item::Characteristic).collect(),
            };
            d.characteristic("", &root);
        }
        PayloadKind::Dm => {
            let message = Message::decode(Syntax::Wbxml, octets)?;
            d.line("Target", &message.header.target.uri);
            d.line("Source", &message.header.source.uri);
            message.commands.iter().for_each(|c| d.command(c));
        }
    }
    Ok(d)
}

impl Description {
    /// Adds a line; the last part of the path says whether its value is a secret.
    fn line(&mut self, path: &str, value: &str) {
        let hidden = !value.is_empty() && is_secret(path.rsplit('/').next().unwrap_or(path));
        self.has_secrets |= hidden;
        let shown = if hidden { HIDDEN.to_owned() } else { without_imsi(value).escape_debug().to_string() };
        self.lines.push((path.to_owned(), shown));
    }

    fn characteristic(&mut self, path: &str, c: &Characteristic) {
        let mut seen: Vec<&str> = Vec::new();
        for item in &c.items {
            match item {
                Item::Parm(p) => {
                    self.line(&format!("{path}{}", p.name), p.value.as_deref().unwrap_or(""));
                }
                Item::Characteristic(inner) => {
                    seen.push(&inner.kind);
                    let nth = seen.iter().filter(|k| **k == inner.kind).count();
                    // Only where there are several does it matter which.
                    let several = c.inner(&inner.kind).nth(1).is_some();
                    let name = if several { format!("{}[{nth}]", inner.kind) } else { inner.kind.clone() };
                    self.characteristic(&format!("{path}{name}/"), inner);
                }
            }
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Operation(op) => {
                for item in &op.items {
                    let uri = item.target.as_ref().map_or("", |t| t.uri.as_str());
                    match &item.data {
                        // Interior nodes say nothing that the leaves below them do not.
                        None => {}
                        Some(data @ Data::Text(text)) => match data.document() {
                            // A serialised tree as XML: its values are lines of their own, and hidden where they must be.
                            Ok(root) if root.name == "MgmtTree" => self.tree(uri, &root),
                            _ => self.line(uri, text),
                        },
                        Some(Data::Octets(octets)) => self.octets(uri, octets),
                        Some(Data::Element(element)) => self.tree(uri, element),
                    }
                }
            }
            Command::Group(group) => group.commands.iter().for_each(|c| self.command(c)),
            _ => {}
        }
    }

    /// Octets: a document of its own, text, or neither.
    fn octets(&mut self, path: &str, octets: &[u8]) {
        match (wbxml::decode(octets), std::str::from_utf8(octets)) {
            (Ok(document), _) => self.tree(path, &document.root),
            (Err(_), Ok(text)) => self.line(path, text),
            (Err(_), Err(_)) => self.line(path, &format!("({} octets)", octets.len())),
        }
    }

    /// The nodes of a serialised tree (TNDS): each names itself, its value stands in `Value`.
    fn tree(&mut self, path: &str, element: &Element) {
        for node in element.elements().filter(|e| e.name == "Node") {
            let name = node.child("NodeName").map(Element::text).unwrap_or_default();
            let above = node.child("Path").map(Element::text).unwrap_or_default();
            let path: String =
                [path, &above, &name].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/");
            if let Some(value) = node.child("Value") {
                self.line(&path, &value.text());
            }
            self.tree(&path, node);
        }
    }
}

/// True for the names under which secrets stand: those of both standards, and what vendors made of them.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "AAUTHDATA" || name.ends_with("PW") || ["SECRET", "PASSW", "PWD"].iter().any(|w| name.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::DmEncoding;

    #[test]
    fn names_of_secrets_are_known() {
        for name in
            ["AAUTHSECRET", "AAuthSecret", "AAUTHDATA", "PXAUTH-PW", "PROXY-PW", "Password", "userPwd"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["AAUTHNAME", "NAP-ADDRESS", "ADDR"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_serialised_tree_is_opened() {
        let Some(folder) = crate::wire::vectors::folder("dm") else { return };
        let octets = crate::wire::vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml");
        let found = describe(&octets).unwrap();
        assert_eq!((found.has_secrets, found.lines.len()), (true, 20), "{:?}", found.lines);
    }

    #[test]
    fn every_form_is_described_alike_and_without_its_secrets() {
        let mut settings = crate::bootstrap::tests::example(crate::bootstrap::tests::EXAMPLES[0].1);
        let secret = settings.dm_account.as_ref().unwrap().credentials.client.secret.expose().to_owned();
        let mut described = Vec::new();
        for encoding in [DmEncoding::TndsOpaque, DmEncoding::TndsInline, DmEncoding::TndsXml] {
            settings.dm.encoding = encoding;
            let payload = crate::bootstrap::build(&settings, PayloadKind::Dm).unwrap();
            let found = describe(&payload.octets).unwrap();
            assert!(found.has_secrets && found.lines.len() > 30, "{encoding}");
            assert!(!format!("{found:?}").contains(&secret), "{encoding}");
            described.push(found);
        }
        assert!(described.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn what_is_no_payload_is_not_described() {
        for octets in [&[][..], &[0xFF; 40], b"03 0B 6A 00"] {
            assert_eq!(describe(octets), Err(BootstrapError::Unrecognised));
        }
    }
}
