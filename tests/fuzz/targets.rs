//! What is tried on octets of strangers: one function for each decoder. libFuzzer calls them (`fuzz_targets/`), and so does
//! the run that every compiler can do (`mutate.rs`).
//!
//! A function fails by panicking. It says whether the octets were read, so that a run without coverage knows what is worth
//! to be changed further.

use bootgate::{
    bootstrap::{self, PayloadKind},
    explain::{self, Input, Kind, Options},
    ident::Timestamp,
    profile::Profile,
    wire::{
        Decode, Encode, Syntax,
        apdu::{CommandApdu, ResponseApdu},
        arr::AccessRules,
        ef,
        fcp::{Fcp, Order},
        package0::Package0,
        pap::{self, Pap, Strictness},
        pkcs15::{DirEntry, Dodf, Odf},
        prov::ProvDoc,
        script::{self, Need},
        smpp::{CommandStatus, DataCoding, Header, LONGEST, ReceiptText, Tag},
        sms::{Pdu, Tpdu},
        syncml::Message,
        tlv, wbxml,
        wdp::{Limits, Outcome, Reassembly, Segment},
        wsp::Push,
        xml,
    },
};

/// A decoder under its name.
pub struct Target {
    /// Its name: that of the file in `fuzz_targets/`.
    pub name: &'static str,
    /// What is tried.
    run: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: [Target; 14] = [
    Target { name: "wbxml", run: wbxml },
    Target { name: "xml", run: xml },
    Target { name: "prov", run: prov },
    Target { name: "syncml", run: syncml },
    Target { name: "card", run: card },
    Target { name: "wsp", run: wsp },
    Target { name: "wdp", run: wdp },
    Target { name: "sms", run: sms },
    Target { name: "package0", run: package0 },
    Target { name: "explain", run: explain },
    Target { name: "import", run: import },
    Target { name: "script", run: script },
    Target { name: "pap", run: pap },
    Target { name: "smpp", run: smpp },
];

/// Runs one by its name, and says whether the octets were read.
pub fn run(name: &str, octets: &[u8]) -> bool {
    let target = TARGETS.iter().find(|t| t.name == name).expect("a target of that name");
    (target.run)(octets)
}

/// WBXML of any document type; what decodes must encode, and decode to the same again.
fn wbxml(octets: &[u8]) -> bool {
    let Ok(document) = wbxml::decode(octets) else { return false };
    if let Ok(again) = wbxml::encode(&document) {
        let back = wbxml::decode(&again).expect("what was encoded decodes");
        assert_eq!(back.root, document.root);
    }
    true
}

/// XML; what is written of it must read the same again.
fn xml(octets: &[u8]) -> bool {
    let Ok(root) = xml::parse(octets) else { return false };
    if let Ok(again) = xml::write(&root) {
        let back = xml::parse(again.as_bytes()).expect("what was written reads");
        assert_eq!(back, root);
    }
    true
}

/// Provisioning documents in both syntaxes, each written in both.
fn prov(octets: &[u8]) -> bool {
    let mut read = false;
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        let Ok(document) = ProvDoc::decode(syntax, octets) else { continue };
        read = true;
        for other in [Syntax::Wbxml, Syntax::Xml] {
            if let Ok(again) = document.encode(other) {
                assert_eq!(ProvDoc::decode(other, &again).expect("what was encoded decodes"), document);
            }
        }
    }
    read
}

/// SyncML messages in both syntaxes.
fn syncml(octets: &[u8]) -> bool {
    let mut read = false;
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        let Ok(message) = Message::decode(syntax, octets) else { continue };
        read = true;
        if let Ok(again) = message.encode(Syntax::Wbxml) {
            assert_eq!(Message::decode(Syntax::Wbxml, &again).expect("what was encoded decodes"), message);
        }
    }
    read
}

/// Everything that a card says about itself and its files.
fn card(octets: &[u8]) -> bool {
    let mut read = false;
    if let Ok(apdu) = CommandApdu::decode(octets) {
        assert_eq!(CommandApdu::decode(&apdu.to_octets()), Ok(apdu));
        read = true;
    }
    if let Ok(response) = ResponseApdu::decode(octets) {
        assert_eq!(response.to_octets(), octets);
    }
    let _ = (tlv::parse_all(octets), tlv::parse_padded(octets));
    if let Ok(fcp) = Fcp::decode(octets) {
        assert_eq!(Fcp::decode(&fcp.to_octets(Order::Answer)), Ok(fcp));
        read = true;
    }
    if let Ok(rules) = AccessRules::decode(octets) {
        assert_eq!(AccessRules::decode(&rules.to_octets()), Ok(rules));
        read = true;
    }
    if let Ok(entry) = DirEntry::decode(octets) {
        assert_eq!(DirEntry::decode(&entry.to_octets()), Ok(entry));
        read = true;
    }
    read |= Odf::decode(octets).is_ok_and(|odf| !odf.entries.is_empty());
    read |= Dodf::decode(octets).is_ok_and(|dodf| !dodf.entries.is_empty());
    if let Ok(iccid) = ef::decode_iccid(octets) {
        assert_eq!(ef::decode_iccid(&ef::encode_iccid(&iccid)), Ok(iccid));
    }
    if let Ok(imsi) = ef::decode_imsi(octets) {
        assert_eq!(ef::decode_imsi(&ef::encode_imsi(&imsi)), Ok(imsi));
    }
    read
}

/// WSP pushes.
fn wsp(octets: &[u8]) -> bool {
    let Ok(push) = Push::decode(octets) else { return false };
    let _ = (push.presented(), push.application(), push.push_flag());
    assert_eq!(Push::decode(&push.to_octets()).expect("what was encoded decodes"), push);
    true
}

