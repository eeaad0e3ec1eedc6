//! tshark takes apart what we send: pushes of random profiles over UDP and in short messages, under every method of
//! authentication, and notifications. It must see the framing that we meant, name the elements of the documents in our
//! order, and mark nothing as malformed. What it does not know stands in [`super::peers::faults`].

use bootgate::{
    bootstrap::{
        PayloadKind,
        mac::{Sec, sign},
    },
    wire::{
        Encode as _,
        infoset::{Element, Node},
        package0::{Package0, SessionNumber, Trigger},
        sms::{Address, Dcs, Deliver, Pid, SmsTime, Submit, Tpdu, UserData},
        wbxml,
        wdp::{PUSH_PORT, Ports, Reference, split},
        wsp::{self, Authentication, Push},
    },
};

use super::{
    peers::tshark::{Capture, Row, udp, upper},
    random_profiles::{drawn, settings, subscriber},
};

/// Profiles that are drawn; each gives a document of both kinds, and each of these is pushed under every method.
const PROFILES: usize = 48;

/// What tshark is asked for.
const FIELDS: [&str; 21] = [
    "udp.dstport",
    "wsp.TID",
    "wsp.pdu_type",
    "wsp.header.content_type",
    "wsp.header.x_wap_application_id",
    "wsp.parameter.sec",
    "wsp.parameter.mac",
    "wbxml.version",
    "wbxml.public_id.known",
    "wbxml.charset",
    "wbxml.known_tag",
    "wbxml.str_i",
    "wbxml.invalid_token",
    "wbxml.oversized_uintvar",
    "gsm_sms.tp-mti",
    "gsm_sms.udh.mm.msg_id",
    "gsm_sms.udh.mm.msg_parts",
    "gsm_sms.udh.mm.msg_part",
    "gsm_sms.tp-dcs",
    "gsm_sms.reassembled.length",
    "_ws.malformed",
];

/// A push, and what it carries.
struct Sent {
    push: Push,
    sec: Option<u8>,
    document: Option<(PayloadKind, Element)>,
}

fn documents() -> Vec<(PayloadKind, Vec<u8>, Element)> {
    let profiles = drawn(PROFILES);
    let documents = profiles.iter().flat_map(|text| {
        PayloadKind::ALL.map(|kind| {
            let octets = bootgate::bootstrap::build(&settings(text), kind).unwrap().octets;
            let root = wbxml::decode(&octets).unwrap().root;
            (kind, octets, root)
        })
    });
    documents.collect()
}

/// The document as it is pushed without a method and under each that its kind has.
fn pushes(tid: u8, kind: PayloadKind, octets: &[u8], root: &Element) -> Vec<Sent> {
    let subscriber = subscriber();
    let build = if kind == PayloadKind::Dm { Push::dm_bootstrap } else { Push::client_provisioning };
    let bare =
        Sent { push: build(tid, None, octets.to_vec()), sec: None, document: Some((kind, root.clone())) };
    let signed =
        [Sec::NetwPin, Sec::UserPin, Sec::UserNetwPin, Sec::UserPinMac].into_iter().filter_map(|sec| {
            let pin = "0481516".parse().unwrap();
            let signature = sign(kind, sec, subscriber.imsi.as_ref(), Some(&pin), octets).ok()?;
            let number = signature.sec as u8;
            let authentication = Authentication { sec: wsp::Sec(number), mac: signature.mac };
            let push = build(tid, Some(&authentication), octets.to_vec());
            Some(Sent { push, sec: Some(number), document: Some((kind, root.clone())) })
        });
    std::iter::once(bare).chain(signed).collect()
}

fn notification(at: usize, text: &str) -> Sent {
    let server = settings(text).dm_account.unwrap().server_id;
    let session = SessionNumber(u16::try_from(at + 1).unwrap().try_into().unwrap());
    let trigger = Trigger::new(server, session).unwrap();
    let package0 = Package0 { digest: [u8::try_from(at % 256).unwrap(); 16], trigger };
    Sent { push: Push::notification(1, package0.to_octets()), sec: None, document: None }
}

