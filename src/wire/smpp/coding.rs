//! `data_coding` (SMPP 3.4, section 5.2.19).

/// How the octets of a short message are to be read. An open registry: 00 is whatever the SMSC takes for its default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataCoding(pub u8);

/// What the octets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Script {
    /// The default alphabet of GSM, a character an octet; or whatever the SMSC takes for it.
    Default,
    /// ISO 646 or ISO 8859-1: an octet is the character of that number.
    Latin,
    /// UCS-2, two octets a character, the most significant first.
    Ucs2,
    /// Octets.
    Data,
    /// Text in an alphabet that is not read here.
    Other,
}

impl DataCoding {
    /// The default alphabet of the SMSC.
    pub const DEFAULT: Self = Self(0x00);
    /// UCS-2.
    pub const UCS2: Self = Self(0x08);

    /// What the octets are.
    pub fn script(self) -> Script {
        match self.0 {
            0x00 | 0xC0..=0xDF => Script::Default,
            0x01 | 0x03 => Script::Latin,
            0x02 | 0x04 => Script::Data,
            0x08 | 0xE0..=0xEF => Script::Ucs2,
            // The message class control of GSM (3GPP TS 23.038, section 4).
            coding @ 0xF0..=0xFF if coding & 0x04 != 0 => Script::Data,
            0xF0..=0xFF => Script::Default,
            _ => Script::Other,
        }
    }

    /// What it says.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x00 => "the default alphabet of the SMSC",
            0x01 => "ASCII (IA5)",
            0x02 | 0x04 => "8-bit data",
            0x03 => "Latin 1",
            0x05 => "Japanese (JIS)",
            0x06 => "Cyrillic (ISO 8859-5)",
            0x07 => "Hebrew (ISO 8859-8)",
            0x08 => "UCS-2",
            0x09 => "pictograms",
            0x0A => "music codes (ISO 2022-JP)",
            0x0D => "extended Kanji (JIS)",
            0x0E => "Korean (KS C 5601)",
            0xC0..=0xDF => "default alphabet, a message is waiting (GSM)",
            0xE0..=0xEF => "UCS-2, a message is waiting (GSM)",
            0xF0 => "default alphabet, class 0",
            0xF1 => "default alphabet, class 1",
            0xF2 => "default alphabet, class 2",
            0xF3 => "default alphabet, class 3",
            0xF4 => "8-bit data, class 0",
            0xF5 => "8-bit data, class 1",
            0xF6 => "8-bit data, class 2",
            0xF7 => "8-bit data, class 3",
            _ => "reserved",
        }
    }
}

impl std::fmt::Debug for DataCoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02X}h", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_has_a_meaning() {
        for (coding, script) in [
            (0x00, Script::Default),
            (0x01, Script::Latin),
            (0x04, Script::Data),
            (0xF5, Script::Data),
            (0xF1, Script::Default),
            (0x08, Script::Ucs2),
            (0x06, Script::Other),
            (0x42, Script::Other),
        ] {
            assert_eq!(DataCoding(coding).script(), script, "{coding:02X}");
        }
        assert!((0..=0xFF).all(|coding| !DataCoding(coding).meaning().is_empty()));
    }
}
