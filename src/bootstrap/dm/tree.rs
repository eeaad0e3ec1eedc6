//! Message → tree: the items of all Adds and Replaces, and the objects that they hold in one piece, put where a device
//! would put them. Everything is counted, because what others wrote is read here.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    profile::DmEncoding,
    wire::{
        DecodeError, Syntax,
        syncml::{Command, Data, GroupKind, Item, Message, Meta, Operation, Verb},
        tnds::{Content, MgmtTree, Node, OctetFormat, TextFormat, Value},
    },
};

use super::{
    place::{INBOX, Place},
    read::Ignored,
};

/// The most nodes that a message may set. Ours set some sixty.
const MAX_NODES: usize = 4096;
/// The most segments of a URI.
const MAX_DEPTH: usize = 32;
/// The longest URI, in octets. No limit is known; devices say theirs in DevDetail/URI.
const MAX_URI: usize = 1024;

/// A node of the tree with all below it. Names at one level are different.
#[derive(Default)]
pub(super) struct Branch {
    pub(super) name: String,
    /// `DDFName`, or `Type` of an interior node.
    pub(super) ddf_name: String,
    pub(super) acl: Option<String>,
    pub(super) value: Option<Value>,
    pub(super) below: Vec<Self>,
}

/// The tree that a message makes.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) root: Branch,
    /// Where objects for the Inbox went: their URIs there, and where they are.
    pub(super) delivered: Vec<(String, Place, String)>,
    /// How the first object in one piece was written.
    pub(super) encoding: Option<DmEncoding>,
    nodes: usize,
}

/// Where a command points.
struct Target<'a> {
    segments: Vec<&'a str>,
    /// `?prop=ACL`
    is_acl: bool,
}

impl Tree {
    /// Executes the commands of a message.
    ///
    /// # Errors
    /// [`DecodeError`] when an object in one piece is broken, or there are too many nodes.
    pub(super) fn grown(message: &Message, n: &mut Ignored) -> Result<Self, DecodeError> {
        let mut tree = Self::default();
        tree.commands(&message.commands, n)?;
        Ok(tree)
    }

    fn commands(&mut self, commands: &[Command], n: &mut Ignored) -> Result<(), DecodeError> {
        for command in commands {
            match command {
                Command::Operation(op) if matches!(op.verb, Verb::Add | Verb::Replace) => {
                    op.items.iter().try_for_each(|item| self.item(op, item, n))?;
                }
                Command::Group(group) if matches!(group.kind, GroupKind::Atomic | GroupKind::Sequence) => {
                    self.commands(&group.commands, n)?;
                }
                _ => n.skip("message", "a command that is not an Add or Replace"),
            }
        }
        Ok(())
    }

    fn item(&mut self, op: &Operation, item: &Item, n: &mut Ignored) -> Result<(), DecodeError> {
        let Some(uri) = item.target.as_ref().map(|t| t.uri.as_str()) else { return Ok(()) };
        let Some(target) = Target::parse(uri) else {
            n.skip(&shortened(uri), "not a URI that names a node");
            return Ok(());
        };
        let place = target.segments.join("/");
        let meta = Said { own: item.meta.as_ref(), common: op.meta.as_ref() };
        if target.is_acl {
            match (&item.data, self.find(&target.segments)) {
                (Some(Data::Text(text)), Some(branch)) => branch.acl = Some(text.clone()),
                _ => n.skip(&place, "an ACL of a node that the message does not set"),
            }
            return Ok(());
        }
        if let Some((objects, encoding)) = in_one_piece(item.data.as_ref(), &meta, &target)? {
            self.encoding.get_or_insert(encoding);
            return objects.into_iter().try_for_each(|o| self.object(op.verb, &target, o, n));
        }
        if matches!(item.data, Some(Data::Element(_))) {
            n.skip(&place, "an element that is no management object");
            return Ok(());
        }
        let format = meta.format();
        let branch = self.branch(&target.segments)?;
        if format == Some("node") {
            if let Some(kind) = meta.kind() {
                kind.clone_into(&mut branch.ddf_name);
            }
            return Ok(());
        }
        if branch.value.is_some() && op.verb == Verb::Add {
            n.skip(&place, "stands there twice; the first counts");
        } else {
            branch.value = item.data.as_ref().map(|data| value(data, format));
        }
        Ok(())
    }

