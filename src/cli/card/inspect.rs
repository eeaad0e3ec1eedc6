//! `bootgate card inspect`: what a card is and holds.

use std::fmt;

use serde::Serialize;

use super::{
    args::{PinArgs, ReaderArgs},
    connect, failure, file_system,
    recover::interrupted,
    with_pin,
};
use crate::{
    bootstrap::{PayloadKind, describe},
    card::{
        Application, CardKind, CardView, Content, Depth, FileError, FilePath, FileSystem, FoundFile,
        FoundSettings, KeyId, Mode, PendingSummary, Protocol, locate, settings_files,
    },
    cli::{Exit, Global, output},
    ident::{Iccid, ReaderName, counted},
    wire::{
        arr::{Operation, SecurityCondition},
        pkcs15::{ObjectId, Pkcs15Path, Shape},
        usim::{self, Setting, SettingsFile},
    },
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    reader: ReaderArgs,
    #[command(flatten)]
    pin: PinArgs,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let mut card = connect(&args.reader.reader, global)?;
    let mut fs = file_system(&mut card, global)?;
    let inspected = with_pin(&mut fs, &args.pin, global, |fs| {
        let view = locate(fs, Depth::Everything).map_err(failure)?;
        Inspected::new(fs, view, args.pin.id())
    })??;
    let interrupted = interrupted(&mut fs, global)?;
    output::emit(global.format, &Inspected { interrupted, ..inspected })?;
    Ok(Exit::Ok)
}

/// A card as it is shown.
#[derive(Serialize)]
struct Inspected {
    reader: ReaderName,
    iccid: Option<Iccid>,
    atr: String,
    protocol: Protocol,
    /// 3G: class 00; 2G: class A0.
    mode: Mode,
    kind: Option<CardKind>,
    applications: Vec<Application>,
    pkcs15: Option<Directory>,
    files: Vec<File>,
    /// Settings files of the USIM.
    settings: Vec<SettingsShown>,
    /// A write to this card that was cut off and is not settled.
    interrupted: Option<PendingSummary>,
    warnings: Vec<String>,
}

/// A settings file of the USIM.
#[derive(Serialize)]
struct SettingsShown {
    name: SettingsFile,
    file: FilePath,
    /// Whether EF(UST) says that it counts.
    served: Option<bool>,
    settings: Vec<Setting>,
    unreadable: Option<String>,
}

impl SettingsShown {
    fn new(found: FoundSettings) -> Self {
        let mut shown = Self {
            name: found.kind,
            file: found.file,
            served: found.served,
            settings: Vec::new(),
            unreadable: None,
        };
        match found.content {
            Ok(parts) => {
                for part in parts {
                    match usim::settings(found.kind, &part.0) {
                        Ok(settings) => shown.settings.extend(settings),
                        Err(error) => shown.unreadable = Some(error.to_string()),
                    }
                }
            }
            Err(error) => shown.unreadable = Some(error.to_string()),
        }
        shown
    }
}

impl fmt::Display for SettingsShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings  {} in {}", self.name, self.file)?;
        if self.served == Some(false) {
            f.write_str(", which EF(UST) does not list")?;
        }
        match &self.unreadable {
            Some(why) => write!(f, ": {why}")?,
            None if self.settings.is_empty() => f.write_str(": empty")?,
            None => {}
        }
        self.settings.iter().try_for_each(|s| write!(f, "\n    {} = {}", s.name, s.value))
    }
}

/// The PKCS#15 application.
#[derive(Serialize)]
struct Directory {
    directory: FilePath,
    found_by: String,
}

/// A data object.
#[derive(Serialize)]
struct File {
    oid: Option<ObjectId>,
    label: Option<String>,
    file: FilePath,
    path: Pkcs15Path,
    shape: Shape,
    /// Octets that it has room for; none when it was not looked at.
    room: Option<usize>,
    /// Octets that are used.
    used: Option<usize>,
    /// The condition for reading it.
    read_access: Option<String>,
    /// What it holds.
    kind: Option<PayloadKind>,
    /// Path and value; secrets read `***`.
    lines: Vec<(String, String)>,
    has_secrets: bool,
    /// Why it could not be read.
    unreadable: Option<String>,
}

