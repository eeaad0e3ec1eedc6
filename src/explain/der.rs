//! EF(ODF) and EF(DODF): the directories of PKCS#15 (PKCS#15 v1.1, sections 6.2 and 6.7).

use crate::wire::{
    Path,
    pkcs15::{Dodf, ObjectClass, ObjectId, Odf},
};

use super::{
    scribe::{Scribe, Stopped},
    tlv,
};

const DER: &str = "X.690 8.1";
const ODF: &str = "PKCS#15 6.2";
const DODF: &str = "PKCS#15 6.7";
const PATH: &str = "PKCS#15 6.1.5";
const OID: &str = "X.690 8.19";
/// The deepest nesting of elements.
const MAX_DEPTH: usize = 16;

/// In what an element stands, which decides what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// EF(ODF) itself.
    Odf,
    /// EF(DODF) itself.
    Dodf,
    /// An entry of EF(DODF): parts are numbered.
    Entry(usize),
    /// The common attributes of an object.
    Common,
    /// The attributes of a data object.
    Attributes,
    /// What the type of data object adds.
    Typed,
    /// The pair of object identifier and value of an oidDO.
    Pair,
    /// A path.
    Path,
    /// Anything else.
    Other,
}

pub(super) fn explain_odf(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    elements(w, Place::Odf)?;
    w.cross_check(base, Odf::decode(octets));
    Ok(())
}

pub(super) fn explain_dodf(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    elements(w, Place::Dodf)?;
    w.cross_check(base, Dodf::decode(octets));
    Ok(())
}

fn elements(w: &mut Scribe<'_>, place: Place) -> Result<(), Stopped> {
    let mut number = 0;
    while !w.is_empty() {
        if matches!(place, Place::Odf | Place::Dodf) && tlv::padding(w) {
            break;
        }
        let within = if let Place::Entry(_) = place { Place::Entry(number) } else { place };
        element(w, within)?;
        number += 1;
    }
    Ok(())
}

fn element(w: &mut Scribe<'_>, place: Place) -> Result<(), Stopped> {
    let tag = w.peek().unwrap_or(0);
    let (name, clause, inner) = called(place, tag);
    let mark = w.begin(name, clause);
    w.octet("tag", DER)?;
    w.says(format!("{tag:02X}"));
    let expected = match place {
        Place::Odf => tag & 0xF0 == 0xA0,
        Place::Dodf => tag == 0x30 || tag & 0xF0 == 0xA0,
        Place::Entry(0 | 1) => tag == 0x30,
        Place::Entry(_) => tag == 0xA1 || tag == 0xA0,
        _ => true,
    };
    if !expected {
        w.wrong(match place {
            Place::Odf => "expected A0 to AF",
            Place::Dodf => "expected 30 or A0 to AF",
            Place::Entry(0 | 1) => "expected 30",
            _ => "expected A1",
        });
    }
    if tag & 0x1F == 0x1F {
        w.wrong("a tag of more than one octet");
        return Err(Stopped);
    }
    let length = tlv::length(w)?;
    let constructed = tag & 0x20 != 0;
    let depth = w.depth();
    w.within(length, |w| {
        if constructed && depth < MAX_DEPTH {
            return elements(w, inner);
        }
        // An object identifier wrapped in a second one, as an example in print has it.
        if tag == 0x06 && matches!(w.rest(), [0x06, length, rest @ ..] if usize::from(*length) == rest.len() && !rest.is_empty()) {
            element(w, Place::Other)?;
            w.judge(mark, super::Problem::odd("an object identifier in an object identifier"));
            return Ok(());
        }
        primitive(w, place, tag);
        Ok(())
    });
    w.finish();
    Ok(())
}

/// What an element is called, where that is specified, and in what its own elements then stand.
fn called(place: Place, tag: u8) -> (String, &'static str, Place) {
    let plain = |name: &str, clause, inner| (name.to_owned(), clause, inner);
    match (place, tag) {
        (Place::Odf, 0xA0..=0xAF) => (format!("objects of class {}", ObjectClass(tag)), ODF, Place::Other),
        (Place::Dodf, 0x30) => plain("data object in a file (opaqueDO)", DODF, Place::Entry(0)),
        (Place::Dodf, 0xA1) => plain("data object with identifier (oidDO)", DODF, Place::Entry(0)),
        (Place::Dodf, _) => plain("data object of another kind", DODF, Place::Other),
        (Place::Entry(0), _) => plain("common object attributes", "PKCS#15 6.1.8", Place::Common),
        (Place::Entry(1), _) => plain("data object attributes", DODF, Place::Attributes),
        (Place::Entry(_), 0xA1) => plain("type attributes", DODF, Place::Typed),
        (Place::Common | Place::Attributes, 0x0C) => plain("label", DODF, Place::Other),
        (Place::Common, 0x03) => plain("flags", "PKCS#15 6.1.8", Place::Other),
        (Place::Common, 0x04) => plain("authentication identifier", "PKCS#15 6.1.8", Place::Other),
        (Place::Typed, 0x30) => plain("path, or identifier and path", DODF, Place::Pair),
        (Place::Pair | Place::Other, 0x30) => plain("path", PATH, Place::Path),
        (Place::Path | Place::Pair, 0x04) => plain("file identifiers", PATH, Place::Other),
        (Place::Path | Place::Pair, 0x02) => plain("index", PATH, Place::Other),
        (Place::Path | Place::Pair, 0x80) => plain("length", PATH, Place::Other),
        (_, 0x06) => plain("object identifier", OID, Place::Other),
        (_, 0x30) => plain("sequence", DER, Place::Other),
        (_, 0x0C) => plain("text", DER, Place::Other),
        (_, 0x02) => plain("number", DER, Place::Other),
        (_, 0x04) => plain("octets", DER, Place::Other),
        _ => plain("element", DER, Place::Other),
    }
}

fn primitive(w: &mut Scribe<'_>, place: Place, tag: u8) {
    let octets = w.take_rest("octets", DER);
    if octets.is_empty() {
        return;
    }
    match tag {
        0x06 => match ObjectId::from_octets(octets) {
            Ok(oid) => w.says(format!("{oid}{}", meaning(&oid))),
            Err(error) => w.wrong(error.to_string()),
        },
        0x0C => w.says(format!("{:?}", String::from_utf8_lossy(octets))),
        0x04 if matches!(place, Place::Path | Place::Pair) => match Path::from_octets(octets) {
            Ok(path) => w.says(path.to_string()),
            Err(error) => w.wrong(error.to_string()),
        },
        0x02 | 0x80 if octets.len() <= 4 => {
            w.says(octets.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet)).to_string());
        }
        0x03 if place == Place::Common => {
            let bits = octets.get(1).copied().unwrap_or(0);
            w.says(match bits & 0xC0 {
                0xC0 => "private, modifiable",
                0x80 => "private",
                0x40 => "modifiable",
                _ => "none",
            });
        }
        _ => {}
    }
}

fn meaning(oid: &ObjectId) -> &'static str {
    match *oid {
        ObjectId::CP_BOOTSTRAP => " (CP bootstrap)",
        ObjectId::CP_CONFIG1 => " (CP Config1)",
        ObjectId::CP_CONFIG2 => " (CP Config2)",
        ObjectId::DM_BOOTSTRAP => " (DM bootstrap)",
        ObjectId::LWM2M_BOOTSTRAP => " (LwM2M bootstrap)",
        _ => "",
    }
}
