//! Settings as properties draw them, one device's settings that never change, and what holds for every kind of payload.

#![cfg(test)]

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{
    ident::Random,
    profile::{
        Access, AccountAuthType, Acl, AppAddr, AppAddressType, AppAuth, AppId, Application, AuthEntity,
        AuthLevel, AuthPlace, AuthScheme, AuthWay, BasicAuth, Bearer, Bootstrap, CallType, CpVersion,
        DmEncoding, DmOptions, FurtherAuth, Link, LinkSpeed, NapAddressType, NapAuth, NapAuthType, NapDef,
        NapTuning, NonceFormat, Parameter, Port, Profile, ProxyAddressType, ProxyAuth, ProxyAuthType,
        PxLogical, PxPhysical, QosParameter, Resource, Service, Subscriber, Validity, VendorConfig,
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

fn speed() -> impl Strategy<Value = LinkSpeed> {
    prop_oneof![Just(LinkSpeed::Auto), any::<u32>().prop_map(LinkSpeed::Bits)]
}

fn tuning() -> impl Strategy<Value = NapTuning> {
    let qos = proptest::collection::btree_map(term(QosParameter::ALL), any::<u32>(), 0..4);
    let number = || some(any::<u32>());
    let head =
        (some(term(CallType::ALL)), some(any::<core::net::IpAddr>()), some(speed()), some(speed()), qos);
    (head, number(), number(), number(), any::<bool>()).prop_map(
        |(
            (call_type, local_address, link_speed, dn_link_speed, qos),
            max_num_retry,
            first_retry_timeout,
            rereg_threshold,
            t_bit,
        )| {
            NapTuning {
                call_type,
                local_address,
                link_speed,
                dn_link_speed,
                qos,
                max_num_retry,
                first_retry_timeout,
                rereg_threshold,
                t_bit,
            }
        },
    )
}

fn nap() -> impl Strategy<Value = NapDef<String>> {
    let auth = (
        term(NapAuthType::ALL),
        some(text()),
        some(secret()),
        vec(term(AuthEntity::ALL), 0..3),
        some(any::<u32>()),
    )
        .prop_map(|(kind, name, secret, entities, spi)| NapAuth {
            kind,
            name,
            secret,
            entities: once(entities),
            spi,
        });
    let validity = (some(text()), some(text()), some(text()), some(text()), some(text())).prop_map(
        |(country, network, sid, soc, valid_until)| Validity { country, network, sid, soc, valid_until },
    );
    let head = (text(), vec(term(Bearer::ALL), 0..3), text(), term(NapAddressType::ALL));
    let tail = (any::<bool>(), vec(any::<core::net::IpAddr>(), 0..3), some(any::<u32>()), vec(auth, 0..3));
    (head, tail, tuning(), vec(validity, 0..2)).prop_map(
        |((name, bearers, address, address_type), (internet, dns, linger, auth), tuning, validity)| NapDef {
            id: String::new(),
            name,
            bearers,
            address,
            address_type,
            internet,
            dns,
            linger,
            tuning,
            auth,
            validity,
            acl: None,
        },
    )
}

fn physical() -> impl Strategy<Value = PxPhysical> {
    let only_naps = |l: &Link| !matches!(l, Link::Proxy(_));
    let head = (text(), text(), term(ProxyAddressType::ALL), some(text()), vec(text(), 0..3));
    let switches = (some(text()), some(any::<bool>()), some(any::<bool>()));
    (head, switches, ports(), links()).prop_map(
        move |((id, address, address_type, fqdn, domains), (wsp_version, push, pull), ports, links)| {
            PxPhysical {
                id,
                address,
                address_type,
                fqdn,
                domains,
                wsp_version,
                push,
                pull,
                ports,
                connect_via: links.into_iter().filter(only_naps).collect(),
            }
        },
    )
}

fn proxy() -> impl Strategy<Value = PxLogical<String>> {
    let auth = (term(ProxyAuthType::ALL), some(text()), some(secret()))
        .prop_map(|(kind, name, secret)| ProxyAuth { kind, name, secret });
    let basic = (text(), some(secret())).prop_map(|(name, secret)| BasicAuth { name: Some(name), secret });
    let head = (text(), vec(text(), 0..4), some(text()), some(any::<bool>()), some(any::<bool>()));
    let own = (some(secret()), some(term(ProxyAuthType::ALL)), some(text()), any::<bool>(), any::<bool>());
    let rest = (some(basic), some(text()));
    (head, own, rest, vec(auth, 0..2), ports(), vec(physical(), 1..3)).prop_map(
        |(
            (name, domains, start_page, push, pull),
            (secret, ppg_auth, provider_id, trust, master),
            (basic_auth, wsp_version),
            auth,
            ports,
            physical,
        )| PxLogical {
            id: String::new(),
            name,
            secret,
            ppg_auth,
            provider_id,
            domains,
            trust,
            master,
            start_page,
            basic_auth,
            wsp_version,
            push,
            pull,
            auth,
            ports,
            physical,
            acl: None,
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

/// Ways that each stand once, and none of them `client-auth` or `server-auth`.
fn further(client: AuthScheme, server: AuthScheme) -> impl Strategy<Value = Vec<FurtherAuth<String>>> {
    let way = (term(AuthPlace::ALL), term(AccountAuthType::ALL))
        .prop_filter_map("not together", |(p, k)| AuthWay::new(p, k));
    let proof = (some(text()), some(secret()), vec(any::<u8>(), 0..5));
    vec((way, proof), 0..4).prop_map(move |entries| {
        let mut seen = vec![AuthWay::Client(client.into()), AuthWay::Server(server.into())];
        let mut out = Vec::new();
        for (way, (name, secret, data)) in entries {
            if !seen.contains(&way) {
                seen.push(way);
                out.push(FurtherAuth { way, name, secret, data });
            }
        }
        out
    })
}

fn account() -> impl Strategy<Value = Account> {
    let address = "https?://[a-z]{1,8}\\.example:[1-9][0-9]{0,3}(/[a-z]{0,8})?";
    let credentials = (credential(), credential()).prop_flat_map(|(client, server)| {
        let further = further(client.scheme, server.scheme);
        (Just(DmCredentials { client, server }), further)
    });
    let tail = (credentials, any::<bool>(), parameters());
    ("[a-zA-Z0-9._-]{3,20}", some(text()), address, links(), tail).prop_map(
        |(server_id, name, address, connect_via, ((credentials, further_auth), init, parameters))| Account {
            server_id: server_id.parse().unwrap(),
            name,
            address,
            connect_via,
            credentials,
            further_auth,
            init,
            acl: None,
            parameters,
        },
    )
}

/// Parameters under names that mean nothing else.
fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let parameter = ("X-[A-Z]{1,6}", some("\\PC{0,12}")).prop_map(|(name, value)| Parameter { name, value });
    vec(parameter, 0..3)
}

fn app_auth(level: Option<AuthLevel>) -> impl Strategy<Value = AppAuth<String>> {
    (some(text()), text(), some(secret()), some(text())).prop_map(move |(scheme, name, secret, data)| {
        AppAuth { level, scheme, name: Some(name), secret, data }
    })
}

fn application() -> impl Strategy<Value = Application<String>> {
    let resource = (text(), some(text()), some(text()), some(app_auth(None)), any::<bool>(), parameters())
        .prop_map(|(uri, name, accept, auth, start_page, parameters)| Resource {
            uri,
            name,
            accept,
            auth,
            start_page,
            parameters,
        });
    let server =
        (text(), some(term(AppAddressType::ALL)), ports()).prop_map(|(address, address_type, ports)| {
            AppAddr {
                address,
                address_type,
                ports: ports
                    .into_iter()
                    .map(|p| Port {
                        number: p.number,
                        services: p.services.iter().map(ToString::to_string).collect(),
                    })
                    .collect(),
            }
        });
    let head = (select(&AppId::NAMED[..]), some(text()), some(text()), some(text()), some(text()));
    let auth = some(term(AuthLevel::ALL)).prop_flat_map(app_auth);
    let tail = (vec(text(), 0..2), parameters(), vec(server, 0..2), vec(auth, 0..2));
    (head, links(), tail, vec(resource, 0..3)).prop_map(
        |(
            (kind, provider_id, name, accept, protocol),
            connect_via,
            (addresses, parameters, servers, auth),
            resources,
        )| Application {
            kind: kind.parse().unwrap(),
            provider_id,
            name,
            accept,
            protocol,
            addresses,
            connect_via,
            parameters,
            servers,
            auth,
            resources,
        },
    )
}

fn bootstrap() -> impl Strategy<Value = Bootstrap> {
    let place = (some(text()), vec(text(), 0..2));
    (some(text()), some(text()), place, vec("proxy-[01]", 0..3), some(any::<u8>())).prop_map(
        |(name, prov_url, (country, networks), proxies, context_allow)| Bootstrap {
            name,
            prov_url,
            country,
            networks,
            proxies,
            context_allow,
        },
    )
}

fn access() -> impl Strategy<Value = Access> {
    (vec(text(), 1..3), vec(text(), 0..2), vec(any::<u16>(), 0..2), vec(text(), 0..2), links()).prop_map(
        |(rules, app_ids, ports, domains, connect_via)| Access {
            rules,
            app_ids,
            ports,
            domains,
            connect_via,
        },
    )
}

prop_compose! {
    /// Any settings, of a device without an address.
    pub(super) fn settings()(
        head in (term(CpVersion::ALL), some(text()), vec(bootstrap(), 0..3)),
        naps in vec(nap(), 3),
        proxies in vec(proxy(), 0..3),
        account in account(),
        applications in vec(application(), 0..3),
        access in vec(access(), 0..2),
        vendors in vec((text(), parameters()), 0..2),
    ) -> Settings {
        let (mut naps, mut proxies) = (naps, proxies);
        naps.iter_mut().enumerate().for_each(|(n, nap)| nap.id = format!("nap-{n}"));
        proxies.iter_mut().enumerate().for_each(|(n, proxy)| proxy.id = format!("proxy-{n}"));
        let (cp_version, client_id, bootstraps) = head;
        let vendor = |(name, parameters)| VendorConfig { name, parameters };
        Settings {
            device: None,
            cp_version,
            dm: DmOptions::default(),
            client_id,
            bootstraps,
            naps,
            proxies,
            dm_account: Some(account),
            applications,
            access,
            vendor_configs: vendors.into_iter().map(vendor).collect(),
        }
    }
}

fn acl() -> impl Strategy<Value = Option<Acl>> {
    let list = "((Add|Exec)=\\*&)?(Get|Replace)=([a-z.]{1,6}(\\+[a-z]{1,6})?|\\*)";
    some(list.prop_map(|text| text.parse().unwrap()))
}

/// Any settings, in any form of a DM message, with access control lists.
pub(super) fn dm_settings() -> impl Strategy<Value = Settings> {
    let form = (term(DmEncoding::ALL), term(NonceFormat::ALL));
    (settings(), vec(acl(), 6), form).prop_map(|(mut settings, acls, (encoding, nonce_format))| {
        settings.dm = DmOptions { encoding, nonce_format };
        let mut acls = acls.into_iter().flatten();
        settings.dm_account.iter_mut().for_each(|a| a.acl = acls.next());
        settings.naps.iter_mut().for_each(|n| n.acl = acls.next());
        settings.proxies.iter_mut().for_each(|p| p.acl = acls.next());
        settings
    })
}

/// Octets that count up: repeatable, and all different.
pub(super) struct Counting(std::sync::atomic::AtomicU8);

impl Counting {
    pub(super) fn new() -> Self {
        Self(0.into())
    }
}

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
    resolve(&Profile::parse(profile).unwrap(), &subscriber, &Counting::new()).unwrap()
}

/// The example profiles by name.
pub(super) const EXAMPLES: [(&str, &str); 2] = [
    ("consumer-phone", include_str!("../../config/profiles/consumer-phone.toml")),
    ("iot-module", include_str!("../../config/profiles/iot-module.toml")),
];

/// Compares with a document of ours below `tests/data/bootstrap`, or writes it there when BLESS is set.
pub(super) fn golden(name: &str, found: &str) {
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
