//! Who may do what with a file: its security attributes followed to the record of EF(ARR) that they name (ETSI TS 102 221,
//! section 9.2.7). Asked before anything is sent that the card would refuse.

use crate::wire::{
    Fid,
    arr::{AccessMode, AccessRules, KeyRef, Operation, SecurityCondition},
    fcp::Security,
};

use super::{FileError, FilePath, FileSystem};

/// The access rules of a file, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// Rules; where there are several (one for each security environment), each must allow.
    Rules(Vec<AccessRules>),
    /// They cannot be told.
    Unknown(UnknownRights),
}

/// Why access rules cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownRights {
    /// The parameters name none.
    #[error("its parameters name no access rules")]
    Unnamed,
    /// They are in compact format, and octets are missing.
    #[error("its access rules are in compact format and end too early")]
    Compact,
    /// They are in compact format, which says that a key is asked for and not which.
    #[error(
        "its access rules are in compact format, which does not say which key is asked for; name it with --adm-ref, or give \
         no other administrative key"
    )]
    KeyNotNamed,
    /// A card of class A0 tells a level, and no key of that number is at hand but others are.
    #[error(
        "it asks for access level {level:X}, and no key {level:02X} is at hand; if the card numbers its keys in another way, name \
         the one that is meant with --adm-ref"
    )]
    LevelNotNamed {
        /// The level, 4 to E (3GPP TS 51.011, section 9.3).
        level: u8,
    },
    /// The EF(ARR) or the record that the parameters name does not exist or cannot be read.
    #[error("record {record} of EF(ARR) {arr}, which its parameters name, cannot be read")]
    Unreadable {
        /// The EF(ARR).
        arr: Fid,
        /// The record.
        record: u8,
    },
}

impl Rights {
    /// The condition for an operation; none when the rules are unknown. What no rule names is never allowed.
    pub fn condition(&self, operation: Operation) -> Option<SecurityCondition> {
        let Self::Rules(rules) = self else { return None };
        let mut conditions: Vec<_> = rules
            .iter()
            .map(|r| r.condition(operation).cloned().unwrap_or(SecurityCondition::Never))
            .collect();
        conditions.dedup();
        match conditions.len() {
            0 => Some(SecurityCondition::Never),
            1 => conditions.pop(),
            _ => Some(SecurityCondition::And(conditions)),
        }
    }
}

impl Rights {
    /// The same rules with the administrative key that is meant in the places where compact rules say only that a key is
    /// asked for. Reading is left out: what guards that may be a PIN.
    pub(super) fn with_key(self, adm: Option<KeyRef>) -> Self {
        let (Self::Rules(mut rules), Some(adm)) = (self.clone(), adm) else { return self };
        for (mode, condition) in rules.iter_mut().flat_map(|rules| &mut rules.0) {
            let reads = *mode == AccessMode::Operations(Operation::Read.bit());
            if asks_for_some_key(condition) && !reads {
                *condition = SecurityCondition::key(adm);
            }
        }
        Self::Rules(rules)
    }
}

/// Whether a condition says that a key is asked for, and not which.
pub(super) fn asks_for_some_key(condition: &SecurityCondition) -> bool {
    matches!(condition, SecurityCondition::Other { tag: SecurityCondition::OCTET, .. })
}

/// Which keys fulfil a condition: none at all for "always"; `None` when no key does. Where the rules leave a choice, keys
/// that are `held` are taken.
pub(super) fn keys_for(condition: &SecurityCondition, held: &[KeyRef]) -> Option<Vec<KeyRef>> {
    match condition {
        SecurityCondition::Always => Some(Vec::new()),
        SecurityCondition::Key { key, .. } => Some(vec![*key]),
        SecurityCondition::Or(any) => {
            let ways: Vec<_> = any.iter().filter_map(|c| keys_for(c, held)).collect();
            let with_held = ways.iter().find(|keys| keys.iter().all(|k| held.contains(k)));
            with_held.or(ways.first()).cloned()
        }
        SecurityCondition::And(all) if !all.is_empty() => {
            let mut keys = Vec::new();
            for condition in all {
                keys.extend(keys_for(condition, held)?);
            }
            keys.sort_unstable();
            keys.dedup();
            Some(keys)
        }
        _ => None,
    }
}

/// True for a key that belongs to whoever issued the card (TS 102 221, table 9.3).
pub(super) fn is_administrative(key: KeyRef) -> bool {
    matches!(key.0, 0x0A..=0x0E | 0x8A..=0x8E)
}

/// True for a PIN that the user knows (TS 102 221, table 9.3).
pub(super) fn is_pin(key: KeyRef) -> bool {
    matches!(key.0, 0x01..=0x08 | 0x11)
}

/// True for a PIN that a PUK unblocks: those that the user knows, second ones too (TS 102 221, table 9.3).
pub(super) fn has_puk(key: KeyRef) -> bool {
    is_pin(key) || matches!(key.0, 0x81..=0x88)
}

