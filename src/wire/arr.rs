//! Access rules: who may do what with a file (ETSI TS 102 221, section 9.5; ISO/IEC 7816-4, section 5.4.3). They stand
//! in the records of EF(ARR), and rarely in the file's own FCP.

use std::fmt;

use super::{DecodeError, Encode, tlv, tlv::Tlv};

/// Reference of a PIN or administrative key (ETSI TS 102 221, section 9.5.1, table 9.3). An open registry: vendors
/// differ, so any octet may be one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef(pub u8);

impl KeyRef {
    /// 01: PIN of application 1.
    pub const PIN1: Self = Self(0x01);
    /// 0A: the first administrative key.
    pub const ADM1: Self = Self(0x0A);
    /// 0C: the third administrative key.
    pub const ADM3: Self = Self(0x0C);
    /// 11: the universal PIN.
    pub const UNIVERSAL_PIN: Self = Self(0x11);
    /// 81: second (local) PIN of application 1.
    pub const PIN2: Self = Self(0x81);
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n @ 0x01..=0x08 => write!(f, "{n:02X} (PIN{n})"),
            n @ 0x0A..=0x0E => write!(f, "{n:02X} (ADM{})", n - 9),
            0x11 => write!(f, "11 (universal PIN)"),
            n @ 0x81..=0x88 => write!(f, "{n:02X} (second PIN {})", n - 0x80),
            n @ 0x8A..=0x8E => write!(f, "{n:02X} (ADM{})", n - 0x84),
            n => write!(f, "{n:02X}"),
        }
    }
}

impl fmt::Debug for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRef({:02X})", self.0)
    }
}

/// The operations that the access mode octet of tag 80 names. Bits 01 to 04 mean one thing for an EF and another for a
/// directory; 08 to 40 are the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// EF: read, search.
    Read = 0x01,
    /// EF: update, erase.
    Update = 0x02,
    /// Directory: delete a child.
    DeleteChild = 0x81,
    /// Directory: create an EF in it.
    CreateEf = 0x82,
    /// Directory: create a DF in it.
    CreateDf = 0x84,
    /// Deactivate the file.
    Deactivate = 0x08,
    /// Activate the file.
    Activate = 0x10,
    /// Terminate the file.
    Terminate = 0x20,
    /// Delete the file itself.
    DeleteSelf = 0x40,
}

impl Operation {
    /// The bit in the access mode octet.
    pub fn bit(self) -> u8 {
        // The discriminants of the directory operations carry 80 only to be distinct.
        self as u8 & 0x7F
    }
}

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessMode {
    /// Tag 80: operations as bits, see [`Operation`].
    Operations(u8),
    /// Tags 81 to 8F: a command header in parts; bit 08 of the tag stands for CLA, 04 for INS, 02 for P1, 01 for P2. `84
    /// 01 D4` is RESIZE.
    Command {
        /// The tag.
        tag: u8,
        /// The parts that the tag names, in the order of the header.
        header: Vec<u8>,
    },
    /// Tag 9C: something proprietary.
    Proprietary(Vec<u8>),
}

/// What must be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityCondition {
    /// `90 00`
    Always,
    /// `97 00`
    Never,
    /// `A4`: a PIN or key was presented.
    Key {
        /// Which.
        key: KeyRef,
        /// Usage qualifier (tag 95): 08 for a PIN that the user presents.
        usage: Option<u8>,
    },
    /// `A0`: at least one of these.
    Or(Vec<SecurityCondition>),
    /// `AF`: each of these.
    And(Vec<SecurityCondition>),
    /// `A7`: none of these.
    Not(Vec<SecurityCondition>),
    /// Any other data object, for example `9E` (a security condition octet). It counts as not fulfilled.
    Other {
        /// Its tag.
        tag: u16,
        /// Its value.
        value: Vec<u8>,
    },
}

/// How deep conditions may be nested.
const MAX_DEPTH: usize = 4;

impl SecurityCondition {
    /// Tag of a security condition octet: how a key must be presented, and not which.
    pub const OCTET: u16 = 0x9E;

    /// The condition "this key", as a PIN that the user presents.
    pub fn key(key: KeyRef) -> Self {
        Self::Key { key, usage: Some(0x08) }
    }

