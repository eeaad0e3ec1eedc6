//! A phone's life: power-on with one card and another, sessions in between. What stands on the cards was encoded by
//! another implementation (`tests/data/phone`).

use std::path::Path;

use super::*;
use crate::{
    phone::card_reader::tests::{Protocol, TestCard},
    wire::{
        pkcs15::ObjectId,
        prov::Characteristic,
        syncml::{Command, Cred, Header, Location, Meta, Status, StatusCode, auth},
        vectors,
    },
};

struct Zeros;

impl Random for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn new_phone() -> Phone {
    Phone::new(&device::tests::identity()).unwrap()
}

fn data(name: &str) -> Vec<u8> {
    vectors::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/phone"), name, "wbxml")
}

fn cp() -> (ObjectId, u16, Vec<u8>) {
    (ObjectId::CP_BOOTSTRAP, 0x6431, data("card-cp"))
}

fn dm() -> (ObjectId, u16, Vec<u8>) {
    (ObjectId::DM_BOOTSTRAP, 0x6432, data("card-dm"))
}

fn card(entries: &[(ObjectId, u16, Vec<u8>)]) -> TestCard {
    let entries: Vec<_> = entries.iter().map(|(oid, fid, octets)| (*oid, *fid, octets.as_slice())).collect();
    TestCard::new(Protocol::T0).with(&entries)
}

fn power_on(phone: &mut Phone, entries: &[(ObjectId, u16, Vec<u8>)]) -> PowerOnReport {
    phone.power_on(Some(&mut card(entries)))
}

/// `server: change` for each account.
fn changes(report: &PowerOnReport) -> Vec<String> {
    report.accounts.iter().map(|a| format!("{}: {:?}", a.server_id, a.change)).collect()
}

fn servers(phone: &Phone) -> Vec<String> {
    phone.accounts().iter().map(|a| a.server_id.to_string()).collect()
}

/// A provisioning document with one account.
fn w7(server: &str, url: &str) -> Vec<u8> {
    let account =
        Characteristic::new("APPLICATION").with("APPID", "w7").with("PROVIDER-ID", server).with("ADDR", url);
    ProvDoc { version: None, characteristics: vec![account] }.encode(Syntax::Wbxml).unwrap()
}

