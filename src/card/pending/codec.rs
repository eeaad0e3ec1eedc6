//! An entry of the journal as octets: JSON, with contents as hexadecimal digits.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    card::FilePath,
    ident::Iccid,
    wire::{
        arr::KeyRef,
        fcp::{Fcp, Order},
    },
};

use super::{ACTIVE, ChangedKey, INACTIVE, Origin, PendingFormatError, PendingWrite, Touch};

/// The form that is written.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    form: u32,
    card: String,
    keys: Vec<u8>,
    #[serde(default)]
    reference: Option<String>,
    /// A script's, whose steps are known as far as it came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    script: bool,
    steps: Vec<Step>,
    /// What a script does to keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changed_keys: Vec<ChangedKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "step")]
enum Step {
    Create {
        file: String,
        fcp: String,
        /// Whether the card was asked and had no such file. Scripts did not ask once.
        #[serde(default)]
        absent: bool,
    },
    Octets {
        file: String,
        at: usize,
        known: usize,
        old: String,
        new: String,
    },
    Record {
        file: String,
        number: u8,
        old: String,
        new: String,
    },
    Object {
        file: String,
        tag: u8,
        old: String,
        new: String,
    },
    Active {
        file: String,
        old: bool,
        new: bool,
    },
    Other {
        file: String,
        what: String,
    },
}

impl Drop for Step {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        if let Self::Octets { old, new, .. } | Self::Record { old, new, .. } | Self::Object { old, new, .. } =
            self
        {
            old.zeroize();
            new.zeroize();
        }
    }
}

pub(super) fn encode(write: &PendingWrite) -> Zeroizing<Vec<u8>> {
    let step = |touch: &Touch| match touch {
        Touch::Create { file, fcp } => {
            let fcp = hex(&fcp.to_octets(Order::Create));
            Step::Create { file: file.to_string(), fcp, absent: true }
        }
        Touch::Octets { file, at, known, old, new } => {
            Step::Octets { file: file.to_string(), at: *at, known: *known, old: hex(old), new: hex(new) }
        }
        Touch::Record { file, number, old, new } => {
            Step::Record { file: file.to_string(), number: *number, old: hex(old), new: hex(new) }
        }
        Touch::Object { file, tag, old, new } => {
            Step::Object { file: file.to_string(), tag: *tag, old: hex(old), new: hex(new) }
        }
        Touch::Active { file, old, new } => {
            Step::Active { file: file.to_string(), old: *old == ACTIVE, new: *new == ACTIVE }
        }
        Touch::Other { file, what } => Step::Other { file: file.to_string(), what: what.clone() },
    };
    let written = Written {
        form: FORM,
        card: write.card.digits().to_owned(),
        keys: write.keys.iter().map(|key| key.0).collect(),
        reference: write.reference.clone(),
        script: write.origin == Origin::Script,
        steps: write.touches.iter().map(step).collect(),
        changed_keys: write.changed_keys.clone(),
    };
    // Text and numbers alone: there is nothing in it that JSON cannot carry.
    Zeroizing::new(serde_json::to_vec(&written).unwrap_or_default())
}

pub(super) fn decode(octets: &[u8]) -> Result<PendingWrite, PendingFormatError> {
    let failed = |why: &dyn std::fmt::Display| PendingFormatError { why: why.to_string() };
    // The message of serde_json may repeat what it read.
    let written: Written =
        serde_json::from_slice(octets).map_err(|error| failed(&format!("column {}", error.column())))?;
    if written.form != FORM {
        return Err(failed(&format!("form {}, expected {FORM}", written.form)));
    }
    let path = |file: &str| file.parse::<FilePath>().map_err(|error| failed(&error));
    let contents =
        |text: &str| from_hex(text).ok_or_else(|| failed(&"contents that are no hexadecimal digits"));
    let step = |step: &Step| -> Result<Touch, PendingFormatError> {
        let touch = match step {
            // Nobody deletes what may have been there before.
            Step::Create { file, absent: false, .. } if written.script => Touch::Other {
                file: path(file)?,
                what: "CREATE FILE, before which nobody had looked whether one was there".into(),
            },
            Step::Create { file, fcp, .. } => {
                let fcp = Fcp::decode(&contents(fcp)?).map_err(|error| failed(&error))?;
                Touch::Create { file: path(file)?, fcp }
            }
            Step::Octets { file, at, known, old, new } => Touch::Octets {
                file: path(file)?,
                at: *at,
                known: *known,
                old: contents(old)?,
                new: contents(new)?,
            },
            Step::Record { file, number, old, new } => {
                Touch::Record { file: path(file)?, number: *number, old: contents(old)?, new: contents(new)? }
            }
            Step::Object { file, tag, old, new } => {
                Touch::Object { file: path(file)?, tag: *tag, old: contents(old)?, new: contents(new)? }
            }
            Step::Active { file, old, new } => {
                let octet = |is: bool| if is { ACTIVE } else { INACTIVE };
                Touch::Active { file: path(file)?, old: octet(*old), new: octet(*new) }
            }
            Step::Other { file, what } => Touch::Other { file: path(file)?, what: what.clone() },
        };
        match &touch {
            Touch::Octets { old, new, .. }
            | Touch::Record { old, new, .. }
            | Touch::Object { old, new, .. }
                if old.len() != new.len() =>
            {
                Err(failed(&"old and new content of different lengths"))
            }
            _ => Ok(touch),
        }
    };
    Ok(PendingWrite {
        card: Iccid::from_card(&written.card).map_err(|error| failed(&error))?,
        keys: written.keys.iter().copied().map(KeyRef).collect(),
        reference: written.reference,
        origin: if written.script { Origin::Script } else { Origin::Plan },
        touches: written.steps.iter().map(step).collect::<Result<_, _>>()?,
        changed_keys: written.changed_keys,
    })
}

