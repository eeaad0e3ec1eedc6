//! What is kept before a command of a script changes it.
//!
//! Updates are preceded by a READ with the same parameters, which selects nothing and moves no record pointer, so the script
//! goes on as if it had not been there.

use crate::{
    card::{
        FileError, FilePath, FileSystem,
        pending::{ACTIVE, INACTIVE, Touch},
    },
    wire::{
        apdu::{CommandApdu, StatusWord},
        fcp::FileKind,
        script::{Act, Manner, Place, Position, target},
    },
};

use super::{
    Kept, Saved, ScriptError, journal,
    objects::objects,
    run::{Run, path},
};

/// Numbers of records end here (TS 102 221, section 8.2.2.2).
pub(super) const LAST_RECORD: u8 = 254;

impl Run<'_, '_> {
    /// Keeps what a command changes, and enters it in the journal of writes. When the card does not let it be read, the command
    /// is not sent, unless no backup is asked for: then the journal says that it cannot be taken back.
    pub(super) fn back_up(&mut self, at: Position, apdu: &CommandApdu, does: Act) -> Result<(), ScriptError> {
        if self.setup.backup.is_none() && self.ledger.is_none() {
            return Ok(());
        }
        let place = target(does, apdu, &self.cursor);
        let file = place.as_ref().map(path);
        let other = |what: &str| Touch::Other {
            file: file.clone().unwrap_or_else(FilePath::mf),
            what: what.to_owned(),
        };
        match does {
            Act::Update(what @ "UPDATE BINARY") => {
                let offset = match apdu.p1() {
                    // With a short file identifier P2 alone is the offset.
                    sfi if sfi & 0x80 != 0 => usize::from(apdu.p2()),
                    p1 => usize::from(u16::from_be_bytes([p1, apdu.p2()])),
                };
                let read = CommandApdu::new(apdu.cla(), 0xB0, apdu.p1(), apdu.p2()).with_le(length(apdu));
                let old = self.old(at, what, &read)?;
                let touch = match (&old, &file) {
                    (Some(old), Some(file)) if old.len() == apdu.data().len() => {
                        journal::octets(file.clone(), offset, old, apdu.data())
                    }
                    _ => other(what),
                };
                if let Some(octets) = old {
                    self.keep(at, Saved { file: place, kept: Kept::Octets { at: offset, octets } })?;
                }
                self.enter(at, touch)
            }
            Act::Update(what @ "UPDATE RECORD") => self.records(at, what, apdu, place),
            Act::Update(what @ "INCREASE") => {
                let read = newest(apdu).with_le(0);
                if let Some(octets) = self.old(at, what, &read)? {
                    self.before = vec![octets.clone()];
                    self.keep(at, Saved { file: place, kept: Kept::Record { number: 1, octets } })?;
                }
                self.enter(at, other(what))
            }
            Act::Update(
                what @ ("RESIZE FILE" | "ERASE BINARY" | "ERASE RECORD" | "WRITE BINARY" | "WRITE RECORD"
                | "APPEND RECORD"),
            )
            | Act::Destroy(what @ "DELETE FILE") => {
                if self.setup.backup.is_some() {
                    self.whole(at, what, place)?;
                }
                self.enter(at, other(what))
            }
            // They are undone by each other, and content stays.
            Act::Update(what @ "ACTIVATE FILE") | Act::Destroy(what @ "DEACTIVATE FILE") => {
                self.life_cycle(at, what, file)
            }
            Act::Create => self.creation(at, apdu, place),
            Act::Update(what) | Act::Destroy(what) | Act::DestroyOther(what) | Act::Unknown(what) => {
                if self.setup.backup.is_some() {
                    let why = "there is no command that reads it".to_owned();
                    return Err(ScriptError::NotBackedUp { at, what, why });
                }
                self.enter(at, other(what))
            }
            _ => Ok(()),
        }
    }