#[test]
fn a_card_with_both_bootstraps_sets_both_accounts() {
    let mut phone = new_phone();
    let report = power_on(&mut phone, &[cp(), dm()]);
    assert_eq!(changes(&report), ["acme.dm: Added", "beta.dm: Added"]);
    assert!(report.accounts.iter().all(|a| a.first_session == FirstSession::AtOnce));
    assert!(report.notes.is_empty());
    for file in &report.files {
        let BootstrapResult::Accepted { accounts, remarks } = &file.result else { panic!("{report}") };
        assert_eq!((accounts.len(), remarks.len()), (1, 0), "{report}");
    }
    let accounts = phone.accounts();
    assert_eq!(
        accounts.iter().map(|a| (a.uri.to_string(), a.address.as_str())).collect::<Vec<_>>(),
        [
            ("./DMAcc/1".into(), "https://dm.acme.example:443/dm"),
            ("./DMAcc/beta".into(), "http://dm.beta.example:8080/dm")
        ]
    );
    assert_eq!(
        (&accounts[0].client_auth, &accounts[0].server_auth),
        (&vec!["DIGEST".to_owned()], &vec!["DIGEST".to_owned()])
    );
    for (uri, value) in [
        ("./DMAcc/1/PrefConRef", "./NAP/1"),
        ("./DMAcc/1/AppAuth/1/AAuthData", "client-nonce-001"),
        ("./NAP/1/Addr", "internet.acme.example"),
        ("./NAP/1/AuthInfo/AuthSecret", "napsecret"),
        ("./Proxy/1/ConRefs/1/ConRef", "./NAP/1"),
        ("./CP/BOOTSTRAP/1/PROVURL", "https://prov.acme.example/"),
        ("./CP/APPLICATION/1/APPID", "w4"),
        ("./CP/APPLICATION/2/RESOURCE/1/URI", "http://start.acme.example"),
        ("./NAP/beta/Addr", "internet.beta.example"),
        ("./DMAcc/beta/AppAuth/1/AAuthData", "bm9uY2VDMQ=="),
    ] {
        assert_eq!(phone.tree().text(uri), Some(value), "{uri}");
    }
    // All that any report shows of it.
    let shown = format!(
        "{report} {report:?} {} {} {:?} {phone:?} {}",
        serde_json::to_string(&report).unwrap(),
        serde_json::to_string(&accounts).unwrap(),
        accounts,
        phone.tree()
    );
    for secret in ["client secret", "server secret", "napsecret", "nonce"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn what_is_no_longer_on_the_card_is_dropped_with_all_that_came_with_it() {
    let mut phone = new_phone();
    let factory = phone.tree().clone();
    power_on(&mut phone, &[cp(), dm()]);
    let report = power_on(&mut phone, &[dm()]);
    assert_eq!(changes(&report), ["beta.dm: Kept", "acme.dm: Dropped"]);
    assert_eq!(report.files[0].result, BootstrapResult::Unchanged);
    assert!(!phone.tree().to_string().contains("acme"));

    let report = phone.power_on(None);
    assert_eq!((report.card.clone(), changes(&report)), (CardState::Absent, vec!["beta.dm: Dropped".into()]));
    assert!(*phone.tree() == factory);
}

#[test]
fn another_card_brings_its_own_accounts_even_with_the_same_octets() {
    let mut phone = new_phone();
    power_on(&mut phone, &[cp()]);
    let mut other = card(&[cp()]);
    other.put(&[0x3F00, 0x2FE2], &vectors::hex("98683081462002318379"));
    let report = phone.power_on(Some(&mut other));
    assert_eq!(changes(&report), ["acme.dm: Replaced"]);
    assert!(matches!(&report.files[0].result, BootstrapResult::Accepted { .. }));
}

#[test]
fn a_changed_file_replaces_its_account() {
    let mut phone = new_phone();
    let file = |url| (ObjectId::CP_BOOTSTRAP, 0x6431, w7("acme.dm", url));
    power_on(&mut phone, &[file("http://one.example")]);
    let report = power_on(&mut phone, &[file("http://two.example")]);
    assert_eq!(changes(&report), ["acme.dm: Replaced"]);
    assert_eq!(phone.accounts()[0].address, "http://two.example");
    assert_eq!(phone.tree().size(), new_phone().tree().size() + 7);
}

#[test]
fn accounts_from_elsewhere_stay_whatever_the_card() {
    let mut phone = new_phone();
    let result = phone.receive(BootstrapKind::Dm, &data("card-dm"));
    assert!(matches!(result, BootstrapResult::Accepted { .. }));
    let report = power_on(&mut phone, &[cp()]);
    assert_eq!(changes(&report), ["acme.dm: Added"]);
    phone.power_on(None);
    assert_eq!(servers(&phone), ["beta.dm"]);
    // The card's bootstrap for a server that is known already does not displace it.
    let report = power_on(&mut phone, &[dm()]);
    let BootstrapResult::Refused { reason, .. } = &report.files[0].result else { panic!("{report}") };
    assert_eq!(reason.to_string(), "the phone has an account of server beta.dm already; the first counts");
    assert_eq!(changes(&report), [""; 0]);
}

#[test]
fn of_two_bootstraps_for_one_server_the_first_on_the_card_counts() {
    let same = (ObjectId::CP_BOOTSTRAP, 0x6431, w7("beta.dm", "http://cp.example"));
    let mut phone = new_phone();
    let report = power_on(&mut phone, &[same.clone(), dm()]);
    assert!(
        report.to_string().contains("refused: the phone has an account of server beta.dm already"),
        "{report}"
    );
    assert_eq!(phone.accounts()[0].address, "http://cp.example");

    let mut phone = new_phone();
    let report = power_on(&mut phone, &[dm(), same]);
    // Nothing but the account stands in the second.
    let BootstrapResult::Refused { reason, remarks } = &report.files[1].result else { panic!("{report}") };
    assert_eq!(*reason, Refusal::Cp(CpRefusal::NothingValid));
    assert!(remarks[0].to_string().contains("already; dropped, the first counts"), "{report}");
    assert_eq!(phone.accounts()[0].address, "http://dm.beta.example:8080/dm");
}

#[test]
fn config_files_are_used_when_there_is_no_cp_bootstrap() {
    let one = (ObjectId::CP_CONFIG1, 0x6433, w7("one.dm", "http://one.example"));
    let two = (ObjectId::CP_CONFIG2, 0x6434, w7("two.dm", "http://two.example"));
    let empty = (ObjectId::CP_BOOTSTRAP, 0x6431, Vec::new());
    let mut phone = new_phone();
    let report = power_on(&mut phone, &[two.clone(), one.clone(), empty]);
    assert_eq!(
        report.files.iter().map(|f| f.result.clone()).collect::<Vec<_>>(),
        [
            BootstrapResult::NotUsed { because_of: FileRole::CpConfig1 },
            BootstrapResult::Accepted { accounts: vec!["one.dm".parse().unwrap()], remarks: Vec::new() },
            BootstrapResult::Empty
        ]
    );
    let report = power_on(&mut phone, &[two, one, cp()]);
    assert_eq!(changes(&report), ["acme.dm: Added", "one.dm: Dropped"]);
}

#[test]
fn a_broken_bootstrap_is_refused_at_every_length_and_by_name() {
    for (role, fid, octets) in [cp(), dm()] {
        for end in (1..octets.len()).rev() {
            let mut phone = new_phone();
            let mut cut = octets[..end].to_vec();
            // FF would be taken for the filling of the file.
            cut.retain(|o| *o != 0xFF);
            let report = power_on(&mut phone, &[(role, fid, cut)]);
            let BootstrapResult::Refused { reason, .. } = &report.files[0].result else {
                panic!("{end} of {}: {report}", octets.len())
            };
            assert!(matches!(reason, Refusal::Undecodable(_)), "{end}: {reason}");
            assert!(phone.accounts().is_empty());
        }
    }
    // Each in the other's place.
    let report = power_on(&mut new_phone(), &[(ObjectId::DM_BOOTSTRAP, 0x6431, data("card-cp"))]);
    assert!(report.to_string().contains("refused: not a document that this phone reads"), "{report}");
    let report = power_on(&mut new_phone(), &[(ObjectId::CP_BOOTSTRAP, 0x6431, data("card-dm"))]);
    assert!(report.to_string().contains("refused: not a document that this phone reads"), "{report}");
}

#[test]
fn a_card_that_stops_answering_drops_nothing_that_may_be_on_it() {
    let mut phone = new_phone();
    power_on(&mut phone, &[cp()]);
    for life in [0, 20] {
        let mut cut = card(&[cp()]);
        cut.life = life;
        let report = phone.power_on(Some(&mut cut));
        assert!(matches!(report.card, CardState::Cut { .. }), "{report}");
        assert_eq!(changes(&report), ["acme.dm: Kept"], "after {life}");
    }
    assert_eq!(servers(&phone), ["acme.dm"]);
}

/// One answer of a server that takes the phone's credentials and has nothing to do.
fn answer(request: &Request, next_nonce: &[u8]) -> Vec<u8> {
    let heard = Message::decode(Syntax::Wbxml, &request.body).unwrap();
    let meta = |next_nonce: Option<&[u8]>| Meta {
        format: Some("b64".into()),
        kind: Some("syncml:auth-md5".into()),
        next_nonce: next_nonce.map(value::base64_text),
        ..Meta::default()
    };
    let digest = auth::UserDigest::new("acme.dm", &"server secret".parse().unwrap());
    let status = Status {
        cmd_id: "1".into(),
        msg_ref: heard.header.msg_id,
        cmd_ref: "0".into(),
        cmd: "SyncHdr".into(),
        target_refs: Vec::new(),
        source_refs: Vec::new(),
        cred: None,
        chal: Some(crate::wire::syncml::Chal { meta: meta(Some(next_nonce)) }),
        code: StatusCode::AUTHENTICATED,
        items: Vec::new(),
    };
    let header = Header {
        target: heard.header.source,
        source: Location::new("https://dm.acme.example:443/dm"),
        msg_id: "1".into(),
        cred: Some(Cred { meta: meta(None), data: auth::md5(&digest, b"server-nonce-001") }),
        meta: None,
        ..heard.header
    };
    let message = Message { header, commands: vec![Command::Status(Box::new(status))], is_final: true };
    message.encode(Syntax::Wbxml).unwrap()
}

#[test]
fn what_a_session_left_outlives_a_power_on_with_the_same_card() {
    let mut phone = new_phone();
    power_on(&mut phone, &[cp()]);
    let acme = "acme.dm".parse().unwrap();
    let mut session = phone.start_session(&acme, 1, Syntax::Wbxml, &Zeros).unwrap();
    let request = session.first().unwrap();
    let digest = auth::UserDigest::new("490154203237518", &"client secret".parse().unwrap());
    let sent = Message::decode(Syntax::Wbxml, &request.body).unwrap().header.cred.unwrap();
    assert!(auth::verify_md5(&digest, b"client-nonce-001", &sent.data));
    let Next::Done(done) = session.on_reply(request.content_type, &answer(&request, b"next")).unwrap() else {
        panic!()
    };
    let outcome = phone.finish(session).unwrap();
    assert!(outcome.authenticated_both_ways() && outcome == *done, "{outcome}");
    assert_eq!(phone.tree().text("./DMAcc/1/AppAuth/1/AAuthData"), Some("next"));

    assert_eq!(changes(&power_on(&mut phone, &[cp()])), ["acme.dm: Kept"]);
    assert_eq!(phone.tree().text("./DMAcc/1/AppAuth/1/AAuthData"), Some("next"));
}

#[test]
fn a_session_of_before_a_power_on_is_not_kept() {
    let mut phone = new_phone();
    power_on(&mut phone, &[cp()]);
    let acme = "acme.dm".parse().unwrap();
    let session = phone.start_session(&acme, 1, Syntax::Wbxml, &Zeros).unwrap();
    phone.power_on(None);
    assert_eq!(phone.finish(session), Err(StaleSession));
    assert!(phone.accounts().is_empty());
    let refused = phone.start_session(&acme, 1, Syntax::Wbxml, &Zeros).err().unwrap();
    assert_eq!(refused.to_string(), "the phone has no account of server acme.dm; bootstrap it first");
}
