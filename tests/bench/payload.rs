//! From a profile to a payload that a push can carry. The figure to hold: a profile becomes the settings of
//! one device and these a signed CP payload in 10 µs or less.

use bootgate::{
    bootstrap::{
        PayloadKind, Settings, build,
        mac::{self, Sec, Signature},
        read, resolve,
    },
    ident::{Imsi, Pin, Random},
    profile::{Profile, Subscriber},
};
use divan::{Bencher, black_box};

use super::verdict::{at_most, fastest};

const CONSUMER: &str = include_str!("../../config/profiles/consumer-phone.toml");

/// Costs nothing, so that what is measured is ours.
struct Free;

impl Random for Free {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0xA5);
    }
}

fn imsi() -> Imsi {
    "262011234567890".parse().unwrap()
}

fn pin() -> Pin {
    "48151623".parse().unwrap()
}

fn subscriber() -> Subscriber {
    Subscriber { imsi: Some(imsi()), imei: Some("490154203237518".parse().unwrap()), ..Subscriber::default() }
}

fn signed(settings: &Settings, kind: PayloadKind, imsi: &Imsi, pin: &Pin) -> Signature {
    let payload = build(settings, kind).unwrap();
    mac::sign(kind, Sec::UserNetwPin, Some(imsi), Some(pin), &payload.octets).unwrap()
}

/// Prints the figure beside its target.
pub(crate) fn judge() {
    let (profile, subscriber) = (Profile::parse(CONSUMER).unwrap(), subscriber());
    let (imsi, pin) = (imsi(), pin());
    let signed = || {
        let settings = resolve(black_box(&profile), &subscriber, &Free).unwrap();
        signed(&settings, PayloadKind::Cp, &imsi, &pin)
    };
    at_most("profile to signed CP payload", fastest(signed), 10e3);
}

/// The text of a profile, checked: done once for many devices.
#[divan::bench]
fn read_profile() -> Profile {
    Profile::parse(black_box(CONSUMER)).unwrap()
}

/// Placeholders filled in, secrets drawn.
#[divan::bench]
fn resolve_profile(bencher: Bencher<'_, '_>) {
    let (profile, subscriber) = (Profile::parse(CONSUMER).unwrap(), subscriber());
    bencher.bench(|| resolve(black_box(&profile), &subscriber, &Free).unwrap());
}

/// Settings to WBXML and HMAC, of the consumer profile: 10 characteristics, 927 octets as CP.
#[divan::bench(args = PayloadKind::ALL)]
fn build_and_sign(bencher: Bencher<'_, '_>, kind: PayloadKind) {
    let settings = resolve(&Profile::parse(CONSUMER).unwrap(), &subscriber(), &Free).unwrap();
    let (imsi, pin) = (imsi(), pin());
    bencher.bench(|| signed(black_box(&settings), kind, &imsi, &pin));
}

/// The same from the profile on.
#[divan::bench(args = PayloadKind::ALL)]
fn profile_to_signed_payload(bencher: Bencher<'_, '_>, kind: PayloadKind) {
    let (profile, subscriber) = (Profile::parse(CONSUMER).unwrap(), subscriber());
    let (imsi, pin) = (imsi(), pin());
    bencher.bench(|| {
        let settings = resolve(black_box(&profile), &subscriber, &Free).unwrap();
        signed(&settings, kind, &imsi, &pin)
    });
}

/// And back.
#[divan::bench(args = PayloadKind::ALL)]
fn read_payload(bencher: Bencher<'_, '_>, kind: PayloadKind) {
    let settings = resolve(&Profile::parse(CONSUMER).unwrap(), &subscriber(), &Free).unwrap();
    let octets = build(&settings, kind).unwrap().octets;
    bencher.bench(|| read(kind, black_box(&octets)).unwrap());
}
