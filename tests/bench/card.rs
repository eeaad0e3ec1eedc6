//! One card: 1 Kbyte written and read back on a prepared virtual card. In one session it is the program alone, no reader:
//! what a batch adds to the time of reader and card. `--list` aside, the commands that it takes are printed first, because
//! on a real card each is worth some ten milliseconds.

use bootgate::{
    card::{
        AdmKeys, BootstrapFile, FileSystem, Key, KeyGuard, KeyPolicy, MemoryKeyJournal, MemoryWriteJournal,
        Outcome, Protocol, Session, apply, plan,
    },
    job::Layout,
    lab::{
        card::VirtualCard,
        image::{CardImage, Sample, SampleKind},
        reader::{CardHandle, InProcess},
    },
    wire::{arr::KeyRef, pkcs15::ObjectId},
};

/// Octets of the bootstrap.
const OCTETS: usize = 1024;

fn prepared(protocol: Protocol) -> CardImage {
    let iccid = "89490200001234567892".parse().unwrap();
    let mut sample = Sample::new(SampleKind::Prepared, iccid, "262011234567890".parse().unwrap());
    (sample.protocol, sample.bootstrap_size) = (protocol, 1024);
    sample.image()
}

/// Plans, writes, reads back, with both journals.
fn write(image: CardImage, octets: Vec<u8>) -> Outcome {
    let card = CardHandle::new(VirtualCard::from_image(image).unwrap());
    let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let describe = |oid: ObjectId, _: &[u8]| oid.to_string();
    let options = Layout::default().options(AdmKeys::NONE, &describe);
    let wanted = BootstrapFile { oid: ObjectId::CP_BOOTSTRAP, label: "Bootstrap".into(), octets };
    let plan = plan(&mut fs, &[wanted], &options).unwrap();
    let policy = KeyPolicy::new(KeyPolicy::FLOOR, Vec::new());
    let key = Key::adm(KeyRef::ADM1, "12345678".parse().unwrap());
    let (keys, writes) = (MemoryKeyJournal::new(), MemoryWriteJournal::new());
    apply(&mut fs, &plan, &[key], &KeyGuard::new(&keys, &policy), &writes).unwrap()
}

fn octets() -> Vec<u8> {
    (0..OCTETS).map(|n| u8::try_from(n % 250).unwrap() + 1).collect()
}

/// Says how many commands a write takes.
pub(crate) fn commands() {
    for protocol in [Protocol::T0, Protocol::T1] {
        if let Outcome::Written { apdus, .. } = write(prepared(protocol), octets()) {
            println!("1 Kbyte on a prepared card, {protocol}: {} commands ({apdus})", apdus.total());
        }
    }
}

#[divan::bench(args = ["T=0", "T=1"])]
fn write_and_read_back(bencher: divan::Bencher<'_, '_>, protocol: &str) {
    let protocol = if protocol == "T=0" { Protocol::T0 } else { Protocol::T1 };
    bencher
        .with_inputs(|| (prepared(protocol), octets()))
        .bench_values(|(image, octets)| write(image, octets));
}
