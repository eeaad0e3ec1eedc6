//! How the phone finds bootstraps on a card (UICC, SIM, R-UIM, token) at power-on (OMA DM Bootstrap 1.2, smart card; OMA WAP ProvSC; the card
//! sheet, sections 1 to 3).
//!
//! MF → EF(ICCID); EF(DIR) → the PKCS#15 application, by its AID, else by the path in EF(DIR), else 7F50, else 5015;
//! EF(ODF) → each EF(DODF) in order → each entry with a bootstrap's identifier, in order → its file. Where a file asks for
//! CHV1 and the phone has its value, it is presented; what is guarded otherwise stays unread and is reported. Whatever is wrong on the card is reported and stepped over;
//! only a card that stops answering ends the reading.

mod note;
mod pin;
mod port;
mod settings;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    ident::{Iccid, Pin},
    wire::{
        Fid, Path,
        apdu::{StatusClass, StatusWord},
        ef,
        fcp::{Fcp, FileKind},
        gsm::{SelectResponse, Structure},
        pkcs15::{self, DirEntry, Dodf, DodfObject, ObjectId, Odf, Pkcs15Path},
        tlv,
    },
};

pub use note::CardNote;
pub(super) use pin::PinUse;
pub use port::{CardError, CardPort, PortError};
pub use settings::{UsimSettings, usim_settings};

use port::{Class, Contact};

/// Which bootstrap a file holds, by its object identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum FileRole {
    /// 2.23.43.5.1: CP Bootstrap.
    #[serde(rename = "CP Bootstrap")]
    CpBootstrap,
    /// 2.23.43.5.2: CP Config1, used when there is no CP Bootstrap.
    #[serde(rename = "CP Config1")]
    CpConfig1,
    /// 2.23.43.5.3: CP Config2, used when there is neither.
    #[serde(rename = "CP Config2")]
    CpConfig2,
    /// 2.23.43.7.1: DM bootstrap.
    #[serde(rename = "DM bootstrap")]
    DmBootstrap,
}

impl FileRole {
    fn of(oid: &ObjectId) -> Option<Self> {
        [
            (ObjectId::CP_BOOTSTRAP, Self::CpBootstrap),
            (ObjectId::CP_CONFIG1, Self::CpConfig1),
            (ObjectId::CP_CONFIG2, Self::CpConfig2),
            (ObjectId::DM_BOOTSTRAP, Self::DmBootstrap),
        ]
        .into_iter()
        .find_map(|(known, role)| (known == *oid).then_some(role))
    }
}

impl fmt::Display for FileRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CpBootstrap => "CP Bootstrap",
            Self::CpConfig1 => "CP Config1",
            Self::CpConfig2 => "CP Config2",
            Self::DmBootstrap => "DM bootstrap",
        })
    }
}

/// A bootstrap file that was read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CardFile {
    pub(super) role: FileRole,
    pub(super) path: Pkcs15Path,
    /// The document: without the FF that fills up the file.
    pub(super) octets: Zeroizing<Vec<u8>>,
}

/// What the card gave.
pub(super) struct Reading {
    pub(super) iccid: Option<Iccid>,
    pub(super) files: Vec<CardFile>,
    pub(super) notes: Vec<CardNote>,
    /// Set when the card stopped answering, so that what was not found may be there all the same.
    pub(super) cut: Option<CardError>,
    pub(super) commands: usize,
    pub(super) pin: PinUse,
}

/// The most octets of one file: offsets of READ BINARY end there (ETSI TS 102 221, section 11.1.3).
const MAX_FILE: usize = 0x8000;
const MAX_DIR_RECORDS: u8 = 32;
const MAX_DODF: usize = 8;
const MAX_FILES: usize = 8;

/// Reads the card; `pin` is the value of CHV1, as far as the phone knows it.
pub(super) fn read(port: &mut dyn CardPort, pin: Option<&Pin>) -> Reading {
    let reading = Reading {
        iccid: None,
        files: Vec::new(),
        notes: Vec::new(),
        cut: None,
        commands: 0,
        pin: PinUse::NotAsked,
    };
    let mut walk = Walk { contact: Contact::new(port), pin, application: None, inside: false, reading };
    let end = walk.whole_card();
    let mut reading = walk.reading;
    reading.commands = walk.contact.sent();
    reading.cut = end.err();
    reading
}

