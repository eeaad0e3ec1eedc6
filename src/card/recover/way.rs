//! The moves on and back.

use std::collections::BTreeMap;

use crate::{
    card::{
        FileError, FilePath, FileSystem, Rights,
        apply::Work,
        pending::{ACTIVE, PendingWrite, Touch, object_in},
        plan::{Operation, Region},
        rights::keys_for,
    },
    wire::arr::{KeyRef, Operation as Op},
};

use super::{
    Now, RecoverError, Recovered, Standing,
    seen::{contents, has_content},
};

/// Which way out of an interrupted write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To its end.
    Resume,
    /// Back to its beginning.
    RollBack,
    /// Back to its beginning, unless all of it is on the card already.
    Settle,
}

/// One thing that is done.
pub(super) enum Move {
    /// As in a plan.
    Do(Operation),
    /// A file is activated, or is not any more.
    Activate { file: FilePath, is: bool },
    /// A file is deleted; where the card does not do that after all, these octets of it are made FF.
    Delete { file: FilePath, else_empty: Vec<Operation> },
}

impl Move {
    /// Whether nobody sees any more, once it is done, what was done to a file.
    pub(super) fn hides(&self, write: &PendingWrite) -> bool {
        matches!(self, Self::Activate { file, is: false } if has_content(write, file))
    }
}

/// The moves to `now`; none when the card is there.
pub(super) fn moves(
    standing: &Standing,
    write: &PendingWrite,
    now: Now,
    fs: &mut FileSystem<'_>,
) -> Result<Vec<Move>, RecoverError> {
    let mut draft = Draft { standing, octets: standing.seen.octets.clone(), moves: Vec::new() };
    match now {
        Now::New if standing.is_new() => {}
        Now::New => write.touches.iter().skip(standing.last).for_each(|touch| draft.forward(touch)),
        Now::Old if standing.is_old() && standing.left_over(write).is_empty() => {}
        Now::Old => {
            let mut deletable: BTreeMap<FilePath, bool> = BTreeMap::new();
            for file in standing.left_over(write) {
                let may = may_delete(fs, &file, &write.keys)?;
                deletable.insert(file, may);
            }
            // A directory goes only when all in it goes.
            let stays: Vec<_> = deletable.iter().filter(|(_, may)| !**may).map(|(f, _)| f.clone()).collect();
            for (file, may) in &mut deletable {
                *may &= !stays.iter().any(|kept| kept.parent().as_ref() == Some(file));
            }
            for (at, touch) in write.touches.iter().enumerate().rev() {
                let was_begun = at <= standing.first || standing.seen.shows_new(write, touch);
                draft.back(touch, was_begun, write, &deletable);
            }
        }
    }
    Ok(draft.moves)
}

struct Draft<'a> {
    standing: &'a Standing,
    /// What is on the card after the moves so far.
    octets: Vec<Option<u8>>,
    moves: Vec<Move>,
}

