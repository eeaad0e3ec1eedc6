//! One profile, built as a provisioning document and as a DM bootstrap message, makes the same management tree in the
//! virtual phone; what one of the two cannot say is named.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootgate::{
    bootstrap::{Payload, PayloadKind, Settings, build, resolve},
    ident::Random,
    phone::{
        BootstrapKind, BootstrapResult, FirstSession, Identity, Phone,
        tree::{Format, Node, Origin, Right, Tree, Uri},
    },
    profile::{DmEncoding, NonceFormat, Profile, Subscriber},
};

pub const CONSUMER: &str = include_str!("../../config/profiles/consumer-phone.toml");
/// An account that is reached in two ways, and proves itself in clear.
const TWO_WAYS: &str = r#"
name = "two-ways"
version = 1
[security]
method = "netwpin"
[[nap]]
id = "net"
name = "Net"
bearers = ["GSM-GPRS", "GSM-CSD"]
address = "net.acme.example"
dns = ["192.0.2.53", "192.0.2.54"]
linger = 300
auth = [{ type = "CHAP", name = "{msisdn}", secret = { plain = "open" } }]
[[proxy]]
id = "px"
name = "Proxy"
domains = [".acme.example"]
[[proxy.physical]]
id = "px-1"
address = "192.0.2.80"
ports = [8080, { number = 9201, services = ["CO-WSP"] }]
connect-via = ["net"]
[dm-account]
server-id = "acme.dm"
name = "Two"
address = "http://dm.acme.example/dm"
connect-via = ["px", "net"]
client-auth = { type = "BASIC", name = "{imei}", secret = "generate" }
server-auth = { type = "DIGEST", name = "acme.dm", secret = "generate" }
[[dm-account.further-auth]]
level = "client"
type = "HMAC"
name = "{imei}"
secret = { plain = "hmac-secret" }
data = "bm9uY2U="
[[dm-account.further-auth]]
level = "client"
type = "SECUREID"
name = "{imei}"
[[dm-account.further-auth]]
level = "server"
type = "X509"
[[dm-account.further-auth]]
level = "obex"
type = "HTTP-BASIC"
name = "cable"
secret = { plain = "obex-secret" }
[[dm-account.further-auth]]
level = "http"
type = "HTTP-DIGEST"
name = "{msisdn}"
secret = { plain = "http-secret" }
data = "AAECAw=="
[[dm-account.further-auth]]
level = "http"
type = "TRANSPORT"
"#;
const REFERENCE: &str = include_str!("../../config/profiles/reference.toml");
pub const IOT: &str = include_str!("../../config/profiles/iot-module.toml");

/// Octets that do not repeat within a profile.
struct Rising(std::sync::atomic::AtomicU8);