/// How the PKCS#15 directory is selected again after another one was.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Application {
    Aid(Vec<u8>),
    Path(Path),
}

struct Walk<'p> {
    contact: Contact<'p>,
    pin: Option<&'p Pin>,
    application: Option<Application>,
    /// The present directory is that of the application: selecting its files leaves it there.
    inside: bool,
    reading: Reading,
}

impl Walk<'_> {
    fn note(&mut self, note: CardNote) {
        self.reading.notes.push(note);
    }

    fn whole_card(&mut self) -> Result<(), CardError> {
        self.iccid()?;
        let entries = self.directory()?;
        if !self.find_application(&entries)? {
            self.note(CardNote::NoApplication);
            return Ok(());
        }
        let Some(odf) = self.file_at(&Pkcs15Path::whole(Path::new([Fid::ODF])), "EF(ODF)")? else {
            return Ok(());
        };
        let odf = match Odf::decode(&odf) {
            Ok(odf) => odf,
            Err(error) => {
                self.note(CardNote::Malformed { file: "EF(ODF)".into(), error });
                return Ok(());
            }
        };
        let dodfs: Vec<Pkcs15Path> = odf.data_object_files().cloned().collect();
        if dodfs.len() > MAX_DODF {
            self.note(CardNote::TooMany { what: "EF(DODF) in EF(ODF)", limit: MAX_DODF });
        }
        let mut seen = vec![self.absolute(&Path::new([Fid::ODF]))];
        for path in dodfs.iter().take(MAX_DODF) {
            let absolute = self.absolute(&path.path);
            if seen.contains(&absolute) {
                self.note(CardNote::Loop { file: "EF(ODF)".into(), to: path.to_string() });
                continue;
            }
            seen.push(absolute);
            self.data_objects(path, &seen)?;
        }
        Ok(())
    }

    fn iccid(&mut self) -> Result<(), CardError> {
        self.contact.select(Fid::MF)?;
        let Some(octets) = self.selected_file(&[Fid::ICCID], "EF(ICCID)")? else { return Ok(()) };
        match ef::decode_iccid(&octets) {
            Ok(iccid) => self.reading.iccid = Some(iccid),
            Err(error) => self.note(CardNote::Malformed { file: "EF(ICCID)".into(), error }),
        }
        Ok(())
    }

    /// The PKCS#15 entries of EF(DIR).
    fn directory(&mut self) -> Result<Vec<DirEntry>, CardError> {
        self.contact.select(Fid::MF)?;
        let answer = self.contact.select(Fid::DIR)?;
        if !answer.sw.is_ok() {
            // A card may do without; the application is looked for by name then.
            return Ok(Vec::new());
        }
        let (length, count) = match fcp_of(&answer.data).map(|f| (f.kind(), f.record_count())) {
            Some((FileKind::LinearFixed { record_length, .. }, count)) => (record_length, count),
            _ => (0, None),
        };
        let le = u8::try_from(length).unwrap_or(0);
        let last = count.and_then(|c| u8::try_from(c).ok()).unwrap_or(MAX_DIR_RECORDS).min(MAX_DIR_RECORDS);
        let mut found = Vec::new();
        for number in 1..=last {
            let answer = self.contact.read_record(number, le)?;
            if !answer.sw.is_ok() {
                break;
            }
            if DirEntry::is_free(&answer.data) {
                continue;
            }
            match DirEntry::decode(&answer.data) {
                Ok(entry) if entry.is_pkcs15() => found.push(entry),
                Ok(_) => {}
                Err(error) => {
                    self.note(CardNote::Malformed { file: format!("EF(DIR) record {number}"), error });
                }
            }
        }
        Ok(found)
    }

    fn find_application(&mut self, entries: &[DirEntry]) -> Result<bool, CardError> {
        let mut ways: Vec<Application> = entries.iter().map(|e| Application::Aid(e.aid.clone())).collect();
        ways.push(Application::Aid(pkcs15::AID.to_vec()));
        ways.extend(entries.iter().filter_map(|e| e.path.clone()).map(Application::Path));
        ways.extend([Fid::PKCS15, Fid::PKCS15_GENERIC].map(|f| Application::Path(Path::new([Fid::MF, f]))));
        ways.dedup();
        for way in ways {
            if self.select_application(&way)? {
                (self.application, self.inside) = (Some(way), true);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn select_application(&mut self, way: &Application) -> Result<bool, CardError> {
        match way {
            // A SIM knows no names of applications.
            Application::Aid(_) if self.contact.class() == Class::Gsm => Ok(false),
            Application::Aid(aid) => Ok(self.contact.select_application(aid)?.sw.is_ok()),
            Application::Path(path) => {
                self.contact.select(Fid::MF)?;
                for fid in path.fids().iter().filter(|f| **f != Fid::MF) {
                    if !self.contact.select(*fid)?.sw.is_ok() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// The bootstrap files that one EF(DODF) names.
    fn data_objects(&mut self, path: &Pkcs15Path, seen: &[Path]) -> Result<(), CardError> {
        let name = format!("EF(DODF) {path}");
        let Some(octets) = self.file_at(path, &name)? else { return Ok(()) };
        let dodf = match Dodf::decode(&octets) {
            Ok(dodf) => dodf,
            Err(error) => {
                self.note(CardNote::Malformed { file: name, error });
                return Ok(());
            }
        };
        for entry in dodf.entries {
            let DodfObject::File(object) = entry.object else { continue };
            let Some(role) = object.oid.as_ref().and_then(FileRole::of) else { continue };
            if self.reading.files.len() == MAX_FILES {
                self.note(CardNote::TooMany { what: "bootstrap files", limit: MAX_FILES });
                break;
            }
            let absolute = self.absolute(&object.path.path);
            let read = self.reading.files.iter().map(|f| self.absolute(&f.path.path)).collect::<Vec<_>>();
            if seen.contains(&absolute) || read.contains(&absolute) {
                self.note(CardNote::Loop { file: name.clone(), to: object.path.to_string() });
                continue;
            }
            let file = format!("{role} {}", object.path);
            if let Some(octets) = self.file_at(&object.path, &file)? {
                // A WBXML document ends with END (01), so that FF behind it is never part of it.
                let octets = Zeroizing::new(tlv::strip_padding(&octets).to_vec());
                self.reading.files.push(CardFile { role, path: object.path, octets });
            }
        }
        Ok(())
    }

    /// A path from the MF, for comparison; one below the PKCS#15 directory keeps its own beginning where the directory
    /// was found by AID.
    fn absolute(&self, path: &Path) -> Path {
        match &self.application {
            Some(Application::Path(base)) if !path.is_absolute() => path.from_base(base),
            Some(Application::Aid(_)) => {
                // 3F007F50xxxx names the same file as xxxx below the application.
                let home = Path::new([Fid::MF, Fid::PKCS15]);
                path.fids()
                    .strip_prefix(home.fids())
                    .map_or_else(|| path.clone(), |rest| Path::new(rest.to_vec()))
            }
            _ => path.clone(),
        }
    }

    /// The octets that a path means; none when the file cannot be read, which is then noted.
    fn file_at(&mut self, path: &Pkcs15Path, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CardError> {
        let fids = path.path.fids().to_vec();
        let fids = if path.path.is_absolute() {
            self.contact.select(Fid::MF)?;
            fids.get(1..).unwrap_or_default().to_vec()
        } else {
            if let Some(way) = self.application.clone().filter(|_| !self.inside) {
                self.select_application(&way)?;
            }
            fids
        };
        self.inside = !path.path.is_absolute() && fids.len() == 1;
        let Some(octets) = self.selected_file(&fids, name)? else { return Ok(None) };
        match path.span(octets.len()) {
            Ok(span) => Ok(octets.get(span).map(|o| Zeroizing::new(o.to_vec()))),
            Err(error) => {
                self.note(CardNote::Malformed { file: name.to_owned(), error });
                Ok(None)
            }
        }
    }

    /// Selects a file from the present directory, one name after the other, and reads it whole.
    fn selected_file(&mut self, fids: &[Fid], name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CardError> {
        let mut fcp = None;
        for fid in fids {
            let answer = self.contact.select(*fid)?;
            if !answer.sw.is_ok() && answer.sw.class() != StatusClass::Warning {
                let error = CardError::Refused { what: format!("SELECT {name}"), sw: answer.sw };
                self.note(CardNote::Unreachable(error));
                return Ok(None);
            }
            fcp = fcp_of(&answer.data);
        }
        if fcp.as_ref().is_some_and(|f| f.kind() != FileKind::Transparent) {
            self.note(CardNote::NotTransparent { file: name.to_owned() });
            return Ok(None);
        }
        let size = fcp.and_then(|f| f.size).and_then(|s| usize::try_from(s).ok());
        if size.is_some_and(|s| s > MAX_FILE) {
            self.note(CardNote::TooMany { what: "octets of a file", limit: MAX_FILE });
        }
        self.binary(size.map(|s| s.min(MAX_FILE)), name)
    }

    /// Presents CHV1 for a file that is refused; true when it is worth asking again. It is done once for a card.
    fn enter_pin(&mut self, name: &str) -> Result<bool, CardError> {
        if self.reading.pin != PinUse::NotAsked {
            return Ok(false);
        }
        let Some(pin) = self.pin else { return Ok(false) };
        let done = pin::present(&mut self.contact, pin);
        self.reading.pin = match &done {
            Ok(done) | Err((done, _)) => *done,
        };
        let file = name.to_owned();
        match self.reading.pin {
            PinUse::Accepted => self.note(CardNote::PinAccepted { file }),
            PinUse::Withheld => self.note(CardNote::PinWithheld { file }),
            PinUse::Refused(sw) => self.note(CardNote::PinRefused { file, sw }),
            PinUse::InDoubt => self.note(CardNote::PinInDoubt { file }),
            PinUse::NotAsked => {}
        }
        done.map(|done| done == PinUse::Accepted).map_err(|(_, error)| error)
    }

    /// Reads the selected file: `size` octets, or, when the card did not tell, up to where it ends.
    fn binary(&mut self, size: Option<usize>, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CardError> {
        let mut octets = Zeroizing::new(Vec::new());
        let limit = size.unwrap_or(MAX_FILE);
        while octets.len() < limit {
            let Ok(offset) = u16::try_from(octets.len()) else { break };
            // Le = 00 asks for 256 octets, or for what there is.
            let le = if size.is_some() { u8::try_from(limit - octets.len()).unwrap_or(0) } else { 0 };
            let mut answer = self.contact.read_binary(offset, le)?;
            if answer.sw == StatusWord::WRONG_LENGTH && le == 0 {
                // A card or a reader that cannot count to 256.
                answer = self.contact.read_binary(offset, u8::MAX)?;
            }
            if answer.sw.class() == StatusClass::Denied && octets.is_empty() && self.enter_pin(name)? {
                answer = self.contact.read_binary(offset, le)?;
            }
            let ended = !answer.sw.is_ok();
            let came = answer.data.len();
            octets.extend_from_slice(&answer.data);
            if octets.is_empty() && ended {
                let error = CardError::Refused { what: format!("READ BINARY of {name}"), sw: answer.sw };
                self.note(CardNote::Unreachable(error));
                return Ok(None);
            }
            // 6282 with what there was, 6B00, the second 6C00, or nothing at all: the file ends here.
            if ended || came == 0 {
                break;
            }
        }
        octets.truncate(limit);
        match size {
            Some(size) if octets.len() < size => {
                self.note(CardNote::Short { file: name.to_owned(), got: octets.len(), size });
            }
            _ => {}
        }
        Ok(Some(octets))
    }
}

/// The file control parameters in an answer to SELECT. Some cards pad the template, and some give none. A SIM tells size
/// and structure in its own form.
fn fcp_of(answer: &[u8]) -> Option<Fcp> {
    if let Ok(fcp) = Fcp::decode(tlv::strip_padding(answer)) {
        return Some(fcp);
    }
    match SelectResponse::decode(answer).ok()? {
        SelectResponse::Directory(directory) => Some(Fcp::new(FileKind::Df, directory.fid)),
        SelectResponse::Ef(ef) => {
            let kind = match ef.structure {
                Structure::Transparent => FileKind::Transparent,
                Structure::LinearFixed(length) => {
                    FileKind::LinearFixed { record_length: u16::from(length), count: None }
                }
                Structure::Cyclic(length) => {
                    FileKind::Cyclic { record_length: u16::from(length), count: None }
                }
            };
            let mut fcp = Fcp::new(kind, ef.fid);
            fcp.size = Some(u32::from(ef.size));
            Some(fcp)
        }
    }
}
