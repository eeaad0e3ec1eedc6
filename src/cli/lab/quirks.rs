//! `bootgate lab quirks`: what a virtual card can be told to do otherwise.

use std::fmt;

use serde::Serialize;

use crate::lab::image::Quirk;

/// All quirks.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct List(Vec<Entry>);

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    /// Section of the card sheet.
    place: &'static str,
    /// True when it is in the files of the card.
    in_files: bool,
    what: &'static str,
}

impl List {
    pub(super) fn new() -> Self {
        let entry = |quirk: &Quirk| Entry {
            name: quirk.name(),
            place: quirk.place(),
            in_files: quirk.is_content(),
            what: quirk.what(),
        };
        Self(Quirk::ALL.iter().map(entry).collect())
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|e| e.name.len()).max().unwrap_or(0);
        for (at, entry) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{:width$}  {}", entry.name, entry.what)?;
        }
        Ok(())
    }
}
