//! What comes in is what went out, and no bootstrap of the field makes the importer fail.

#![cfg(test)]

use proptest::prelude::*;

use super::*;
use crate::{
    bootstrap::{Settings, read, resolve},
    ident::Random,
    profile::{Profile, Subscriber, check},
    wire::vectors,
};

const EXAMPLES: [&str; 2] = [
    include_str!("../../../config/profiles/consumer-phone.toml"),
    include_str!("../../../config/profiles/iot-module.toml"),
];

/// Secrets and nonces that are always the same.
struct Sevens;

impl Random for Sevens {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

fn named() -> ProfileName {
    "imported".parse().unwrap()
}

fn subscriber() -> Subscriber {
    Subscriber {
        imsi: Some("262011234567890".parse().unwrap()),
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some("89490200001234567892".parse().unwrap()),
        msisdn: Some("491711234567".parse().unwrap()),
    }
}

fn imported(octets: &[u8]) -> (Imported, Profile) {
    let imported = import(octets, &named()).unwrap();
    let profile =
        Profile::parse(&imported.profile).unwrap_or_else(|p| panic!("{p:?}\n{}", imported.losses.join("\n")));
    (imported, profile)
}

/// Without what a profile does not say: the device and its nonces.
fn comparable(mut settings: Settings) -> Settings {
    settings.device = None;
    if let Some(account) = &mut settings.dm_account {
        account.credentials.client.nonce.clear();
        account.credentials.server.nonce.clear();
    }
    settings
}

/// Builds a profile, imports it, and compares what the two profiles build. Gives the losses.
fn there_and_back(text: &str, kind: PayloadKind) -> Vec<String> {
    let profile = Profile::parse(text).unwrap_or_else(|p| panic!("{p:?}\n{text}"));
    let settings = resolve(&profile, &subscriber(), &Sevens).unwrap();
    let payload = build(&settings, kind).unwrap();
    let (found, again) = imported(&payload.octets);
    let again = resolve(&again, &subscriber(), &Sevens).unwrap();
    let built_again = build(&again, kind).unwrap();
    let expected = comparable(read(kind, &payload.octets).unwrap());
    assert_eq!(comparable(read(kind, &built_again.octets).unwrap()), expected, "{}", found.losses.join("\n"));
    found.losses
}

#[test]
fn the_examples_come_back() {
    for text in EXAMPLES {
        let losses = there_and_back(text, PayloadKind::Cp);
        assert_eq!(losses.len(), 3, "{losses:?}");
        assert!(losses.iter().filter(|l| l.ends_with("a nonce is drawn for each device")).count() == 2);
        there_and_back(text, PayloadKind::Dm);
    }
}

#[test]
fn the_reference_comes_back_with_every_parameter() {
    let losses = there_and_back(include_str!("../../../config/profiles/reference.toml"), PayloadKind::Cp);
    let other: Vec<_> =
        losses.iter().filter(|l| !l.contains("nonce") && !l.starts_with("security: no SEC")).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[test]
fn every_form_of_a_message_comes_back_with_its_lists() {
    let reference = include_str!("../../../config/profiles/reference.toml");
    for form in ["tnds-opaque", "tnds-inline", "tnds-xml"] {
        let text = reference.replace("encoding = \"tnds-opaque\"", &format!("encoding = \"{form}\""));
        let losses = there_and_back(&text, PayloadKind::Dm);
        assert!(losses.iter().all(|l| !l.contains("acl") && !l.contains("ACL")), "{losses:?}");
        let settings = resolve(&Profile::parse(&text).unwrap(), &subscriber(), &Sevens).unwrap();
        let (found, profile) = imported(&build(&settings, PayloadKind::Dm).unwrap().octets);
        assert!(found.profile.contains(&format!("encoding = \"{form}\"")), "{form}");
        assert_eq!(profile.dm_account.unwrap().acl, settings.dm_account.unwrap().acl);
        let lists: Vec<_> = profile.naps.iter().map(|n| &n.acl).collect();
        assert_eq!(lists, settings.naps.iter().map(|n| &n.acl).collect::<Vec<_>>());
        assert_eq!(profile.proxies[0].acl, settings.proxies[0].acl);
    }
}

#[test]
fn every_vector_of_client_provisioning_is_imported() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut good, mut bad) = (0, Vec::new());
    for ending in ["wbxml", "xml"] {
        for name in vectors::names(&folder, ending) {
            match import(&vectors::read(&folder, &name, ending), &named()) {
                Ok(imported) => {
                    let checked = check(&imported.profile);
                    assert!(checked.profile.is_some(), "{name}: {:?}", checked.problems);
                    good += 1;
                }
                Err(_) => bad.push(name),
            }
        }
    }
    // The one is malformed; the version of the other reads 1.01.0, which only readers of settings mind.
    assert_eq!((good, bad), (48, vec!["gecko-vendorconfig-truncated".to_owned()]));
}

