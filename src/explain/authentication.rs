//! Whether the check value of a bootstrap fits, and if it does not, which key or method would have made it: the mistakes
//! that are known in the field are tried one by one.

use std::fmt;

use serde::Serialize;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    ident::{Imsi, Pin},
    wire::{
        ef::{encode_imsi, packed_imsi},
        mac::{Key, Mac},
        wsp::{Presented, Sec},
    },
};

use super::Options;

/// What kind of bootstrap is checked: the two make the key of `USERNETWPIN` in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bootstrap {
    /// Client provisioning (OMA ProvBoot 1.1, section 6).
    Cp,
    /// DM (OMA DM Security 1.2, section 5.7.2).
    Dm,
}

/// What was found out about the authentication of a bootstrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Authentication {
    /// What kind of bootstrap it is.
    pub bootstrap: Bootstrap,
    /// The method that it names.
    pub sec: Option<String>,
    /// The check value that it presents.
    pub mac: Option<String>,
    /// Whether it fits.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a check value fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It fits, under the key of the method that is named.
    Fits {
        /// How the key is made.
        key: &'static str,
    },
    /// It does not fit, and would under another key: a device refuses it.
    FitsAnother {
        /// How the key should be made.
        expected: &'static str,
        /// How the key that fits is made.
        key: &'static str,
        /// The method that this key belongs to, where it belongs to one.
        method: Option<&'static str>,
    },
    /// It fits under no key that can be made of what was given.
    FitsNothing {
        /// How the key should be made.
        expected: &'static str,
        /// How many other keys were tried.
        tried: usize,
    },
    /// It cannot be checked.
    NotChecked {
        /// What is missing.
        why: &'static str,
    },
}

impl Verdict {
    /// True when a device refuses the bootstrap.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::FitsAnother { .. } | Self::FitsNothing { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fits { key } => write!(f, "the MAC fits; key: {key}"),
            Self::FitsAnother { expected, key, method } => {
                write!(f, "the MAC does not fit; key should be: {expected}; it was made with: {key}")?;
                method.map_or(Ok(()), |method| write!(f, ", which is the key of {method}"))
            }
            Self::FitsNothing { expected, tried: 0 } => write!(
                f,
                "the MAC does not fit; key should be: {expected}: another PIN, or the document was changed"
            ),
            Self::FitsNothing { expected, tried } => write!(
                f,
                "the MAC does not fit; key should be: {expected}; none of {tried} other keys fits either: another PIN or IMSI, or the document was changed"
            ),
            Self::NotChecked { why } => write!(f, "the MAC was not checked: {why}"),
        }
    }
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sec.as_deref().unwrap_or("no SEC"), self.verdict)
    }
}

/// A key that may have been used.
struct Candidate {
    /// The methods whose key it is, by kind of bootstrap.
    of: &'static [(Bootstrap, Sec)],
    form: &'static str,
    /// The parts of the key.
    parts: Vec<Zeroizing<Vec<u8>>>,
}

/// Checks what a bootstrap presents.
pub(super) fn check(
    bootstrap: Bootstrap,
    presented: &Presented,
    document: &[u8],
    options: &Options,
) -> Authentication {
    let verdict = verdict(bootstrap, presented, document, options.pin.as_ref(), options.imsi.as_ref());
    let sec = presented.sec.map(|sec| sec.to_string());
    Authentication { bootstrap, sec, mac: presented.mac.clone(), verdict }
}

