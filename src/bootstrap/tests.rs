//! Settings as properties draw them, one device's settings that never change, and what holds for every kind of payload.

#![cfg(test)]

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{
    ident::Random,
    profile::{
        AppId, Application, AuthScheme, Bearer, Bootstrap, Link, NapAddressType, NapAuth, NapAuthType,
        NapDef, Port, Profile, ProxyAddressType, ProxyAuth, ProxyAuthType, PxLogical, PxPhysical, Resource,
        Service, Subscriber,
    },
};

/// Any text that a value may hold.
fn text() -> impl Strategy<Value = String> {
    "\\PC{1,20}"
}

fn term<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

fn some<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    option::of(value)
}

fn secret() -> impl Strategy<Value = crate::ident::SharedSecret> {
    text().prop_map(|t| t.parse().unwrap())
}

/// References to some of what there is.
fn links() -> impl Strategy<Value = Vec<Link>> {
    let link = prop_oneof![
        (0..3).prop_map(|n| Link::Nap(format!("nap-{n}"))),
        (0..2).prop_map(|n| Link::Proxy(format!("proxy-{n}"))),
        Just(Link::Internet),
    ];
    vec(link, 0..4).prop_map(once)
}

/// Every entry once.
fn once<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut out = Vec::new();
    for entry in list {
        if !out.contains(&entry) {
            out.push(entry);
        }
    }
    out
}

fn ports() -> impl Strategy<Value = Vec<Port>> {
    let port =
        (1u16.., vec(term(Service::ALL), 0..3)).prop_map(|(number, services)| Port { number, services });
    vec(port, 0..3).prop_map(|mut ports| {
        ports.sort_by_key(|p| p.number);
        ports.dedup_by_key(|p| p.number);
        ports
    })
}

fn nap() -> impl Strategy<Value = NapDef<String>> {
    let auth = (term(NapAuthType::ALL), some(text()), some(secret()))
        .prop_map(|(kind, name, secret)| NapAuth { kind, name, secret });
    let head = (text(), vec(term(Bearer::ALL), 0..3), text(), term(NapAddressType::ALL));
    let tail = (any::<bool>(), vec(any::<core::net::IpAddr>(), 0..3), some(any::<u32>()), vec(auth, 0..3));
    (head, tail).prop_map(|((name, bearers, address, address_type), (internet, dns, linger, auth))| NapDef {
        id: String::new(),
        name,
        bearers,
        address,
        address_type,
        internet,
        dns,
        linger,
        auth,
    })
}

fn proxy() -> impl Strategy<Value = PxLogical<String>> {
    let auth = (term(ProxyAuthType::ALL), some(text()), some(secret()))
        .prop_map(|(kind, name, secret)| ProxyAuth { kind, name, secret });
    let only_naps = |l: &Link| !matches!(l, Link::Proxy(_));
    let physical = (text(), text(), term(ProxyAddressType::ALL), ports(), links()).prop_map(
        move |(id, address, address_type, ports, links)| PxPhysical {
            id,
            address,
            address_type,
            ports,
            connect_via: links.into_iter().filter(only_naps).collect(),
        },
    );
    let head = (text(), vec(text(), 0..4), some(text()), some(any::<bool>()));
    (head, vec(auth, 0..2), ports(), vec(physical, 1..3)).prop_map(
        |((name, domains, start_page, push), auth, ports, physical)| PxLogical {
            id: String::new(),
            name,
            domains,
            start_page,
            push,
            auth,
            ports,
            physical,
        },
    )
}

fn credential() -> impl Strategy<Value = Credential> {
    (term(AuthScheme::ALL), text(), secret(), vec(any::<u8>(), 1..40)).prop_map(
        |(scheme, name, secret, nonce)| Credential {
            scheme,
            name,
            secret,
            nonce: if scheme == AuthScheme::Digest { nonce } else { Vec::new() },
        },
    )
}

fn account() -> impl Strategy<Value = Account> {
    let address = "https?://[a-z]{1,8}\\.example:[1-9][0-9]{0,3}(/[a-z]{0,8})?";
    ("[a-zA-Z0-9._-]{3,20}", some(text()), address, links(), credential(), credential(), any::<bool>())
        .prop_map(|(server_id, name, address, connect_via, client, server, init)| Account {
            server_id: server_id.parse().unwrap(),
            name,
            address,
            connect_via,
            credentials: DmCredentials { client, server },
            init,
        })
}

fn application() -> impl Strategy<Value = Application> {
    let resource = (text(), some(text()), any::<bool>()).prop_map(|(uri, name, start_page)| Resource {
        uri,
        name,
        start_page,
    });
    let head = (term(AppId::ALL), some(text()), some(text()), some(text()));
    (head, links(), vec(resource, 0..3)).prop_map(
        |((kind, provider_id, name, address), connect_via, resources)| Application {
            kind,
            provider_id,
            name,
            address,
            connect_via,
            resources,
        },
    )
}

fn bootstrap() -> impl Strategy<Value = Bootstrap> {
    (some(text()), some(text()), vec("proxy-[01]", 0..3), some(any::<u8>())).prop_map(
        |(name, prov_url, proxies, context_allow)| Bootstrap { name, prov_url, proxies, context_allow },
    )
}

