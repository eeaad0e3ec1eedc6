//! The virtual card against conversations with other card programs, and against the letter of TS 102 221.

mod channels;
mod files;
mod hostile;
mod manners;
mod objects;
mod pins;
mod rights;
mod sessions;

use super::*;
use crate::{
    ident::{Iccid, Imsi},
    lab::image::{Body, FileImage, Hex, RecordShape, Sample, SampleKind},
    wire::{
        Fid,
        fcp::{Fcp, LifeCycle},
        vectors::{hex, vectors},
    },
};

fn sample(kind: SampleKind) -> Sample {
    let iccid: Iccid = Iccid::from_card("8988211000000430010").unwrap();
    let imsi: Imsi = "001010123456789".parse().unwrap();
    Sample::new(kind, iccid, imsi)
}

fn card(kind: SampleKind) -> VirtualCard {
    VirtualCard::from_image(sample(kind).image()).unwrap()
}

fn card_t1(kind: SampleKind) -> VirtualCard {
    let mut sample = sample(kind);
    sample.protocol = Protocol::T1;
    VirtualCard::from_image(sample.image()).unwrap()
}

/// The same card with other manners.
fn with_quirks(card: &mut VirtualCard, quirks: Quirks) -> &mut VirtualCard {
    card.quirks = quirks;
    card
}

/// Sends a command; expects an answer, both in hexadecimal digits.
fn says(card: &mut VirtualCard, command: &str, answer: &str) {
    let got = Hex(card.exchange(&hex(command))).to_string();
    assert_eq!(got, Hex(hex(answer)).to_string(), "to {command}");
}

/// Selects on T=0 and fetches the template.
fn fcp(card: &mut VirtualCard, select: &str) -> Fcp {
    let answer = card.exchange(&hex(select));
    assert_eq!((answer.len(), answer[0]), (2, 0x61), "{select}: {answer:02X?}");
    let answer = card.exchange(&[0x00, 0xC0, 0x00, 0x00, answer[1]]);
    let (template, sw) = answer.split_last_chunk::<2>().unwrap();
    assert_eq!(sw, &[0x90, 0x00]);
    Fcp::decode(template).unwrap()
}