impl Inspected {
    fn new(fs: &mut FileSystem<'_>, view: CardView, pin: Option<KeyId>) -> anyhow::Result<Self> {
        let mut warnings: Vec<_> = view.warnings.iter().map(ToString::to_string).collect();
        let settings = settings_files(fs).map_err(failure)?;
        let denied = view
            .files
            .iter()
            .filter(|found| matches!(&found.content, Content::Unreadable(e) if e.is_denied()));
        let denied = denied.count()
            + settings.iter().filter(|s| s.content.as_ref().is_err_and(FileError::is_denied)).count();
        if denied > 0 {
            let (files, are) = (counted(denied, "file"), if denied == 1 { "is" } else { "are" });
            warnings.push(match pin {
                None => format!("{files} {are} not read without a key; if it is a PIN, give it with --pin (@FILE, env:NAME or -)"),
                Some(pin) => format!("{files} {are} not read with {pin} either"),
            });
        }
        let mut files = Vec::new();
        for found in view.files {
            let file = File::new(fs, found)?;
            if file.has_secrets && file.read_access.as_deref() == Some(ALWAYS) {
                warnings.push(format!("the secrets in {} can be read by anybody, without a PIN", file.file));
            }
            files.push(file);
        }
        Ok(Self {
            reader: view.reader,
            iccid: view.iccid,
            atr: hex(&view.atr),
            protocol: view.protocol,
            mode: fs.session().mode(),
            kind: view.kind,
            applications: view.applications,
            pkcs15: view
                .pkcs15
                .map(|app| Directory { directory: app.directory, found_by: app.found_by.to_string() }),
            files,
            settings: settings.into_iter().map(SettingsShown::new).collect(),
            interrupted: None,
            warnings,
        })
    }
}

/// The condition for reading that warns.
const ALWAYS: &str = "always";

impl File {
    fn new(fs: &mut FileSystem<'_>, found: FoundFile) -> anyhow::Result<Self> {
        let read_access = match &found.content {
            Content::NotRead | Content::Absent => None,
            _ => match fs.rights(&found.file) {
                Ok(rights) => rights.condition(Operation::Read).map(|condition| match condition {
                    SecurityCondition::Always => ALWAYS.to_owned(),
                    other => other.to_string(),
                }),
                Err(FileError::Transport(error)) => return Err(failure(error)),
                Err(_) => None,
            },
        };
        let used = found.content.used();
        let description = used.filter(|octets| !octets.is_empty()).map(describe);
        let (kind, lines, has_secrets, undescribed) = match description {
            Some(Ok(d)) => (Some(d.kind), d.lines, d.has_secrets, None),
            Some(Err(error)) => (None, Vec::new(), false, Some(error.to_string())),
            None => (None, Vec::new(), false, None),
        };
        let unreadable = match &found.content {
            Content::Unreadable(error) => Some(error.to_string()),
            Content::Absent => Some("the entry leads to no file".into()),
            Content::NotRead | Content::Octets(_) => undescribed,
        };
        Ok(Self {
            oid: found.oid,
            used: used.map(<[u8]>::len),
            label: found.label,
            file: found.file,
            path: found.path,
            shape: found.shape,
            room: found.size,
            read_access,
            kind,
            lines,
            has_secrets,
            unreadable,
        })
    }
}

impl fmt::Display for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.iccid {
            Some(iccid) => writeln!(f, "card      {iccid}")?,
            None => writeln!(f, "card      (its ICCID cannot be read)")?,
        }
        writeln!(f, "reader    {}", self.reader)?;
        writeln!(f, "ATR       {}, {}", self.atr, self.protocol)?;
        let class = if self.mode == Mode::TwoG { "A0" } else { "00" };
        match self.kind {
            Some(kind) => writeln!(f, "kind      {kind}, class {class}")?,
            None => writeln!(f, "class     {class}")?,
        }
        for application in &self.applications {
            write!(f, "EF(DIR) {} {}", application.record, application.aid)?;
            if let Some(label) = &application.label {
                write!(f, " {label:?}")?;
            }
            match &application.path {
                Some(path) => writeln!(f, " in {path}")?,
                None => writeln!(f)?,
            }
        }
        match &self.pkcs15 {
            Some(app) => writeln!(f, "PKCS#15   {}, found by {}", app.directory, app.found_by)?,
            None => writeln!(f, "PKCS#15   no such application: the card has no bootstrap files")?,
        }
        for file in &self.files {
            writeln!(f, "{file}")?;
        }
        for settings in &self.settings {
            writeln!(f, "{settings}")?;
        }
        if let Some(write) = &self.interrupted {
            write!(f, "warning: a write of {} to this card was interrupted", counted(write.steps, "step"))?;
            if let Some(began) = write.began {
                write!(f, " (it began {began})")?;
            }
            writeln!(f, "; run `bootgate card recover`")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.oid {
            Some(oid) => write!(f, "object    {oid}")?,
            None => write!(f, "object    without identifier")?,
        }
        if let Some(label) = &self.label {
            write!(f, " {label:?}")?;
        }
        write!(f, " in {} ({})", self.file, self.shape)?;
        match (self.used, self.room) {
            (Some(0), Some(room)) => write!(f, ": empty, room for {}", counted(room, "octet"))?,
            (Some(used), Some(room)) => write!(f, ": {used} of {}", counted(room, "octet"))?,
            _ => {}
        }
        if let Some(kind) = self.kind {
            write!(f, ", {}", kind.title())?;
        }
        if let Some(access) = &self.read_access {
            write!(f, "; read: {access}")?;
        }
        if let Some(why) = &self.unreadable {
            write!(f, "; {why}")?;
        }
        self.lines.iter().try_for_each(|(path, value)| write!(f, "\n    {path} = {value}"))
    }
}

/// Octets as hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
