//! Management objects in one piece: TNDS, `MgmtTree` inside an Add or Replace (OMA DM Tree and Description 1.2,
//! section "Tree and Description Serialization"; the sheet, section 3).
//!
//! An object for `./Inbox` is placed where its type belongs, and references into the Inbox are rewritten to where
//! the object that they name went.

use crate::wire::infoset::Element;

use super::{
    dm_bootstrap::shared,
    tree::{Acl, Format, Node, Origin, Tree, TreeError, Uri},
    value,
};

/// The types of `Data` that hold a TNDS object.
pub(super) const TYPES: [&str; 2] =
    ["application/vnd.syncml.dmtnds+wbxml", "application/vnd.syncml.dmtnds+xml"];

/// One `Node` of a TNDS object.
pub(super) struct Object {
    name: String,
    path: Option<String>,
    acl: Option<Acl>,
    format: Format,
    kind: String,
    value: Vec<u8>,
    below: Vec<Self>,
}

/// What happened to an object apart from being added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TndsNote {
    /// The Inbox does not know where such an object belongs; it was left out.
    #[error("{name}: no place is known for the type {kind:?}; the object was left out")]
    UnknownType {
        /// The object's name.
        name: String,
        /// Its type.
        kind: String,
    },
    /// An access point or proxy that another bootstrap brought, just as it is.
    #[error(
        "{at} is there already, just so; the bootstrap that brought it keeps the rights on it as long as it stays"
    )]
    Shared {
        /// Its node.
        at: Uri,
    },
    /// A reference into the Inbox names an object that the message does not hold.
    #[error("{at} refers to ./Inbox/{name}, which the message does not hold; the name alone was kept")]
    Dangling {
        /// The node that holds the reference.
        at: Uri,
        /// The name referred to.
        name: String,
    },
}

/// Reads `MgmtTree`.
pub(super) fn read(tree: &Element) -> Result<Vec<Object>, TreeError> {
    if tree.name != "MgmtTree" {
        return Err(TreeError::BadValue { why: "the object does not begin with MgmtTree" });
    }
    let objects: Vec<Object> =
        tree.elements().filter(|e| e.name == "Node").map(read_node).collect::<Result<_, _>>()?;
    if objects.is_empty() { Err(TreeError::Incomplete { what: "Node in MgmtTree" }) } else { Ok(objects) }
}

fn read_node(node: &Element) -> Result<Object, TreeError> {
    let name = node.child("NodeName").map(Element::text).unwrap_or_default().trim().to_owned();
    let path = node.child("Path").map(|p| p.text().trim().to_owned()).filter(|p| !p.is_empty());
    let properties = node.child("RTProperties");
    let property = |name: &str| properties.and_then(|p| p.child(name));
    // Format holds one empty element that is named as the format is.
    let sent = property("Format").and_then(|f| f.elements().next()).map(|f| f.name.as_str());
    let acl = property("ACL").map(|a| Acl::parse(&a.text())).transpose()?.flatten();
    let kind = property("Type").and_then(|t| t.elements().next());
    let below = node.elements().filter(|e| e.name == "Node").map(read_node).collect::<Result<Vec<_>, _>>()?;
    // An encoder may leave Format out.
    let interior = !below.is_empty() || kind.is_some_and(|k| k.name == "DDFName");
    let format = match sent {
        Some(sent) => sent.parse()?,
        None if interior => Format::Node,
        None => Format::Chr,
    };
    if format != Format::Node && !below.is_empty() {
        return Err(TreeError::BadValue { why: "a node with nodes in it has the format of a leaf" });
    }
    let value = node.child("Value").map(|v| value::of_element(v, sent)).transpose()?.unwrap_or_default();
    let kind = kind.map(|k| k.text().trim().to_owned()).unwrap_or_default();
    Ok(Object { name, path, acl, format, kind, value, below })
}

/// Where the objects of a message at `target` belong: each with its address.
pub(super) fn addresses(target: &Uri, objects: &[Object]) -> Result<Vec<Uri>, TreeError> {
    objects
        .iter()
        .map(|object| match (&object.path, object.name.as_str()) {
            (_, "") => Ok(target.clone()),
            (None, name) if name == target.name() => Ok(target.clone()),
            (None, name) => target.join(name),
            (Some(path), name) => {
                let uri = path.parse::<Uri>()?.join(name)?;
                if uri.is_within(target) {
                    Ok(uri)
                } else {
                    Err(TreeError::BadUri { why: "the object's Path leads out of the target" })
                }
            }
        })
        .collect()
}

