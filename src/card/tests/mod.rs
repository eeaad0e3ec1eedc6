//! Situations on virtual cards: bare, prepared, closed, damaged, pulled.

#![cfg(test)]

mod adm;
mod cut;
mod cuts;
mod directory;
mod doubt;
mod erase;
mod keys;
mod kinds;
mod layout;
mod quirks;
mod recover;
mod rights;
mod same;
mod settings;
mod tree;
mod write;

use crate::{
    ident::{AdmKey, Iccid, Imsi, ReaderName},
    lab::{
        card::{Quirks, VirtualCard},
        image::{CardImage, FileImage, Sample, SampleKind},
        reader::{CardHandle, Fault, InProcess},
    },
    wire::{Fid, arr::KeyRef, pkcs15::ObjectId},
};

use super::*;

const CP: ObjectId = ObjectId::CP_BOOTSTRAP;
const DM: ObjectId = ObjectId::DM_BOOTSTRAP;

fn iccid() -> Iccid {
    Iccid::from_card("8988211000000430010").unwrap()
}

fn sample(kind: SampleKind) -> Sample {
    let imsi: Imsi = "001010123456789".parse().unwrap();
    let mut sample = Sample::new(kind, iccid(), imsi);
    sample.bootstrap_size = 2048;
    sample
}

fn card(kind: SampleKind, protocol: Protocol) -> CardHandle {
    let mut sample = sample(kind);
    sample.protocol = protocol;
    from(sample.image())
}

fn from(image: CardImage) -> CardHandle {
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

fn with(image: CardImage, quirks: Quirks) -> CardHandle {
    CardHandle::new(VirtualCard::from_image(image).unwrap().with_quirks(quirks))
}

/// Changes a file of an image by its path below the MF.
fn change(image: &mut CardImage, path: &[Fid], work: impl FnOnce(&mut FileImage)) {
    work(image.mf.find_mut(path).unwrap());
}

fn bay() -> ReaderName {
    "bay 0".parse().unwrap()
}

/// A payload of `length` octets that differ from each other, ending like WBXML.
fn payload(length: usize, seed: u8) -> Vec<u8> {
    let octet = |at: usize| u8::try_from(at * 7 % 251).unwrap().wrapping_add(seed) % 0xFE;
    let mut octets: Vec<u8> = (0..length).map(octet).collect();
    octets[0] = 0x03;
    octets[length - 1] = 0x01;
    octets
}

fn file(oid: ObjectId, octets: Vec<u8>) -> BootstrapFile {
    let label = if oid == DM { "DM Bootstrap" } else { "Bootstrap" };
    BootstrapFile { oid, label: label.into(), octets }
}

pub(super) fn options() -> PlanOptions<'static> {
    PlanOptions {
        shape: None,
        read: ReadAccess::Always,
        content_fid: None,
        directory_fid: None,
        dodf_fid: None,
        double_wrapped_oid: false,
        settings: &[],
        adm: AdmKeys::NONE,
        describe: &|oid, octets| format!("{oid}, {} octets", octets.len()),
    }
}

fn adm() -> Key {
    Key::adm(KeyRef::ADM1, "12345678".parse().unwrap())
}

fn policy() -> KeyPolicy {
    KeyPolicy::new(KeyPolicy::FLOOR, vec![])
}

fn allowed_once() -> KeyPolicy {
    KeyPolicy::new(KeyPolicy::FLOOR, vec![CardRange::Iccid("8988211".into())])
}

/// What came of a plan and its execution.
#[derive(Debug)]
enum Ended {
    NotPlanned(PlanError),
    NotApplied(ApplyError),
    Done(Outcome),
}

/// Plans and applies on a card in a reader that may have a fault.
fn write_with(
    card: &CardHandle,
    fault: Option<Fault>,
    wanted: &[BootstrapFile],
    options: &PlanOptions<'_>,
    journal: &MemoryKeyJournal,
    keys: &[Key],
) -> Ended {
    let mut reader = InProcess::insert(card, bay());
    if let Some(fault) = fault {
        reader = reader.with_fault(fault);
    }
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let plan = match plan(&mut fs, wanted, options) {
        Ok(plan) => plan,
        Err(error) => return Ended::NotPlanned(error),
    };
    let policy = policy();
    match apply(&mut fs, &plan, keys, &KeyGuard::new(journal, &policy), &MemoryWriteJournal::new()) {
        Ok(outcome) => Ended::Done(outcome),
        Err(error) => Ended::NotApplied(error),
    }
}

/// Writes with ADM1 in hand and says how; anything else is a failed test.
fn write(card: &CardHandle, wanted: &[BootstrapFile], options: &PlanOptions<'_>) -> Outcome {
    match write_with(card, None, wanted, options, &MemoryKeyJournal::new(), &[adm()]) {
        Ended::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn refused(card: &CardHandle, wanted: &[BootstrapFile], options: &PlanOptions<'_>) -> PlanError {
    let before = card.changes();
    match write_with(card, None, wanted, options, &MemoryKeyJournal::new(), &[adm()]) {
        Ended::NotPlanned(error) => {
            assert_eq!(card.changes(), before, "nothing was sent");
            error
        }
        other => panic!("{other:?}"),
    }
}

fn look(card: &CardHandle) -> CardView {
    let mut reader = InProcess::insert(card, bay());
    locate(&mut FileSystem::new(Session::new(&mut reader)), Depth::Everything).unwrap()
}

/// What a device finds for an object: empty when there is no entry, no file, or an empty one.
fn found(card: &CardHandle, oid: ObjectId) -> Vec<u8> {
    look(card).file(oid).and_then(|f| f.content.used().map(<[u8]>::to_vec)).unwrap_or_default()
}

/// Octets of a file of the card at rest.
fn at_rest(card: &CardHandle, path: &[Fid]) -> Vec<u8> {
    use crate::lab::image::Body;
    match &card.image().mf.find(path).unwrap().body {
        Body::Transparent(octets) => octets.clone(),
        _ => panic!("not transparent"),
    }
}

fn tries(card: &CardHandle) -> u8 {
    card.image().key_mut(KeyRef::ADM1).unwrap().tries
}

fn key(text: &str) -> Key {
    let octets: AdmKey = text.parse().unwrap();
    Key::adm(KeyRef::ADM1, octets)
}

/// A file of the PKCS#15 application.
fn pkcs15(fid: u16) -> [Fid; 2] {
    [Fid::PKCS15, Fid(fid)]
}

/// Erases both bootstraps with ADM1 in hand.
fn erase(card: &CardHandle) -> Outcome {
    let mut reader = InProcess::insert(card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let plan = plan_erase(&mut fs, &[CP, DM], &options()).unwrap();
    let (journal, policy) = (MemoryKeyJournal::new(), policy());
    apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new()).unwrap()
}
