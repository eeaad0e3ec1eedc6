//! EF(ICCID) and EF(IMSI): numbers in swapped decimal digits.

use crate::wire::ef::{ICCID_LENGTH, decode_iccid, decode_imsi};

use super::scribe::{Scribe, Stopped};

const ICCID: &str = "TS 102 221 13.2";
const IMSI: &str = "TS 31.102 4.2.2";

pub(super) fn explain_iccid(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    let taken = w.take(ICCID_LENGTH, "ICCID, digits in swapped halves", ICCID)?;
    w.says(digits(taken));
    match decode_iccid(taken) {
        Ok(iccid) => {
            w.says(iccid.digits());
            if iccid.digits().parse::<crate::ident::Iccid>().is_err() {
                w.odd("the last digit is not the check digit of those before it");
            } else if !iccid.digits().starts_with("89") {
                w.odd("does not begin with 89, the industry of telecommunications");
            }
        }
        Err(error) => w.wrong(error.shifted(base).to_string()),
    }
    w.cross_check(base, decode_iccid(octets));
    Ok(())
}

pub(super) fn explain_imsi(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    let length = usize::from(w.octet("length", IMSI)?);
    w.says(format!("{length} octets"));
    if length == 0 || length > 8 {
        w.wrong("expected 1 to 8");
    }
    let first = w.octet("parity and first digit", IMSI)?;
    let parity = match first & 0x0F {
        9 => "odd number of digits",
        1 => "even number of digits",
        _ => "neither 9 nor 1",
    };
    w.says(format!("{parity}; {}", digits(&[first >> 4])));
    if !matches!(first & 0x0F, 1 | 9) {
        w.wrong("expected 9 for an odd number of digits, 1 for an even one");
    }
    let rest = w.take(length.clamp(1, 8) - 1, "digits in swapped halves", IMSI)?;
    let all = format!("{}{}", digits(&[0xF0 | first >> 4]), digits(rest));
    w.says(format!("IMSI {all}"));
    let padding = w.take_rest("not used", IMSI);
    if padding.iter().any(|octet| *octet != 0xFF) {
        w.odd("filled up with something else than FF");
    }
    w.cross_check(base, decode_imsi(octets));
    Ok(())
}

/// Digits up to the first F; halves that are none show as letters.
fn digits(octets: &[u8]) -> String {
    let halves = octets.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]);
    halves.take_while(|half| *half != 0x0F).map(|half| format!("{half:X}")).collect()
}