impl FileSystem<'_> {
    /// The access rules of a file or directory, read once.
    ///
    /// # Errors
    /// [`FileError`] when the file's own parameters cannot be had. Rules that cannot be read are [`Rights::Unknown`].
    pub fn rights(&mut self, file: &FilePath) -> Result<Rights, FileError> {
        let security = self.parameters(file)?.security;
        let (arr, mut records) = match security {
            None => return Ok(Rights::Unknown(UnknownRights::Unnamed)),
            Some(Security::Compact(octets)) => {
                let rules = AccessRules::from_compact(&octets);
                return Ok(rules.map_or(Rights::Unknown(UnknownRights::Compact), |r| Rights::Rules(vec![r])));
            }
            Some(Security::Expanded(rules)) => return Ok(Rights::Rules(vec![rules])),
            Some(Security::Referenced { arr, record }) => (arr, vec![record]),
            Some(Security::ReferencedBySe { arr, records }) => {
                (arr, records.into_iter().map(|(_, record)| record).collect())
            }
        };
        records.sort_unstable();
        records.dedup();
        let mut rules = Vec::new();
        for record in records {
            match self.rule(file, arr, record)? {
                Some(rule) => rules.push(rule),
                None => return Ok(Rights::Unknown(UnknownRights::Unreadable { arr, record })),
            }
        }
        Ok(Rights::Rules(rules))
    }

    /// A record of the EF(ARR) that files next to `file` mean by `arr`.
    pub(super) fn rule(
        &mut self,
        file: &FilePath,
        arr: Fid,
        record: u8,
    ) -> Result<Option<AccessRules>, FileError> {
        for place in places(file, arr) {
            if let Some(rules) = self.rules.get(&(place.clone(), record)) {
                return Ok(Some(rules.clone()));
            }
            match self.read_record(&place, record) {
                Ok(octets) => {
                    let Ok(rules) = AccessRules::decode(&octets) else { return Ok(None) };
                    self.rules.insert((place, record), rules.clone());
                    return Ok(Some(rules));
                }
                Err(error) if error.is_absent() => {}
                Err(FileError::Transport(error)) => return Err(error.into()),
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// Where an EF(ARR) may be: identifiers 2Fxx stand in the MF; others in the directory of the file, then in those above it
/// (the second remembered).
fn places(file: &FilePath, arr: Fid) -> Vec<FilePath> {
    let mf = FilePath::mf().child(arr);
    if arr.0 >> 8 == 0x2F {
        return vec![mf];
    }
    let mut places = Vec::new();
    let mut directory = file.parent();
    while let Some(at) = directory {
        places.push(at.child(arr));
        directory = at.parent();
    }
    if !places.contains(&mf) {
        places.push(mf);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(reference: u8) -> SecurityCondition {
        SecurityCondition::key(KeyRef(reference))
    }

    #[test]
    fn keys_follow_from_conditions() {
        use SecurityCondition::{Always, And, Never, Not, Or};
        let held = [KeyRef(0x0C)];
        assert_eq!(keys_for(&Always, &held), Some(vec![]));
        assert_eq!(keys_for(&Never, &held), None);
        assert_eq!(keys_for(&key(0x0A), &held), Some(vec![KeyRef(0x0A)]));
        assert_eq!(keys_for(&Or(vec![key(0x0A), key(0x0C)]), &held), Some(vec![KeyRef(0x0C)]));
        assert_eq!(keys_for(&Or(vec![Never, key(0x0A)]), &held), Some(vec![KeyRef(0x0A)]));
        assert_eq!(keys_for(&And(vec![key(0x0C), key(0x0A)]), &held), Some(vec![KeyRef(0x0A), KeyRef(0x0C)]));
        assert_eq!(keys_for(&And(vec![key(0x0A), Never]), &held), None);
        assert_eq!(keys_for(&And(vec![]), &held), None);
        assert_eq!(keys_for(&Not(vec![key(0x0A)]), &held), None);
    }

    #[test]
    fn each_security_environment_must_allow() {
        let rules = |c: SecurityCondition| AccessRules(vec![(AccessMode::Operations(0x02), c)]);
        let both = Rights::Rules(vec![rules(key(0x0A)), rules(SecurityCondition::Never)]);
        assert_eq!(keys_for(&both.condition(Operation::Update).unwrap(), &[]), None);
        let same = Rights::Rules(vec![rules(key(0x0A)), rules(key(0x0A))]);
        assert_eq!(same.condition(Operation::Update), Some(key(0x0A)));
        assert_eq!(same.condition(Operation::Read), Some(SecurityCondition::Never));
        assert_eq!(Rights::Unknown(UnknownRights::Compact).condition(Operation::Read), None);
    }

    #[test]
    fn an_arr_is_looked_for_upwards() {
        let file = FilePath::application(&[0xA0]).child(Fid::ODF);
        let shown = |arr| places(&file, arr).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown(Fid::ARR), ["3F00/2F06"]);
        assert_eq!(shown(Fid::ARR_APPLICATION), ["A0/6F06", "3F00/6F06"]);
    }
}
