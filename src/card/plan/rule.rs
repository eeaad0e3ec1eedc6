//! The access conditions of files that are created: a record of EF(ARR) that gives them is looked for, none is made (OMA
//! LwM2M TS, annex G.3; for CP and DM by analogy, remembered).

use crate::{
    card::{FileError, FilePath, FileSystem, Rights, rights::is_pin},
    wire::{
        Fid,
        arr::{Operation as Op, SecurityCondition},
        fcp::Security,
    },
};

use super::{Access, AdmKeys, PlanError, ReadAccess};

/// What kind of file the conditions are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// A file, read by these.
    File(ReadAccess),
    /// A file that its user may change, read by these.
    UserFile(ReadAccess),
    /// The application's directory.
    Directory,
}

impl For {
    fn words(self) -> &'static str {
        match self {
            Self::File(ReadAccess::Always) => "everybody reads, an administrative key updates",
            Self::File(ReadAccess::Pin) => "a PIN reads, an administrative key updates",
            Self::UserFile(ReadAccess::Always) => "everybody reads, a PIN updates",
            Self::UserFile(ReadAccess::Pin) => "a PIN reads and updates",
            Self::Directory => "an administrative key creates files, nobody else deletes them",
        }
    }

    /// Whether rules give the conditions, and nobody without the key may do harm.
    fn is_given_by(self, rights: &Rights, adm: &AdmKeys) -> bool {
        let condition = |operation| rights.condition(operation);
        let is_ours = |operation| match condition(operation) {
            Some(SecurityCondition::Key { key, .. }) => adm.is_ours(key),
            _ => false,
        };
        let is_open = |operation| condition(operation) == Some(SecurityCondition::Always);
        if is_open(Op::DeleteSelf) || is_open(Op::Deactivate) || is_open(Op::Terminate) {
            return false;
        }
        let by_pin = |operation| match condition(operation) {
            Some(SecurityCondition::Key { key, .. }) => is_pin(key),
            _ => false,
        };
        match self {
            Self::File(ReadAccess::Always) => is_open(Op::Read) && is_ours(Op::Update),
            Self::File(ReadAccess::Pin) => by_pin(Op::Read) && is_ours(Op::Update),
            Self::UserFile(ReadAccess::Always) => is_open(Op::Read) && by_pin(Op::Update),
            Self::UserFile(ReadAccess::Pin) => by_pin(Op::Read) && by_pin(Op::Update),
            Self::Directory => is_ours(Op::CreateEf) && !is_open(Op::DeleteChild) && !is_open(Op::CreateDf),
        }
    }
}

/// Finds security attributes that give the conditions: those of a file next to it first (`like`), which costs nothing, then
/// any record of the EF(ARR) that these name and of the one in the MF.
pub(super) fn choose(
    fs: &mut FileSystem<'_>,
    name: &str,
    what: For,
    like: &[FilePath],
    adm: &AdmKeys,
) -> Result<(Security, Access), PlanError> {
    let mut arrs = Vec::new();
    for file in like {
        let security = match fs.parameters(file) {
            Ok(fcp) => fcp.security,
            Err(FileError::Transport(error)) => return Err(error.into()),
            // It is yet to be created, or not to be had: no example then.
            Err(_) => None,
        };
        let Some(security) = security else { continue };
        let rights = fs.rights(file)?.with_key(adm.unnumbered());
        if what.is_given_by(&rights, adm) {
            let access = access(what, &rights, &security);
            return Ok((security, access));
        }
        if let Some((arr, _)) = security.reference(0x00) {
            arrs.push((file.clone(), arr));
        }
    }
    arrs.push((FilePath::mf().child(Fid::ARR), Fid::ARR));
    arrs.dedup_by_key(|(_, arr)| *arr);
    for (near, arr) in arrs {
        for record in 1..=records(fs, &near, arr)? {
            let Some(rules) = fs.rule(&near, arr, record)? else { continue };
            let rights = Rights::Rules(vec![rules]);
            if what.is_given_by(&rights, adm) {
                let security = Security::Referenced { arr, record };
                let access = access(what, &rights, &security);
                return Ok((security, access));
            }
        }
    }
    Err(PlanError::NoRule { name: name.to_owned(), conditions: what.words() })
}

fn records(fs: &mut FileSystem<'_>, near: &FilePath, arr: Fid) -> Result<u8, PlanError> {
    let beside = near.parent().map_or_else(|| FilePath::mf().child(arr), |directory| directory.child(arr));
    for place in [beside, FilePath::mf().child(arr)] {
        match fs.records(&place) {
            Ok((_, count)) => return Ok(count),
            Err(FileError::Transport(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(0)
}

fn access(what: For, rights: &Rights, security: &Security) -> Access {
    let (read, update) = match what {
        For::File(_) | For::UserFile(_) => (rights.condition(Op::Read), rights.condition(Op::Update)),
        For::Directory => (None, rights.condition(Op::CreateEf)),
    };
    let rule = match security {
        Security::Referenced { arr, record } => format!("EF(ARR) {arr}, record {record}"),
        Security::ReferencedBySe { arr, records } => {
            let list: Vec<_> = records.iter().map(|(_, record)| record.to_string()).collect();
            format!("EF(ARR) {arr}, records {}", list.join(" and "))
        }
        Security::Compact(_) | Security::Expanded(_) => "in the file's own parameters".into(),
    };
    Access { read, update, rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::arr::{AccessRules, KeyRef};
    use crate::wire::vectors::hex;

    fn rights(record: &str) -> Rights {
        Rights::Rules(vec![AccessRules::decode(&hex(record)).unwrap()])
    }

    /// Records of a software UICC and of real cards (card sheet, sections A.1 and A.4).
    #[test]
    fn only_records_with_the_right_conditions_will_do() {
        let always = rights("8001019000800102A40683010A950108800140A40683010A950108");
        let pin = rights("800101A406830101950108800102A40683010A950108800140A40683010A950108");
        let directory = rights("800106A40683010A950108800140A40683010A950108");
        let readers = rights("80010190008001029700800118A40683010A9501088401D4A40683010A950108");
        let open = rights("8001039000800140A40683010A950108");
        let (file, file_pin) = (For::File(ReadAccess::Always), For::File(ReadAccess::Pin));
        assert!(file.is_given_by(&always, AdmKeys::NONE) && !file.is_given_by(&pin, AdmKeys::NONE));
        assert!(file_pin.is_given_by(&pin, AdmKeys::NONE) && !file_pin.is_given_by(&always, AdmKeys::NONE));
        for bad in [&directory, &readers, &open] {
            assert!(!file.is_given_by(bad, AdmKeys::NONE) && !file_pin.is_given_by(bad, AdmKeys::NONE));
        }
        assert!(For::Directory.is_given_by(&directory, AdmKeys::NONE));
        // A file's record would let everybody delete what is in a directory.
        assert!(!For::Directory.is_given_by(&always, AdmKeys::NONE));
        let (first, third) = (AdmKeys::of(&[], [KeyRef::ADM1]), AdmKeys::of(&[KeyRef::ADM3], []));
        assert!(file.is_given_by(&always, &first) && !file.is_given_by(&always, &third));
        // Any of those at hand will do, in whatever order they came.
        let several = AdmKeys::of(&[], [KeyRef::ADM3, KeyRef::ADM1]);
        assert!(file.is_given_by(&always, &several));
    }

    #[test]
    fn a_file_that_everybody_may_delete_is_not_made() {
        let record = rights("8001019000800102A40683010A9501088001409000");
        assert!(!For::File(ReadAccess::Always).is_given_by(&record, AdmKeys::NONE));
    }
}
