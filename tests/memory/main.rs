//! What decoders may allocate: 100 octets from a stranger make none of them take more than 1 MiB, all allocations of the
//! call added up. A program of its own, because its allocator counts.
//!
//! Nothing in a decoder is reserved by a length that was only announced, and what grows beyond the input is bounded by it:
//! string-table references of WBXML by its limit of text, nesting and attributes by their limits, all else by the octets
//! that are there.

#![expect(clippy::unwrap_used, reason = "a test may fall over")]

use std::alloc::System;

use bootgate::{
    bootstrap::{ddf, import::import},
    explain::{self, Options},
    ident::Timestamp,
    wire::{
        Decode as _, Syntax,
        apdu::{CommandApdu, ResponseApdu},
        arr::AccessRules,
        convert::{Layout, wbxml_to_xml, xml_to_wbxml},
        fcp::Fcp,
        infoset::Vocabulary,
        package0::Package0,
        pkcs15::{DirEntry, Dodf, ObjectId, Odf},
        prov::ProvDoc,
        sms::Pdu,
        sms::Tpdu,
        syncml::Message,
        tlv, wbxml,
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
const CHANGES: usize = 300;

/// A decoder; what it answers does not matter here.
type Decoder = fn(&[u8]);

const DECODERS: &[(&str, Decoder)] = &[
    ("wbxml", |o| drop(wbxml::decode(o))),
    ("wbxml as prov", |o| drop(wbxml::decode_expecting(o, Vocabulary::Prov))),
    ("wbxml as syncml", |o| drop(wbxml::decode_expecting(o, Vocabulary::SyncMl))),
    ("wbxml to xml", |o| drop(wbxml_to_xml(o, Some(Vocabulary::SyncMl), Layout::Indented))),
    ("xml", |o| drop(xml::parse(o))),
    ("xml to wbxml", |o| drop(xml_to_wbxml(o))),
    ("prov", |o| drop(ProvDoc::decode(Syntax::Wbxml, o))),
    ("prov xml", |o| drop(ProvDoc::decode(Syntax::Xml, o))),
    ("syncml", |o| drop(Message::decode(Syntax::Wbxml, o))),
    ("syncml xml", |o| drop(Message::decode(Syntax::Xml, o))),
    ("wsp", |o| drop(Push::decode(o))),
    ("wdp", |o| drop(Udh::decode_exact(o))),
    ("wdp segments", |o| {
        if let Ok(segment) = Segment::decode(o) {
            let mut reassembly = Reassembly::new(Limits { datagrams: 1000, octets: 1 << 20 });
            drop(reassembly.on("4711", segment, Timestamp::from_millis(0)));
        }
    }),
    ("sms", |o| drop(Tpdu::decode_exact(o))),
    ("sms with centre", |o| drop(Pdu::decode(o))),
    ("package0", |o| drop(Package0::decode(o))),
    ("tlv", |o| drop(tlv::parse_all(o))),
    ("tlv padded", |o| drop(tlv::parse_padded(o))),
    ("fcp", |o| drop(Fcp::decode(o))),
    ("arr", |o| drop(AccessRules::decode(o))),
    ("pkcs15 dir", |o| drop(DirEntry::decode(o))),
    ("pkcs15 odf", |o| drop(Odf::decode(o))),
    ("pkcs15 dodf", |o| drop(Dodf::decode(o))),
    ("pkcs15 oid", |o| drop(ObjectId::from_octets(o))),
    ("apdu", |o| drop((CommandApdu::decode(o), ResponseApdu::decode(o)))),
    ("ddf", |o| drop(ddf::parse(o))),
    ("import", |o| drop(import(o, &"any".parse().unwrap()))),
    ("explain", |o| drop(explain::explain(&[o.to_vec()], &Options::default()))),
];

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

#[test]
fn a_hundred_octets_take_less_than_a_mebibyte() {
    let seeds = seeds();
    assert!(seeds.iter().all(|s| s.len() == INPUT));
    let mut state = 0x2545_F491_4F6C_DD1D;
    let mut inputs = seeds.clone();
    for seed in &seeds {
        inputs.extend((0..CHANGES).map(|_| changed(seed, &mut state)));
    }
    let mut most = Vec::new();
    for (name, decoder) in DECODERS {
        // Tables that are made once are not made by a stranger.
        decoder(&seeds[0]);
        let takes = inputs.iter().map(|input| {
            let region = Region::new(ALLOCATOR);
            decoder(input);
            (region.change().bytes_allocated, input)
        });
        let (taken, input) = takes.max_by_key(|(taken, _)| *taken).unwrap();
        assert!(taken < LIMIT, "{name}: {taken} octets for {input:02X?}");
        most.push((name, taken));
    }
    // The allocator counts, and the inputs reach into the decoders.
    assert!(most.iter().all(|(_, taken)| *taken > 0), "{most:?}");
}

/// The limit that holds it for longer inputs: each octet of WBXML makes 64 octets of text at most, beyond the first 64 KiB.
#[test]
fn references_are_bounded_by_the_input() {
    let table = vec![b'a'; 1000];
    let octets = [&hex("030B6A 8768"), &table[..], &hex("45"), &hex("8300").repeat(500)].concat();
    let refused = wbxml::decode(&octets).unwrap_err().to_string();
    assert!(
        refused.contains("text of the document") && refused.contains(&(64 * octets.len()).to_string()),
        "{refused}"
    );
}