impl Draft<'_> {
    fn forward(&mut self, touch: &Touch) {
        match touch {
            Touch::Create { file, fcp } => {
                if !self.standing.seen.has(file) {
                    self.moves.push(Move::Do(Operation::Create { file: file.clone(), fcp: fcp.clone() }));
                }
            }
            _ => self.write(touch, contents(touch).1),
        }
    }

    fn back(
        &mut self,
        touch: &Touch,
        was_begun: bool,
        write: &PendingWrite,
        deletable: &BTreeMap<FilePath, bool>,
    ) {
        match touch {
            Touch::Create { file, .. } if deletable.get(file) == Some(&true) => {
                let else_empty = self.emptied(file, write);
                self.moves.push(Move::Delete { file: file.clone(), else_empty });
            }
            Touch::Create { .. } => {}
            // What is deleted need not be emptied, but for the octet that leads to it.
            _ if deletable.get(touch.file()) == Some(&true) && touch_length(touch) > 1 => {}
            // Once, at the very end, it is as it was before the first of them.
            Touch::Active { file, .. } if has_content(write, file) && !is_first(write, touch) => {}
            // Whatever has been done to it: files are also activated to be looked at.
            Touch::Active { .. } => self.write(touch, contents(touch).0),
            _ if was_begun => self.write(touch, contents(touch).0),
            _ => {}
        }
    }

    /// Brings the octets of a step to what they should be, where they are not.
    fn write(&mut self, touch: &Touch, wanted: &[u8]) {
        let Some(octets) = self.octets.get_mut(self.standing.seen.places(touch)) else { return };
        let new = wanted.to_vec();
        let there: Vec<Option<u8>> = octets.to_vec();
        if there.iter().zip(&new).all(|(there, new)| *there == Some(*new)) {
            return;
        }
        octets.iter_mut().zip(&new).for_each(|(octet, new)| *octet = Some(*new));
        let operation = match touch {
            Touch::Record { file, number, .. } => {
                Operation::Record { file: file.clone(), number: *number, octets: new, old: Vec::new() }
            }
            Touch::Octets { file, at, .. } => {
                Operation::Write(Region { file: file.clone(), at: *at, old: there, new })
            }
            Touch::Object { file, tag, .. } => {
                let there: Vec<u8> = there.iter().map(|octet| octet.unwrap_or(0xFF)).collect();
                let (old, new) = (object_in(&there), object_in(&new));
                Operation::Object { file: file.clone(), tag: *tag, old, new }
            }
            Touch::Active { file, .. } => {
                return self.moves.push(Move::Activate { file: file.clone(), is: new == ACTIVE });
            }
            Touch::Create { .. } | Touch::Other { .. } => return,
        };
        self.moves.push(Move::Do(operation));
    }

    /// What empties a file that was created, for a card that does not delete it.
    fn emptied(&self, file: &FilePath, write: &PendingWrite) -> Vec<Operation> {
        let of_file = write.touches.iter().filter(|touch| touch.file() == file && touch_length(touch) > 1);
        of_file
            .filter_map(|touch| match touch {
                Touch::Octets { at, new, .. } => {
                    let old = self.octets.get(self.standing.seen.places(touch)).unwrap_or(&[]).to_vec();
                    let new = vec![0xFF; new.len()];
                    Some(Operation::Write(Region { file: file.clone(), at: *at, old, new }))
                }
                _ => None,
            })
            .collect()
    }
}

/// Whether no earlier step activates or deactivates that file.
fn is_first(write: &PendingWrite, touch: &Touch) -> bool {
    let of_file = |other: &&Touch| matches!(other, Touch::Active { file, .. } if file == touch.file());
    write.touches.iter().find(of_file).is_some_and(|first| std::ptr::eq(first, touch))
}

/// How many octets a step changes.
fn touch_length(touch: &Touch) -> usize {
    contents(touch).0.len()
}

/// Carries out moves and notes what was done.
pub(super) fn go(
    fs: &mut FileSystem<'_>,
    moves: Vec<Move>,
    recovered: &mut Recovered,
) -> Result<(), RecoverError> {
    for step in moves {
        let operations = match step {
            Move::Do(operation) => vec![operation],
            Move::Activate { file, is } => {
                fs.activate(&file, is)?;
                continue;
            }
            Move::Delete { file, else_empty } => match fs.delete(&file) {
                Ok(()) => {
                    recovered.deleted.push(file);
                    continue;
                }
                Err(FileError::Transport(error)) => return Err(error.into()),
                Err(_) => else_empty,
            },
        };
        let mut work = Work::new(fs);
        for operation in &operations {
            work.carry_out(operation)?;
        }
        recovered.written.extend(work.written);
    }
    Ok(())
}

/// Whether a file may be deleted with these keys presented: by its own rule, or, where it has none for that, by that of the
/// directory it is in (inferred: TS 102 222 names both rights and not how they meet).
fn may_delete(fs: &mut FileSystem<'_>, file: &FilePath, keys: &[KeyRef]) -> Result<bool, FileError> {
    if !fs.creates_files() {
        return Ok(false);
    }
    let own = fs.rights(file)?;
    let names_it = match &own {
        Rights::Rules(rules) => rules.iter().any(|rule| rule.condition(Op::DeleteSelf).is_some()),
        Rights::Unknown(_) => return Ok(false),
    };
    let condition = match (names_it, file.parent()) {
        (true, _) => own.condition(Op::DeleteSelf),
        (false, Some(parent)) => fs.rights(&parent)?.condition(Op::DeleteChild),
        (false, None) => None,
    };
    let needed = condition.and_then(|condition| keys_for(&condition, keys));
    Ok(needed.is_some_and(|needed| needed.iter().all(|key| keys.contains(key))))
}