    /// Whether it is fulfilled, when `verified` says which keys count as presented.
    pub fn fulfilled(&self, verified: &dyn Fn(KeyRef) -> bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never | Self::Other { .. } => false,
            Self::Key { key, .. } => verified(*key),
            Self::Or(any) => any.iter().any(|c| c.fulfilled(verified)),
            Self::And(all) => !all.is_empty() && all.iter().all(|c| c.fulfilled(verified)),
            // What is not understood must not become a right by being turned round.
            Self::Not(none) => !none.iter().any(|c| matches!(c, Self::Other { .. }) || c.fulfilled(verified)),
        }
    }

    /// Every key that it names, in order.
    pub fn keys(&self) -> Vec<KeyRef> {
        match self {
            Self::Key { key, .. } => vec![*key],
            Self::Or(inner) | Self::And(inner) | Self::Not(inner) => {
                inner.iter().flat_map(Self::keys).collect()
            }
            _ => Vec::new(),
        }
    }

    fn from_tlv(object: &Tlv<'_>, depth: usize) -> Result<Self, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::Limit {
                what: "security condition",
                at: object.at,
                got: depth,
                limit: MAX_DEPTH,
            });
        }
        let nested =
            || object.children()?.iter().map(|c| Self::from_tlv(c, depth + 1)).collect::<Result<Vec<_>, _>>();
        let empty = |condition: Self| match object.value.len() {
            0 => Ok(condition),
            n => {
                Err(DecodeError::invalid("security condition", object.at, format!("{n} octets, expected 0")))
            }
        };
        Ok(match object.tag {
            0x90 => empty(Self::Always)?,
            0x97 => empty(Self::Never)?,
            0xA0 => Self::Or(nested()?),
            0xAF => Self::And(nested()?),
            0xA7 => Self::Not(nested()?),
            0xA4 => Self::template(object)?,
            tag => Self::Other { tag, value: object.value.to_vec() },
        })
    }

    /// The control reference template: 83 key reference, 95 usage. One that holds anything else stays as it is.
    fn template(object: &Tlv<'_>) -> Result<Self, DecodeError> {
        let (mut key, mut usage, mut plain) = (None, None, true);
        for part in object.children()? {
            match (part.tag, part.value) {
                (0x83, [octet]) if key.is_none() && usage.is_none() => key = Some(KeyRef(*octet)),
                (0x95, [octet]) if key.is_some() && usage.is_none() => usage = Some(*octet),
                _ => plain = false,
            }
        }
        Ok(match key {
            Some(key) if plain => Self::Key { key, usage },
            _ => Self::Other { tag: object.tag, value: object.value.to_vec() },
        })
    }
}

impl Encode for SecurityCondition {
    fn encode(&self, out: &mut Vec<u8>) {
        let nested = |tag: u16, inner: &[Self], out: &mut Vec<u8>| {
            let mut value = Vec::new();
            inner.iter().for_each(|c| c.encode(&mut value));
            tlv::write(tag, &value, out);
        };
        match self {
            Self::Always => tlv::write(0x90, &[], out),
            Self::Never => tlv::write(0x97, &[], out),
            Self::Or(inner) => nested(0xA0, inner, out),
            Self::And(inner) => nested(0xAF, inner, out),
            Self::Not(inner) => nested(0xA7, inner, out),
            Self::Key { key, usage } => {
                let mut value = vec![0x83, 1, key.0];
                if let Some(usage) = usage {
                    value.extend_from_slice(&[0x95, 1, *usage]);
                }
                tlv::write(0xA4, &value, out);
            }
            Self::Other { tag, value } => tlv::write(*tag, value, out),
        }
    }
}

impl fmt::Display for SecurityCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, inner: &[Self]| {
            f.write_str("(")?;
            for (at, condition) in inner.iter().enumerate() {
                write!(f, "{}{condition}", if at == 0 { String::new() } else { format!(" {word} ") })?;
            }
            f.write_str(")")
        };
        match self {
            Self::Always => f.write_str("always"),
            Self::Never => f.write_str("never"),
            Self::Key { key, .. } => write!(f, "{key}"),
            Self::Or(inner) => list(f, "or", inner),
            Self::And(inner) => list(f, "and", inner),
            Self::Not(inner) => {
                f.write_str("not ")?;
                list(f, "or", inner)
            }
            Self::Other { tag: Self::OCTET, value } => {
                f.write_str("a key that is not named, condition octet ")?;
                value.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
            }
            Self::Other { tag, .. } => write!(f, "condition {tag:02X}"),
        }
    }
}

