//! Scripts on virtual cards.

#![cfg(test)]

mod journal;
mod keys;
mod refused;
mod rules;
mod samples;
mod shipped;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::*;
use crate::{
    card::{
        CardTransport, Key, KeyGuard, KeyJournal, KeyPolicy, KeyState, MemoryKeyJournal, MemoryWriteJournal,
        Protocol, Session, WriteJournal,
    },
    ident::{Iccid, Imsi},
    lab::{
        card::VirtualCard,
        image::{Body, CardImage, Personality, Sample, SampleKind},
        reader::{CardHandle, InProcess},
    },
    wire::{
        Fid,
        arr::KeyRef,
        script::{Checked, Need, check},
    },
};

const FILE: [Fid; 2] = [Fid::PKCS15, Fid(0x6431)];

fn sample(personality: Personality, kind: SampleKind) -> Sample {
    let iccid = Iccid::from_card("8988211000000430010").unwrap();
    let imsi: Imsi = "001010123456789".parse().unwrap();
    let mut sample = Sample::new(kind, iccid, imsi);
    sample.personality = personality;
    sample.bootstrap_size = 300;
    sample
}

fn from(image: CardImage) -> CardHandle {
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

fn prepared() -> CardHandle {
    from(sample(Personality::Uicc, SampleKind::Prepared).image())
}

/// A prepared card whose bootstrap file holds something.
fn written(personality: Personality, content: &[u8]) -> CardHandle {
    let mut image = sample(personality, SampleKind::Prepared).image();
    if let Body::Transparent(octets) = &mut image.mf.find_mut(&FILE).unwrap().body {
        octets[..content.len()].copy_from_slice(content);
    }
    from(image)
}

fn at_rest(card: &CardHandle, path: &[Fid]) -> Vec<u8> {
    match &card.image().mf.find(path).unwrap().body {
        Body::Transparent(octets) => octets.clone(),
        _ => panic!("not transparent"),
    }
}

fn tries(card: &CardHandle, key: KeyRef) -> u8 {
    card.image().key_mut(key).unwrap().tries
}

fn checked(text: &str, set: &[(&str, &str)], need: Need) -> Checked {
    let given: BTreeMap<String, Zeroizing<String>> =
        set.iter().map(|(name, value)| ((*name).to_owned(), Zeroizing::new((*value).to_owned()))).collect();
    let checked = check(text.as_bytes(), &given, need);
    assert!(checked.is_sound(), "{:?}", checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>());
    checked
}

/// How a test runs a script.
#[derive(Default)]
struct With<'a> {
    set: &'a [(&'a str, &'a str)],
    backup: Option<&'a mut MemoryBackup>,
    restore: Option<&'a CardBackup>,
    journal: Option<&'a MemoryKeyJournal>,
    writes: Option<&'a MemoryWriteJournal>,
}

fn run_in(reader: &mut dyn CardTransport, text: &str, with: With<'_>) -> Report {
    let checked = checked(text, with.set, Need::Everything);
    let mut keys = Vec::new();
    for (id, declared) in declared_keys(&checked.script) {
        let value = with.set.iter().find(|(name, _)| *name == declared).unwrap().1;
        keys.push(Key::read(id, value).unwrap());
    }
    let own = MemoryKeyJournal::new();
    let policy = KeyPolicy::new(KeyPolicy::FLOOR, Vec::new());
    let mut seen = 0;
    let mut observe = |_: &Entry| seen += 1;
    let setup = Setup {
        name: "test",
        writes: with.writes.map(|writes| writes as &dyn WriteJournal),
        keys,
        guard: KeyGuard::new(with.journal.unwrap_or(&own), &policy),
        backup: with.backup.map(|backup| backup as &mut dyn Backup),
        restore: with.restore,
        observe: &mut observe,
    };
    let report = run(Session::new(reader), &checked, setup);
    assert_eq!(seen, report.entries.len(), "every entry is seen");
    report
}

fn run_on(card: &CardHandle, text: &str, with: With<'_>) -> Report {
    run_in(&mut InProcess::insert(card, "bay 0".parse().unwrap()), text, with)
}

/// What a person sees of a run.
fn shown(report: &Report) -> String {
    let lines: Vec<_> = report.entries.iter().map(ToString::to_string).collect();
    let stopped = report.stopped.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}\n{stopped}", lines.join("\n"))
}

fn done(report: Report) -> Report {
    assert!(report.stopped.is_none(), "{}", shown(&report));
    report
}
