//! How plans print: for people, file by file, old and new; for programs by `serde`.

use std::fmt;

use serde::Serializer;

use crate::{
    ident::counted,
    wire::arr::{KeyRef, SecurityCondition},
};

use super::{Access, Action, Plan, State, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.iccid {
            Some(iccid) => writeln!(f, "Card {iccid} in {}", self.reader)?,
            None => writeln!(f, "Card without a readable ICCID in {}", self.reader)?,
        }
        for step in &self.steps {
            writeln!(f, "  {step}")?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        if self.is_unchanged() {
            return f.write_str("Nothing to do: the card is as it should be.");
        }
        match self.keys.as_slice() {
            [] => f.write_str("No key is needed."),
            [key] => write!(f, "Key needed: {key}."),
            many => {
                let list: Vec<_> = many.iter().map(ToString::to_string).collect();
                write!(f, "Keys needed: {}.", list.join(", "))
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}  {}", self.action, self.file, self.name)?;
        if let Some(room) = self.room {
            write!(f, ", room for {}", counted(room, "octet"))?;
        }
        if let Some(differing) = self.differing.filter(|n| *n > 0) {
            write!(f, ", {differing} would change")?;
        }
        if self.action == Action::Unchanged {
            return write!(f, "\n      is   {}", self.old);
        }
        if let Some(access) = &self.access {
            write!(f, "\n      access: {access}")?;
        }
        if self.action != Action::CreateDirectory {
            write!(f, "\n      old  {}\n      new  {}", self.old, self.new)?;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CreateDirectory | Self::Create => "create",
            Self::Update | Self::UpdateRecord => "update",
            Self::Erase => "erase",
            Self::Unchanged => "unchanged",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.octets {
            Some(n) if n > 0 => write!(f, "{}: {}", counted(n, "octet"), self.what),
            _ => f.write_str(&self.what),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.read, &self.update) {
            (Some(read), Some(update)) => write!(f, "read {read}, update {update}")?,
            (None, Some(create)) => write!(f, "create files {create}")?,
            _ => f.write_str("none stated")?,
        }
        write!(f, " ({})", self.rule)
    }
}

pub(super) fn keys<S: Serializer>(keys: &[KeyRef], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(keys.iter().map(|key| format!("{:02X}", key.0)))
}

pub(super) fn condition<S: Serializer>(
    condition: &Option<SecurityCondition>,
    s: S,
) -> Result<S::Ok, S::Error> {
    match condition {
        Some(condition) => s.collect_str(condition),
        None => s.serialize_none(),
    }
}
