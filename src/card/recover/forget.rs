//! A write that was cut off is forgotten: a person has looked at the card and leaves it as it is.

use super::RecoverError;
use crate::card::{
    ApplyError, KeyGuard,
    pending::{ChangedKey, HeldEntry, Origin, PendingSummary, PendingWrite, WriteJournal},
};

/// Drops an entry of the journal and leaves the card as it is. No value goes to a key that the script may have changed until a
/// person has found out which one it takes. The changes of keys that were so put in doubt.
///
/// # Errors
/// [`RecoverError`]; the entry stays. That of a script is dropped only when it can be read: nothing else tells which keys it changed.
pub fn forget(
    writes: &dyn WriteJournal,
    summary: &PendingSummary,
    guard: &KeyGuard<'_>,
) -> Result<Vec<ChangedKey>, RecoverError> {
    // Held first: whoever still works on it may change another key.
    let held = HeldEntry::take(writes, &summary.card, summary.id)?;
    let mut in_doubt = Vec::new();
    // A plan changes no key, and so is forgotten even where its entry cannot be read any more.
    if summary.origin == Origin::Script
        && let Some(entry) = writes.pending(&summary.card)?
    {
        doubt_replaced(&entry.write, guard)?;
        let changed = entry.write.changed_keys.into_iter();
        in_doubt = changed.filter(|changed| !changed.replaced().is_empty()).collect();
    }
    held.close()?;
    Ok(in_doubt)
}

/// With an entry goes what tells which values are the old ones. So no value goes to the card until a person has found out.
pub(super) fn doubt_replaced(write: &PendingWrite, guard: &KeyGuard<'_>) -> Result<(), RecoverError> {
    for key in write.changed_keys.iter().flat_map(ChangedKey::replaced) {
        guard.doubt(&write.card, key.into()).map_err(ApplyError::from)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::{
            KeyId, KeyJournal, KeyPolicy, KeyState, MemoryKeyJournal, MemoryWriteJournal, pending::KeyFate,
        },
        wire::arr::KeyRef,
    };

    #[test]
    fn what_is_forgotten_leaves_changed_keys_in_doubt_and_the_others_alone() {
        let card = crate::ident::Iccid::from_card("89001010000000000018").unwrap();
        let changed = |key, how| ChangedKey { key: KeyRef(key), how };
        for (origin, doubtful) in [(Origin::Script, true), (Origin::Plan, false)] {
            let (keys, writes) = (MemoryKeyJournal::new(), MemoryWriteJournal::new());
            let write = PendingWrite {
                card: card.clone(),
                keys: vec![KeyRef::ADM1],
                reference: None,
                origin,
                touches: Vec::new(),
                changed_keys: if doubtful {
                    vec![changed(0x0A, KeyFate::NewValue), changed(0x01, KeyFate::SwitchedOff)]
                } else {
                    Vec::new()
                },
            };
            let held = HeldEntry::begin(&writes, &write).unwrap();
            let summary = writes.list().unwrap().remove(0);
            let policy = KeyPolicy::new(KeyPolicy::FLOOR, Vec::new());
            let guard = KeyGuard::new(&keys, &policy);
            // While somebody works on it, it stays, and nothing is said of keys that may be well.
            assert!(forget(&writes, &summary, &guard).is_err());
            let state = |key| keys.state(&card, KeyId::Key(KeyRef(key))).unwrap();
            assert_eq!((state(0x0A), writes.list().unwrap().len()), (KeyState::Clear, 1));
            drop(held);
            let told = forget(&writes, &summary, &guard).unwrap();
            assert_eq!(told, write.changed_keys.iter().take(1).cloned().collect::<Vec<_>>());
            let expected = if doubtful { KeyState::Unanswered { tries: None } } else { KeyState::Clear };
            assert_eq!((state(0x0A), state(0x01)), (expected, KeyState::Clear));
            assert!(writes.list().unwrap().is_empty());
        }
    }
}
