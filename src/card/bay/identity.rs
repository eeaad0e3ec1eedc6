//! Which reader is which. The service numbers readers as they come; a bay is known by what stays: the label that a person gave
//! to a serial number, a USB socket or a name.

use std::{fmt, path::Path, sync::Arc};

use crate::{
    card::{ReaderError, ReaderService},
    ident::ReaderName,
};

/// Where Linux tells of USB devices.
const USB_DEVICES: &str = "/sys/bus/usb/devices";

/// What tells a reader from others of its make, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Identity {
    /// Its serial number (`SCARD_ATTR_VENDOR_IFD_SERIAL_NO`).
    pub serial: Option<String>,
    /// The socket that it is plugged into, as Linux names it: `1-4.2` is the second of a hub in the fourth of bus 1.
    pub usb: Option<String>,
}

/// What a person calls a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The name.
    pub name: String,
    /// The reader.
    pub mark: Mark,
}

/// What a label is stuck on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The reader with this serial number, wherever it is plugged in.
    Serial(String),
    /// Whatever reader is in this USB socket.
    Usb(String),
    /// The reader that the service calls so.
    Reader(String),
}

/// The name of a bay: its label, or else its reader's name. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BayName(Arc<str>);

impl BayName {
    /// The label that fits best: one of the serial number, then the socket, then the name. Without any, the reader's name. A
    /// reader with several slots has one serial number and one socket: of a label for those the first slot has the name alone,
    /// the others have their number behind it, `left slot 1`.
    pub fn of(labels: &[Label], reader: &ReaderName, identity: &Identity) -> Self {
        let with = |fits: &dyn Fn(&Mark) -> bool| labels.iter().find(|label| fits(&label.mark));
        let serial = identity.serial.as_deref();
        let device = with(&|mark| matches!(mark, Mark::Serial(it) if Some(it.as_str()) == serial))
            .or_else(|| with(&|mark| matches!(mark, Mark::Usb(it) if Some(it) == identity.usb.as_ref())));
        if let Some(label) = device {
            return Self::of_slot(label, slot(reader));
        }
        let label = with(&|mark| matches!(mark, Mark::Reader(it) if it == reader.as_str()));
        label.map_or_else(|| Self::from(reader), |label| Self::of_slot(label, 0))
    }

