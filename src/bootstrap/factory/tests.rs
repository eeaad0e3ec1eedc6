//! What an image holds, that sealing hides every secret and nothing else, and that nothing changed passes for whole.

use proptest::prelude::*;

use super::{
    key::tests::{OPEN, SEAL, SIGN, VERIFY},
    *,
};
use crate::{
    bootstrap::tests::{Counting, example},
    ident::{SigningKey, VerifyingKey},
    wire::prov::ProvDoc,
};

const CONSUMER: &str = include_str!("../../../config/profiles/consumer-phone.toml");
const REFERENCE: &str = include_str!("../../../config/profiles/reference.toml");

/// The reference profile with every secret, and everything that goes beside one, marked; and the marks.
fn marked() -> (String, Vec<String>) {
    let (mut text, mut marks) = (String::new(), Vec::new());
    let mut mark = || {
        marks.push(format!("MARKED-{}", marks.len()));
        marks.last().unwrap().clone()
    };
    for line in REFERENCE.lines() {
        // Not in comments.
        let (code, comment) = line.split_at(line.find("  #").unwrap_or(line.len()));
        let mut code = code.to_owned();
        if !code.trim_start().starts_with('#') {
            if code.contains("\"generate\"") {
                code = code.replace("\"generate\"", &format!("{{ plain = \"{}\" }}", mark()));
            } else if let Some((before, rest)) = code.split_once("{ plain = \"") {
                let (_, after) = rest.split_once('"').unwrap();
                code = format!("{before}{{ plain = \"{}\"{after}", mark());
            }
            if let Some((before, rest)) = code.split_once(" data = \"") {
                let (_, after) = rest.split_once('"').unwrap();
                code = format!("{before} data = \"{}\"{after}", mark());
            }
        }
        text += &format!("{code}{comment}\n");
    }
    assert_eq!(marks.len(), 13, "the reference profile has other secrets now: {marks:?}");
    (text, marks)
}

fn make(profile: &str, seal_to: Option<&SealingKey>) -> Image {
    let settings = example(profile);
    image(&Profile::parse(profile).unwrap(), &settings, seal_to, &Counting::new()).unwrap()
}

fn sealed(profile: &str) -> Image {
    make(profile, Some(&SealingKey::from_pem(SEAL).unwrap()))
}

fn holds(octets: &[u8], what: &str) -> bool {
    octets.windows(what.len()).any(|w| w == what.as_bytes())
}

fn names(files: &[File]) -> Vec<&str> {
    files.iter().map(File::name).collect()
}

#[test]
fn an_image_holds_the_documents_and_their_digests() {
    let made = make(CONSUMER, None);
    assert_eq!(names(&made.files), [CP_WBXML, CP_XML, TREE_XML, TREE_JSON]);
    let cp = build(&example(CONSUMER), PayloadKind::Cp).unwrap();
    assert_eq!(made.files[0].octets, cp.octets);
    assert_eq!(made.files[1].octets, cp.to_xml().unwrap().into_bytes());
    let manifest = Manifest::parse(&made.manifest_octets).unwrap();
    assert_eq!(manifest, made.manifest);
    assert_eq!(manifest.check(&made.files), []);
    assert_eq!(manifest.device.as_deref(), Some("49015420…"), "of the IMEI its type only");
    assert_eq!((manifest.secrets, manifest.sealed_to), (Secrecy::Clear, None));
    assert_eq!(make(CONSUMER, None), made, "no time and no chance in it");
    assert_eq!(format!("{:?}", made.files[0]), format!("File(cp.wbxml, {} octets)", cp.octets.len()));
}

#[test]
fn the_tree_holds_the_account_and_its_access_control_list_in_both_forms() {
    // The consumer's profile asks for plain Adds, which carry no list; an image has no message.
    let profile = CONSUMER.replace("[dm-account]\n", "[dm-account]\nacl = \"Get=acme.dm&Replace=acme.dm\"\n");
    assert_ne!(profile, CONSUMER);
    let made = make(&profile, None);
    let tree = tnds::MgmtTree::decode(Syntax::Xml, &made.files[2].octets).unwrap();
    assert_eq!(tree.nodes[0].path.as_deref(), Some("./DMAcc"));
    assert_eq!(tree.nodes[0].acl.as_deref(), Some("Get=acme.dm&Replace=acme.dm"));
    let json: serde_json::Value = serde_json::from_slice(&made.files[3].octets).unwrap();
    assert_eq!(json, tree::json(&tree), "what XML carries is what JSON says");
    let account = &json["nodes"][0];
    assert_eq!(account["name"], "acme.dm");
    assert_eq!(account["acl"], "Get=acme.dm&Replace=acme.dm");
    assert!(!made.manifest.not_carried.iter().any(|l| l.contains("acl")), "{:?}", made.manifest.not_carried);
}

