//! What a card of the second generation says when a file is selected (3GPP TS 51.011, section 9.2.1, by way of the card
//! sheet; positions of the access nibbles are remembered and fit the vectors).

use super::{DecodeError, Encode, Fid, Reader};

/// An answer to SELECT or STATUS of class A0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectResponse {
    /// Of the MF or a DF.
    Directory(DirectoryStatus),
    /// Of an EF.
    Ef(EfStatus),
}

/// The MF or a DF.
///
/// | octet  | field                                                     |
/// |--------|-----------------------------------------------------------|
/// | 2, 3   | free memory                                               |
/// | 4, 5   | file identifier                                           |
/// | 6      | 01 MF, 02 DF                                              |
/// | 12     | octets behind this one, 9 or more                         |
/// | 13     | characteristics; 80: CHV1 is switched off (remembered)    |
/// | 14, 15 | directories and files in it                               |
/// | 16     | how many CHVs, unblocking keys and administrative codes   |
/// | 18..22 | CHV1, UNBLOCK CHV1, CHV2, UNBLOCK CHV2                    |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryStatus {
    /// Octets that are free.
    pub free_memory: u16,
    /// File identifier.
    pub fid: Fid,
    /// Whether it is the MF.
    pub kind: DirectoryKind,
    /// Characteristics octet.
    pub characteristics: u8,
    /// Directories in it.
    pub child_dfs: u8,
    /// EFs in it.
    pub child_efs: u8,
    /// CHVs, unblocking keys and administrative codes.
    pub codes: u8,
    /// CHV1.
    pub chv1: ChvStatus,
    /// UNBLOCK CHV1.
    pub unblock1: ChvStatus,
    /// CHV2.
    pub chv2: ChvStatus,
    /// UNBLOCK CHV2.
    pub unblock2: ChvStatus,
    /// What the issuer adds behind.
    pub rest: Vec<u8>,
}

/// Which directory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryKind {
    /// The master file.
    Mf,
    /// A dedicated file.
    Df,
}

impl DirectoryStatus {
    /// True when CHV1 is switched off (bit 80 of the characteristics, remembered).
    pub fn chv1_is_off(&self) -> bool {
        self.characteristics & 0x80 != 0
    }
}

/// State of a CHV or an unblocking key: 80 when it is initialised, the tries left in the low half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChvStatus(pub u8);

impl ChvStatus {
    /// Whether the secret code is there at all.
    pub fn is_initialised(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// False presentations that are still allowed.
    pub fn tries_left(self) -> u8 {
        self.0 & 0x0F
    }
}

/// An EF.
///
/// | octet | field                                                                  |
/// |-------|------------------------------------------------------------------------|
/// | 2, 3  | size                                                                   |
/// | 4, 5  | file identifier                                                        |
/// | 6     | 04                                                                     |
/// | 8     | access: READ, UPDATE                                                   |
/// | 9     | access: INCREASE, not used                                             |
/// | 10    | access: REHABILITATE, INVALIDATE                                       |
/// | 11    | status: 01 not invalidated, 04 read and updated even when it is        |
/// | 12    | octets behind this one                                                 |
/// | 13    | 00 transparent, 01 linear fixed, 03 cyclic                             |
/// | 14    | record length; a transparent file may leave it out                     |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EfStatus {
    /// Octets in the file.
    pub size: u16,
    /// File identifier.
    pub fid: Fid,
    /// The three octets of access conditions.
    pub access: [u8; 3],
    /// Status octet.
    pub status: u8,
    /// How it is built.
    pub structure: Structure,
    /// What the issuer adds behind.
    pub rest: Vec<u8>,
}

/// How an EF is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Octets.
    Transparent,
    /// Records of that length.
    LinearFixed(u8),
    /// Records of that length, the newest first.
    Cyclic(u8),
}

/// Who may do something with an EF: half an octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// 0: everybody.
    Always,
    /// 1 or 2: whoever presented that CHV.
    Chv(u8),
    /// 4 to E: whoever presented what the issuer decided on.
    Adm(u8),
    /// 3, which is reserved, and F: nobody.
    Never,
}

impl Level {
    fn of(nibble: u8) -> Self {
        match nibble {
            0 => Self::Always,
            n @ (1 | 2) => Self::Chv(n),
            n @ 4..=0xE => Self::Adm(n),
            _ => Self::Never,
        }
    }
}

impl EfStatus {
    /// For READ and SEEK.
    pub fn read(&self) -> Level {
        Level::of(self.access[0] >> 4)
    }

