//! What decoders may allocate: 100 octets from a stranger make none of them take more than 1 MiB, all allocations of the
//! call added up. A program of its own, because its allocator counts. Each module of `wire` that reads octets is here, and
//! what stands on it: imports, explanations and the virtual phone.
//!
//! Nothing in a decoder is reserved by a length that was only announced, and what grows beyond the input is bounded by it:
//! string-table references of WBXML by its limit of text, nesting and attributes by their limits, all else by the octets
//! that are there.

#![expect(clippy::unwrap_used, reason = "a test may fall over")]

use std::{
    alloc::System,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bootgate::{
    bootstrap::{self, PayloadKind, ddf, import::import},
    explain::{self, Input, Options},
    ident::{Iccid, Imsi, Timestamp},
    phone::{BootstrapKind, BootstrapResult, Identity, Phone, Refusal, SAMPLE_IMEI},
    wire::{
        Decode as _, Encode as _, Fid, Path, Reader, Syntax,
        apdu::{CommandApdu, ResponseApdu},
        arr::{AccessMode, AccessRules, SecurityCondition},
        convert::{Layout, wbxml_to_xml, xml_to_wbxml},
        ef,
        fcp::{Fcp, FileKind, Order},
        gsm::SelectResponse,
        infoset::Vocabulary,
        package0::{Package0, ZeroNonce},
        pap::{Pap, Strictness, multipart},
        pkcs15::{DataObject, DirEntry, Dodf, ObjectId, Odf, OdfEntry, Pkcs15Path, Shape},
        prov::ProvDoc,
        script::{self, Need},
        smpp::{Header, ReceiptText},
        sms::{Pdu, Tpdu},
        syncml::{Message, auth::split_basic},
        tlv,
        tnds::MgmtTree,
        uintvar,
        usim::{self, SettingsFile},
        wbxml,
        wdp::{Limits, Reassembly, Segment, Udh},
        wsp::Push,
        xml,
    },
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Octets of an input.
const INPUT: usize = 100;
/// The most that one call may allocate, in octets.
const LIMIT: usize = 1024 * 1024;
/// Changed inputs for each seed.
const CHANGES: usize = 30;

/// A decoder; true when it read the octets.
type Decoder = fn(&[u8]) -> bool;

/// Whether 100 octets can be enough for a whole of this.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    /// They can: an input among those here is read.
    Fits,
    /// They cannot.
    IsLonger,
}
use Whole::{Fits, IsLonger};

const DECODERS: &[(&str, Whole, Decoder)] = &[
    ("wbxml", Fits, |o| wbxml::decode(o).is_ok()),
    ("wbxml as prov", Fits, |o| wbxml::decode_expecting(o, Vocabulary::Prov).is_ok()),
    ("wbxml as syncml", Fits, |o| wbxml::decode_expecting(o, Vocabulary::SyncMl).is_ok()),
    ("convert to xml", Fits, |o| wbxml_to_xml(o, Some(Vocabulary::SyncMl), Layout::Indented).is_ok()),
    ("convert to wbxml", Fits, |o| xml_to_wbxml(o).is_ok()),
    ("xml", Fits, |o| xml::parse(o).is_ok()),
    ("prov", Fits, |o| ProvDoc::decode(Syntax::Wbxml, o).is_ok()),
    ("prov xml", Fits, |o| ProvDoc::decode(Syntax::Xml, o).is_ok()),
    ("syncml", Fits, |o| Message::decode(Syntax::Wbxml, o).is_ok()),
    ("syncml xml", IsLonger, |o| Message::decode(Syntax::Xml, o).is_ok()),
    ("syncml credentials", Fits, |o| std::str::from_utf8(o).is_ok_and(|text| split_basic(text).is_some())),
    ("tnds", Fits, |o| MgmtTree::decode(Syntax::Wbxml, o).is_ok()),
    ("tnds xml", Fits, |o| MgmtTree::decode(Syntax::Xml, o).is_ok()),
    ("wsp", Fits, |o| Push::decode(o).is_ok()),
    ("wdp", Fits, |o| Udh::decode_exact(o).is_ok()),
    ("wdp segments", Fits, |o| {
        Segment::decode(o).is_ok_and(|segment| {
            let mut reassembly = Reassembly::new(Limits { datagrams: 1000, octets: 1 << 20 });
            drop(reassembly.on("4711", segment, Timestamp::from_millis(0)));
            true
        })
    }),
    ("smpp header", Fits, |o| matches!(Header::peek(o), Ok(Some(_)))),
    ("smpp receipt", Fits, |o| std::str::from_utf8(o).is_ok_and(|text| ReceiptText::parse(text).is_ok())),
    ("sms", Fits, |o| Tpdu::decode_exact(o).is_ok()),
    ("sms with centre", Fits, |o| Pdu::decode(o).is_ok()),
    ("package0", Fits, |o| Package0::decode(o).is_ok()),
    ("pap", Fits, |o| Pap::decode(o, Strictness::Strict).is_ok()),
    ("pap lenient", Fits, |o| Pap::decode(o, Strictness::Lenient).is_ok()),
    ("pap multipart", Fits, |o| multipart::read("b", o).is_ok()),
    ("pap boundary", Fits, |o| std::str::from_utf8(o).is_ok_and(|text| multipart::boundary(text).is_ok())),
    ("script", Fits, |o| script::parse(o).problems.is_empty()),
    ("script checked", Fits, |o| {
        let _ = script::check(o, &std::collections::BTreeMap::new(), Need::Nothing);
        true
    }),
    ("tlv", Fits, |o| tlv::parse_all(o).is_ok()),
    ("tlv padded", Fits, |o| tlv::parse_padded(o).is_ok()),
    ("fcp", Fits, |o| Fcp::decode(o).is_ok()),
    ("arr", Fits, |o| AccessRules::decode(o).is_ok()),
    ("gsm", Fits, |o| SelectResponse::decode(o).is_ok()),
    ("ef iccid", Fits, |o| ef::decode_iccid(o).is_ok()),
    ("ef imsi", Fits, |o| ef::decode_imsi(o).is_ok()),
    ("usim settings", Fits, |o| {
        SettingsFile::ALL.into_iter().filter(|file| usim::settings(*file, o).is_ok()).count() > 0
    }),
    ("fid path", Fits, |o| Path::from_octets(o).is_ok()),
    ("uintvar", Fits, |o| uintvar::read(&mut Reader::new(o), "number").is_ok()),
    ("pkcs15 dir", Fits, |o| DirEntry::decode(o).is_ok()),
    ("pkcs15 odf", Fits, |o| Odf::decode(o).is_ok_and(|odf| !odf.entries.is_empty())),
    ("pkcs15 dodf", Fits, |o| Dodf::decode(o).is_ok_and(|dodf| !dodf.entries.is_empty())),
    ("pkcs15 oid", Fits, |o| ObjectId::from_octets(o).is_ok()),
    ("apdu", Fits, |o| CommandApdu::decode(o).is_ok()),
    ("apdu response", Fits, |o| ResponseApdu::decode(o).is_ok()),
    ("ddf", Fits, |o| ddf::parse(o).is_ok()),
    ("bootstrap described", Fits, |o| bootstrap::describe(o).is_ok()),
    ("bootstrap read", IsLonger, |o| {
        PayloadKind::ALL.into_iter().any(|k| bootstrap::read_noting(k, o).is_ok())
    }),
    ("bootstrap import", IsLonger, |o| import(o, &"any".parse().unwrap()).is_ok()),
    ("explain", Fits, |o| explain::explain(&[o.to_vec()], &Options::default()).is_ok()),
    ("explain text", Fits, |o| explain::read(o, Input::Any).is_ok()),
    ("explain on a phone", Fits, |o| explain::simulate(&[o.to_vec()], &Options::default()).is_ok()),
    ("phone document", Fits, |o| phone_reads(BootstrapKind::Cp, o)),
    ("phone message", Fits, |o| phone_reads(BootstrapKind::Dm, o)),
    ("phone push", Fits, |o| {
        Push::decode(o).is_ok_and(|push| {
            let _ = phone().receive_push(&push, &mut |_| None);
            true
        })
    }),
    ("phone notification", IsLonger, |o| phone().receive_notification(o, &[ZeroNonce::Octets]).is_ok()),
];

fn phone() -> Phone {
    Phone::new(&Identity::virtual_phone(SAMPLE_IMEI.parse().unwrap(), None)).unwrap()
}

/// Whether a phone gets as far as what a bootstrap says.
fn phone_reads(kind: BootstrapKind, octets: &[u8]) -> bool {
    let result = phone().receive(kind, octets);
    !matches!(result, BootstrapResult::Refused { reason: Refusal::Undecodable(_), .. })
}

/// Inputs that are read as a whole.
fn whole() -> Vec<Vec<u8>> {
    let document =
        br#"<wap-provisioningdoc version="1.0"><characteristic type="APPLICATION"/></wap-provisioningdoc>"#;
    let tnds = b"<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>a</NodeName></Node></MgmtTree>";
    let path = || Path::new([Fid(0x3F00), Fid(0x7F50)]);
    let object = DataObject::new(Shape::OidDo, ObjectId::CP_BOOTSTRAP, "B", path());
    let rules = AccessRules(vec![(AccessMode::Operations(0x01), SecurityCondition::Always)]);
    let short = "01 00 0B 91 4915112233F4 00 F5 01 61";
    let whole = vec![
        document.to_vec(),
        xml_to_wbxml(document).unwrap(),
        tnds.to_vec(),
        wbxml::encode(&wbxml::Document::new(xml::parse(tnds).unwrap())).unwrap(),
        hex("02 A401 6A 00 6D 6C 71 03312E3200 01 72 03444D2F312E3200 01 65 033100 01 5B 033100 01
             6E 57 036100 01 01 67 57 036100 01 01 01 6B 12 01 01"),
        b"YTpi".to_vec(),
        hex("01 06 01 B6 03 0B 6A 00 05"),
        hex("06 05040B8423F0"),
        hex("06 05040B8423F0 0106"),
        hex(short),
        hex(&format!("00 {short}")),
        hex("5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A 02C0000000 0007 01 61"),
        br#"<pap><badmessage-response code="2000" bad-message-fragment="x"/></pap>"#.to_vec(),
        b"--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--\r\n".to_vec(),
        b"multipart/related; boundary=b".to_vec(),
        b"RST\n".to_vec(),
        hex("80 01 01"),
        Fcp::new(FileKind::Df, Fid(0x7F50)).to_octets(Order::Answer),
        rules.to_octets(),
        hex("0000000A2FE204000CFFFF01020000"),
        ef::encode_iccid(&"89490200001234567892".parse::<Iccid>().unwrap()).to_vec(),
        ef::encode_imsi(&"262011234567890".parse::<Imsi>().unwrap()).to_vec(),
        hex("3F007F50"),
        // EF(ACL) with one access point.
        hex("01DD0908696E7465726E6574"),
        DirEntry::pkcs15(path()).to_octets(),
        OdfEntry::data_objects(Pkcs15Path::whole(path())).to_octets(),
        object.to_octets(),
        hex("672B0501"),
        hex("00A4000C023F00"),
        hex("9000"),
        hex("00000010 00000015 00000000 00000001"),
        b"id:m4 stat:DELIVRD err:000".to_vec(),
    ];
    assert!(whole.iter().all(|input| input.len() <= INPUT));
    whole
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// Inputs that ask for as much as they can, each brought to its full length by repeating its end.
fn seeds() -> Vec<Vec<u8>> {
    let full = |head: &[u8], end: &[u8]| -> Vec<u8> {
        head.iter().chain(end.iter().cycle()).take(INPUT).copied().collect()
    };
    let table = [b'a'; 46];
    let with_table = |head: &str, body: &str, end: &str| {
        full(&[hex(head), vec![46], table.to_vec(), hex(body)].concat(), &hex(end))
    };
    let mut seeds = vec![
        // References to half of the input: as text, as value, as name, as attribute name.
        with_table("030B6A", "45", "8300"),
        with_table("030B6A", "870706", "8300"),
        with_table("030B6A", "45", "0400"),
        with_table("030B6A", "45", "4400"),
        with_table("030B6A", "85", "0400"),
        with_table("02A4016A", "6D", "8300"),
        with_table("03016A", "45", "8300"),
        // Nesting, empty elements, attributes, instructions, lengths that are not there.
        full(&hex("030B6A00"), &[0x46]),
        full(&hex("030B6A00 45"), &[0x06]),
        full(&hex("030B6A00 C546"), &[0x07]),
        full(&hex("02A4016A00"), &[0x6D]),
        full(&hex("030B6A00 45"), &hex("4305 01")),
        full(&hex("030B6A00 45 C3 8FFFFFFF7F"), &[0]),
        full(&hex("030B6A 8FFFFFFF7F"), &[0]),
        full(&hex("0300006A20"), b"-//WAPFORUM//DTD PROV 1.0//EN\0"),
        full(b"", b"<a>"),
        full(b"<a>", b"<a/>"),
        full(b"<a>", b"&amp;"),
        full(b"<a ", b"xmlns:a='b' "),
        full(b"<a ", b"b='&#x10FFFF;' "),
        full(b"<a><![CDATA[", b"]"),
        full(b"<SyncML><SyncBody>", b"<Add>"),
        full(b"<MgmtTree>", b"<Node>"),
        // A push with headers, a short message with a header that announces 255 segments.
        full(&hex("01 06 40 B6"), &hex("0583 87")),
        full(&hex("01 06 03 B6"), &[0x80]),
        full(&hex("0B 05040B8423F0 0003 01 FF 01"), &[0x61]),
        full(&hex("44 0B 91 4915112233F4 00 F5 11112021000000 8C 0B 05040B8423F0 0003 01 FF 01"), &[0x61]),
        full(&hex("00 41 00 0B 91 4915112233F4 00 F5 8C"), &[0x61]),
        // A notification, data objects that hold each other, files of a card.
        full(&[0x5A; 16], &hex("0280 0000 0001 4F 61")),
        full(b"", &hex("6F 83FFFFFF")),
        full(b"", &hex("30 62 ")),
        full(&hex("62 62"), &hex("82 02 4121")),
        full(&hex("61 62"), &hex("4F 02 A000")),
        full(b"", &hex("A1 04 30 02 0400")),
        full(b"", &hex("80 01 01 A4 06")),
        full(&hex("00 A4 04 00 5F"), &[0xA0]),
        full(b"", &[0xFF]),
        full(b"", &[0x00]),
        full(b"", &[0x81]),
    ];
    seeds.push((0..INPUT).map(|n| u8::try_from(n).unwrap()).collect());
    seeds
}

/// Changes and cuts an input, the same way in every run (xorshift).
fn changed(seed: &[u8], state: &mut u64) -> Vec<u8> {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state >> 33).unwrap()
    };
    let mut octets = seed.to_vec();
    for _ in 0..=next() % 4 {
        let at = next() % octets.len();
        octets[at] = next().to_le_bytes()[0];
    }
    if next().is_multiple_of(4) {
        octets.truncate(next() % INPUT);
    }
    octets
}

/// The allocator counts for all threads, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_hundred_octets_take_less_than_a_mebibyte() {
    let _alone = alone();
    let (seeds, whole) = (seeds(), whole());
    assert!(seeds.iter().all(|s| s.len() == INPUT));
    let mut state = 0x2545_F491_4F6C_DD1D;
    let mut inputs = [seeds.clone(), whole.clone()].concat();
    for seed in seeds.iter().chain(&whole) {
        inputs.extend((0..CHANGES).map(|_| changed(seed, &mut state)));
    }
    for (name, size, decoder) in DECODERS {
        // Tables that are made once are not made by a stranger.
        for input in &whole {
            decoder(input);
        }
        let (mut taken, mut worst, mut read) = (0, &inputs[0], 0);
        for input in &inputs {
            let region = Region::new(ALLOCATOR);
            read += usize::from(decoder(input));
            let allocated = region.change().bytes_allocated;
            if allocated > taken {
                (taken, worst) = (allocated, input);
            }
        }
        assert!(taken < LIMIT, "{name}: {taken} octets for {worst:02X?}");
        // An input that is refused at its first octet would say nothing.
        assert!(read > 0 || *size == IsLonger, "{name} reads none of {} inputs", inputs.len());
    }
}

