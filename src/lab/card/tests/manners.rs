//! Each quirk by its evidence: what a card by the book answers, and what the same card answers with the quirk; or what is in its files
//! then. A quirk without evidence does not compile.

use super::*;
use crate::{
    lab::image::{CardImage, Quirk},
    wire::fcp::Security,
};

/// What shows a quirk. Answers are in hexadecimal digits; one that ends in `..` goes on.
enum Evidence {
    /// Commands that are sent first, then one and its two answers.
    Answer {
        kind: SampleKind,
        protocol: Protocol,
        first: &'static [&'static str],
        command: &'static str,
        book: &'static str,
        quirk: &'static str,
    },
    /// Something about the card at rest.
    Files(fn(&CardImage) -> bool),
}

const VERIFY: &str = "0020000A083132333435363738";
const CREATE: &str = "00E0000024 62228202782183027F50840CA000000063504B43532D31358A01058B032F060181020800";
const CREATE_WITH_PINS: &str = "00E0000032 62308202782183027F50840CA000000063504B43532D31358A01058B032F060181020800C60C90012083010183018183010A";

/// On a prepared card that speaks T=0.
const fn answer(
    first: &'static [&'static str],
    command: &'static str,
    book: &'static str,
    quirk: &'static str,
) -> Evidence {
    Evidence::Answer { kind: SampleKind::Prepared, protocol: Protocol::T0, first, command, book, quirk }
}

/// On a bare card where the key was presented.
const fn creating(
    first: &'static [&'static str],
    command: &'static str,
    book: &'static str,
    quirk: &'static str,
) -> Evidence {
    Evidence::Answer { kind: SampleKind::Bare, protocol: Protocol::T0, first, command, book, quirk }
}

fn evidence(quirk: Quirk) -> Evidence {
    let iccid = &["00A4000C022FE2"];
    match quirk {
        Quirk::Fci => answer(&[], "00A40000023F00", "6A86", "61.."),
        Quirk::WrongFid => {
            answer(&["00A40004022FE2"], "00C000000A", "62178202412183022FE2..", "62178202412183026430..")
        }
        Quirk::NotFoundAsNoReference => answer(&[], "00A4000C026666", "6A82", "6A88"),
        Quirk::NoRecordAsNoMemory => answer(&["00A4000C022F00"], "00B2050430", "6A83", "6A84"),
        Quirk::DeniedAs6900 => answer(&["00A4080C047F506431"], "00D6000001AA", "6982", "6900"),
        Quirk::FourOctetHeader => answer(&[], "80F2000C", "6700", "9000"),
        Quirk::EndOfFileLoop => answer(iccid, "00B0000A01", "6B00", "6C00"),
        Quirk::EndOfFileWarning => answer(iccid, "00B0000514", "6C05", "00400310F0 6282"),
        Quirk::EndOfFileShort => answer(iccid, "00B0000514", "6C05", "00400310F0 9000"),
        Quirk::BlockOf255 => answer(&["00A4080C047F506431"], "00B0000000", "FFFF..", "6700"),
        Quirk::NoChannels => answer(&[], "0070000001", "01 9000", "6881"),
        Quirk::NoSelectByPath => answer(&[], "00A4080C047F505031", "9000", "6A86"),
        Quirk::NeverFetched => answer(&[], "00A40004023F00", "61..", "62.."),
        Quirk::AlwaysFetched => Evidence::Answer {
            kind: SampleKind::Prepared,
            protocol: Protocol::T1,
            first: &[],
            command: "00A40004023F0000",
            book: "62..",
            quirk: "61..",
        },
        Quirk::CounterNotTold => answer(&[], "0020000A00", "63C3", "6700"),
        Quirk::PinOffAsConditions => answer(&[], "002000010831323334FFFFFFFF", "6984", "6985"),
        Quirk::CreateNeedsPinStatus => creating(&[VERIFY], CREATE, "9000", "6A80"),
        Quirk::CreateRefusesPinStatus => creating(&[VERIFY], CREATE_WITH_PINS, "9000", "6A80"),
        Quirk::CreateReplaces => creating(&[VERIFY, CREATE, "00A4000C023F00"], CREATE, "6A89", "9000"),
        Quirk::DoubleWrappedOid => Evidence::Files(|card| has(dodf(card), "06060604672B0501")),
        Quirk::OpaqueDo => Evidence::Files(|card| dodf(card)[0] == 0x30),
        Quirk::OtherLabelPlace => Evidence::Files(|card| has(&dodf(card)[..4], "300B")),
        Quirk::PathLengthAsInteger => Evidence::Files(|card| has(dodf(card), "6431 020100 02021000")),
        Quirk::DodfInA7 => Evidence::Files(|card| dodf(card)[0] == 0xA7),
        Quirk::SecurityByEnvironment => Evidence::Files(|card| {
            let file = card.mf.find(&[Fid::PKCS15]).unwrap();
            matches!(file.security, Some(Security::ReferencedBySe { .. }))
        }),
        Quirk::CompactRules => Evidence::Files(|card| {
            let file = card.mf.find(&[Fid::PKCS15]).unwrap();
            matches!(file.security, Some(Security::Compact(_)))
        }),
        Quirk::DodfWithoutPadding => Evidence::Files(|card| dodf(card).last() == Some(&0x32)),
        Quirk::DodfZeroPadding => Evidence::Files(|card| dodf(card).last() == Some(&0x00)),
        Quirk::SeveralDodfs => Evidence::Files(|card| {
            has(content(card, &[Fid::PKCS15, Fid::ODF]), "A706300404024404 A706300404026430")
        }),
        // 1000 octets are there, and 01DC less 00E0 more are told.
        Quirk::PathPastEnd => Evidence::Files(|card| has(dodf(card), "6431 020100 800210FC")),
        Quirk::DirWithoutPath => Evidence::Files(|card| {
            let dir = records(card);
            has(&dir, "A000000063504B43532D3135") && !has(&dir, "3F007F50")
        }),
        Quirk::NotInDir => Evidence::Files(|card| !has(&records(card), "A000000063504B43532D3135")),
        Quirk::NoTokenInfo => Evidence::Files(|card| card.mf.find(&[Fid::PKCS15, Fid::TOKEN_INFO]).is_none()),
    }
}

