//! From a plan to an entry of the journal.

use zeroize::Zeroizing;

use crate::{
    card::{FileError, FilePath, FileSystem, Plan, plan::Operation},
    ident::Iccid,
};

use super::{Origin, PendingWrite, Touch};

/// Reads the records that change: nobody can take back what nobody knows. Of files the plan has read what there is.
pub(in crate::card) fn complete(
    fs: &mut FileSystem<'_>,
    operations: &mut [Operation],
) -> Result<(), FileError> {
    for operation in operations {
        if let Operation::Record { file, number, octets, old } = operation {
            let now = fs.read_record(file, *number)?;
            octets.resize(now.len(), 0xFF);
            *old = now;
        }
    }
    Ok(())
}

/// The entry for operations that [`complete`] has completed.
pub(in crate::card) fn pending(card: &Iccid, plan: &Plan, operations: &[Operation]) -> PendingWrite {
    let mut touches: Vec<Touch> = Vec::new();
    for operation in operations {
        let touch = match operation {
            Operation::Create { file, fcp } => Touch::Create { file: file.clone(), fcp: fcp.clone() },
            Operation::TakeOut { file, at, old } => octets(file, *at, &[Some(*old)], vec![0xFF]),
            Operation::Write(region) => octets(&region.file, region.at, &region.old, region.new.clone()),
            Operation::PutIn { file, at, octet } => {
                octets(file, *at, &[Some(before(&touches, file, *at))], vec![*octet])
            }
            Operation::Record { file, number, octets, old } => Touch::Record {
                file: file.clone(),
                number: *number,
                old: Zeroizing::new(old.clone()),
                new: Zeroizing::new(octets.clone()),
            },
            Operation::Object { file, tag, old, new } => {
                Touch::object(file.clone(), *tag, old.as_deref(), new.as_deref())
            }
        };
        touches.push(touch);
    }
    let (keys, reference) = (plan.keys.clone(), plan.reference.clone());
    let changed_keys = Vec::new();
    PendingWrite { card: card.clone(), keys, reference, origin: Origin::Plan, touches, changed_keys }
}

fn octets(file: &FilePath, at: usize, old: &[Option<u8>], new: Vec<u8>) -> Touch {
    let mut old: Vec<u8> = old.iter().take(new.len()).map_while(|octet| *octet).collect();
    let known = old.len();
    old.resize(new.len(), 0xFF);
    Touch::Octets { file: file.clone(), at, known, old: Zeroizing::new(old), new: Zeroizing::new(new) }
}

/// What the steps so far have put at a place: the region around an octet that is put in last is written before.
fn before(touches: &[Touch], file: &FilePath, place: usize) -> u8 {
    let written = touches.iter().rev().find_map(|touch| match touch {
        Touch::Octets { file: of, at, new, .. } if of == file => new.get(place.checked_sub(*at)?).copied(),
        _ => None,
    });
    written.unwrap_or(0xFF)
}