/// Compares what tshark says of a push with the push.
fn check(at: usize, sent: &Sent, row: &Row) {
    let one = |field: &str, wanted: &str| assert_eq!(row.one(field), wanted, "push {at}: {field}\n{row:?}");
    check_sound(at, row);
    one("wsp.TID", &format!("0x{:02x}", sent.push.tid));
    one("wsp.pdu_type", "0x06");
    one("wsp.header.content_type", sent.push.content_type.media().name().unwrap());
    let is_dm = sent.document.as_ref().is_none_or(|(kind, _)| *kind == PayloadKind::Dm);
    one("wsp.header.x_wap_application_id", if is_dm { "x-wap-application:syncml.dm" } else { "" });
    one("wsp.parameter.sec", &sent.sec.map_or(String::new(), |sec| format!("0x{sec:02x}")));
    one("wsp.parameter.mac", &sent.push.presented().and_then(|p| p.mac).unwrap_or_default());
    let Some((kind, root)) = &sent.document else { return };
    one("wbxml.version", &format!("0x{:02x}", sent.push.body[0]));
    one("wbxml.public_id.known", if *kind == PayloadKind::Dm { "0x00001201" } else { "0x0000000b" });
    one("wbxml.charset", "106");
    let (mut elements, mut values) = (Vec::new(), Vec::new());
    walk(root, &mut elements, &mut values);
    assert_eq!(row.all("wbxml.known_tag"), elements, "push {at}: elements");
    // Whatever is no string is a token, and tokens are words of the standard.
    let word = |value: &&String| value.chars().all(|c| c.is_ascii_graphic() && !c.is_ascii_lowercase());
    let mut wanted = values.iter();
    for seen in row.all("wbxml.str_i") {
        let skipped: Vec<_> = wanted.by_ref().take_while(|value| **value != seen).collect();
        assert!(skipped.iter().all(word), "push {at}: {seen:?} does not follow on {skipped:?}");
    }
    assert!(wanted.as_slice().iter().all(|v| word(&v)), "push {at}: {wanted:?} are no strings");
}

fn check_sound(at: usize, row: &Row) {
    for field in ["_ws.malformed", "wbxml.invalid_token", "wbxml.oversized_uintvar"] {
        assert_eq!(row.one(field), "", "push {at}: {field}\n{row:?}");
    }
}

/// The names of the elements, and the values and texts, in the order of the document.
pub(super) fn walk(element: &Element, elements: &mut Vec<String>, values: &mut Vec<String>) {
    elements.push(element.name.clone());
    values.extend(element.attributes.iter().map(|a| a.value.clone()));
    for node in &element.children {
        match node {
            Node::Element(inner) => walk(inner, elements, values),
            Node::Text(text) => values.push(text.clone()),
            Node::Opaque(_) => {}
        }
    }
}

#[test]
fn pushes_over_udp() {
    let mut sent: Vec<Sent> = Vec::new();
    for (at, (kind, octets, root)) in documents().iter().enumerate() {
        sent.extend(pushes(u8::try_from(at % 256).unwrap(), *kind, octets, root));
    }
    sent.extend(drawn(PROFILES).iter().enumerate().map(|(at, text)| notification(at, text)));
    let frames = sent.iter().map(|s| udp(PUSH_PORT, &s.push.to_octets()));
    let rows = Capture::new(Capture::IP, frames).fields(&FIELDS);
    // Without a method and under four for CP, and under three for DM; and a notification.
    assert_eq!((sent.len(), rows.len()), (PROFILES * (5 + 4 + 1), sent.len()));
    for (at, (sent, row)) in sent.iter().zip(&rows).enumerate() {
        assert_eq!(row.one("udp.dstport"), "2948");
        check(at, sent, row);
    }
}