#[test]
fn sealing_hides_every_secret_and_opening_gives_it_back() {
    let (profile, marks) = marked();
    let clear = make(&profile, None);
    let hidden = sealed(&profile);
    assert_eq!(names(&hidden.files).last(), Some(&SECRETS));
    for mark in &marks {
        assert!(clear.files.iter().any(|f| holds(&f.octets, mark)), "{mark} would not be seen");
        for (name, octets) in hidden.all() {
            assert!(!holds(octets, mark), "{mark} stands in {name}");
        }
    }
    assert_eq!(hidden.manifest.secrets, Secrecy::Sealed);
    assert_eq!(hidden.manifest.sealed_to, Some(SealingKey::from_pem(SEAL).unwrap().fingerprint()));

    let opened = open(&hidden.manifest, &hidden.files, &OpeningKey::from_pem(OPEN).unwrap()).unwrap();
    assert_eq!(opened, clear, "the same as if it had never been sealed");
}

#[test]
fn what_is_sealed_is_the_references_and_their_secrets() {
    let hidden = sealed(CONSUMER);
    let octets = &hidden.files.last().unwrap().octets;
    let secrets = seal::open(octets, &OpeningKey::from_pem(OPEN).unwrap()).unwrap();
    assert_eq!(secrets.len(), 3, "both sides of the account, and an access point");
    let document = ProvDoc::decode(Syntax::Wbxml, &hidden.files[0].octets).unwrap();
    let text = document.encode(Syntax::Xml).unwrap();
    assert!(secrets.keys().all(|reference| holds(&text, reference)));
}

#[test]
fn a_changed_image_is_not_whole() {
    let made = sealed(CONSUMER);
    for at in 0..made.files.len() {
        let mut files = made.files.clone();
        let name = files[at].name.to_owned();
        files[at].octets[3] ^= 1;
        assert_eq!(made.manifest.check(&files), [Fault::Changed(name.clone())]);
        files[at].octets[3] ^= 1;
        files[at].octets.pop();
        assert_eq!(made.manifest.check(&files), [Fault::Changed(name.clone())]);
        files.remove(at);
        assert_eq!(made.manifest.check(&files), [Fault::Missing(name)]);
    }
    let mut less = made.manifest.clone();
    less.files.remove(0);
    assert_eq!(less.check(&made.files), [Fault::Unnamed(CP_WBXML.into())]);
    let mut twice = made.manifest.clone();
    twice.files.push(twice.files[0].clone());
    assert_eq!(twice.check(&made.files), [Fault::Twice(CP_WBXML.into())]);
    let mut later = made.manifest.clone();
    later.format = 2;
    let error = Manifest::parse(&json(&later).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "manifest.json is not readable: it has a format that is not known");

    let signature = SigningKey::from_pem(SIGN).unwrap().sign(&made.manifest_octets);
    let key = VerifyingKey::from_pem(VERIFY).unwrap();
    assert!(key.verifies(&made.manifest_octets, &signature));
    // Each takes milliseconds without optimisation.
    for at in (0..made.manifest_octets.len()).step_by(13) {
        let mut changed = made.manifest_octets.clone();
        changed[at] ^= 1;
        assert!(!key.verifies(&changed, &signature), "octet {at}");
    }
}

#[test]
fn changed_secrets_and_another_key_open_nothing() {
    let key = OpeningKey::from_pem(OPEN).unwrap();
    let made = sealed(CONSUMER);
    let octets = made.files.last().unwrap().octets.clone();
    let change = |from: &str, to: &str| String::from_utf8(octets.clone()).unwrap().replace(from, to);
    for (changed, expected) in [
        (change("\"format\": 1", "\"format\": 2"), "a format or an HPKE suite that is not known"),
        (change("ChaCha20Poly1305", "AES-128-GCM"), "a format or an HPKE suite that is not known"),
        (change("factory secrets 1", "factory secrets 2"), "a format or an HPKE suite that is not known"),
        (change("\"ciphertext\": \"", "\"ciphertext\": \"AAAA"), "does not open"),
        (change("\"enc\": \"", "\"enc\": \"AAAA"), "does not open"),
        (change("\"enc\": \"", "\"enc\": \"?"), "not base64"),
        (change("\"recipient\": \"", "\"recipient\": \"0"), "another key"),
        ("{".into(), "not the JSON"),
    ] {
        let error = seal::open(changed.as_bytes(), &key).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for end in 0..octets.len() - 1 {
        assert!(seal::open(&octets[..end], &key).is_err(), "{end} octets");
    }
    let clear = make(CONSUMER, None);
    assert_eq!(open(&clear.manifest, &clear.files, &key), Err(FactoryError::NotSealed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn opening_undoes_sealing_whatever_the_settings(settings in crate::bootstrap::tests::dm_settings()) {
        let profile = Profile::parse(CONSUMER).unwrap();
        let seal = SealingKey::from_pem(SEAL).unwrap();
        let clear = image(&profile, &settings, None, &Counting::new());
        let hidden = image(&profile, &settings, Some(&seal), &Counting::new());
        let (Ok(clear), Ok(hidden)) = (&clear, &hidden) else {
            prop_assert_eq!(clear.err(), hidden.err());
            return Ok(());
        };
        let opened = open(&hidden.manifest, &hidden.files, &OpeningKey::from_pem(OPEN).unwrap());
        prop_assert_eq!(opened.as_ref(), Ok(clear));
    }
}