fn verdict(
    bootstrap: Bootstrap,
    presented: &Presented,
    document: &[u8],
    pin: Option<&Pin>,
    imsi: Option<&Imsi>,
) -> Verdict {
    if presented.sec == Some(Sec::USERPINMAC) {
        return entered(document, pin);
    }
    let Some(mac) = &presented.mac else {
        return Verdict::NotChecked { why: "the message carries none" };
    };
    if pin.is_none() && imsi.is_none() {
        return Verdict::NotChecked { why: "give the PIN with --pin, the IMSI with --imsi, or both" };
    }
    let candidates = candidates(pin, imsi);
    let made = |candidate: &Candidate| {
        let parts: Vec<&[u8]> = candidate.parts.iter().map(|p| p.as_slice()).collect();
        Key::new(&parts).sign(document).matches(mac)
    };
    let right = presented.sec.map(|sec| (bootstrap, sec));
    let named = |c: &&Candidate| right.is_some_and(|right| c.of.contains(&right));
    let expected = match (bootstrap, presented.sec) {
        (_, Some(Sec::NETWPIN)) => PACKED_IMSI,
        (_, Some(Sec::USERPIN)) => PIN,
        (Bootstrap::Cp, Some(Sec::USERNETWPIN)) => PACKED_IMSI_PIN,
        (Bootstrap::Dm, Some(Sec::USERNETWPIN)) => PIN_COLON_PACKED_IMSI,
        _ => "that of a method from 0 to 2, which SEC should name",
    };
    if candidates.iter().filter(named).any(made) {
        return Verdict::Fits { key: expected };
    }
    let others: Vec<&Candidate> = candidates.iter().filter(|c| !named(c)).collect();
    match others.iter().find(|c| made(c)) {
        Some(found) => {
            let of = found.of.iter().find(|(kind, _)| *kind == bootstrap).or_else(|| found.of.first());
            Verdict::FitsAnother { expected, key: found.form, method: of.and_then(|(_, sec)| sec.name()) }
        }
        None if !candidates.iter().any(|c| named(&c)) && right.is_some() => match presented.sec {
            Some(Sec::USERPIN) => Verdict::NotChecked { why: "its key is the PIN; give it with --pin" },
            Some(Sec::NETWPIN) => Verdict::NotChecked { why: "its key is the IMSI; give it with --imsi" },
            _ => Verdict::NotChecked { why: "its key is PIN and IMSI; give both" },
        },
        None => Verdict::FitsNothing { expected, tried: others.len() },
    }
}

const PACKED_IMSI: &str = "the IMSI as EF(IMSI) packs it, without length";
const PIN: &str = "the PIN in ASCII";
const PACKED_IMSI_PIN: &str = "the packed IMSI, then the PIN in ASCII";
const PIN_COLON_PACKED_IMSI: &str = "the PIN in ASCII, a colon, the packed IMSI";
const HALF_PIN: &str = "the first half of the PIN that the user enters";