    /// Whether a file is active now, and is to be. The backup keeps content alone.
    fn life_cycle(
        &mut self,
        at: Position,
        what: &'static str,
        file: Option<FilePath>,
    ) -> Result<(), ScriptError> {
        if self.ledger.is_none() {
            return Ok(());
        }
        let Some(file) = file else {
            return self.enter(at, Touch::Other { file: FilePath::mf(), what: what.into() });
        };
        let now = match self.aside(at, |fs| fs.parameters(&file).map(|fcp| fcp.life_cycle)) {
            Ok(now) => now,
            // It will be refused.
            Err(ScriptError::File { source, .. }) if source.is_absent() => return Ok(()),
            Err(ScriptError::File { .. }) => None,
            Err(other) => return Err(other),
        };
        let new = if what == "ACTIVATE FILE" { ACTIVE } else { INACTIVE };
        let touch = match now {
            Some(now) if now.is_activated() => Touch::Active { file, old: ACTIVE, new },
            Some(now) if now.is_deactivated() => Touch::Active { file, old: INACTIVE, new },
            // A file that the script has created itself goes as a whole: in the usual order it is activated once it is filled
            // (TS 102 222).
            _ if what == "ACTIVATE FILE" && self.has_created(&file) => return Ok(()),
            // From there no command leads back.
            _ => Touch::Other { file, what: what.into() },
        };
        self.enter(at, touch)
    }

    /// A file that is created is taken back by deleting it. So the card is asked first: one that is there already is not the
    /// script's, whatever the card makes of the command.
    fn creation(
        &mut self,
        at: Position,
        apdu: &CommandApdu,
        place: Option<Place>,
    ) -> Result<(), ScriptError> {
        const WHAT: &str = "CREATE FILE";
        let Some(place) = place else {
            if self.setup.backup.is_some() {
                return Err(not_told(at, WHAT));
            }
            return self.enter(at, Touch::Other { file: FilePath::mf(), what: WHAT.into() });
        };
        let file = path(&place);
        let touch = match self.aside(at, |fs| fs.parameters(&file).map(drop)) {
            Err(ScriptError::File { source, .. }) if source.is_absent() => {
                self.keep(at, Saved { file: Some(place), kept: Kept::Absent {} })?;
                journal::created(file, apdu)
            }
            Ok(()) => {
                if self.setup.backup.is_some() {
                    self.whole(at, "CREATE FILE of a file that is there", Some(place))?;
                }
                Touch::Other { file, what: "CREATE FILE of a file that was there".into() }
            }
            Err(ScriptError::File { source, .. }) if self.setup.backup.is_some() => {
                return Err(ScriptError::NotBackedUp { at, what: WHAT, why: source.to_string() });
            }
            Err(ScriptError::File { .. }) => Touch::Other {
                file,
                what: "CREATE FILE where it could not be told whether one is there".into(),
            },
            Err(other) => return Err(other),
        };
        self.enter(at, touch)
    }

    /// The record that is written; all of them when the card chooses the next or the previous one.
    fn records(
        &mut self,
        at: Position,
        what: &'static str,
        apdu: &CommandApdu,
        place: Option<Place>,
    ) -> Result<(), ScriptError> {
        let sfi = apdu.p2() & 0xF8;
        let read = |number| CommandApdu::new(apdu.cla(), 0xB2, number, sfi | 0x04).with_le(length(apdu));
        let is_absolute = apdu.p2() & 0x07 == 0x04;
        let numbers = if is_absolute { apdu.p1()..=apdu.p1() } else { 1..=LAST_RECORD };
        let file = place.as_ref().map(path);
        let mut touch =
            Touch::Other { file: file.clone().unwrap_or_else(FilePath::mf), what: what.to_owned() };
        for number in numbers {
            let Some(octets) = self.old(at, what, &read(number))? else { break };
            if let Some(file) = file.as_ref().filter(|_| is_absolute && octets.len() == apdu.data().len()) {
                touch = journal::record(file.clone(), number, &octets, apdu.data());
            }
            if !is_absolute {
                self.before.push(octets.clone());
            }
            self.keep(at, Saved { file: place.clone(), kept: Kept::Record { number, octets } })?;
        }
        self.enter(at, touch)
    }

    /// Old content by a READ; none where there is none, and none where it cannot be read and no backup is asked for.
    fn old(
        &mut self,
        at: Position,
        what: &'static str,
        read: &CommandApdu,
    ) -> Result<Option<Vec<u8>>, ScriptError> {
        match self.look(at, what, read) {
            Err(ScriptError::NotBackedUp { .. }) if self.setup.backup.is_none() => Ok(None),
            other => other,
        }
    }