#[test]
fn pushes_are_opened_and_tell_the_method() {
    let Some(folder) = vectors::folder("cp") else { return };
    let mut pushes = 0;
    for name in vectors::names(&folder, "json") {
        let case: serde_json::Value = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
        let Some(pdu) = case["wsp_push_pdu_hex"].as_str() else { continue };
        // Hexadecimal digits are taken as they stand.
        let (found, profile) = imported(pdu.as_bytes());
        let method = ["netwpin", "userpin", "usernetwpin", "userpinmac"];
        let expected = case["sec"].as_u64().and_then(|n| method.get(usize::try_from(n).unwrap()));
        assert_eq!(profile.security.map(|m| m.as_str()), expected.copied(), "{name}");
        assert!(!found.losses.iter().any(|l| l.starts_with("security")), "{name}");
        pushes += 1;
    }
    assert_eq!(pushes, 13);
}

#[test]
fn every_dm_bootstrap_among_the_vectors_is_imported() {
    let Some(folder) = vectors::folder("dm") else { return };
    let mut good = 0;
    for name in ["boot-inbox-tnds-opaque", "boot-plain-add", "syncml11-dm-bootstrap"] {
        for ending in ["wbxml", "xml"] {
            let (_, profile) = imported(&vectors::read(&folder, name, ending));
            good += 1;
            if name == "boot-plain-add" {
                assert!(profile.dm_account.is_some(), "{name}.{ending}");
            }
        }
    }
    let case: serde_json::Value =
        serde_json::from_slice(&vectors::read(&folder, "wsp-push-boot-networkid", "json")).unwrap();
    let mut push = vectors::hex(case["wsp_header_hex"].as_str().unwrap());
    push.extend(vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml"));
    let (found, profile) = imported(&push);
    assert_eq!((found.kind, profile.security), (PayloadKind::Dm, Some(SecurityMethod::NetwPin)));
    assert_eq!(good, 6);
}

#[test]
fn what_does_not_fit_is_named_and_what_is_secret_is_not() {
    let document = r#"<wap-provisioningdoc>
        <characteristic type="NAPDEF"><parm name="NAPID" value="my net"/><parm name="BEARER" value="GSM-UMTS"/>
            <parm name="NAP-ADDRESS" value="net.example"/><parm name="NAP-ADDRTYPE" value="APN"/><parm name="COLOUR" value="red"/></characteristic>
        <characteristic type="APPLICATION"><parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="a.dm"/>
            <parm name="TO-NAPID" value="my net"/><parm name="TO-NAPID" value="nowhere"/>
            <characteristic type="APPADDR"><parm name="ADDR" value="https://dm.example/x"/>
                <characteristic type="PORT"><parm name="PORTNBR" value="8443"/></characteristic></characteristic>
            <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="SAFEWORD,BASIC"/>
                <parm name="AAUTHNAME" value="{me}"/><parm name="AAUTHSECRET" value="hunter2 &quot;\"/></characteristic></characteristic>
        <characteristic type="WIDGET"/></wap-provisioningdoc>"#;
    let (found, profile) = imported(document.as_bytes());
    let losses = found.losses.join("\n");
    for expected in [
        "NAPID: an id that a profile cannot have, or not twice, became \"my-net\"",
        "NAPDEF[1]/NAME: there is none; the id was put there",
        "NAPDEF[1]/BEARER: none is left; GSM-GPRS was put there",
        "NAPDEF[1]/COLOUR: a profile has no place for it",
        "APPLICATION[2]/TO-NAPID: leads to an access point that the document does not have",
        "APPLICATION[2]/APPAUTH=CLIENT: has no secret; \"generate\" was put there",
        "WIDGET[3]: a profile has no place for it",
        "security: no SEC",
    ] {
        assert!(losses.contains(expected), "{expected}\n{losses}");
    }
    assert!(!losses.contains("hunter2"));
    let account = profile.dm_account.unwrap();
    assert_eq!(account.further_auth.len(), 1);
    assert_eq!(account.further_auth[0].way.to_string(), "client SAFEWORD");
    assert_eq!(account.address.as_str(), "https://dm.example:8443/x");
    assert_eq!(account.client_auth.name.as_literal(), Some("{me}"));
    assert_eq!(account.server_auth.name.as_literal(), Some("a.dm"));
    let crate::profile::SecretRule::Plain(secret) = account.client_auth.secret else { panic!("drawn") };
    assert_eq!(secret.expose(), "hunter2 \"\\");
}

#[test]
fn what_is_no_bootstrap_is_refused() {
    for octets in [&b""[..], b"<a/>", b"0306", b"name = \"x\"", &[0xFF; 30], &[1, 6, 0]] {
        assert!(matches!(import(octets, &named()), Err(ImportError::Bootstrap(_))), "{octets:?}");
    }
}

/// A profile out of choices.
#[derive(Debug, Clone)]
struct Choices {
    flags: [bool; 12],
    name: String,
    secret: String,
    port: u16,
}

fn profile(c: &Choices) -> String {
    let [pin, context, internet, second, proxy, auth, account, init, basic, mms, browse, dns] = c.flags;
    let q = draft::quoted;
    let (name, secret, port) = (q(&c.name), draft::plain(&c.secret), c.port);
    let mut out = "name = \"drawn\"\nversion = 7\n".to_owned();
    let mut add = |on: bool, text: String| {
        if on {
            out += &(text + "\n")
        }
    };
    add(pin, "[security]\nmethod = \"usernetwpin\"".into());
    add(context, format!("[bootstrap]\nname = {name}\ncontext-allow = {}", port % 256));
    add(
        true,
        format!(
            "[[nap]]\nid = \"net\"\nname = {name}\nbearers = [\"GSM-GPRS\"]\naddress = \"net.example\"\ninternet = {internet}"
        ),
    );
    add(dns, "dns = [\"192.0.2.53\", \"2001:db8::53\"]\nlinger = 30".into());
    add(
        auth,
        format!("auth = [{{ type = \"CHAP\", name = {}, secret = {secret} }}]", draft::literal(&c.name)),
    );
    add(second, "[[nap]]\nid = \"two\"\nname = \"Two\"\nbearers = [\"GSM-CSD\"]\naddress = \"+491711234567\"\naddress-type = \"E164\"".into());
    add(
        proxy,
        format!(
            "[[proxy]]\nid = \"px\"\nname = {name}\nports = [{port}]\npush = {init}\n[[proxy.physical]]\nid = \"px-1\"\naddress = \"192.0.2.1\"\nports = [{{ number = {port}, services = [\"CO-WSP\"] }}]\nconnect-via = [\"net\"]"
        ),
    );
    let links = if proxy { "[\"px\", \"net\"]" } else { "[\"net\"]" };
    let scheme = if basic { "BASIC" } else { "DIGEST" };
    add(
        account,
        format!(
            "[dm-account]\nserver-id = \"acme.dm\"\nname = {name}\naddress = \"https://dm.example:{port}/dm\"\nconnect-via = {links}\ninit = {init}\nclient-auth = {{ type = \"{scheme}\", name = {}, secret = {secret} }}\nserver-auth = {{ type = \"DIGEST\", name = \"acme.dm\", secret = \"generate\" }}",
            draft::literal(&c.name)
        ),
    );
    add(
        mms,
        format!(
            "[[application]]\nid = \"w4\"\nname = {name}\naddress = \"http://mms.example/\"\nconnect-via = {links}"
        ),
    );
    add(
        browse,
        format!(
            "[[application]]\nid = \"w2\"\nname = {name}\n[[application.resource]]\nuri = \"http://a.example/\"\nname = {name}\nstart-page = {init}"
        ),
    );
    out
}

fn choices() -> impl Strategy<Value = Choices> {
    (any::<[bool; 12]>(), "\\PC{1,20}", "\\PC{1,20}", 1u16..).prop_map(|(flags, name, secret, port)| {
        // A name that looks like a placeholder is a mistake in a profile.
        let name = name.replace(['{', '}', '\u{FFFE}', '\u{FFFF}'], "_");
        Choices { flags, name, secret: secret.replace(['\u{FFFE}', '\u{FFFF}'], "_"), port }
    })
}

proptest! {
    #[test]
    fn import_of_build_is_the_profile_up_to_what_is_named(c in choices()) {
        let text = profile(&c);
        for kind in PayloadKind::ALL {
            if kind == PayloadKind::Dm && !c.flags[6] {
                continue;
            }
            let losses = there_and_back(&text, kind);
            let known = |l: &String| {
                l.contains("nonce") || l.starts_with("security: no SEC") || l.starts_with("Target: ")
                    || (kind == PayloadKind::Dm && !l.contains("has errors"))
            };
            prop_assert!(losses.iter().all(known), "{:?}", losses);
        }
    }

    #[test]
    fn no_document_makes_the_importer_panic(octets in proptest::collection::vec(any::<u8>(), 0..60), at in 0usize..400, with: u8) {
        let _ = import(&octets, &named());
        let settings = crate::bootstrap::tests::example(EXAMPLES[0]);
        let mut payload = build(&settings, PayloadKind::Cp).unwrap().octets;
        if let Some(octet) = payload.get_mut(at) {
            *octet = with;
        }
        if let Ok(found) = import(&payload, &named()) {
            prop_assert!(Profile::parse(&found.profile).is_ok());
        }
    }
}

#[test]
fn applications_of_a_document_of_rcs_style_are_found() {
    let document = r#"<wap-provisioningdoc version="1.1">
      <characteristic type="VERS"><parm name="version" value="7"/></characteristic>
      <characteristic type="APPLICATION">
        <parm name="AppID" value="w4"/><parm name="NAME" value="MMS"/><parm name="ADDR" value="http://mms.example/"/>
      </characteristic>
      <characteristic type="APPLICATION">
        <parm name="AppID" value="w7"/><parm name="PROVIDER-ID" value="a.dm"/>
        <characteristic type="APPADDR"><parm name="ADDR" value="https://dm.example:443/"/></characteristic>
      </characteristic>
    </wap-provisioningdoc>"#;
    let imported = import(document.as_bytes(), &named()).unwrap();
    assert!(imported.losses.iter().any(|l| l.starts_with("VERS[1]: ")), "{:?}", imported.losses);
    assert!(
        imported.losses.iter().all(|l| !l.contains("`id`") && !l.contains("AppID")),
        "{:?}",
        imported.losses
    );
    assert!(imported.profile.contains("id = \"w4\""), "{}", imported.profile);
    assert!(imported.profile.contains("server-id = \"a.dm\""), "{}", imported.profile);
}