fn content<'a>(card: &'a CardImage, path: &[Fid]) -> &'a [u8] {
    card.mf.find(path).unwrap().content().unwrap()
}

fn dodf(card: &CardImage) -> &[u8] {
    content(card, &[Fid::PKCS15, Fid::DODF])
}

/// The records of EF(DIR), one behind the other.
fn records(card: &CardImage) -> Vec<u8> {
    match &card.mf.find(&[Fid::DIR]).unwrap().body {
        Body::Records { records, .. } => records.concat(),
        _ => panic!("no records"),
    }
}

fn has(octets: &[u8], part: &str) -> bool {
    let part = hex(part);
    octets.windows(part.len()).any(|window| window == part)
}

#[test]
fn each_quirk_shows() {
    for quirk in Quirk::ALL.iter().copied() {
        match evidence(quirk) {
            Evidence::Answer { kind, protocol, first, command, book, quirk: odd } => {
                for (expected, image) in [(book, false), (odd, true)].map(|(expected, has_it)| {
                    let mut image = Sample { protocol, ..sample(kind) }.image();
                    if has_it {
                        image.add_quirk(quirk);
                    }
                    (expected, image)
                }) {
                    let mut card = VirtualCard::from_image(image).unwrap();
                    first.iter().for_each(|command| drop(card.exchange(&hex(command))));
                    let got = Hex(card.exchange(&hex(command))).to_string();
                    let is = match expected.strip_suffix("..") {
                        Some(begin) => got.starts_with(&Hex(hex(begin)).to_string()),
                        None => got == Hex(hex(expected)).to_string(),
                    };
                    assert!(is, "{quirk}: {command} is answered {got}, expected {expected}");
                }
            }
            Evidence::Files(shows) => {
                let mut image = sample(SampleKind::Prepared).image();
                assert!(!shows(&image), "{quirk} without it");
                image.add_quirk(quirk);
                assert!(shows(&image), "{quirk}");
                assert!(VirtualCard::from_image(image).is_ok(), "{quirk}");
            }
        }
    }
}
