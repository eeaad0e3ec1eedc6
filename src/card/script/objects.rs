//! What scripts do to files of data objects: all of a file is kept, and put back as a whole.

use crate::{
    card::{
        FileError, FileSystem,
        objects::{Exchange, Object, exchanges},
        pending::Touch,
    },
    wire::{
        script::{Place, Position},
        tlv,
        usim::SettingsFile,
    },
};

use super::{
    Kept, Saved, ScriptError,
    run::{Run, path},
};

impl Run<'_, '_> {
    /// Puts data objects into a file in the place of all that it holds, and reads them back. False when it holds them already.
    pub(super) fn replace_objects(
        &mut self,
        at: Position,
        place: &Place,
        new: &[u8],
    ) -> Result<bool, ScriptError> {
        let now = self.in_files(at, |fs| objects(fs, place))?;
        let steps = exchanges(&now, &split(new));
        let octets = now.into_iter().flat_map(|(_, octets)| octets).collect();
        self.keep(at, Saved { file: Some(place.clone()), kept: Kept::Objects { octets } })?;
        if steps.is_empty() {
            return Ok(false);
        }
        steps.iter().try_for_each(|step| self.exchange_object(at, place, step))?;
        Ok(true)
    }

    fn exchange_object(&mut self, at: Position, place: &Place, step: &Exchange) -> Result<(), ScriptError> {
        let (file, tag) = (path(place), step.tag);
        self.enter(at, Touch::object(file.clone(), tag, step.old.as_deref(), step.new.as_deref()))?;
        let written = self.in_files(at, |fs| match &step.new {
            Some(new) => fs.set(&file, new),
            None => fs.delete_object(&file, tag),
        });
        self.wrote(written, "SET DATA")?;
        let back = self.in_files(at, |fs| fs.retrieve(&file, tag))?;
        if back == step.new {
            return Ok(());
        }
        let (back, new) = (back.unwrap_or_default(), step.new.clone().unwrap_or_default());
        let octet = back.iter().zip(&new).position(|(back, new)| back != new);
        let octet = octet.unwrap_or(back.len().min(new.len()));
        Err(ScriptError::Mismatch { at, file: place.clone(), octet })
    }
}

/// All data objects of a file. A card that does not list them is asked for those that such a file is known to have.
pub(super) fn objects(fs: &mut FileSystem<'_>, place: &Place) -> Result<Vec<Object>, FileError> {
    let file = path(place);
    let known = SettingsFile::ALL.into_iter().find(|known| Some(known.fid()) == file.fid());
    let known = known.map_or(&[][..], SettingsFile::tags);
    if known.is_empty() && fs.tags(&file)?.is_none() {
        return Err(FileError::Kind { file, expected: "one whose data objects the card lists" });
    }
    fs.objects(&file, known)
}

/// Data objects one by one.
fn split(octets: &[u8]) -> Vec<Object> {
    let mut objects = Vec::new();
    let mut from = 0;
    for object in tlv::parse_padded(octets).map_or(Vec::new(), |padded| padded.objects) {
        let end = object.at + object.value.len();
        if let (Ok(tag), Some(octets)) = (u8::try_from(object.tag), octets.get(from..end)) {
            objects.push((tag, octets.to_vec()));
        }
        from = end;
    }
    objects
}