    /// For UPDATE.
    pub fn update(&self) -> Level {
        Level::of(self.access[0] & 0x0F)
    }

    /// For INCREASE.
    pub fn increase(&self) -> Level {
        Level::of(self.access[1] >> 4)
    }

    /// For REHABILITATE.
    pub fn rehabilitate(&self) -> Level {
        Level::of(self.access[2] >> 4)
    }

    /// For INVALIDATE.
    pub fn invalidate(&self) -> Level {
        Level::of(self.access[2] & 0x0F)
    }

    /// True when the file was invalidated.
    pub fn is_invalidated(&self) -> bool {
        self.status & 0x01 == 0
    }
}

impl SelectResponse {
    /// Reads an answer to SELECT, or to STATUS.
    ///
    /// # Errors
    /// Any [`DecodeError`]. Reserved octets are not looked at.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "answer to SELECT of class A0";
        let mut r = Reader::new(octets);
        r.take(WHAT, 2)?;
        let number = r.u16(WHAT)?;
        let fid = Fid(r.u16(WHAT)?);
        let kind = match r.u8(WHAT)? {
            0x01 => Some(DirectoryKind::Mf),
            0x02 => Some(DirectoryKind::Df),
            0x04 => None,
            other => {
                return Err(DecodeError::invalid(
                    "type of file",
                    6,
                    format!("{other:02X}, expected 01, 02 or 04"),
                ));
            }
        };
        let Some(kind) = kind else { return EfStatus::decode(&mut r, number, fid).map(Self::Ef) };
        r.take(WHAT, 5)?;
        let length = usize::from(r.u8(WHAT)?);
        let [characteristics, child_dfs, child_efs, codes, _, chv1, unblock1, chv2, unblock2] =
            r.array(WHAT)?;
        let rest = length.checked_sub(9).ok_or_else(|| {
            DecodeError::invalid("length of what follows", 12, format!("{length}, expected 9 or more"))
        })?;
        let rest = r.take(WHAT, rest)?.to_vec();
        r.finish(WHAT)?;
        Ok(Self::Directory(DirectoryStatus {
            free_memory: number,
            fid,
            kind,
            characteristics,
            child_dfs,
            child_efs,
            codes,
            chv1: ChvStatus(chv1),
            unblock1: ChvStatus(unblock1),
            chv2: ChvStatus(chv2),
            unblock2: ChvStatus(unblock2),
            rest,
        }))
    }
}

impl EfStatus {
    fn decode(r: &mut Reader<'_>, size: u16, fid: Fid) -> Result<Self, DecodeError> {
        const WHAT: &str = "answer to SELECT of an EF of class A0";
        r.take(WHAT, 1)?;
        let access = r.array(WHAT)?;
        let status = r.u8(WHAT)?;
        let length = usize::from(r.u8(WHAT)?);
        let mut behind = Reader::new(r.take(WHAT, length)?);
        r.finish(WHAT)?;
        let structure = behind.u8("structure of file").map_err(|e| e.shifted(13))?;
        let record = match (structure, behind.is_empty()) {
            (0x00, true) => 0,
            _ => behind.u8("record length").map_err(|e| e.shifted(13))?,
        };
        let structure = match (structure, record) {
            (0x00, _) => Structure::Transparent,
            (0x01, 1..) => Structure::LinearFixed(record),
            (0x03, 1..) => Structure::Cyclic(record),
            (other, record) => {
                let why =
                    format!("{other:02X} with records of {record}, expected 00, or 01 or 03 with a length");
                return Err(DecodeError::invalid("structure of file", 13, why));
            }
        };
        Ok(Self { size, fid, access, status, structure, rest: behind.rest().to_vec() })
    }
}

