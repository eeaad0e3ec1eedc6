//! Who may do what: access rules in records of EF(ARR), and which keys count as presented (ETSI TS 102 221, section
//! 9.5 and 11.1.1.4.7).

use super::{VirtualCard, files::NodeId};
use crate::{
    lab::image::Body,
    wire::{
        Fid,
        apdu::StatusWord,
        arr::{AccessRules, KeyRef, Operation, SecurityCondition},
        fcp::{LifeCycle, Security},
    },
};

impl VirtualCard {
    /// Refuses an operation that the rules of the file do not allow at present.
    pub(super) fn demand(&self, file: NodeId, operation: Operation) -> Result<(), StatusWord> {
        if self.allows(file, operation) { Ok(()) } else { Err(self.quirks.denied) }
    }

    /// Whether the rules of the file allow an operation at present.
    pub(super) fn allows(&self, file: NodeId, operation: Operation) -> bool {
        // A card that is still being personalised asks for no key; ACTIVATE FILE of the MF ends that.
        if self.in_personalisation() {
            return true;
        }
        self.rules(file).is_some_and(|rules| rules.allows(operation, &|key| self.satisfied(key)))
    }

    /// Refuses the deletion of a file. Its own rule for it decides; where it has none, the rule of the directory above
    /// for deleting children does (inferred: TS 102 222 names both rights and not how they meet).
    pub(super) fn demand_deletion(&self, file: NodeId, parent: NodeId) -> Result<(), StatusWord> {
        let own = self.rules(file).is_some_and(|rules| rules.condition(Operation::DeleteSelf).is_some());
        if own {
            self.demand(file, Operation::DeleteSelf)
        } else {
            self.demand(parent, Operation::DeleteChild)
        }
    }

    fn in_personalisation(&self) -> bool {
        matches!(self.files.file(self.files.mf()).life_cycle, LifeCycle::CREATION | LifeCycle::INITIALISATION)
    }

    /// A key counts as presented when it was, or when it is switched off.
    pub(super) fn satisfied(&self, key: KeyRef) -> bool {
        self.session.verified.contains(&key) || self.key(key).is_some_and(|k| !k.enabled)
    }

    /// The rules of a file. None when it has none, when the record is not there, or when it cannot be read.
    pub(super) fn rules(&self, file: NodeId) -> Option<AccessRules> {
        let security = self.files.file(file).security.as_ref()?;
        match security {
            Security::Expanded(rules) => return Some(rules.clone()),
            Security::Compact(value) => return AccessRules::from_compact(value).map(with_keys),
            Security::Referenced { .. } | Security::ReferencedBySe { .. } => {}
        }
        let (arr, record) = security.reference(self.environment())?;
        let Body::Records { records, .. } = &self.files.file(self.arr_file(file, arr)?).body else {
            return None;
        };
        AccessRules::decode(records.get(usize::from(record).checked_sub(1)?)?).ok()
    }

    /// The security environment: 00 while PIN1 is switched off, else 01 (remembered only; TS 102 221, section 9.4).
    fn environment(&self) -> u8 {
        u8::from(self.key(KeyRef::PIN1).is_some_and(|pin| pin.enabled))
    }

    /// The EF(ARR) that a file means: the nearest of that identifier in the directory that the file is in, then in the
    /// directories above; for a directory at last in itself.
    fn arr_file(&self, file: NodeId, arr: Fid) -> Option<NodeId> {
        let mut directory = Some(self.files.parent(file).unwrap_or(file));
        while let Some(at) = directory {
            if let Some(found) = self.files.child(at, arr) {
                return Some(found);
            }
            directory = self.files.parent(at);
        }
        self.files.child(file, arr)
    }
}

/// The keys of this card behind the octets of a compact rule: user authentication in security environment 1 is PIN1, in
/// environment 2 ADM1. The rule itself does not say which key it is.
fn with_keys(rules: AccessRules) -> AccessRules {
    let known = |condition| match condition {
        SecurityCondition::Other { tag: SecurityCondition::OCTET, value } => match value.as_slice() {
            [0x91] => SecurityCondition::key(KeyRef::PIN1),
            [0x92] => SecurityCondition::key(KeyRef::ADM1),
            _ => SecurityCondition::Never,
        },
        other => other,
    };
    AccessRules(rules.0.into_iter().map(|(mode, condition)| (mode, known(condition))).collect())
}
