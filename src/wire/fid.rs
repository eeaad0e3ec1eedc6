//! File identifiers and paths of them (ETSI TS 102 221, sections 8.3 and 8.4).

use std::{fmt, str::FromStr};

use super::DecodeError;

/// A file identifier: two octets, written as four hexadecimal digits. An open registry, so an integer with names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fid(pub u16);

impl Fid {
    /// 3F00: the master file.
    pub const MF: Self = Self(0x3F00);
    /// 7FFF: the application that is selected at present.
    pub const CURRENT_APPLICATION: Self = Self(0x7FFF);
    /// 2F00: EF(DIR), the list of applications.
    pub const DIR: Self = Self(0x2F00);
    /// 2F06: EF(ARR), the access rules of files under the MF.
    pub const ARR: Self = Self(0x2F06);
    /// 6F06: EF(ARR) inside an application.
    pub const ARR_APPLICATION: Self = Self(0x6F06);
    /// 2FE2: EF(ICCID).
    pub const ICCID: Self = Self(0x2FE2);
    /// 6F07: EF(IMSI) in the USIM application.
    pub const IMSI: Self = Self(0x6F07);
    /// 7F25: DF(CDMA), by which an R-UIM is told (3GPP2 C.S0023).
    pub const CDMA: Self = Self(0x7F25);
    /// 7F50: DF(PKCS#15) on SIM-type cards.
    pub const PKCS15: Self = Self(0x7F50);
    /// 5015: DF(PKCS#15) elsewhere.
    pub const PKCS15_GENERIC: Self = Self(0x5015);
    /// 5031: EF(ODF).
    pub const ODF: Self = Self(0x5031);
    /// 5032: EF(TokenInfo).
    pub const TOKEN_INFO: Self = Self(0x5032);
    /// 6430: EF(DODF) by custom.
    pub const DODF: Self = Self(0x6430);

    /// The two octets.
    pub fn octets(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// From exactly two octets.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        <[u8; 2]>::try_from(octets).ok().map(|o| Self(u16::from_be_bytes(o)))
    }
}

impl fmt::Display for Fid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Fid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fid({self})")
    }
}

/// A text is not four hexadecimal digits, or not a path of such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file is named by four hexadecimal digits, as 6F07, and a path by such names, as 3F00/7F50/5031")]
pub struct FidError;

impl FromStr for Fid {
    type Err = FidError;

    fn from_str(text: &str) -> Result<Self, FidError> {
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(FidError);
        }
        u16::from_str_radix(text, 16).map(Self).map_err(|_| FidError)
    }
}

impl serde::Serialize for Fid {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Fid {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'_, str>>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a file is: identifiers from the MF, `3F00/7F50/5031`, or from some DF when it does not begin with 3F00.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Fid>);

impl Path {
    /// The most identifiers in a path; cards nest far less deep.
    pub const MAX_DEPTH: usize = 8;

    /// The MF.
    pub fn mf() -> Self {
        Self(vec![Fid::MF])
    }

    /// From identifiers.
    pub fn new(fids: impl IntoIterator<Item = Fid>) -> Self {
        Self(fids.into_iter().collect())
    }

    /// From the octets of a path, two for each identifier.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for none or an odd number of octets, [`DecodeError::Limit`] for too many.
    pub fn from_octets(octets: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "path";
        let (pairs, odd) = octets.as_chunks::<2>();
        if pairs.is_empty() || !odd.is_empty() {
            let why = format!("{} octets, expected two for each file identifier", octets.len());
            return Err(DecodeError::invalid(WHAT, 0, why));
        }
        if pairs.len() > Self::MAX_DEPTH {
            return Err(DecodeError::Limit { what: WHAT, at: 0, got: pairs.len(), limit: Self::MAX_DEPTH });
        }
        Ok(Self(pairs.iter().map(|p| Fid(u16::from_be_bytes(*p))).collect()))
    }

    /// The octets, two for each identifier, 3F00 included when it is there.
    pub fn to_octets(&self) -> Vec<u8> {
        self.0.iter().flat_map(|fid| fid.octets()).collect()
    }

    /// The identifiers.
    pub fn fids(&self) -> &[Fid] {
        &self.0
    }

    /// The last identifier: the file itself.
    pub fn last(&self) -> Option<Fid> {
        self.0.last().copied()
    }

    /// True when it begins at the MF.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&Fid::MF)
    }

    /// The path of the directory that the file is in; none for a single identifier.
    pub fn parent(&self) -> Option<Self> {
        match self.0.split_last() {
            Some((_, rest)) if !rest.is_empty() => Some(Self(rest.to_vec())),
            _ => None,
        }
    }

    /// The path of a file in this directory.
    #[must_use]
    pub fn child(&self, fid: Fid) -> Self {
        let mut fids = self.0.clone();
        fids.push(fid);
        Self(fids)
    }

    /// This path as seen from directory `base`: itself when it is absolute, else behind `base`.
    #[must_use]
    pub fn from_base(&self, base: &Self) -> Self {
        if self.is_absolute() {
            return self.clone();
        }
        Self(base.0.iter().chain(&self.0).copied().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fid) in self.0.iter().enumerate() {
            write!(f, "{}{fid}", if at == 0 { "" } else { "/" })?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = FidError;

    fn from_str(text: &str) -> Result<Self, FidError> {
        let fids: Vec<Fid> = text.split('/').map(str::parse).collect::<Result<_, _>>()?;
        if fids.len() > Self::MAX_DEPTH { Err(FidError) } else { Ok(Self(fids)) }
    }
}

impl serde::Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_octets_are_the_same_path() {
        let path: Path = "3F00/7F50/5031".parse().unwrap();
        assert_eq!(path.to_octets(), [0x3F, 0x00, 0x7F, 0x50, 0x50, 0x31]);
        assert_eq!(Path::from_octets(&path.to_octets()).unwrap(), path);
        assert_eq!(path.to_string(), "3F00/7F50/5031");
        assert_eq!(path.parent(), Some(Path::mf().child(Fid::PKCS15)));
        assert_eq!(path.last(), Some(Fid::ODF));
        assert_eq!(Path::mf().parent(), None);
    }

    #[test]
    fn a_relative_path_starts_at_its_base() {
        let base = Path::mf().child(Fid::PKCS15);
        assert_eq!(Path::new([Fid(0x6431)]).from_base(&base).to_string(), "3F00/7F50/6431");
        let absolute: Path = "3F00/2FE2".parse().unwrap();
        assert_eq!(absolute.from_base(&base), absolute);
    }

    #[test]
    fn bad_paths_are_refused() {
        for bad in [&[][..], &[0x3F], &[0x3F, 0x00, 0x7F], &[0x11; 18]] {
            assert!(Path::from_octets(bad).is_err(), "{bad:02X?}");
        }
        for bad in ["", "3F0", "3F00/", "+F00", "3F00//5031", "3G00"] {
            assert!(bad.parse::<Path>().is_err(), "{bad}");
        }
        assert_eq!(Fid::from_octets(&[0x50, 0x31]), Some(Fid::ODF));
        assert_eq!(Fid::from_octets(&[0x50]), None);
    }
}