    /// Puts an object where it belongs.
    fn object(
        &mut self,
        verb: Verb,
        target: &Target<'_>,
        node: Node,
        n: &mut Ignored,
    ) -> Result<(), DecodeError> {
        let place = target.segments.join("/");
        let Some(at) = address(target, &node) else {
            n.skip(&place, "an object whose NodeName or Path does not name a node below the target");
            return Ok(());
        };
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        let destination = match (at.as_slice(), &node.content) {
            ([INBOX, .., name], Content::Interior { ddf_name, .. }) => match Place::of_type(ddf_name) {
                Some(place) => {
                    self.delivered.push((at.join("/"), place, (*name).to_owned()));
                    vec![place.name(), name]
                }
                None => {
                    n.skip(&at.join("/"), "an object of a type that no place is known for");
                    return Ok(());
                }
            },
            ([INBOX, ..], _) => {
                n.skip(&at.join("/"), "not an object; the Inbox takes nothing else");
                return Ok(());
            }
            _ => at,
        };
        let branch = self.branch(&destination)?;
        if verb == Verb::Replace {
            // Replace puts the new sub-tree in the place of the old one.
            branch.below.clear();
            branch.value = None;
        } else if !branch.below.is_empty() || branch.value.is_some() {
            n.skip(&destination.join("/"), "stands there twice; the first counts");
            return Ok(());
        }
        self.plant(&destination, node, n)
    }

    /// Recursion is bounded by the limits of the document that the object came in.
    fn plant(&mut self, at: &[&str], node: Node, n: &mut Ignored) -> Result<(), DecodeError> {
        let Node { acl, content, .. } = node;
        let branch = self.branch(at)?;
        branch.acl = acl;
        let nodes = match content {
            Content::Leaf { value, .. } => {
                branch.value = Some(value);
                return Ok(());
            }
            Content::Interior { ddf_name, nodes } => {
                branch.ddf_name = ddf_name;
                nodes
            }
        };
        for inner in nodes {
            let name = inner.name.clone();
            let below: Vec<&str> = at.iter().copied().chain([name.as_str()]).collect();
            if !is_uri(&below) {
                n.skip(&at.join("/"), "a node with a name that no URI can hold");
            } else if self.find(&below).is_some() {
                n.skip(&below.join("/"), "stands there twice; the first counts");
            } else {
                self.plant(&below, inner, n)?;
            }
        }
        Ok(())
    }

    fn find(&mut self, segments: &[&str]) -> Option<&mut Branch> {
        segments.iter().try_fold(&mut self.root, |b, name| b.below.iter_mut().find(|c| c.name == *name))
    }

    /// The branch of that address; it and those above it are made where they are missing.
    fn branch(&mut self, segments: &[&str]) -> Result<&mut Branch, DecodeError> {
        let mut branch = &mut self.root;
        for name in segments {
            let at = match branch.below.iter().position(|c| c.name == *name) {
                Some(at) => at,
                None => {
                    self.nodes += 1;
                    if self.nodes > MAX_NODES {
                        let (what, got) = ("nodes of a bootstrap", self.nodes);
                        return Err(DecodeError::Limit { what, at: 0, got, limit: MAX_NODES });
                    }
                    branch.below.push(Branch { name: (*name).to_owned(), ..Branch::default() });
                    branch.below.len() - 1
                }
            };
            branch = match branch.below.get_mut(at) {
                Some(next) => next,
                // Cannot be: it was found or pushed a moment ago.
                None => return Err(DecodeError::invalid("URI", 0, "it leads nowhere")),
            };
        }
        Ok(branch)
    }
}

impl<'a> Target<'a> {
    fn parse(uri: &'a str) -> Option<Self> {
        let (path, property) = uri.split_once('?').map_or((uri, None), |(path, p)| (path, Some(p)));
        let is_acl = match property {
            None => false,
            Some("prop=ACL") => true,
            Some(_) => return None,
        };
        Some(Self { segments: segments(path)?, is_acl })
    }
}

/// What the meta information of an item says; what it leaves open, that of its command.
struct Said<'a> {
    own: Option<&'a Meta>,
    common: Option<&'a Meta>,
}

impl<'a> Said<'a> {
    fn format(&self) -> Option<&'a str> {
        let of = |m: &'a Meta| m.format.as_deref();
        self.own.and_then(of).or_else(|| self.common.and_then(of))
    }

    fn kind(&self) -> Option<&'a str> {
        let of = |m: &'a Meta| m.kind.as_deref();
        self.own.and_then(of).or_else(|| self.common.and_then(of))
    }
}

