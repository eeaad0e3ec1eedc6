//! Cards of class A0 (SIM, R-UIM, a UICC in 2G mode) seen as the rest of this room sees files: their answer to SELECT as file
//! control parameters with access rules (3GPP TS 51.011, section 9).
//!
//! Such a card tells the counters of CHV1 and CHV2 in the status of a directory, and that of an administrative key
//! nowhere. An access level of 4 to E is taken for the key of the same number, which is how cards were seen to do it; where
//! one numbers its keys in another way, the key is named with `--adm-ref`.

use crate::wire::{
    apdu::CommandApdu,
    arr::{AccessMode, AccessRules, KeyRef, Operation, SecurityCondition},
    fcp::{Fcp, FileKind, LifeCycle, Security},
    gsm::{DirectoryStatus, Level, SelectResponse, Structure},
};

use super::{Session, TransportError};

/// Octets of the status of a directory, as far as every card tells it.
const STATUS_LENGTH: u8 = 22;

/// The parameters of a file.
pub(super) fn parameters(response: &SelectResponse) -> Fcp {
    let ef = match response {
        SelectResponse::Directory(directory) => {
            let mut fcp = Fcp::new(FileKind::Df, directory.fid);
            fcp.life_cycle = Some(LifeCycle::ACTIVATED);
            let free = directory.free_memory.to_be_bytes().to_vec();
            fcp.proprietary = Some(vec![(Fcp::FREE_MEMORY, free)]);
            return fcp;
        }
        SelectResponse::Ef(ef) => ef,
    };
    let kind = match ef.structure {
        Structure::Transparent => FileKind::Transparent,
        Structure::LinearFixed(n) => FileKind::LinearFixed { record_length: u16::from(n), count: None },
        Structure::Cyclic(n) => FileKind::Cyclic { record_length: u16::from(n), count: None },
    };
    let mut fcp = Fcp::new(kind, ef.fid);
    fcp.size = Some(u32::from(ef.size));
    let active = if ef.is_invalidated() { LifeCycle::DEACTIVATED } else { LifeCycle::ACTIVATED };
    fcp.life_cycle = Some(active);
    let rules = [
        (Operation::Read, ef.read()),
        (Operation::Update, ef.update()),
        (Operation::Deactivate, ef.invalidate()),
        (Operation::Activate, ef.rehabilitate()),
    ];
    let rule = |(operation, level): (Operation, Level)| {
        let condition = match level {
            Level::Always => SecurityCondition::Always,
            Level::Chv(n) | Level::Adm(n) => SecurityCondition::key(KeyRef(n)),
            Level::Never => SecurityCondition::Never,
        };
        (AccessMode::Operations(operation.bit()), condition)
    };
    fcp.security = Some(Security::Expanded(AccessRules(rules.into_iter().map(rule).collect())));
    fcp
}

/// Whether a level or key number is one that the issuer decides on.
pub(super) fn is_administrative(key: KeyRef) -> bool {
    matches!(key.0, 0x04..=0x0E)
}

/// The status of the current directory, which tells the counters of the CHVs. It costs no try and selects nothing. None when
/// the card does not give it.
pub(super) fn status(session: &mut Session<'_>) -> Result<Option<DirectoryStatus>, TransportError> {
    let answer = session.send(&CommandApdu::new(0x80, 0xF2, 0x00, 0x00).with_le(STATUS_LENGTH))?;
    let answer = match answer.sw.0.to_be_bytes() {
        // 67xx: the length that it would rather be asked for.
        [0x67, length] if length > STATUS_LENGTH => {
            session.send(&CommandApdu::new(0x80, 0xF2, 0x00, 0x00).with_le(length))?
        }
        _ => answer,
    };
    Ok(match SelectResponse::decode(&answer.data) {
        Ok(SelectResponse::Directory(directory)) if answer.sw.is_ok() => Some(directory),
        _ => None,
    })
}