/// Short messages, with and without the service centre's address.
fn sms(octets: &[u8]) -> bool {
    let Ok(pdu) = Pdu::decode(octets) else { return false };
    let tpdu = pdu.tpdu.to_octets();
    assert_eq!(Tpdu::decode_exact(&tpdu).expect("what was encoded decodes"), pdu.tpdu);
    true
}

/// Segments as they come in: each behind an octet with its length. What is kept of them stays within its limits.
fn wdp(octets: &[u8]) -> bool {
    const ROOM: Limits = Limits { datagrams: 3, octets: 512 };
    let mut reassembly = Reassembly::new(ROOM);
    let (mut rest, mut now, mut read) = (octets, 0, false);
    while let Some((length, behind)) = rest.split_first() {
        let (part, next) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = next;
        let Ok(segment) = Segment::decode(part) else { continue };
        assert_eq!(segment.to_octets(), part);
        read = true;
        now += 1;
        if let Outcome::Waiting { have, total } =
            reassembly.on("+491711234567", segment, Timestamp::from_millis(now))
        {
            assert!(have < total);
        }
        assert!(reassembly.incomplete().count() <= ROOM.datagrams);
    }
    read
}

/// Notifications.
fn package0(octets: &[u8]) -> bool {
    let Ok(package0) = Package0::decode(octets) else { return false };
    assert_eq!(package0.to_octets(), octets);
    true
}

/// Explanations. The first octet says what the others are taken for: nothing, so that it is to be found out; text of a
/// person; or one of the kinds.
fn explain(octets: &[u8]) -> bool {
    let Some((how, octets)) = octets.split_first() else { return false };
    let kinds: Vec<Kind> = Kind::all().collect();
    let how = usize::from(*how) % (kinds.len() + 2);
    let kind = how.checked_sub(2).and_then(|at| kinds.get(at).copied());
    let pieces = match how {
        1 => match explain::read(octets, Input::Any) {
            Ok(pieces) => pieces,
            Err(_) => return false,
        },
        _ => vec![octets.to_vec()],
    };
    let Ok(explanation) = explain::explain(&pieces, &Options { kind, ..Options::default() }) else {
        return false;
    };
    for part in &explanation.parts {
        // Each octet stands in one field, whatever group that is in.
        let fields = part.spans.iter().filter(|s| s.hex.is_some() || s.masked);
        assert_eq!(fields.map(|s| s.length).sum::<usize>(), part.length, "{explanation}");
    }
    let _ = serde_json::to_string(&explanation).expect("it is data");
    explanation.is_sound()
}

/// Bootstraps of others as profiles: what is imported is a profile, and what is read can be described.
fn import(octets: &[u8]) -> bool {
    for kind in PayloadKind::ALL {
        let _ = bootstrap::read_noting(kind, octets);
    }
    let _ = bootstrap::describe(octets);
    let name = "imported".parse().expect("a name");
    let Ok(imported) = bootstrap::import::import(octets, &name) else { return false };
    assert!(Profile::parse(&imported.profile).is_ok(), "{}", imported.profile);
    true
}

/// Card scripts: what is printed of a script without a problem reads the same again.
fn script(octets: &[u8]) -> bool {
    // Hexadecimal digits are printed wider than they may come, and statements are capped.
    const LONGEST: usize = 2_000;
    let parsed = script::parse(octets);
    let _ = script::check(octets, &std::collections::BTreeMap::new(), Need::Nothing);
    if !parsed.problems.is_empty() || octets.len() > LONGEST {
        return false;
    }
    let printed = parsed.script.to_string();
    assert_eq!(script::parse(printed.as_bytes()), parsed, "{printed}");
    true
}

/// Push access protocol: control documents by themselves, and bodies of several entities, whose boundary is what stands
/// behind the first two dashes. What is written of a document says the same again.
fn pap(octets: &[u8]) -> bool {
    let mut read = false;
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let Ok(message) = Pap::decode(octets, strictness) else { continue };
        read = true;
        let again =
            Pap::decode(message.encode().as_bytes(), Strictness::Strict).expect("what was encoded decodes");
        assert_eq!((again.product_name, again.message), (message.product_name, message.message));
    }
    let first = octets.split(|o| *o == b'\n').next().unwrap_or_default().trim_ascii_end();
    let Some(boundary) = first.strip_prefix(b"--").and_then(|b| std::str::from_utf8(b).ok()) else {
        return read;
    };
    let Ok(boundary) = pap::multipart::boundary(&format!("multipart/related; boundary=\"{boundary}\""))
    else {
        return read;
    };
    let Ok(entities) = pap::multipart::read(&boundary, octets) else { return read };
    for entity in &entities {
        let _ = Pap::decode(entity.body, Strictness::Strict);
    }
    true
}

/// SMPP without a codec: headers and the cuts between PDUs, the text of receipts, and the words for numbers.
fn smpp(octets: &[u8]) -> bool {
    let text: String = octets.iter().map(|o| char::from(*o)).collect();
    let mut read = ReceiptText::parse(&text).is_ok();
    let mut rest = octets;
    while let Ok(Some(header)) = Header::peek(rest) {
        assert!((16..=LONGEST).contains(&header.length), "{header:?}");
        assert_eq!(header.to_octets(), rest[..Header::OCTETS]);
        let CommandStatus(status) = header.status;
        let [_, _, tag, coding] = status.to_be_bytes();
        let _ = (header.status.meaning(), Tag(u16::from(tag)).to_string(), DataCoding(coding).meaning());
        let Some(behind) = usize::try_from(header.length).ok().and_then(|length| rest.get(length..)) else {
            break;
        };
        (read, rest) = (true, behind);
    }
    read
}