/// All keys that can be made of what is known. Those without a method are mistakes, most of them seen in the field.
fn candidates(pin: Option<&Pin>, imsi: Option<&Imsi>) -> Vec<Candidate> {
    use Bootstrap::{Cp, Dm};
    let secret = |octets: &[u8]| Zeroizing::new(octets.to_vec());
    let mut out = Vec::new();
    let mut add = |of: &'static [(Bootstrap, Sec)], form: &'static str, parts: &[&[u8]]| {
        out.push(Candidate { of, form, parts: parts.iter().map(|p| secret(p)).collect() });
    };
    if let Some(pin) = pin {
        let pin = pin.expose().as_bytes();
        add(&[(Cp, Sec::USERPIN), (Dm, Sec::USERPIN)], PIN, &[pin]);
        add(&[], "the PIN in ASCII and a NUL", &[pin, &[0]]);
        let packed = Zeroizing::new(semi_octets(pin));
        add(&[], "the PIN in swapped half octets", &[&packed]);
        let half = pin.get(..pin.len() / 2).unwrap_or(pin);
        add(&[], "the first half of the PIN in ASCII, as USERPINMAC has it", &[half]);
    }
    if let Some(imsi) = imsi {
        let digits = imsi.digits().as_bytes();
        let packed = Zeroizing::new(packed_imsi(imsi));
        let file = Zeroizing::new(encode_imsi(imsi));
        let padded = Zeroizing::new(file.get(1..).unwrap_or(&[]).to_vec());
        let plain = Zeroizing::new(semi_octets(digits));
        let unswapped: Zeroizing<Vec<u8>> = Zeroizing::new(packed.iter().map(|o| o.rotate_left(4)).collect());
        let zero = Zeroizing::new(zero_filled(&packed));
        let hex: Zeroizing<String> = Zeroizing::new(packed.iter().map(|o| format!("{o:02X}")).collect());
        add(&[(Cp, Sec::NETWPIN), (Dm, Sec::NETWPIN)], PACKED_IMSI, &[&packed]);
        add(&[], "the IMSI in ASCII digits", &[digits]);
        add(&[], "EF(IMSI) with its length octet", &[file.as_slice()]);
        add(&[], "the packed IMSI filled up to eight octets", &[&padded]);
        add(&[], "the IMSI in swapped half octets, without the parity digit", &[&plain]);
        add(&[], "the packed IMSI with its halves not swapped", &[&unswapped]);
        add(&[], "the packed IMSI with 0 in place of the filler F", &[&zero]);
        add(&[], "the packed IMSI as hexadecimal digits", &[hex.as_bytes()]);
        if let Some(pin) = pin {
            let pin = pin.expose().as_bytes();
            add(&[(Cp, Sec::USERNETWPIN)], PACKED_IMSI_PIN, &[&packed, pin]);
            add(&[(Dm, Sec::USERNETWPIN)], PIN_COLON_PACKED_IMSI, &[pin, b":", &packed]);
            add(&[], "the packed IMSI, a colon, the PIN in ASCII", &[&packed, b":", pin]);
            add(&[], "the PIN in ASCII, then the packed IMSI", &[pin, &packed]);
            add(&[], "the IMSI in ASCII digits, then the PIN", &[digits, pin]);
            add(&[], "the IMSI in ASCII digits, a colon, the PIN", &[digits, b":", pin]);
            add(&[], "the PIN, then the IMSI in ASCII digits", &[pin, digits]);
            add(&[], "the PIN, a colon, the IMSI in ASCII digits", &[pin, b":", digits]);
            add(&[], "EF(IMSI) with its length octet, then the PIN", &[file.as_slice(), pin]);
        }
    }
    out
}

/// USERPINMAC: the second half of the PIN that the user enters is made of the check value that the first half gives; the
/// message carries none.
fn entered(document: &[u8], pin: Option<&Pin>) -> Verdict {
    let Some(pin) = pin else {
        return Verdict::NotChecked { why: "the user enters it; give the whole PIN with --pin" };
    };
    let whole = pin.expose();
    match whole.split_at_checked(whole.len() / 2) {
        Some((half, digits)) if whole.len() >= 10 && whole.len().is_multiple_of(2) => {
            let mac: Mac = Key::new(&[half.as_bytes()]).sign(document);
            let made = mac.octets().iter().map(|octet| b'0' + octet % 10);
            let made: Zeroizing<Vec<u8>> = Zeroizing::new(made.take(digits.len()).collect());
            if made.ct_eq(digits.as_bytes()).into() {
                Verdict::Fits { key: HALF_PIN }
            } else {
                Verdict::FitsNothing { expected: HALF_PIN, tried: 0 }
            }
        }
        _ => Verdict::NotChecked { why: "the PIN of USERPINMAC has an even number of digits, 10 or more" },
    }
}

/// Digits in swapped half octets, an odd number filled up with F.
fn semi_octets(digits: &[u8]) -> Vec<u8> {
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| match pair {
            [low, high] => (high & 0x0F) << 4 | (low & 0x0F),
            [low] => 0xF0 | (low & 0x0F),
            _ => 0xFF,
        })
        .collect()
}

/// The packed IMSI with 0 where it is filled up with F.
fn zero_filled(packed: &[u8]) -> Vec<u8> {
    packed.iter().map(|octet| if octet >> 4 == 0x0F { octet & 0x0F } else { *octet }).collect()
}
