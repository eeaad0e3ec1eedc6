//! Settings files of the USIM: filled where the card has them, never created.

use crate::{
    card::{FileError, settings},
    wire::{
        fcp::FileKind,
        tlv::strip_padding,
        usim::{self, Setting, SettingsFile},
    },
};

use super::{Action, PlanError, Right, State, Step, draft::Draft};

impl Draft<'_, '_> {
    /// Plans for the settings files that were asked for.
    pub(super) fn fill_settings(&mut self) -> Result<(), PlanError> {
        for (kind, octets) in self.options.settings {
            let file = settings::usim().child(kind.fid());
            let absent = PlanError::NoSettingsFile { kind: *kind, file: file.clone() };
            if !self.fs.creates_files() {
                // A card of class A0 has no USIM.
                return Err(absent);
            }
            let fcp = match self.fs.parameters(&file) {
                Ok(fcp) => fcp,
                Err(error) if error.is_absent() => return Err(absent),
                Err(error) => return Err(error.into()),
            };
            if fcp.kind() != FileKind::Transparent {
                return Err(FileError::Kind { file, expected: "a transparent file" }.into());
            }
            let room = self.fs.size(&file)?;
            self.check_room(kind.name(), &file, room, octets.len())?;
            let now = match self.fs.read_all(&file) {
                Ok(now) => now,
                Err(error) if error.is_denied() => {
                    self.need(&file, Right::Read)?;
                    return Err(PlanError::NeedsPin { file });
                }
                Err(error) => return Err(error.into()),
            };
            let used = strip_padding(&now);
            let unchanged = used == octets.as_slice();
            let old = match used.len() {
                0 => State::of(0, "empty"),
                n => State::of(n, said(*kind, used)),
            };
            let new = octets.iter().chain(std::iter::repeat(&0xFF));
            let differing = now.iter().zip(new).filter(|(old, new)| old != new).count();
            if !unchanged {
                self.need(&file, Right::Update)?;
                self.write_octets(&file, 0, room, now.into_iter().map(Some).collect(), octets);
            }
            let served = self.fs.read_all(&settings::usim().child(usim::SERVICES));
            match served {
                Ok(services) if kind.is_served(&services) => {}
                Err(FileError::Transport(error)) => return Err(error.into()),
                _ => self.notes.push(format!(
                    "EF(UST) does not say that the USIM has the service of {kind}, so a device may pass it over"
                )),
            }
            self.steps.push(Step {
                file,
                name: kind.name().to_owned(),
                action: if unchanged { Action::Unchanged } else { Action::Update },
                room: Some(room),
                differing: Some(differing),
                old,
                new: State::of(octets.len(), said(*kind, octets)),
                access: None,
            });
        }
        Ok(())
    }
}

/// What settings are, in a few words: access points by name; of others only which there are, for an old file may hold a secret.
fn said(kind: SettingsFile, octets: &[u8]) -> String {
    let Ok(settings) = usim::settings(kind, octets) else { return "settings that cannot be read".into() };
    let list =
        |of: fn(&Setting) -> &String| settings.iter().map(|s| of(s).as_str()).collect::<Vec<_>>().join(", ");
    match kind {
        SettingsFile::AccessPoints => format!("access points {}", list(|setting| &setting.value)),
        _ => format!("settings: {}", list(|setting| &setting.name)),
    }
}