    fn of_slot(label: &Label, slot: u8) -> Self {
        match slot {
            0 => Self(label.name.as_str().into()),
            slot => Self(format!("{} slot {slot}", label.name).into()),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Label> for BayName {
    fn from(label: &Label) -> Self {
        Self::of_slot(label, 0)
    }
}

impl From<&ReaderName> for BayName {
    fn from(reader: &ReaderName) -> Self {
        Self(reader.as_str().into())
    }
}

impl fmt::Display for BayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for BayName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

/// A reader in a survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// The bay that it would be.
    pub bay: BayName,
    /// Its name.
    pub reader: ReaderName,
    /// What tells it from others; none when it could not be asked, and may be another bay than this.
    pub identity: Option<Identity>,
}

/// The readers there are now, and the bay that each would be.
///
/// # Errors
/// [`ReaderError`].
pub fn survey(service: &dyn ReaderService, labels: &[Label]) -> Result<Vec<Surveyed>, ReaderError> {
    let mut context = service.open()?;
    let mut found = Vec::new();
    for reader in context.readers()? {
        let identity = match context.identity(&reader) {
            Ok(identity) => Some(identity),
            Err(error @ ReaderError::NoService) => return Err(error),
            Err(_) => None,
        };
        let bay = BayName::of(labels, &reader, &identity.clone().unwrap_or_default());
        found.push(Surveyed { bay, reader, identity });
    }
    Ok(found)
}

/// The number of a reader's slot, by its name: that ends with the numbers of reader and slot, in two hexadecimal digits each
/// (pcsc-lite, `RFAddReader`). 0 where it does not.
fn slot(reader: &ReaderName) -> u8 {
    let mut words = reader.as_str().rsplit(' ');
    let mut number = || {
        let word = words.next().filter(|word| word.len() == 2)?;
        u8::from_str_radix(word, 16).ok()
    };
    match (number(), number()) {
        (Some(slot), Some(_reader)) => slot,
        _ => 0,
    }
}

/// The socket of a USB device, from the numbers that change each time it is plugged in.
pub(crate) fn usb_path(bus: u8, device: u8) -> Option<String> {
    usb_path_below(Path::new(USB_DEVICES), bus, device)
}

fn usb_path_below(devices: &Path, bus: u8, device: u8) -> Option<String> {
    let number = |of: &Path, what: &str| -> Option<u8> {
        std::fs::read_to_string(of.join(what)).ok()?.trim().parse().ok()
    };
    let is_it = |of: &Path| number(of, "busnum") == Some(bus) && number(of, "devnum") == Some(device);
    let entries = std::fs::read_dir(devices).ok()?;
    let path = entries.filter_map(Result::ok).map(|entry| entry.path()).find(|path| is_it(path))?;
    path.file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_sticks_to_what_it_was_put_on() {
        let label = |name: &str, mark| Label { name: name.into(), mark };
        let labels = [
            label("by name", Mark::Reader("ACS 00 00".into())),
            label("by socket", Mark::Usb("1-4.2".into())),
            label("by serial", Mark::Serial("70D7E2EE".into())),
        ];
        let acs: ReaderName = "ACS 00 00".parse().unwrap();
        let other: ReaderName = "ACS 01 00".parse().unwrap();
        let identity = |serial: Option<&str>, usb: Option<&str>| Identity {
            serial: serial.map(str::to_owned),
            usb: usb.map(str::to_owned),
        };
        for (reader, identity, name) in [
            (&other, identity(Some("70D7E2EE"), Some("1-4.2")), "by serial"),
            (&acs, identity(Some("1"), Some("1-4.2")), "by socket"),
            (&acs, identity(None, None), "by name"),
            // The number in the name changes with the order of plugging in: nothing sticks to its beginning.
            (&other, identity(None, Some("1-4")), "ACS 01 00"),
        ] {
            assert_eq!(BayName::of(&labels, reader, &identity).as_str(), name);
        }
    }

    #[test]
    fn slots_of_one_reader_share_its_label() {
        let labels = [
            Label { name: "left".into(), mark: Mark::Serial("7".into()) },
            Label { name: "first".into(), mark: Mark::Reader("ACS 01 01".into()) },
        ];
        let both = Identity { serial: Some("7".into()), usb: None };
        for (reader, identity, name) in [
            ("ACS 00 00", &both, "left"),
            ("ACS 00 01", &both, "left slot 1"),
            ("ACS 03 1F", &both, "left slot 31"),
            // The label of one slot is its own.
            ("ACS 01 01", &Identity::default(), "first"),
            // No numbers of reader and slot.
            ("bay 01", &both, "left"),
            ("01", &both, "left"),
            ("ACS 100 01", &both, "left"),
        ] {
            assert_eq!(BayName::of(&labels, &reader.parse().unwrap(), identity).as_str(), name, "{reader}");
        }
    }

    #[test]
    fn a_socket_is_found_by_the_numbers_of_the_device_in_it() {
        let dir = tempfile::tempdir().unwrap();
        for (socket, bus, device) in [("usb1", 1, 1), ("1-4", 1, 3), ("1-4.2", 1, 17), ("2-4.2", 2, 17)] {
            let path = dir.path().join(socket);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("busnum"), format!("{bus}\n")).unwrap();
            std::fs::write(path.join("devnum"), format!("{device}\n")).unwrap();
        }
        // An interface of a device has no such files.
        std::fs::create_dir(dir.path().join("1-4.2:1.0")).unwrap();
        assert_eq!(usb_path_below(dir.path(), 1, 17).as_deref(), Some("1-4.2"));
        assert_eq!(usb_path_below(dir.path(), 2, 17).as_deref(), Some("2-4.2"));
        assert_eq!(usb_path_below(dir.path(), 1, 99), None);
        assert_eq!(usb_path_below(&dir.path().join("none"), 1, 17), None);
    }
}
