//! `bootgate card read --as acl` and its like: one settings file of the USIM.

use std::fmt;

use serde::Serialize;

use super::{Args, unreadable};
use crate::{
    card::{FilePath, FoundSettings, SettingsOctets, settings_file},
    cli::{
        Exit, Failure, Global,
        card::{connect, failure, file_system, inspect::hex, with_pin},
        output,
    },
    ident::counted,
    wire::usim::{self, Setting, SettingsFile},
};

pub(super) fn run(file: SettingsFile, args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let mut card = connect(&args.reader.reader, global)?;
    let mut fs = file_system(&mut card, global)?;
    let found = with_pin(&mut fs, &args.pin, global, |fs| settings_file(fs, file))?.map_err(failure)?;
    let absent = || Failure::because(Exit::Failed, format!("the card has no USIM with {file}"));
    let FoundSettings { file: path, served, content, .. } = found.ok_or_else(absent)?;
    let parts = content.map_err(unreadable)?;
    let octets: usize = parts.iter().map(|part| part.0.len()).sum();
    if parts.iter().all(|part| part.0.iter().all(|octet| *octet == 0xFF)) {
        return Err(Failure::because(Exit::Failed, format!("{file} is empty")));
    }
    let mut read = Read {
        name: file,
        file: path,
        octets,
        served,
        settings: Vec::new(),
        unreadable: None,
        hex: args.hex.then(|| parts.iter().map(|part| hex(&part.0)).collect()),
        saved: None,
    };
    for part in &parts {
        match usim::settings(file, &part.0) {
            Ok(settings) => read.settings.extend(settings),
            Err(error) => read.unreadable = Some(error.to_string()),
        }
    }
    if let Some(path) = &args.output {
        let whole: Vec<u8> = parts.iter().flat_map(|SettingsOctets(part)| part).copied().collect();
        output::file(path, &whole, args.force.existing())?;
        read.saved = Some(path.display().to_string());
    }
    output::emit(global.format, &read)?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct Read {
    name: SettingsFile,
    file: FilePath,
    octets: usize,
    /// Whether EF(UST) says that it counts.
    served: Option<bool>,
    /// What it says; passwords and keys are left out.
    settings: Vec<Setting>,
    /// Why that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    /// The octets, a record each where the file has records.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<String>,
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(hex) = &self.hex {
            return f.write_str(&hex.join("\n"));
        }
        write!(f, "{}: {}, {}", self.file, self.name, counted(self.octets, "octet"))?;
        if self.served == Some(false) {
            f.write_str(", which EF(UST) does not list: a phone passes it over")?;
        }
        if let Some(path) = &self.saved {
            return write!(f, ", written into {path}");
        }
        self.settings.iter().try_for_each(|setting| write!(f, "\n  {} = {}", setting.name, setting.value))?;
        self.unreadable.iter().try_for_each(|why| write!(f, "\n  not understood: {why}"))
    }
}