#[test]
fn pushes_in_short_messages() {
    let number = Address::international(&"+491711234567".parse().unwrap());
    let mut frames = Vec::new();
    let mut wanted = Vec::new();
    let mut whole = Vec::new();
    let mut sent: Vec<Sent> = Vec::new();
    for (at, (kind, octets, root)) in documents().iter().enumerate() {
        // Another method for each.
        let mut variants = pushes(u8::try_from(at % 256).unwrap(), *kind, octets, root);
        sent.push(variants.swap_remove(at / 2 % variants.len()));
    }
    sent.extend(drawn(PROFILES).iter().enumerate().map(|(at, text)| notification(at, text)));
    for (at, s) in sent.iter().enumerate() {
        let octets = s.push.to_octets();
        let reference = match u8::try_from(at) {
            Ok(short) if at % 2 == 0 => Reference::Short(short),
            _ => Reference::Long(0x0100 + u16::try_from(at).unwrap()),
        };
        let mut segments = split(Ports::PUSH, reference, 255, &octets).unwrap();
        let total = segments.len();
        // They come in any order.
        segments.rotate_left(at % total);
        for (n, segment) in segments.into_iter().enumerate() {
            let part = segment.udh.concatenation();
            let user_data = UserData::octets(Dcs::DATA_CLASS_1, Some(segment.udh), segment.data).unwrap();
            let to_device = at % 3 != 0;
            let tpdu = message(to_device, &number, user_data);
            frames.push(upper("gsm_sms", to_device, &tpdu.to_octets()));
            let reference = match reference {
                Reference::Short(short) => u16::from(short),
                Reference::Long(long) => long,
            };
            wanted.push((
                if to_device { "0" } else { "1" },
                part.map(|p| (reference, p.total(), p.sequence())),
            ));
            if n + 1 == total {
                whole.push((frames.len() - 1, total, octets.len()));
            }
        }
    }
    let count = frames.len();
    let rows = Capture::new(Capture::UPPER, frames).fields(&FIELDS);
    assert_eq!(rows.len(), count);
    for (at, (row, (kind, part))) in rows.iter().zip(&wanted).enumerate() {
        check_sound(at, row);
        assert_eq!((row.one("gsm_sms.tp-mti"), row.one("gsm_sms.tp-dcs")), (*kind, "245"));
        let seen = ["gsm_sms.udh.mm.msg_id", "gsm_sms.udh.mm.msg_parts", "gsm_sms.udh.mm.msg_part"]
            .map(|f| row.one(f));
        let wanted = part.map_or([const { String::new() }; 3], |(reference, total, sequence)| {
            [reference.to_string(), total.to_string(), sequence.to_string()]
        });
        assert_eq!(seen, wanted.each_ref().map(String::as_str), "message {at}");
    }
    assert_eq!(whole.len(), sent.len());
    assert!(whole.iter().any(|(_, total, _)| *total > 20) && whole.iter().any(|(_, total, _)| *total == 1));
    for (at, (sent, (frame, total, length))) in sent.iter().zip(&whole).enumerate() {
        let row = &rows[*frame];
        let put_together = if *total == 1 { String::new() } else { length.to_string() };
        assert_eq!(row.one("gsm_sms.reassembled.length"), put_together, "push {at}");
        check(at, sent, row);
    }
}

fn message(to_device: bool, number: &Address, user_data: UserData) -> Tpdu {
    if !to_device {
        return Tpdu::Submit(Submit::new(number.clone(), user_data));
    }
    Tpdu::Deliver(Deliver {
        more_messages: false,
        loop_prevention: false,
        status_report: false,
        reply_path: false,
        originator: number.clone(),
        pid: Pid::SHORT_MESSAGE,
        time: SmsTime::new([26, 1, 2], [3, 4, 5], 4).unwrap(),
        user_data,
    })
}

#[test]
fn what_is_cut_is_marked() {
    let (kind, octets, root) = documents().remove(1);
    let whole = pushes(1, kind, &octets, &root).remove(0).push.to_octets();
    let cuts: Vec<usize> = (4..whole.len()).step_by(31).collect();
    let frames = cuts.iter().copied().chain([whole.len()]).map(|end| udp(PUSH_PORT, &whole[..end]));
    let rows = Capture::new(Capture::IP, frames).fields(&FIELDS);
    let (last, rows) = rows.split_last().unwrap();
    assert_eq!(last.one("_ws.malformed"), "");
    let marked = rows.iter().filter(|row| !row.one("_ws.malformed").is_empty()).count();
    // Where a cut falls within a string it takes what is there.
    assert!(marked * 2 > cuts.len(), "{marked} of {} cuts are marked", cuts.len());
}