prop_compose! {
    /// Any settings, of a device without an address.
    pub(super) fn settings()(
        bootstrap in some(bootstrap()),
        naps in vec(nap(), 3),
        proxies in vec(proxy(), 0..3),
        account in account(),
        applications in vec(application(), 0..3),
    ) -> Settings {
        let (mut naps, mut proxies) = (naps, proxies);
        naps.iter_mut().enumerate().for_each(|(n, nap)| nap.id = format!("nap-{n}"));
        proxies.iter_mut().enumerate().for_each(|(n, proxy)| proxy.id = format!("proxy-{n}"));
        Settings { device: None, bootstrap, naps, proxies, dm_account: Some(account), applications }
    }
}

/// Octets that count up: repeatable, and all different.
pub(super) struct Counting(std::sync::atomic::AtomicU8);

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) {
        for octet in out {
            *octet = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// The settings of one device under an example profile; always the same.
pub(super) fn example(profile: &str) -> Settings {
    let subscriber = Subscriber {
        imsi: Some("262011234567890".parse().unwrap()),
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some("89490200001234567892".parse().unwrap()),
        msisdn: Some("+491711234567".parse().unwrap()),
    };
    resolve(&Profile::parse(profile).unwrap(), &subscriber, &Counting(0.into())).unwrap()
}

/// The example profiles by name.
pub(super) const EXAMPLES: [(&str, &str); 2] = [
    ("consumer-phone", include_str!("../../config/profiles/consumer-phone.toml")),
    ("iot-module", include_str!("../../config/profiles/iot-module.toml")),
];

/// Compares with a document of ours below `tests/data/bootstrap`, or writes it there when BLESS is set.
fn golden(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bootstrap").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(expected, found, "{name}");
}

#[test]
fn payloads_of_the_examples_are_as_they_were_reviewed() {
    for (name, profile) in EXAMPLES {
        let settings = example(profile);
        for kind in PayloadKind::ALL {
            let payload = build(&settings, kind).unwrap();
            golden(&format!("{name}.{kind}.xml"), &payload.to_xml().unwrap());
            let hex: String = payload.octets.iter().map(|o| format!("{o:02x}")).collect();
            golden(&format!("{name}.{kind}.hex"), &format!("{hex}\n"));
            let lines: String = describe(&payload.octets)
                .unwrap()
                .lines
                .iter()
                .map(|(path, value)| format!("{path} = {value}\n"))
                .collect();
            golden(&format!("{name}.{kind}.txt"), &lines);
        }
    }
}

#[test]
fn a_kind_is_known_by_its_octets_its_word_and_its_file() {
    let settings = example(EXAMPLES[0].1);
    for kind in PayloadKind::ALL {
        let payload = build(&settings, kind).unwrap();
        assert_eq!(recognise(&payload.octets), Some(kind));
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(PayloadKind::from_oid(&payload.oid()), Some(kind));
        assert!(read_noting(kind, &payload.octets).unwrap().ignored.is_empty());
        for other in PayloadKind::ALL.into_iter().filter(|k| *k != kind) {
            assert!(read(other, &payload.octets).is_err(), "{kind} read as {other}");
        }
        assert_eq!(format!("{payload:?}"), format!("Payload({kind}, {} octets)", payload.octets.len()));
    }
    assert_eq!(PayloadKind::Cp.oid().to_string(), "2.23.43.5.1");
    assert_eq!(PayloadKind::Dm.oid().to_string(), "2.23.43.7.1");
    assert!("CP".parse::<PayloadKind>().is_err());
    assert_eq!(recognise(&[0xFF; 8]), None);
}

#[test]
fn every_truncation_is_an_error() {
    for kind in PayloadKind::ALL {
        let octets = build(&example(EXAMPLES[0].1), kind).unwrap().octets;
        for end in 0..octets.len() {
            assert!(read(kind, &octets[..end]).is_err(), "{kind}: {end} octets");
            assert_eq!(recognise(&octets[..end]), None);
        }
    }
}

#[test]
fn a_description_hides_what_is_secret() {
    for (name, profile) in EXAMPLES {
        let settings = example(profile);
        let account = settings.dm_account.as_ref().unwrap();
        for kind in PayloadKind::ALL {
            let description = describe(&build(&settings, kind).unwrap().octets).unwrap();
            assert!(description.has_secrets);
            let shown = format!("{description:?}");
            for c in [&account.credentials.client, &account.credentials.server] {
                assert!(!shown.contains(c.secret.expose()), "{name}.{kind}");
            }
            assert!(shown.contains("***") && shown.contains(&account.address));
        }
    }
}

proptest! {
    #[test]
    fn octets_of_strangers_never_make_a_reader_panic(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in select(&PayloadKind::ALL[..]),
    ) {
        let mut octets = build(&example(EXAMPLES[0].1), kind).unwrap().octets;
        for (at, octet) in changes {
            *at.get_mut(&mut octets) = octet;
        }
        let _ = (read_noting(kind, &octets), describe(&octets));
    }
}