/// The measure would see a decoder that believes a length.
#[test]
fn what_is_allocated_is_counted_though_it_is_given_back() {
    let _alone = alone();
    let region = Region::new(ALLOCATOR);
    for _ in 0..4 {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(LIMIT / 4)));
    }
    assert!(region.change().bytes_allocated >= LIMIT);
}

/// A module of `wire` that is new comes here too, or says why it reads nothing of a stranger.
#[test]
fn no_decoder_is_left_out() {
    let _alone = alone();
    const READ_NOTHING: [&str; 3] = ["codec", "infoset", "mac"];
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/wire/mod.rs")).unwrap();
    let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let missing: Vec<&str> = modules
        .filter(|module| {
            let named = |name: &str| name.split(' ').next() == Some(module);
            !READ_NOTHING.contains(module) && !DECODERS.iter().any(|(name, ..)| named(name))
        })
        .collect();
    assert!(missing.is_empty(), "without a measure: {missing:?}");
}

/// The limit that holds it for longer inputs: each octet of WBXML makes 64 octets of text at most, beyond the first 64 KiB.
#[test]
fn references_are_bounded_by_the_input() {
    let _alone = alone();
    let table = vec![b'a'; 1000];
    let octets = [&hex("030B6A 8768"), &table[..], &hex("45"), &hex("8300").repeat(500)].concat();
    let refused = wbxml::decode(&octets).unwrap_err().to_string();
    assert!(
        refused.contains("text of the document") && refused.contains(&(64 * octets.len()).to_string()),
        "{refused}"
    );
}
