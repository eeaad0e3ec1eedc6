//! Protocol identifier and data coding scheme: open registries of one octet (3GPP TS 23.040, section 9.2.3.9; 3GPP TS
//! 23.038, section 4).

use std::fmt;

/// TP-PID: what kind of message a service centre should take it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pid(pub u8);

impl Pid {
    /// 00: an ordinary short message, which is what a push is.
    pub const SHORT_MESSAGE: Self = Self(0x00);

    /// What it stands for.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x00 => "short message",
            0x01..=0x1F => "short message, no interworking",
            0x20..=0x3F => "interworking with another service",
            0x40 => "short message type 0, not shown",
            0x41..=0x47 => "replaces an earlier short message",
            0x5E => "obsolete EMS message",
            0x5F => "return call",
            0x7C => "ANSI-136 R-DATA",
            0x7D => "mobile equipment data download",
            0x7E => "mobile equipment depersonalisation",
            0x7F => "SIM data download",
            0xC0..=0xFF => "assigned by the service centre",
            _ => "reserved",
        }
    }
}

/// TP-DCS: how the user data is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dcs(pub u8);

/// The alphabet of user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// The default alphabet, packed in septets.
    Default,
    /// Octets.
    Data,
    /// UCS2, two octets a character.
    Ucs2,
    /// Compressed; nothing here reads it.
    Compressed,
}

/// Where a message should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageClass {
    /// 0: shown at once.
    Display,
    /// 1: to the mobile equipment.
    Equipment,
    /// 2: to the SIM.
    Sim,
    /// 3: to the terminal equipment.
    Terminal,
}

impl Dcs {
    /// 04: octets, no class. What one gateway sends by default.
    pub const DATA: Self = Self(0x04);
    /// F5: octets, class 1. What operators send.
    pub const DATA_CLASS_1: Self = Self(0xF5);

    /// The alphabet. A device takes reserved codes for the default one.
    pub fn alphabet(self) -> Alphabet {
        match self.0 {
            dcs @ 0x00..=0x7F if dcs & 0x20 != 0 => Alphabet::Compressed,
            dcs @ 0x00..=0x7F => match dcs & 0x0C {
                0x04 => Alphabet::Data,
                0x08 => Alphabet::Ucs2,
                _ => Alphabet::Default,
            },
            0xE0..=0xEF => Alphabet::Ucs2,
            dcs @ 0xF0..=0xFF if dcs & 0x04 != 0 => Alphabet::Data,
            _ => Alphabet::Default,
        }
    }

    /// The class, where it has one.
    pub fn class(self) -> Option<MessageClass> {
        let classed = match self.0 {
            dcs @ 0x00..=0x7F => dcs & 0x10 != 0,
            dcs => dcs >= 0xF0,
        };
        classed.then_some(match self.0 & 0x03 {
            0 => MessageClass::Display,
            1 => MessageClass::Equipment,
            2 => MessageClass::Sim,
            _ => MessageClass::Terminal,
        })
    }
}

impl fmt::Display for Dcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.alphabet() {
            Alphabet::Default => "default alphabet",
            Alphabet::Data => "8-bit data",
            Alphabet::Ucs2 => "UCS2",
            Alphabet::Compressed => "compressed",
        })?;
        match self.class() {
            Some(MessageClass::Display) => f.write_str(", class 0"),
            Some(MessageClass::Equipment) => f.write_str(", class 1"),
            Some(MessageClass::Sim) => f.write_str(", class 2"),
            Some(MessageClass::Terminal) => f.write_str(", class 3"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_have_names() {
        for (dcs, name) in [
            (0x00, "default alphabet"),
            (0x04, "8-bit data"),
            (0x08, "UCS2"),
            (0x0C, "default alphabet"),
            (0x11, "default alphabet, class 1"),
            (0x16, "8-bit data, class 2"),
            (0x24, "compressed"),
            (0x80, "default alphabet"),
            (0xC8, "default alphabet"),
            (0xE0, "UCS2"),
            (0xF4, "8-bit data, class 0"),
            (0xF5, "8-bit data, class 1"),
            (0xF6, "8-bit data, class 2"),
            (0xF1, "default alphabet, class 1"),
        ] {
            assert_eq!(Dcs(dcs).to_string(), name, "{dcs:02X}");
        }
    }
}