/// The objects of an item that holds them in one piece, however it was written: by its type, or without one by where it
/// goes.
fn in_one_piece(
    data: Option<&Data>,
    meta: &Said<'_>,
    target: &Target<'_>,
) -> Result<Option<(Vec<Node>, DmEncoding)>, DecodeError> {
    let told = meta.kind().is_some_and(|kind| {
        let start = kind.get(..DMTNDS.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(DMTNDS))
    });
    let for_inbox = meta.kind().is_none() && target.segments.first() == Some(&INBOX);
    let octets = match data {
        Some(Data::Element(root)) if root.name == "MgmtTree" => {
            return Ok(Some((MgmtTree::from_element(root)?.nodes, DmEncoding::TndsInline)));
        }
        Some(Data::Octets(octets)) if told || for_inbox => octets.clone(),
        Some(Data::Text(text)) if told || for_inbox => match meta.format() {
            // XML carries WBXML so.
            Some("b64") => base64(text.as_bytes())
                .ok_or_else(|| DecodeError::invalid("management object", 0, "it is not base64"))?,
            _ => text.clone().into_bytes(),
        },
        _ => return Ok(None),
    };
    let is_xml = octets.iter().find(|o| !o.is_ascii_whitespace()) == Some(&b'<');
    let (syntax, encoding) =
        if is_xml { (Syntax::Xml, DmEncoding::TndsXml) } else { (Syntax::Wbxml, DmEncoding::TndsOpaque) };
    Ok(Some((MgmtTree::decode(syntax, &octets)?.nodes, encoding)))
}

/// How the types of objects in one piece begin.
const DMTNDS: &str = "application/vnd.syncml.dmtnds";

/// Where an object goes: an empty name is that of the target, a Path leads to the node from the root. An object that
/// is called as the target is the one that the target names (inferred).
fn address(target: &Target<'_>, node: &Node) -> Option<Vec<String>> {
    let at: Vec<&str> = match (&node.path, node.name.as_str()) {
        (None, "") => target.segments.clone(),
        (None, name) if target.segments.last() == Some(&name) => target.segments.clone(),
        (None, name) => target.segments.iter().copied().chain([name]).collect(),
        (Some(path), name) => segments(path)?.into_iter().chain([name]).collect(),
    };
    let inside = at.starts_with(&target.segments) || target.segments == [INBOX];
    (inside && is_uri(&at)).then(|| at.into_iter().map(str::to_owned).collect())
}

/// The segments of a URI: `./A/B` and `A/B` are the same, `.` is the root.
fn segments(uri: &str) -> Option<Vec<&str>> {
    let path = uri.trim().strip_prefix("./").unwrap_or(uri.trim()).trim_end_matches('/');
    if path.is_empty() || path == "." {
        return Some(Vec::new());
    }
    let segments: Vec<&str> = path.split('/').take(MAX_DEPTH + 1).collect();
    is_uri(&segments).then_some(segments)
}

fn is_uri(segments: &[&str]) -> bool {
    let good = |s: &&str| !s.is_empty() && !matches!(*s, "." | "..") && !s.contains(['/', '?']);
    let length: usize = segments.iter().map(|s| s.len() + 1).sum();
    segments.len() <= MAX_DEPTH && length <= MAX_URI && segments.iter().all(good)
}

/// The value of a plain item.
fn value(data: &Data, format: Option<&str>) -> Value {
    match (data, format) {
        (Data::Text(text), Some("b64")) => match base64(text.as_bytes()) {
            Some(octets) => Value::Octets(OctetFormat::B64, octets),
            None => Value::Text(TextFormat::Chr, text.clone()),
        },
        (Data::Octets(octets), Some("b64")) => {
            Value::Octets(OctetFormat::B64, base64(octets).unwrap_or_else(|| octets.clone()))
        }
        (Data::Text(text), Some("bin")) => Value::Octets(OctetFormat::Bin, text.clone().into_bytes()),
        (Data::Text(text), _) => Value::Text(TextFormat::Chr, text.clone()),
        (Data::Octets(octets), _) => Value::Octets(OctetFormat::Bin, octets.clone()),
        (Data::Element(_), _) => Value::Null,
    }
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let bare: Vec<u8> = text.iter().copied().filter(|o| !o.is_ascii_whitespace()).collect();
    BASE64.decode(bare).ok()
}

/// The beginning of a text that may be anything, for a message.
fn shortened(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