fn hex(octets: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let mut text = String::with_capacity(octets.len() * 2);
    octets.iter().for_each(|octet| text.extend([digit(octet >> 4), digit(octet & 0x0F)]));
    text
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        octets.push(digit(high)? << 4 | digit(low)?);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Fid, fcp::FileKind};

    #[test]
    fn an_entry_comes_back_as_it_was_and_never_prints_its_content() {
        let content = FilePath::application(&[0xA0, 0x63]).child(Fid(0x6431));
        let octets = |octets: &[u8]| Zeroizing::new(octets.to_vec());
        let write = PendingWrite {
            card: Iccid::from_card("8988211000000430010").unwrap(),
            keys: vec![KeyRef::ADM1, KeyRef(0x01)],
            reference: Some("01KDVDNA04RXRBJDG62H16804Y".into()),
            origin: Origin::Plan,
            touches: vec![
                Touch::Create {
                    file: FilePath::mf().child(Fid::PKCS15),
                    fcp: Fcp::new(FileKind::Df, Fid::PKCS15),
                },
                Touch::Octets {
                    file: content,
                    at: 300,
                    known: 2,
                    old: octets(b"4815"),
                    new: octets(b"1623"),
                },
                Touch::Record {
                    file: FilePath::mf().child(Fid::DIR),
                    number: 2,
                    old: octets(&[0xFF; 40]),
                    new: octets(&[0x61; 40]),
                },
                Touch::object(FilePath::mf().child(Fid(0x6FF8)), 0x81, None, Some(&[0x81, 0x01, 0x00])),
                Touch::Active { file: FilePath::mf().child(Fid(0x6431)), old: ACTIVE, new: INACTIVE },
                Touch::Other { file: FilePath::mf().child(Fid(0x6431)), what: "DELETE FILE".into() },
            ],
            changed_keys: vec![
                ChangedKey { key: KeyRef::ADM1, how: super::super::KeyFate::NewValue },
                ChangedKey { key: KeyRef::PIN1, how: super::super::KeyFate::SwitchedOff },
            ],
        };
        let sealed = write.to_octets();
        assert_eq!(PendingWrite::from_octets(&sealed).unwrap(), write);
        let script = PendingWrite { origin: Origin::Script, ..write.clone() };
        assert_eq!(PendingWrite::from_octets(&script.to_octets()).unwrap(), script);
        let shown = format!("{write:?}");
        assert!(shown.contains("A063/6431: 4 octets from 300"), "{shown}");
        assert!(!shown.contains("4815") && !shown.contains("34383135"), "{shown}");
    }

    /// Entries that an earlier version of this program has left.
    #[test]
    fn a_file_of_a_script_that_nobody_had_looked_for_is_not_deleted() {
        let of = |script: &str| {
            let entry = format!(
                r#"{{"form":1,"card":"8988211000000430010","keys":[],{script}"steps":[{{"step":"create","file":"3F00/7F50","fcp":"FCP"}}]}}"#
            );
            let fcp = hex(&Fcp::new(FileKind::Df, Fid::PKCS15).to_octets(Order::Create));
            PendingWrite::from_octets(entry.replace("FCP", &fcp).as_bytes()).unwrap()
        };
        assert!(matches!(of("\"script\":true,").touches[..], [Touch::Other { .. }]));
        // A plan has always looked.
        assert!(matches!(of("").touches[..], [Touch::Create { .. }]));
    }

    #[test]
    fn an_entry_that_is_damaged_is_refused_without_repeating_it() {
        let good = r#"{"form":1,"card":"8988211000000430010","keys":[10],"steps":[{"step":"octets","file":"3F00/2F00","at":0,"known":2,"old":"4815","new":"1623"}]}"#;
        assert!(PendingWrite::from_octets(good.as_bytes()).is_ok());
        for (from, to) in [
            ("\"form\":1", "\"form\":2"),
            ("3F00/2F00", "3F00/2F0"),
            ("4815\"", "48151\""),
            ("4815\"", "481x\""),
            ("4815\"", "481516\""),
            ("898821", "8988x1"),
            ("\"at\"", "\"4815\""),
            ("}]}", "}]"),
        ] {
            let error = PendingWrite::from_octets(good.replace(from, to).as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("4815"), "{error}");
        }
    }
}