impl Random for Rising {
    fn fill(&self, out: &mut [u8]) {
        out.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

/// A profile as a document and as a message, for one device.
pub fn payloads(profile: &str) -> [Payload; 2] {
    let settings = settings(profile);
    [PayloadKind::Cp, PayloadKind::Dm].map(|kind| build(&settings, kind).unwrap())
}

fn settings(profile: &str) -> Settings {
    let subscriber = Subscriber {
        imsi: Some("262011234567890".parse().unwrap()),
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some("89490200001234567892".parse().unwrap()),
        msisdn: Some("491711234567".parse().unwrap()),
    };
    let profile = Profile::parse(profile).unwrap();
    resolve(&profile, &subscriber, &Rising(0.into())).unwrap()
}

fn phone_with(payload: &Payload) -> Phone {
    let mut phone = Phone::new(&Identity {
        imei: "490154203237518".parse().unwrap(),
        imsi: None,
        manufacturer: "Acme".to_owned(),
        model: "A780".to_owned(),
        language: "en".to_owned(),
        firmware: "1.0".to_owned(),
        software: "2.0".to_owned(),
        hardware: "rev 3".to_owned(),
    })
    .unwrap();
    let kind = match payload.kind {
        PayloadKind::Dm => BootstrapKind::Dm,
        _ => BootstrapKind::Cp,
    };
    let result = phone.receive(kind, &payload.octets);
    let BootstrapResult::Accepted { remarks, .. } = &result else { panic!("{result:?}") };
    assert!(remarks.is_empty(), "{remarks:?}");
    phone
}

/// The tree with each account, access point and proxy under its identifier: the document leaves their nodes' names to
/// the device, the message brings its own.
fn by_identifier(tree: &Tree) -> BTreeMap<String, String> {
    let mut names = Vec::new();
    for (place, id) in [("./DMAcc", "ServerID"), ("./NAP", "NapId"), ("./Proxy", "PROXYID")] {
        for (name, _) in tree.node(&uri(place)).into_iter().flat_map(Node::children) {
            let id = tree.text(&format!("{place}/{name}/{id}")).unwrap();
            names.push((format!("{place}/{name}"), format!("{place}/<{id}>")));
        }
    }
    let renamed = |address: &str| {
        let hit = names.iter().find(|(from, _)| {
            address.strip_prefix(from.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        hit.map_or_else(|| address.to_owned(), |(from, to)| format!("{to}{}", &address[from.len()..]))
    };
    let line = |node: &Node| {
        let value = match (node.format(), node.as_text()) {
            (Format::Node, _) => String::new(),
            (Format::Chr, Some(text)) => renamed(text),
            _ => STANDARD.encode(node.value().unwrap()),
        };
        let acl = node.own_acl().map(ToString::to_string).unwrap_or_default();
        format!("{} [{}] acl={acl}", node.format().as_str(), node.kind()) + " " + &value
    };
    tree.walk().into_iter().map(|(uri, node)| (renamed(&uri.to_string()), line(node))).collect()
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

/// Below which node the trees differ, and why.
struct Difference {
    below: &'static str,
    because: Because,
}

#[derive(Debug, PartialEq, Eq)]
enum Because {
    /// The message cannot say it; the builder names it so.
    Lost(&'static str),
    /// The same thing in another form.
    Form(&'static str),
}

use Because::{Form, Lost};

const NONCE: Because =
    Form("a nonce: base64 text in the message, as devices in the field read it; octets from a document");
const PREFERENCE: Because =
    Form("documents have no parameter for AAuthPref; the device chooses the strongest that it has");

fn because(below: &'static str, because: Because) -> Difference {
    Difference { below, because }
}

/// Compares the two trees of a profile: every difference must be expected, every expected one must be there, and what
/// the builder names as lost must be just what is expected to be lost. `without_node` are losses that leave no mark in a
/// tree.
fn compare(profile: &str, expected: &[Difference], without_node: &[&str]) {
    let [cp, dm] = payloads(profile);
    assert_eq!(cp.losses, Vec::<String>::new());
    let lost = expected.iter().filter_map(|d| match d.because {
        Lost(name) => Some(name),
        Form(_) => None,
    });
    let lost: BTreeSet<&str> = lost.chain(without_node.iter().copied()).collect();
    assert_eq!(dm.losses.iter().map(String::as_str).collect::<BTreeSet<_>>(), lost);
    let [cp, dm] = [cp, dm].map(|p| by_identifier(phone_with(&p).tree()));
    let all: BTreeSet<&String> = cp.keys().chain(dm.keys()).collect();
    let mut used = BTreeSet::new();
    for key in all.into_iter().filter(|key| cp.get(*key) != dm.get(*key)) {
        let below = |d: &Difference| {
            key.strip_prefix(d.below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let at = expected.iter().position(below);
        let at = at.unwrap_or_else(|| panic!("{key}: CP {:?}, DM {:?}", cp.get(key), dm.get(key)));
        used.insert(at);
        match &expected[at].because {
            // A message says less than a document, never something else.
            Lost(name) => assert!(!dm.contains_key(key), "{name}: {key}"),
            because if *because == NONCE => {
                let [cp, dm] = [&cp, &dm].map(|tree| tree[key].rsplit_once(' ').unwrap().1);
                assert_eq!(cp, dm, "{key}");
            }
            Form(_) => {}
        }
    }
    assert_eq!(used.len(), expected.len(), "a difference that is expected is not there");
}

#[test]
fn of_the_shipped_profile_for_a_phone() {
    const CONTEXT: &str = "[bootstrap]: a DM bootstrap has no provisioning context";
    const MMS: &str = "application w4 (Acme MMS): no management object for it";
    const PORTAL: &str = "application w2 (Acme Portal): no management object for it";
    const FLAG: &str =
        "nap internet: the internet flag; references to INTERNET name the first such access point";
    compare(
        CONSUMER,
        &[
            because("./CP/BOOTSTRAP", Lost(CONTEXT)),
            because("./CP/APPLICATION/1", Lost(MMS)),
            because("./CP/APPLICATION/2", Lost(PORTAL)),
            because("./CP", Form("the place of what has no management object")),
            because("./NAP/<internet>/Ext", Lost(FLAG)),
            because("./DMAcc/<acme.dm>/AAuthPref", PREFERENCE),
            because("./DMAcc/<acme.dm>/AppAuth/1/AAuthData", NONCE),
            because("./DMAcc/<acme.dm>/AppAuth/2/AAuthData", NONCE),
        ],
        &[],
    );
}

#[test]
fn of_the_shipped_profile_for_a_module() {
    compare(
        IOT,
        &[
            because("./DMAcc/<acme.iot>/AAuthPref", PREFERENCE),
            because("./DMAcc/<acme.iot>/AppAuth/1/AAuthData", NONCE),
            because("./DMAcc/<acme.iot>/AppAuth/2/AAuthData", NONCE),
        ],
        &[],
    );
}

#[test]
fn of_a_profile_with_several_of_everything() {
    compare(
        TWO_WAYS,
        &[
            because("./NAP/<net>/Ext/BEARER", Lost("nap net: all bearers but the first")),
            because("./NAP/<net>/Ext", Form("the place of what has no node of its own")),
            because("./Proxy/<px>/Ext/DOMAIN", Lost("proxy px: its domains")),
            because("./Proxy/<px>/Ext", Form("the place of what has no node of its own")),
            because("./DMAcc/<acme.dm>/AAuthPref", PREFERENCE),
            because("./DMAcc/<acme.dm>/AppAuth/2/AAuthData", NONCE),
            because("./DMAcc/<acme.dm>/AppAuth/3/AAuthData", NONCE),
            because("./DMAcc/<acme.dm>/AppAuth/7/AAuthData", NONCE),
        ],
        &["dm-account: `init = false`; a device opens a session with a new server anyway"],
    );
    let [cp, dm] = payloads(TWO_WAYS).map(|p| phone_with(&p).accounts()[0].first_session);
    assert_eq!((cp, dm), (FirstSession::Later, FirstSession::AtOnce));
}

/// The sheet of DMAcc: which levels and types there are, how the tree spells them, and what may be absent.
#[test]
fn every_way_of_authentication_is_in_the_tree() {
    for payload in payloads(TWO_WAYS) {
        let phone = phone_with(&payload);
        let account = phone.tree().node(&uri("./DMAcc")).unwrap().children().next().unwrap().0.to_owned();
        let leaf = |n: usize, name: &str| {
            let at = uri(&format!("./DMAcc/{account}/AppAuth/{n}/{name}"));
            let octets = phone.tree().node(&at).map(|node| node.value().unwrap().to_vec());
            octets.map(|o| String::from_utf8(o).unwrap())
        };
        let all: Vec<[Option<String>; 4]> = (1..=8)
            .map(|n| ["AAuthLevel", "AAuthType", "AAuthName", "AAuthSecret"].map(|name| leaf(n, name)))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        let (level, kind): (Vec<_>, Vec<_>) = all.iter().map(|[l, k, ..]| (l.clone(), k.clone())).unzip();
        let wanted = ["CLCRED", "SRVCRED", "CLCRED", "CLCRED", "SRVCRED", "OBEX", "HTTP", "HTTP"].map(some);
        assert_eq!(level, wanted, "{:?}", payload.kind);
        let wanted = ["BASIC", "DIGEST", "HMAC", "SECURID", "X509", "HTTP-BASIC", "HTTP-DIGEST", "TRANSPORT"]
            .map(some);
        assert_eq!(kind, wanted, "{:?}", payload.kind);
        assert_eq!(all[2][2..], [some("490154203237518"), some("hmac-secret")]);
        assert_eq!(all[3][2..], [some("490154203237518"), None]);
        assert_eq!(all[4][2..], [None, None]);
        assert_eq!(all[5][2..], [some("cable"), some("obex-secret")]);
        assert_eq!(all[6][2..], [some("+491711234567".trim_start_matches('+')), some("http-secret")]);
        assert_eq!(all[7][2..], [None, None]);
        assert_eq!(leaf(9, "AAuthLevel"), None);
    }
}

/// Nothing that a profile can say is dropped by the phone in silence, or at all.
#[test]
fn the_phone_keeps_all_of_the_reference_profile() {
    let [cp, _] = payloads(REFERENCE);
    let phone = phone_with(&cp);
    let applications = phone.tree().node(&uri("./CP/APPLICATION")).unwrap().children();
    let ids: Vec<String> = applications
        .map(|(n, _)| phone.tree().text(&format!("./CP/APPLICATION/{n}/APPID")).unwrap().to_owned())
        .collect();
    let wanted = REFERENCE.split("[[application]]\nid = \"").skip(1);
    let wanted: BTreeSet<&str> = wanted.map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(ids.iter().map(String::as_str).collect::<BTreeSet<_>>(), wanted);
    assert!(wanted.contains("554") && wanted.contains("ap2001"));
}

/// Get, Replace and Delete on all that came with the account, and nothing for anybody else (OMA DM Bootstrap 1.2).
#[test]
fn the_server_of_the_account_may_manage_all_that_came_with_it() {
    for (profile, server, nodes) in [(CONSUMER, "acme.dm", [79, 55]), (IOT, "acme.iot", [32, 33])] {
        for (payload, nodes) in payloads(profile).iter().zip(nodes) {
            let phone = phone_with(payload);
            let tree = phone.tree();
            let came: Vec<Uri> = tree
                .walk()
                .into_iter()
                .filter(|(_, node)| matches!(node.origin(), Origin::Bootstrap(_)))
                .map(|(uri, _)| uri)
                .collect();
            assert_eq!(came.len(), nodes, "{:?}", payload.kind);
            for at in &came {
                for right in [Right::Get, Right::Replace, Right::Delete] {
                    assert!(tree.allows(right, at, &server.parse().unwrap()), "{right:?} {at}");
                    assert!(!tree.allows(right, at, &"other".parse().unwrap()), "{right:?} {at}");
                }
                assert!(!tree.allows(Right::Exec, at, &server.parse().unwrap()), "{at}");
            }
            assert!(!tree.allows(Right::Replace, &uri("./DevInfo/Lang"), &server.parse().unwrap()));
        }
    }
}

/// Plain Adds do not say of which type the connectivity objects are; all else is the same, and so are the nonces that the
/// phone proves itself with.
#[test]
fn every_form_of_the_message_makes_the_same_tree() {
    let mut compared = 0;
    for profile in [CONSUMER, IOT, TWO_WAYS] {
        let mut settings = settings(profile);
        let mut tree = |encoding, nonce_format| {
            (settings.dm.encoding, settings.dm.nonce_format) = (encoding, nonce_format);
            let phone = phone_with(&build(&settings, PayloadKind::Dm).unwrap());
            let untyped = |line: String| {
                line.replace("[urn:oma:mo:oma-connmo-nap:1.0]", "[]")
                    .replace("[urn:oma:mo:oma-connmo-proxy:1.0]", "[]")
            };
            by_identifier(phone.tree()).into_iter().map(|(at, line)| (at, untyped(line))).collect::<Vec<_>>()
        };
        for nonce_format in NonceFormat::ALL {
            let plain = tree(DmEncoding::Plain, *nonce_format);
            for encoding in [DmEncoding::TndsOpaque, DmEncoding::TndsInline, DmEncoding::TndsXml] {
                assert_eq!(tree(encoding, *nonce_format), plain, "{encoding}, {nonce_format}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 27);
}

#[test]
fn access_control_lists_of_the_profile_are_in_the_tree_and_are_kept() {
    for encoding in ["tnds-opaque", "tnds-inline", "tnds-xml"] {
        let profile = IOT
            .replacen(
                "[dm-account]\n",
                &format!("[dm]\nencoding = \"{encoding}\"\n[dm-account]\nacl = \"Replace=acme.iot&Get=*\"\n"),
                1,
            )
            .replacen("[[nap]]\n", "[[nap]]\nacl = \"Get=acme.iot+acme.backup\"\n", 1);
        let [cp, dm] = payloads(&profile);
        assert_eq!(cp.losses.len(), 2, "{:?}", cp.losses);
        assert!(dm.losses.is_empty(), "{:?}", dm.losses);
        let phone = phone_with(&dm);
        let tree = phone.tree();
        let list = |at: &str| tree.node(&uri(at)).unwrap().own_acl().unwrap().to_string();
        assert_eq!(list("./DMAcc/acme.iot"), "Get=*&Replace=acme.iot");
        let nap = tree.node(&uri("./NAP")).unwrap().children().next().unwrap().0;
        assert_eq!(list(&format!("./NAP/{nap}")), "Get=acme.backup+acme.iot");
        let may = |right, at: &str, server: &str| tree.allows(right, &uri(at), &server.parse().unwrap());
        assert!(may(Right::Get, "./DMAcc/acme.iot/Name", "other"));
        assert!(may(Right::Replace, "./DMAcc/acme.iot/Name", "acme.iot"));
        assert!(!may(Right::Replace, "./DMAcc/acme.iot/Name", "other"));
        assert!(!may(Right::Delete, "./DMAcc/acme.iot/Name", "acme.iot"));
        assert!(!may(Right::Replace, &format!("./NAP/{nap}/Addr"), "acme.iot"));
    }
}