impl Encode for SelectResponse {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0]);
        match self {
            Self::Directory(d) => {
                out.extend_from_slice(&d.free_memory.to_be_bytes());
                out.extend_from_slice(&d.fid.octets());
                out.push(if d.kind == DirectoryKind::Mf { 0x01 } else { 0x02 });
                out.extend_from_slice(&[0; 5]);
                let rest = d.rest.get(..d.rest.len().min(0xF0)).unwrap_or_default();
                out.push(u8::try_from(9 + rest.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(&[d.characteristics, d.child_dfs, d.child_efs, d.codes, 0]);
                out.extend_from_slice(&[d.chv1.0, d.unblock1.0, d.chv2.0, d.unblock2.0]);
                out.extend_from_slice(rest);
            }
            Self::Ef(ef) => {
                out.extend_from_slice(&ef.size.to_be_bytes());
                out.extend_from_slice(&ef.fid.octets());
                out.extend_from_slice(&[0x04, 0x00]);
                out.extend_from_slice(&ef.access);
                let (structure, record) = match ef.structure {
                    Structure::Transparent => (0x00, 0),
                    Structure::LinearFixed(n) => (0x01, n),
                    Structure::Cyclic(n) => (0x03, n),
                };
                let rest = ef.rest.get(..ef.rest.len().min(0xF0)).unwrap_or_default();
                out.push(ef.status);
                out.push(u8::try_from(2 + rest.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(&[structure, record]);
                out.extend_from_slice(rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        apdu::{StatusClass, StatusWord},
        vectors::{hex, vectors},
    };

    #[test]
    fn shared_vectors_both_ways() {
        let Some(cases) = vectors("card/sw-2g-select.json") else { return };
        let (mut answers, mut words, mut bad) = (0, 0, 0);
        for case in &cases {
            let (id, octets) = (case["id"].as_str().unwrap(), hex(case["hex"].as_str().unwrap()));
            let wanted = &case["decoded"];
            if case["expect"] == "error" {
                assert!(SelectResponse::decode(&octets).is_err(), "{id}");
                bad += 1;
            } else if let Some(class) = wanted["class"].as_str() {
                let sw = StatusWord(u16::from_be_bytes([octets[0], octets[1]]));
                let value = wanted["value"].as_u64().map(|v| u8::try_from(v).unwrap()).unwrap_or_default();
                let wanted = match class {
                    "ok" => StatusClass::Ok,
                    "ok+fetch" => StatusClass::OkFetch(value),
                    "get_response" => StatusClass::GetResponse(value),
                    "retry_le" => StatusClass::RetryLe(value),
                    "wrong_key" => StatusClass::WrongKey(value),
                    "blocked" => StatusClass::Blocked,
                    "denied" => StatusClass::Denied,
                    "absent" => StatusClass::Absent,
                    "busy" => StatusClass::Busy,
                    _ => StatusClass::Error,
                };
                assert_eq!(sw.class(), wanted, "{id}");
                words += 1;
            } else {
                let decoded = SelectResponse::decode(&octets).unwrap();
                assert_eq!(decoded.to_octets(), octets, "{id}");
                match &decoded {
                    SelectResponse::Directory(d) => {
                        assert_eq!(d.fid.to_string(), wanted["fid"], "{id}");
                        assert_eq!(u64::from(d.child_efs), wanted["child_efs"], "{id}");
                        assert_eq!(u64::from(d.chv1.tries_left()), wanted["chv1"]["tries_left"], "{id}");
                        assert_eq!(
                            u64::from(d.unblock2.tries_left()),
                            wanted["unblock2"]["tries_left"],
                            "{id}"
                        );
                        assert!(d.chv2.is_initialised(), "{id}");
                    }
                    SelectResponse::Ef(ef) => {
                        assert_eq!(u64::from(ef.size), wanted["size"], "{id}");
                        assert_eq!((ef.read(), ef.update()), (Level::Chv(1), Level::Chv(1)), "{id}");
                        assert_eq!((ef.increase(), ef.invalidate()), (Level::Never, Level::Never), "{id}");
                        assert_eq!(ef.structure, Structure::LinearFixed(26), "{id}");
                    }
                }
                for end in 0..octets.len() {
                    assert!(SelectResponse::decode(&octets[..end]).is_err(), "{id}, {end} octets");
                }
                answers += 1;
            }
        }
        assert_eq!((answers, words, bad), (3, cases.len() - 4, 1));
    }

    #[test]
    fn a_transparent_file_may_leave_its_record_length_out() {
        let whole = SelectResponse::decode(&hex("0000000A2FE204000CFFFF01020000")).unwrap();
        assert_eq!(SelectResponse::decode(&hex("0000000A2FE204000CFFFF010100")).unwrap(), whole);
        let SelectResponse::Ef(ef) = whole else { panic!("an EF") };
        assert_eq!((ef.read(), ef.update(), ef.is_invalidated()), (Level::Always, Level::Adm(0xC), false));
        assert!(
            SelectResponse::decode(&hex("0000000A2FE204000CFFFF01020100")).is_err(),
            "records of 0 octets"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_written_again(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40), kind in 1u8..5) {
            let mut octets = octets;
            if let Some(octet) = octets.get_mut(6) { *octet = kind; }
            if let Ok(read) = SelectResponse::decode(&octets) {
                proptest::prop_assert_eq!(SelectResponse::decode(&read.to_octets()).unwrap(), read);
            }
        }
    }
}
