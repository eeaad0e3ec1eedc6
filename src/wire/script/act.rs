//! What a command does to which file, as far as its octets tell (ETSI TS 102 221, table 10.5; TS 102 222, table 2; 3GPP TS
//! 51.011, section 9.2), and what a script has declared. The check and the runner both go by this.

use crate::wire::{Fid, apdu::CommandApdu, arr::KeyRef, tlv};

use super::{At, Cursor, EffectKind, Environment, Place, Problem, Script, Statement, eval};

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// SELECT.
    Select,
    /// READ BINARY, READ RECORD.
    Read,
    /// Whatever changes content: UPDATE, WRITE, ERASE, INCREASE, SET DATA, RESIZE, ACTIVATE.
    Update(&'static str),
    /// CREATE FILE.
    Create,
    /// DELETE FILE, DEACTIVATE FILE: undone only with a key, or not at all.
    Destroy(&'static str),
    /// Destroys something that is no file: applications and keys of GlobalPlatform.
    DestroyOther(&'static str),
    /// VERIFY.
    Verify,
    /// CHANGE, DISABLE, ENABLE and UNBLOCK PIN: they spend tries, and are sent for `CHG`, `DIS`, `ENA` and `UNB` only. And what the
    /// key rule has no way to present.
    OtherKey(&'static str),
    /// TERMINATE: nobody can undo it.
    Terminal(&'static str),
    /// What may change anything: a command that is not known here, or one that carries others to the card. Which files it is
    /// about cannot be told.
    Unknown(&'static str),
    /// What is known to change no file and no key.
    Other,
}

/// What a command does.
pub fn act_of(command: &CommandApdu) -> Act {
    match act(command.cla(), command.ins()) {
        // GlobalPlatform Card Specification, section 11.10 (remembered): the whole card, locked or terminated.
        Act::DestroyOther("SET STATUS") if command.p1() == 0x80 && matches!(command.p2(), 0x7F | 0xFF) => {
            Act::Terminal("SET STATUS that locks or ends the card")
        }
        does => does,
    }
}

/// What a command of that class and instruction does, as far as these two tell. The list of what changes nothing is closed: an
/// instruction that is not in it may change anything.
pub fn act(cla: u8, ins: u8) -> Act {
    // GlobalPlatform has instructions of its own in class 8X and EX (remembered); TS 102 222 uses class 0X for files.
    let proprietary = cla & 0x80 != 0 && cla & 0xF0 != 0xA0;
    match ins {
        0xA4 => Act::Select,
        0xB0 | 0xB2 => Act::Read,
        0xD6 => Act::Update("UPDATE BINARY"),
        0xDC => Act::Update("UPDATE RECORD"),
        // ISO/IEC 7816-4, table 4: cards that hold plain PKCS#15 tokens may have them.
        0x0E | 0x0F => Act::Update("ERASE BINARY"),
        0x0C => Act::Update("ERASE RECORD"),
        0xD0 | 0xD1 => Act::Update("WRITE BINARY"),
        0xD2 => Act::Update("WRITE RECORD"),
        0xD7 => Act::Update("UPDATE BINARY with data objects"),
        0xDD => Act::Update("UPDATE RECORD with data objects"),
        0xE2 if !proprietary => Act::Update("APPEND RECORD"),
        0x32 => Act::Update("INCREASE"),
        0xDB => Act::Update("SET DATA"),
        0xD4 => Act::Update("RESIZE FILE"),
        0x44 => Act::Update("ACTIVATE FILE"),
        0x20 => Act::Verify,
        0x24 => Act::OtherKey("CHANGE PIN"),
        0x26 => Act::OtherKey("DISABLE PIN"),
        0x28 => Act::OtherKey("ENABLE PIN"),
        0x2C => Act::OtherKey("UNBLOCK PIN"),
        // With data objects instead of octets (ISO/IEC 7816-4, table 4), and keys of security domains, whose counters run
        // down as well.
        0x21 | 0x25 | 0x27 | 0x29 | 0x2D => Act::OtherKey("a key in data objects"),
        0x82 => Act::OtherKey("EXTERNAL AUTHENTICATE"),
        0xE4 if proprietary => Act::DestroyOther("DELETE"),
        0xD8 if proprietary => Act::DestroyOther("PUT KEY"),
        0xF0 if proprietary => Act::DestroyOther("SET STATUS"),
        0xE6 | 0xE8 if proprietary => Act::DestroyOther("INSTALL and LOAD"),
        0xE0 => Act::Create,
        0xE4 => Act::Destroy("DELETE FILE"),
        0x04 => Act::Destroy("DEACTIVATE FILE"),
        0xE6 => Act::Terminal("TERMINATE DF"),
        0xE8 => Act::Terminal("TERMINATE EF"),
        0xFE => Act::Terminal("TERMINATE CARD USAGE"),
        // A short message for the card may tell it to change and delete files (3GPP TS 31.115 and 31.116).
        0xC2 => Act::Unknown("ENVELOPE"),
        0xDA => Act::Unknown("PUT DATA"),
        0xE2 => Act::Unknown("STORE DATA"),
        // TERMINAL PROFILE, FETCH, TERMINAL RESPONSE; MANAGE CHANNEL, MANAGE SECURE CHANNEL, SUSPEND UICC; GET CHALLENGE,
        // AUTHENTICATE; SEARCH RECORD, TERMINAL CAPABILITY; GET RESPONSE, GET DATA, RETRIEVE DATA; STATUS; EXCHANGE CAPABILITIES,
        // GET IDENTITY; SLEEP of class A0.
        0x10 | 0x12 | 0x14 | 0x70 | 0x73 | 0x76 | 0x78 | 0x7A | 0x84 | 0x88 | 0x89 | 0xA2 | 0xAA | 0xC0
        | 0xCA | 0xCB | 0xF2 => Act::Other,
        0xFA if cla & 0xF0 == 0xA0 => Act::Other,
        _ => Act::Unknown("a command that is not known"),
    }
}

/// True for a VERIFY without data that only asks for the counter of a key. In class A0 there is none, and a P3 other than 00
/// promises a key that does not come: a card may count either as a try.
pub fn asks_counter(command: &CommandApdu) -> bool {
    let is_2g = command.cla() & 0xF0 == 0xA0;
    command.ins() == 0x20 && command.data().is_empty() && !is_2g && matches!(command.le(), None | Some(0))
}

/// The logical channel of a command (TS 102 221, tables 10.3 and 10.4); 0 is the basic one, and class A0 knows no other.
fn channel(command: &CommandApdu) -> u8 {
    let cla = command.cla();
    match cla & 0xF0 {
        0x40 | 0x50 | 0x60 | 0x70 | 0xC0 | 0xD0 | 0xE0 => 4 + (cla & 0x0F),
        0xA0 => 0,
        _ => cla & 0x03,
    }
}

/// MANAGE CHANNEL (TS 102 221, section 11.1.17).
const MANAGE_CHANNEL: u8 = 0x70;

/// The file that a command is about; none where that cannot be told.
pub fn target(act: Act, command: &CommandApdu, cursor: &Cursor) -> Option<Place> {
    let cursor = cursor.on(channel(command))?;
    let selected = || cursor.file().or(cursor.directory()).cloned();
    match act {
        Act::Read
        | Act::Update(
            "UPDATE BINARY" | "UPDATE RECORD" | "ERASE BINARY" | "WRITE BINARY" | "ERASE RECORD"
            | "WRITE RECORD" | "APPEND RECORD",
        ) => {
            let by_sfi = match command.ins() {
                0xB0 | 0xD6 | 0x0E | 0xD0 => command.p1() & 0x80 != 0,
                // P1 and P2 name a file, or are 0000 for the one that is selected.
                0x0F | 0xD1 => (command.p1(), command.p2()) != (0, 0),
                _ => command.p2() & 0xF8 != 0,
            };
            if by_sfi { None } else { cursor.file().cloned() }
        }
        Act::Create => cursor.directory().map(|at| created(command).map(|fid| at.child(fid)))?,
        // They name a file in the current directory, or mean the selected one.
        Act::Destroy(_) | Act::Update("ACTIVATE FILE") => match Fid::from_octets(command.data()) {
            Some(fid) => cursor.named(fid),
            None if command.data().is_empty() => selected(),
            None => None,
        },
        Act::Update("UPDATE BINARY with data objects") if (command.p1(), command.p2()) != (0, 0) => None,
        Act::Update("UPDATE RECORD with data objects") if command.p2() & 0xF8 != 0 => None,
        Act::Update("RESIZE FILE") => created(command).and_then(|fid| cursor.named(fid)),
        // With a short file identifier (TS 102 221, sections 11.1.8 and 11.3.2).
        Act::Update("INCREASE") if command.p1() & 0x80 != 0 => None,
        Act::Update("SET DATA") if command.p2() & 0x1F != 0 => None,
        Act::Update(_) => cursor.file().cloned(),
        _ => None,
    }
}

/// The identifier in the template of CREATE FILE.
pub(super) fn created(command: &CommandApdu) -> Option<Fid> {
    let template = tlv::parse_all(command.data()).ok()?;
    let inner = template.first().filter(|object| object.tag == 0x62)?.children().ok()?;
    Fid::from_octets(inner.iter().find(|object| object.tag == 0x83)?.value)
}

/// True when the template of CREATE FILE describes a directory.
pub(super) fn creates_directory(command: &CommandApdu) -> bool {
    let template = tlv::parse_all(command.data()).unwrap_or_default();
    let inner = template.first().and_then(|object| object.children().ok()).unwrap_or_default();
    let descriptor = inner.iter().find(|object| object.tag == 0x82).and_then(|object| object.value.first());
    descriptor.is_some_and(|octet| octet & 0xBF == 0x38)
}

impl Cursor {
    /// After a command that the card carried out.
    pub fn follow(&mut self, command: &CommandApdu) {
        // Opened or closed by its number or by its class; the one that a card opens by itself was closed before, or never open.
        if command.ins() == MANAGE_CHANNEL {
            let own = command.p1() & 0x80 != 0 && command.p2() == 0;
            return self.forget(if own { channel(command) } else { command.p2() });
        }
        let does = act(command.cla(), command.ins());
        let about = target(does, command, self);
        let here = self.on_mut(channel(command));
        match does {
            Act::Select => here.select(command.p1(), command.data()),
            Act::Create => here.created(about, creates_directory(command)),
            Act::Destroy("DELETE FILE") if about.is_none() || about.as_ref() == here.directory() => {
                here.lose()
            }
            Act::Destroy("DELETE FILE") => here.created(here.directory().cloned(), true),
            _ => {}
        }
    }
}

/// What a script has declared to do, with the values of its variables.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    effects: Vec<(EffectKind, Place, Vec<KeyRef>)>,
    /// Files of which it is known that the card does not show what they hold.
    unread: Vec<Place>,
    /// Keys that are changed.
    changed: Vec<KeyRef>,
    /// Files whose names are not known yet: nothing can be said against them.
    open: Vec<EffectKind>,
}

impl Declared {
    /// The effects of a script.
    ///
    /// # Errors
    /// Every file that cannot be named.
    pub fn new(script: &Script, env: &Environment) -> Result<Self, Vec<Problem>> {
        let mut out = Self::default();
        let mut problems = Vec::new();
        for At { value, .. } in &script.statements {
            let Statement::Effect(effect) = value else { continue };
            out.changed.extend(effect.keys.iter().map(|key| key.value));
            for file in &effect.files {
                match eval::place(file, env) {
                    Ok(Some(place)) => {
                        out.unread.extend(effect.unread.then(|| place.clone()));
                        let by = effect.by.iter().map(|key| key.value).collect();
                        out.effects.push((effect.kind, place, by));
                    }
                    Ok(None) => out.open.push(effect.kind),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() { Ok(out) } else { Err(problems) }
    }

    /// The keys that an effect takes; none when it is not declared. What is updated, made or destroyed may be read too.
    pub fn keys(&self, kind: EffectKind, place: &Place) -> Option<Vec<KeyRef>> {
        let fits = |(declared, name, _): &&(EffectKind, Place, Vec<KeyRef>)| {
            (*declared == kind || kind == EffectKind::Reads) && name.stands_for(place)
        };
        let exact = self.effects.iter().find(|effect| effect.0 == kind && fits(effect));
        match exact.or_else(|| self.effects.iter().find(fits)) {
            Some((declared, _, by)) if *declared == kind => Some(by.clone()),
            Some(_) => Some(Vec::new()),
            None => (self.open.contains(&kind) || (kind == EffectKind::Reads && !self.open.is_empty()))
                .then(Vec::new),
        }
    }

    /// True when an effect of that kind is declared at all.
    pub fn has(&self, kind: EffectKind) -> bool {
        self.open.contains(&kind) || self.effects.iter().any(|(declared, ..)| *declared == kind)
    }

    /// True when the script says that it changes or destroys something: a command whose files cannot be told may be sent.
    pub fn may_do_anything(&self) -> bool {
        self.has(EffectKind::Updates) || self.has(EffectKind::Destroys)
    }

    /// True when the script says that what it does to a file cannot be read back; of a command whose file cannot be told, when it
    /// says so of any.
    pub fn may_stay_unread(&self, place: Option<&Place>) -> bool {
        self.unread.iter().any(|name| place.is_none_or(|place| name.stands_for(place)))
    }

    /// True when something that is done to a file takes that key.
    pub fn is_taken(&self, key: KeyRef) -> bool {
        self.effects.iter().any(|(_, _, by)| by.contains(&key))
    }

    /// The keys that get another value, or are switched on or off.
    pub fn changed_keys(&self) -> &[KeyRef] {
        &self.changed
    }

    /// Every declared effect on files.
    pub fn all(&self) -> impl Iterator<Item = (EffectKind, &Place)> {
        self.effects.iter().map(|(kind, place, _)| (*kind, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_its_short_identifier_is_not_the_selected_one() {
        let mut cursor = Cursor::reset();
        let select = CommandApdu::new(0x00, 0xA4, 0x08, 0x0C).with_data(&[0x7F, 0x50, 0x64, 0x31]).unwrap();
        cursor.follow(&select);
        let about = |ins, p1, p2| {
            let command = CommandApdu::new(0x00, ins, p1, p2);
            target(act_of(&command), &command, &cursor).map(|place| place.to_string())
        };
        let selected = Some("3F00/7F50/6431".to_owned());
        for (ins, here, by_sfi) in [
            (0x32, [(0x00, 0x00)].as_slice(), [(0x81, 0x00), (0x9E, 0x00)].as_slice()),
            (0xDB, &[(0x00, 0x80), (0x00, 0x00)], &[(0x00, 0x81), (0x00, 0x1E)]),
        ] {
            for (p1, p2) in here {
                assert_eq!(about(ins, *p1, *p2), selected, "{ins:02X} {p1:02X} {p2:02X}");
            }
            for (p1, p2) in by_sfi {
                assert_eq!(about(ins, *p1, *p2), None, "{ins:02X} {p1:02X} {p2:02X}");
            }
        }
    }
}