/// The access rules of a file: pairs of access mode and condition, in order.
///
/// | octets       | field                                              |
/// |--------------|----------------------------------------------------|
/// | 80 01 bits   | access mode (or 8X: command header, 9C)            |
/// | 90, 97, A4 … | its security condition                             |
/// | …            | more pairs; then FF to the end of the record       |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRules(pub Vec<(AccessMode, SecurityCondition)>);

impl AccessRules {
    /// The condition for an operation, the first rule that names it; none means that no rule does, which is "never".
    pub fn condition(&self, operation: Operation) -> Option<&SecurityCondition> {
        self.0.iter().find_map(|(mode, condition)| match mode {
            AccessMode::Operations(bits) if bits & operation.bit() != 0 => Some(condition),
            _ => None,
        })
    }

    /// Whether an operation is allowed, when `verified` says which keys count as presented.
    pub fn allows(&self, operation: Operation, verified: &dyn Fn(KeyRef) -> bool) -> bool {
        self.condition(operation).is_some_and(|c| c.fulfilled(verified))
    }

    /// The rules of a compact security attribute (tag 8C): an access mode octet, then a security condition octet for each of
    /// its bits, the highest first; more such groups may follow (ISO/IEC 7816-4, section 5.4.3.1). 00 is "always", FF is
    /// "never"; any other octet says how, and not by which key: [`SecurityCondition::OCTET`].
    ///
    /// None when octets are missing.
    pub fn from_compact(octets: &[u8]) -> Option<Self> {
        let mut rules = Vec::new();
        let mut rest = octets.iter();
        while let Some(mode) = rest.next() {
            // Bit 80 would make the mode one of proprietary meaning.
            if mode & 0x80 != 0 {
                return None;
            }
            for bit in (0..7).rev().map(|n| 1u8 << n).filter(|bit| mode & bit != 0) {
                let condition = match *rest.next()? {
                    0x00 => SecurityCondition::Always,
                    0xFF => SecurityCondition::Never,
                    octet => SecurityCondition::Other { tag: SecurityCondition::OCTET, value: vec![octet] },
                };
                rules.push((AccessMode::Operations(bit), condition));
            }
        }
        Some(Self(rules))
    }

    /// Reads a record of EF(ARR), or the value of an expanded security attribute (tag AB). Padding may follow.
    ///
    /// # Errors
    /// Any [`DecodeError`]; an access mode without its condition is one.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let padded = tlv::parse_padded(octets)?;
        let mut rules = Vec::new();
        let mut objects = padded.objects.iter();
        while let Some(object) = objects.next() {
            let mode = AccessMode::from_tlv(object)?;
            let condition = objects.next().ok_or_else(|| {
                DecodeError::invalid("access rule", object.at, "an access mode without its condition")
            })?;
            if AccessMode::is_mode(condition.tag) {
                let why = "an access mode where its condition should stand";
                return Err(DecodeError::invalid("access rule", condition.at, why));
            }
            rules.push((mode, SecurityCondition::from_tlv(condition, 0)?));
        }
        Ok(Self(rules))
    }
}

impl Encode for AccessRules {
    fn encode(&self, out: &mut Vec<u8>) {
        for (mode, condition) in &self.0 {
            match mode {
                AccessMode::Operations(bits) => tlv::write(0x80, &[*bits], out),
                AccessMode::Command { tag, header } => tlv::write(u16::from(*tag), header, out),
                AccessMode::Proprietary(value) => tlv::write(0x9C, value, out),
            }
            condition.encode(out);
        }
    }
}

impl AccessMode {
    fn is_mode(tag: u16) -> bool {
        matches!(tag, 0x80..=0x8F | 0x9C)
    }

    fn from_tlv(object: &Tlv<'_>) -> Result<Self, DecodeError> {
        match (object.tag, object.tag.to_be_bytes()) {
            (0x80, _) => Ok(Self::Operations(object.octet("access mode")?)),
            (0x81..=0x8F, [_, tag]) => Ok(Self::Command { tag, header: object.value.to_vec() }),
            (0x9C, _) => Ok(Self::Proprietary(object.value.to_vec())),
            (tag, _) => {
                let why = format!("tag {tag:02X}, expected 80 to 8F or 9C");
                Err(DecodeError::invalid("access mode", object.at, why))
            }
        }
    }
}

#[cfg(test)]
mod tests;