/// The nodes of the objects where [`add`] puts them, with the values of leaves as they were sent.
pub(super) fn nodes<'a>(target: &Uri, objects: &'a [Object]) -> Result<Vec<(Uri, &'a [u8])>, TreeError> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    for (object, wanted) in objects.iter().zip(addresses(target, objects)?) {
        open.extend(placed_at(target, object, &wanted)?.map(|at| (at, object)));
    }
    while let Some((at, object)) = open.pop() {
        for below in &object.below {
            open.push((at.join(&below.name)?, below));
        }
        found.push((at, object.value.as_slice()));
    }
    Ok(found)
}

/// Where an object goes that the message wants at an address; none when the Inbox knows no place for it.
fn placed_at(target: &Uri, object: &Object, wanted: &Uri) -> Result<Option<Uri>, TreeError> {
    if !target.is_within(&inbox()) {
        return Ok(Some(wanted.clone()));
    }
    place_of(&object.kind).map(|place| Uri::root().child(place).join(wanted.name())).transpose()
}

fn inbox() -> Uri {
    Uri::root().child("Inbox")
}

/// Adds the objects, all or none, and says where their roots are now. A connectivity object that another bootstrap
/// brought just so stays that one's, and a note says so.
///
/// # Errors
/// [`TreeError::Occupied`] where another object stands, else as [`Tree::insert`]; the tree is then as it was.
pub(super) fn add(
    tree: &mut Tree,
    target: &Uri,
    objects: &[Object],
    origin: Origin,
    notes: &mut Vec<TndsNote>,
) -> Result<Vec<Uri>, TreeError> {
    // First on their own, so that they are compared with what is there as they will stand.
    let mut fresh = Tree::new();
    let mut placed: Vec<(Uri, Uri)> = Vec::new();
    for (object, wanted) in objects.iter().zip(addresses(target, objects)?) {
        match placed_at(target, object, &wanted)? {
            Some(at) => {
                insert(&mut fresh, &at, object, origin)?;
                placed.push((wanted, at));
            }
            None => {
                let (name, kind) = (wanted.name().to_owned(), object.kind.clone());
                notes.push(TndsNote::UnknownType { name, kind });
            }
        }
    }
    if placed.is_empty() {
        return Err(TreeError::Unsupported { what: "a place for any of these objects" });
    }
    if target.is_within(&inbox()) {
        for (_, at) in &placed {
            rewrite(&mut fresh, at, &placed, notes)?;
        }
    }
    let mut grown = tree.clone();
    for (_, at) in &placed {
        if is_shared(&grown, &fresh, at, origin) {
            notes.push(TndsNote::Shared { at: at.clone() });
        } else if grown.node(at).is_some() {
            return Err(TreeError::Occupied { at: at.clone() });
        } else if let Some(node) = fresh.remove(at) {
            // One that stands within another was taken with it.
            grown.insert(at, node)?;
        }
    }
    *tree = grown;
    Ok(placed.into_iter().map(|(_, at)| at).collect())
}

/// Whether another bootstrap brought that connectivity object, with the same leaves in it. Who may do what with it is no
/// part of the comparison, nor is the type: plain Adds send none for interior nodes.
fn is_shared(tree: &Tree, fresh: &Tree, at: &Uri, origin: Origin) -> bool {
    fn leaves<'a>(tree: &'a Tree, at: &Uri) -> Vec<(Uri, Format, &'a [u8])> {
        let nodes = tree.walk_from(at).into_iter();
        nodes.filter_map(|(uri, node)| Some((uri, node.format(), node.value()?))).collect()
    }
    let Origin::Bootstrap(number) = origin else { return false };
    shared::is_of_another(tree, at, number) && leaves(tree, at) == leaves(fresh, at)
}

/// Where the device keeps objects of that type. The DM account identifiers are from the specifications; of the
/// connectivity objects only that of the network access point was seen, the one of proxies is inferred from it.
fn place_of(kind: &str) -> Option<&'static str> {
    let registered = |id: &str| kind.strip_prefix("urn:oma:mo:").is_some_and(|k| k.starts_with(id));
    if registered("oma-dm-dmacc:1.") || kind == "org.openmobilealliance/1.0/w7" {
        Some("DMAcc")
    } else if registered("oma-connmo-nap:1.") {
        Some("NAP")
    } else if registered("oma-connmo-proxy:1.") {
        Some("Proxy")
    } else {
        None
    }
}

