//! A phone that has an account is bootstrapped again: by a document, by a message, and from cards. Every account that it
//! then has opens sessions with its own server.

use std::sync::atomic::{AtomicU8, Ordering};

use bootgate::{
    bootstrap::{Credential, PayloadKind, Settings, build, resolve},
    dm::{AuthScheme, NewAccount, StoredCredential},
    ident::Random,
    lab::{
        card::VirtualCard,
        image::{Body, Sample, SampleKind},
        rehearsal::identity,
    },
    phone::{
        BootstrapKind, BootstrapResult, CardPort, Change, Phone, PortError, PowerOnReport,
        tree::{Right, Uri},
    },
    profile::{DmEncoding, Profile, Subscriber},
    wire::{Fid, Syntax},
};

use super::phone_and_dm_server::{Bench, session_with};

const IMEI: &str = "490154203237518";

struct Rising(AtomicU8);

impl Random for Rising {
    fn fill(&self, out: &mut [u8]) {
        out.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// The bootstrap of one operator, and the server that knows the account.
struct Operator {
    server_id: &'static str,
    settings: Settings,
    bench: Bench,
}

impl Operator {
    /// Its server, access point and provisioning server bear its name.
    fn new(name: &str, server_id: &'static str) -> Self {
        Self::over(name, server_id, name)
    }

    /// The same over the access point of that name.
    fn over(name: &str, server_id: &'static str, net: &str) -> Self {
        let profile = format!(
            r#"
name = "{name}"
version = 1
[security]
method = "netwpin"
[bootstrap]
name = "{name}"
prov-url = "https://prov.{name}.example/first"
[[nap]]
id = "{net}-net"
name = "{net}"
bearers = ["GSM-GPRS"]
address = "internet.{net}.example"
[dm-account]
server-id = "{server_id}"
name = "{name}"
address = "https://dm.{name}.example/dm"
connect-via = ["{net}-net"]
client-auth = {{ type = "DIGEST", name = "{{imei}}", secret = "generate" }}
server-auth = {{ type = "DIGEST", name = "{server_id}", secret = "generate" }}
"#
        );
        let subscriber = Subscriber { imei: Some(IMEI.parse().unwrap()), ..Subscriber::default() };
        // Each has secrets of its own.
        let random = Rising(name.bytes().fold(0, u8::wrapping_add).into());
        let settings = resolve(&Profile::parse(&profile).unwrap(), &subscriber, &random).unwrap();
        let bench = Bench::of(server_id);
        let credentials = &settings.dm_account.as_ref().unwrap().credentials;
        let kept = |keep: fn(AuthScheme, &str, &_, &[u8]) -> _, c: &Credential| -> StoredCredential {
            keep(AuthScheme::Md5, &c.name, &c.secret, &c.nonce)
        };
        bench.accounts.add(NewAccount {
            server_id: server_id.parse().unwrap(),
            device: Some(format!("IMEI:{IMEI}")),
            client: kept(StoredCredential::of_client, &credentials.client),
            server: kept(StoredCredential::of_server, &credentials.server),
        });
        Self { server_id, settings, bench }
    }

    fn octets(&self, kind: PayloadKind) -> Vec<u8> {
        build(&self.settings, kind).unwrap().octets
    }

    /// The message in one of its forms.
    fn message(&self, encoding: DmEncoding) -> Vec<u8> {
        message_of(&self.settings, encoding)
    }

    /// Both sides prove themselves to each other.
    async fn holds_a_session(&self, phone: &mut Phone, number: u16) {
        let outcome = session_with(&self.bench, phone, self.server_id, number, Syntax::Wbxml).await;
        assert!(outcome.authenticated_both_ways(), "{}: {outcome}", self.server_id);
    }
}

fn message_of(settings: &Settings, encoding: DmEncoding) -> Vec<u8> {
    let mut settings = settings.clone();
    settings.dm.encoding = encoding;
    build(&settings, PayloadKind::Dm).unwrap().octets
}

/// A virtual card in the slot of a phone.
struct Slot(VirtualCard);

impl CardPort for Slot {
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, PortError> {
        Ok(self.0.exchange(apdu))
    }
}

/// A card with these bootstrap files.
fn card(iccid: &str, cp: Option<Vec<u8>>, dm: Option<Vec<u8>>) -> Slot {
    let sample =
        Sample::new(SampleKind::Prepared, iccid.parse().unwrap(), "262011234567890".parse().unwrap())
            .with_bootstrap_size(8192);
    let mut image = sample.image();
    for (fid, octets) in [(0x6431, cp), (0x6432, dm)] {
        let file = image.mf.find_mut(&[Fid::PKCS15, Fid(fid)]).unwrap();
        let Body::Transparent(content) = &mut file.body else { panic!("{fid:04X}") };
        let octets = octets.unwrap_or_default();
        content[..octets.len()].copy_from_slice(&octets);
    }
    Slot(VirtualCard::from_image(image).unwrap())
}

const FIRST_CARD: &str = "89490200001234567892";
const OTHER_CARD: &str = "89490200001234567900";

fn new_phone() -> Phone {
    Phone::new(&identity(&IMEI.parse().unwrap())).unwrap()
}

fn accepted(result: &BootstrapResult) {
    assert!(matches!(result, BootstrapResult::Accepted { .. }), "{result:?}");
}

fn servers(phone: &Phone) -> Vec<String> {
    let mut servers: Vec<String> = phone.accounts().iter().map(|a| a.server_id.to_string()).collect();
    servers.sort();
    servers
}

fn changes(report: &PowerOnReport) -> Vec<(String, Change)> {
    report.accounts.iter().map(|a| (a.server_id.to_string(), a.change)).collect()
}

#[tokio::test]
async fn by_a_document_and_by_a_message_after_the_card() {
    let documents = DmEncoding::ALL.iter().map(|encoding| (None, *encoding));
    let messages = DmEncoding::ALL.iter().map(|encoding| (Some(*encoding), *encoding));
    for (first, second) in documents.chain(messages) {
        let operators = [
            Operator::new("acme", "acme.dm"),
            Operator::new("beta", "beta.dm"),
            Operator::new("gamma", "gamma.dm"),
        ];
        let [acme, beta, gamma] = &operators;
        let mut phone = new_phone();
        let (cp, dm) = match first {
            Some(encoding) => (None, Some(acme.message(encoding))),
            None => (Some(acme.octets(PayloadKind::Cp)), None),
        };
        let report = phone.power_on(Some(&mut card(FIRST_CARD, cp.clone(), dm.clone())));
        assert_eq!(changes(&report), [("acme.dm".into(), Change::Added)], "{report}");
        accepted(&phone.receive(BootstrapKind::Cp, &beta.octets(PayloadKind::Cp)));
        accepted(&phone.receive(BootstrapKind::Dm, &gamma.message(second)));
        assert_eq!(servers(&phone), ["acme.dm", "beta.dm", "gamma.dm"]);
        for (n, operator) in (1..).zip(&operators) {
            operator.holds_a_session(&mut phone, n).await;
        }
        // What the sessions left is used by the next ones, and a power-on with the same card does not undo it.
        let report = phone.power_on(Some(&mut card(FIRST_CARD, cp, dm)));
        assert_eq!(changes(&report), [("acme.dm".into(), Change::Kept)], "{report}");
        for (n, operator) in (11..).zip(&operators) {
            operator.holds_a_session(&mut phone, n).await;
        }
        // No server reaches what another one brought.
        for (server, others) in [("acme.dm", "beta"), ("beta.dm", "gamma"), ("gamma.dm", "acme")] {
            let addresses: Vec<Uri> = phone
                .tree()
                .walk()
                .into_iter()
                .filter(|(_, node)| {
                    node.as_text().is_some_and(|text| text == format!("internet.{others}.example"))
                })
                .map(|(uri, _)| uri)
                .collect();
            assert_eq!(addresses.len(), 1, "{others}");
            assert!(
                !phone.tree().allows(Right::Get, &addresses[0], &server.parse().unwrap()),
                "{server} {others}"
            );
        }
    }
}

#[tokio::test]
async fn from_a_card_with_a_document_and_a_message() {
    let (acme, beta) = (Operator::new("acme", "acme.dm"), Operator::new("beta", "beta.dm"));
    let mut phone = new_phone();
    let mut both = card(FIRST_CARD, Some(acme.octets(PayloadKind::Cp)), Some(beta.octets(PayloadKind::Dm)));
    let report = phone.power_on(Some(&mut both));
    assert_eq!(changes(&report), [("acme.dm".into(), Change::Added), ("beta.dm".into(), Change::Added)]);
    for (number, operator) in [(1, &acme), (2, &beta), (3, &acme), (4, &beta)] {
        operator.holds_a_session(&mut phone, number).await;
    }
}

#[tokio::test]
async fn another_card_takes_away_what_came_from_the_card_and_nothing_else() {
    let [acme, beta, gamma, delta] = [
        Operator::new("acme", "acme.dm"),
        Operator::new("beta", "beta.dm"),
        Operator::new("gamma", "gamma.dm"),
        Operator::new("delta", "delta.dm"),
    ];
    let mut phone = new_phone();
    accepted(&phone.receive(BootstrapKind::Cp, &beta.octets(PayloadKind::Cp)));
    let without_card = phone.tree().to_string();
    phone.power_on(Some(&mut card(FIRST_CARD, Some(acme.octets(PayloadKind::Cp)), None)));
    accepted(&phone.receive(BootstrapKind::Dm, &gamma.octets(PayloadKind::Dm)));
    acme.holds_a_session(&mut phone, 1).await;

    let mut other = card(OTHER_CARD, None, Some(delta.octets(PayloadKind::Dm)));
    let report = phone.power_on(Some(&mut other));
    assert_eq!(changes(&report), [("delta.dm".into(), Change::Added), ("acme.dm".into(), Change::Dropped)]);
    assert_eq!(servers(&phone), ["beta.dm", "delta.dm", "gamma.dm"]);
    assert!(!phone.tree().to_string().contains("acme"), "{}", phone.tree());
    for (number, operator) in [(1, &beta), (2, &gamma), (3, &delta)] {
        operator.holds_a_session(&mut phone, number).await;
    }
    let report = phone.power_on(None);
    assert_eq!(changes(&report), [("delta.dm".into(), Change::Dropped)]);
    for (number, operator) in [(4, &beta), (5, &gamma)] {
        operator.holds_a_session(&mut phone, number).await;
    }
    // What came before the first card stands as it stood, but for nonces, which do not print.
    let now = phone.tree().to_string();
    assert!(without_card.lines().all(|line| now.contains(line)), "{now}");
}

#[tokio::test]
async fn a_second_document_of_one_provisioning_server_is_refused_by_name() {
    let acme = Operator::new("acme", "acme.dm");
    let again = Operator::new("acme", "other.dm");
    for on_card in [true, false] {
        let mut phone = new_phone();
        if on_card {
            phone.power_on(Some(&mut card(FIRST_CARD, Some(acme.octets(PayloadKind::Cp)), None)));
        } else {
            accepted(&phone.receive(BootstrapKind::Cp, &acme.octets(PayloadKind::Cp)));
        }
        let before = phone.tree().clone();
        // The host alone counts: another path, other letters, the port.
        for url in ["https://prov.acme.example/first", "HTTPS://PROV.acme.example:443/second"] {
            let mut settings = again.settings.clone();
            settings.bootstraps[0].prov_url = Some(url.to_owned());
            let octets = build(&settings, PayloadKind::Cp).unwrap().octets;
            let result = phone.receive(BootstrapKind::Cp, &octets);
            let BootstrapResult::Refused { reason, .. } = &result else { panic!("{url}: {result:?}") };
            assert_eq!(
                reason.to_string(),
                "the phone was bootstrapped for the provisioning server \"prov.acme.example\" already; the first counts"
            );
            assert!(*phone.tree() == before, "{url}");
        }
        if on_card {
            // With the card went the context, so the second document is the first now.
            phone.power_on(None);
            accepted(&phone.receive(BootstrapKind::Cp, &again.octets(PayloadKind::Cp)));
            again.holds_a_session(&mut phone, 1).await;
        } else {
            acme.holds_a_session(&mut phone, 1).await;
        }
    }
}

/// Two messages of one operator bring the same access point, in any two of the forms. It belongs to the first as long as
/// that one stays, and then to the second; one that is called the same and is another one is refused.
#[tokio::test]
async fn an_access_point_that_two_messages_bring_alike_outlives_the_first() {
    let (acme, beta) = (Operator::new("acme", "acme.dm"), Operator::over("beta", "beta.dm", "acme"));
    let mut number = 0;
    for (first, second) in DmEncoding::ALL.iter().flat_map(|f| DmEncoding::ALL.iter().map(move |s| (*f, *s)))
    {
        let mut phone = new_phone();
        phone.power_on(Some(&mut card(FIRST_CARD, None, Some(acme.message(first)))));
        let before = phone.tree().clone();

        let mut elsewhere = beta.settings.clone();
        elsewhere.naps[0].address = "elsewhere.example".to_owned();
        let mut more = beta.settings.clone();
        more.naps[0].dns = vec!["192.0.2.53".parse().unwrap()];
        for other in [elsewhere, more] {
            let result = phone.receive(BootstrapKind::Dm, &message_of(&other, second));
            let BootstrapResult::Refused { reason, .. } = &result else {
                panic!("{first} {second}: {result:?}")
            };
            assert_eq!(
                reason.to_string(),
                "./NAP/acme-net is there already, with other values than the message brings; give this one another name"
            );
        }
        assert!(*phone.tree() == before);

        let result = phone.receive(BootstrapKind::Dm, &beta.message(second));
        let BootstrapResult::Accepted { remarks, .. } = &result else {
            panic!("{first} {second}: {result:?}")
        };
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert!(
            remarks[0].to_string().starts_with("./NAP/acme-net is there already, just so"),
            "{}",
            remarks[0]
        );
        number += 1;
        acme.holds_a_session(&mut phone, number).await;
        beta.holds_a_session(&mut phone, number).await;
        let net: Uri = "./NAP/acme-net".parse().unwrap();
        let may =
            |phone: &Phone, server: &str| phone.tree().allows(Right::Replace, &net, &server.parse().unwrap());
        assert!(may(&phone, "acme.dm") && !may(&phone, "beta.dm"));

        phone.power_on(None);
        assert_eq!(servers(&phone), ["beta.dm"]);
        assert_eq!(phone.tree().text("./DMAcc/beta.dm/PrefConRef"), Some("./NAP/acme-net"));
        assert_eq!(phone.tree().text("./NAP/acme-net/Addr"), Some("internet.acme.example"));
        assert!(!may(&phone, "acme.dm") && may(&phone, "beta.dm"));
        number += 1;
        beta.holds_a_session(&mut phone, number).await;
    }
}

#[test]
fn a_server_that_the_phone_knows_is_named_whatever_form_the_message_has() {
    let (acme, again) = (Operator::new("acme", "acme.dm"), Operator::new("beta", "acme.dm"));
    for first in [PayloadKind::Cp, PayloadKind::Dm] {
        for second in DmEncoding::ALL {
            let mut phone = new_phone();
            let kind = if first == PayloadKind::Cp { BootstrapKind::Cp } else { BootstrapKind::Dm };
            accepted(&phone.receive(kind, &acme.octets(first)));
            let before = phone.tree().clone();
            // The same message once more, and another one for the same server.
            for octets in [acme.message(*second), again.message(*second)] {
                let result = phone.receive(BootstrapKind::Dm, &octets);
                let BootstrapResult::Refused { reason, .. } = &result else { panic!("{second}: {result:?}") };
                assert_eq!(
                    reason.to_string(),
                    "the phone has an account of server acme.dm already; the first counts"
                );
                assert!(*phone.tree() == before);
            }
        }
    }
}