    /// Old content by a READ; none where there is none, so that the command that follows will be refused by itself.
    fn look(
        &mut self,
        at: Position,
        what: &'static str,
        read: &CommandApdu,
    ) -> Result<Option<Vec<u8>>, ScriptError> {
        let mut answer = self.exchange(at, Manner::Followed, read, None)?;
        // Class A0 tells the right length so.
        if let [0x67, length @ 1..=0xFF] = answer.sw.0.to_be_bytes() {
            answer = self.exchange(at, Manner::Followed, &read.clone().with_le(length), None)?;
        }
        match answer.sw {
            sw if sw.is_ok() || sw == StatusWord::END_OF_FILE => Ok(Some(answer.data)),
            sw if has_nothing(sw) => Ok(None),
            sw => {
                let why = format!("the card answered {sw} to reading it");
                Err(ScriptError::NotBackedUp { at, what, why })
            }
        }
    }

    /// A whole file; of a directory, what the script has kept of its files has to do.
    fn whole(&mut self, at: Position, what: &'static str, file: Option<Place>) -> Result<(), ScriptError> {
        let Some(place) = file else {
            return Err(not_told(at, what));
        };
        let kind = self.aside(at, |fs| fs.parameters(&path(&place)).map(|fcp| fcp.kind()));
        match kind {
            Err(ScriptError::File { source, .. }) if source.is_absent() => Ok(()),
            Err(ScriptError::File { source, .. }) => {
                Err(ScriptError::NotBackedUp { at, what, why: source.to_string() })
            }
            Err(other) => Err(other),
            Ok(FileKind::Df) => {
                let below =
                    |saved: &Saved| saved.file.as_ref().is_some_and(|f| f.parent().as_ref() == Some(&place));
                if self.saved.iter().any(below) {
                    return Ok(());
                }
                let why = format!("{place} is a directory; keep its files with SAV before");
                Err(ScriptError::NotBackedUp { at, what, why })
            }
            Ok(_) => match self.aside(at, |fs| contents(fs, &place)) {
                Ok(saved) => saved.into_iter().try_for_each(|saved| self.keep(at, saved)),
                Err(ScriptError::File { source, .. }) => {
                    Err(ScriptError::NotBackedUp { at, what, why: source.to_string() })
                }
                Err(other) => Err(other),
            },
        }
    }

    /// Puts an entry into the backup, unless it is there.
    pub(super) fn keep(&mut self, at: Position, saved: Saved) -> Result<(), ScriptError> {
        let Some(backup) = &mut self.setup.backup else { return Ok(()) };
        if self.saved.iter().any(|before| before.covers(&saved)) {
            return Ok(());
        }
        backup.keep(&saved).map_err(|source| ScriptError::Backup { at, source })?;
        self.saved.push(saved);
        Ok(())
    }
}

fn not_told(at: Position, what: &'static str) -> ScriptError {
    let why = "which file it is cannot be told".to_owned();
    ScriptError::NotBackedUp { at, what, why }
}

/// All that a file holds.
pub(super) fn contents(fs: &mut FileSystem<'_>, place: &Place) -> Result<Vec<Saved>, FileError> {
    let file = path(place);
    let saved = |kept| Saved { file: Some(place.clone()), kept };
    if fs.parameters(&file)?.kind() == FileKind::Transparent {
        let octets = fs.read_all(&file)?;
        return Ok(vec![saved(Kept::Octets { at: 0, octets })]);
    }
    if fs.parameters(&file)?.kind() == FileKind::BerTlv {
        let octets = objects(fs, place)?.into_iter().flat_map(|(_, octets)| octets).collect();
        return Ok(vec![saved(Kept::Objects { octets })]);
    }
    let (_, count) = fs.records(&file)?;
    (1..=count)
        .map(|number| Ok(saved(Kept::Record { number, octets: fs.read_record(&file, number)? })))
        .collect()
}

/// Le of the READ that belongs to an UPDATE.
pub(super) fn length(apdu: &CommandApdu) -> u8 {
    u8::try_from(apdu.data().len()).unwrap_or(0)
}

/// A READ of the record that an INCREASE has made, or begins from: the first, of the file that P1 names or of the selected one.
pub(super) fn newest(apdu: &CommandApdu) -> CommandApdu {
    let sfi = if apdu.p1() & 0x80 == 0 { 0 } else { (apdu.p1() & 0x1F) << 3 };
    CommandApdu::new(apdu.cla(), 0xB2, 0x01, sfi | 0x04)
}

/// Status words that say that there is nothing to read there: no file, no record, no such place in it.
pub(super) fn has_nothing(sw: StatusWord) -> bool {
    matches!(sw.0, 0x6700 | 0x6981 | 0x6986 | 0x6A81 | 0x6A82 | 0x6A83 | 0x6A86 | 0x6B00) || sw.sw1() == 0x94
}