fn insert(tree: &mut Tree, at: &Uri, object: &Object, origin: Origin) -> Result<(), TreeError> {
    let node = match object.format {
        Format::Node => Node::interior(object.kind.clone(), origin),
        format => Node::leaf(format, object.kind.clone(), object.value.clone(), origin)?,
    };
    tree.insert(at, node.with_acl(object.acl.clone()))?;
    object.below.iter().try_for_each(|below| insert(tree, &at.join(&below.name)?, below, origin))
}

/// Rewrites the references to `./Inbox/NAME` below `at`.
fn rewrite(
    tree: &mut Tree,
    at: &Uri,
    placed: &[(Uri, Uri)],
    notes: &mut Vec<TndsNote>,
) -> Result<(), TreeError> {
    let inbox = inbox();
    let references: Vec<(Uri, Uri)> = tree
        .walk_from(at)
        .into_iter()
        .filter(|(uri, _)| matches!(uri.name(), "PrefConRef" | "ConRef" | "ToConRef"))
        .filter_map(|(uri, node)| Some((uri, node.as_text()?.parse::<Uri>().ok()?)))
        .filter(|(_, to)| to.is_within(&inbox) && *to != inbox)
        .collect();
    for (uri, to) in references {
        let now = match placed.iter().find(|(wanted, _)| *wanted == to) {
            Some((_, now)) => now.to_string(),
            // As one device did when it was tried: the name without the Inbox before it.
            None => {
                let name = to.to_string().trim_start_matches("./Inbox/").to_owned();
                notes.push(TndsNote::Dangling { at: uri.clone(), name: name.clone() });
                name
            }
        };
        tree.set_value(&uri, now.as_bytes(), None, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        phone::{
            command::{self, Actor},
            device,
            tree::Right,
        },
        wire::{
            infoset::Vocabulary,
            syncml::{Data, Item, Location, Meta, Operation, Verb},
            wbxml, xml,
        },
    };

    const XML: &str = r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>
        <Node><NodeName>acme</NodeName><RTProperties><ACL>Get=*&amp;Replace=acme.dm</ACL><Format><node/></Format>
            <Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties>
            <Node><NodeName>PrefConRef</NodeName><Value>./Inbox/net</Value></Node>
            <Node><NodeName>AppAuth</NodeName><Node><NodeName>1</NodeName>
                <Node><NodeName>AAuthData</NodeName><RTProperties><Format><b64/></Format></RTProperties>
                    <Value>bm9uY2U=</Value></Node></Node></Node>
        </Node>
        <Node><NodeName>net</NodeName><RTProperties><Type><DDFName>urn:oma:mo:oma-connmo-nap:1.0</DDFName></Type>
            </RTProperties><Node><NodeName>Addr</NodeName><Value>internet</Value></Node></Node>
        <Node><NodeName>other</NodeName><RTProperties><Type><DDFName>org.example/1.0/x</DDFName></Type>
            </RTProperties></Node>
    </MgmtTree>"#;

    fn phone() -> Tree {
        device::tree(&device::tests::identity()).unwrap()
    }

    fn root() -> Element {
        xml::parse(XML.as_bytes()).unwrap()
    }

    fn run(
        tree: &mut Tree,
        verb: Verb,
        uri: &str,
        kind: &str,
        data: Data,
    ) -> Result<Vec<TndsNote>, TreeError> {
        let item = Item {
            target: Some(Location::new(uri)),
            meta: Some(Meta { format: Some("xml".into()), kind: Some(kind.into()), ..Meta::default() }),
            data: Some(data),
            ..Item::default()
        };
        let operation =
            Operation { verb, cmd_id: "1".into(), meta: None, correlator: None, items: Vec::new() };
        let mut notes = Vec::new();
        command::execute(tree, &Actor::Server("acme.dm".parse().unwrap()), &operation, &item, &mut notes)?;
        Ok(notes)
    }

    #[test]
    fn an_inbox_object_goes_where_its_type_belongs_in_every_encoding() {
        let octets = wbxml::encode(&wbxml::Document::new(root())).unwrap();
        for (kind, data) in [
            (TYPES[1], Data::Text(XML.to_owned())),
            (TYPES[0], Data::Octets(octets)),
            (TYPES[0], Data::Element(Box::new(root()))),
        ] {
            let mut tree = phone();
            let notes = run(&mut tree, Verb::Add, "./Inbox", kind, data).unwrap();
            let unknown = TndsNote::UnknownType { name: "other".into(), kind: "org.example/1.0/x".into() };
            assert_eq!(notes, [unknown]);
            assert_eq!(tree.text("./DMAcc/acme/PrefConRef"), Some("./NAP/net"));
            assert_eq!(tree.text("./DMAcc/acme/AppAuth/1/AAuthData"), Some("nonce"));
            assert_eq!(tree.text("./NAP/net/Addr"), Some("internet"));
            let node = tree.node(&"./DMAcc/acme".parse().unwrap()).unwrap();
            assert_eq!(node.own_acl().unwrap().to_string(), "Get=*&Replace=acme.dm");
            assert_eq!(node.kind(), "urn:oma:mo:oma-dm-dmacc:1.0");
            assert!(tree.node(&"./Inbox".parse().unwrap()).is_none());
        }
    }

    #[test]
    fn an_object_is_added_wholly_or_not_at_all() {
        let mut tree = phone();
        tree.insert(&"./NAP/net/Name".parse().unwrap(), Node::text("x", Origin::Device).unwrap()).unwrap();
        let before = tree.clone();
        let added = run(&mut tree, Verb::Add, "./Inbox", TYPES[1], Data::Text(XML.to_owned()));
        assert_eq!(added, Err(TreeError::Occupied { at: "./NAP/net".parse().unwrap() }));
        assert!(tree == before);
    }

    #[test]
    fn replace_takes_away_what_the_object_does_not_list() {
        let mut tree = phone();
        let acl = Acl::parse("Replace=acme.dm").unwrap();
        let place = Node::interior("", Origin::Device).with_acl(acl);
        tree.insert(&"./NAP/net".parse().unwrap(), place).unwrap();
        tree.insert(&"./NAP/net/Old".parse().unwrap(), Node::text("x", Origin::Device).unwrap()).unwrap();
        let node = root().elements().nth(2).unwrap().clone();
        let one = Element::new(Vocabulary::DmDdf, "MgmtTree").with_child(node);
        run(&mut tree, Verb::Replace, "./NAP/net", TYPES[1], Data::Element(Box::new(one.clone()))).unwrap();
        assert_eq!((tree.text("./NAP/net/Old"), tree.text("./NAP/net/Addr")), (None, Some("internet")));
        assert!(tree.node(&"./NAP/net".parse().unwrap()).unwrap().own_acl().is_some(), "the list stays");
        let elsewhere =
            run(&mut tree, Verb::Replace, "./NAP", TYPES[1], Data::Element(Box::new(one.clone())));
        assert_eq!(elsewhere, Err(TreeError::Denied { right: Right::Replace }));
        let permanent = run(&mut tree, Verb::Replace, "./DevInfo", TYPES[1], Data::Element(Box::new(one)));
        assert!(matches!(permanent, Err(TreeError::NotAllowed { .. })));
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        let mut tree = phone();
        let mut refused =
            |xml: &str| run(&mut tree, Verb::Add, "./X", TYPES[1], Data::Text(xml.into())).unwrap_err();
        let wrapped = |inner: &str| format!(r#"<MgmtTree xmlns="syncml:dmddf1.2">{inner}</MgmtTree>"#);
        assert!(matches!(refused("<MgmtTree"), TreeError::BadValue { .. }));
        assert!(matches!(refused(r#"<Node xmlns="syncml:dmddf1.2"/>"#), TreeError::BadValue { .. }));
        assert!(matches!(refused(&wrapped("")), TreeError::Incomplete { .. }));
        let leaf = "<Node><NodeName>a</NodeName><RTProperties><Format><chr/></Format></RTProperties>\
                    <Node><NodeName>b</NodeName></Node></Node>";
        assert!(matches!(refused(&wrapped(leaf)), TreeError::BadValue { .. }));
        let out = "<Node><NodeName>a</NodeName><Path>./DMAcc</Path></Node>";
        assert!(matches!(refused(&wrapped(out)), TreeError::BadUri { .. }));
        let acl = "<Node><NodeName>a</NodeName><RTProperties><ACL>Get</ACL></RTProperties></Node>";
        assert!(matches!(refused(&wrapped(acl)), TreeError::BadAcl { .. }));
    }
}
