//! The walk to the bootstrap files: EF(DIR), else the AID, else the customary places; then EF(ODF), EF(DODF), content (OMA
//! LwM2M TS, annex G; PKCS#15 v1.1, section 5.4).

use crate::wire::{
    DecodeError, Fid,
    pkcs15::{self, DirEntry, Dodf, DodfObject, ObjectId, Odf},
};

use super::{
    Application, CardKind, CardView, Content, FileError, FilePath, FileSystem, FoundBy, FoundFile, Listing,
    Mode, Pkcs15, TransportError, Warning,
};

/// The most data object directories, and objects in all, that are looked at: a damaged card must not keep us for ever.
const MAX_DODFS: usize = 16;
const MAX_OBJECTS: usize = 64;
/// What is read of a file before it is known whether it holds anything.
const FIRST_BLOCK: usize = 256;

/// Object identifiers of bootstrap files.
pub const BOOTSTRAP_OBJECTS: [ObjectId; 5] = [
    ObjectId::CP_BOOTSTRAP,
    ObjectId::CP_CONFIG1,
    ObjectId::CP_CONFIG2,
    ObjectId::DM_BOOTSTRAP,
    ObjectId::LWM2M_BOOTSTRAP,
];

/// How much of a card is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth<'a> {
    /// All applications, and the content of all bootstrap files.
    Everything,
    /// As little as is needed to plan for these objects.
    Objects(&'a [ObjectId]),
}

impl Depth<'_> {
    fn wants(self, oid: Option<ObjectId>) -> bool {
        match self {
            Self::Everything => oid.is_some_and(|oid| BOOTSTRAP_OBJECTS.contains(&oid)),
            Self::Objects(objects) => oid.is_some_and(|oid| objects.contains(&oid)),
        }
    }
}

/// Looks for the bootstrap files of a card. Nothing is written and no key is presented.
///
/// # Errors
/// [`TransportError`]. Whatever is wrong with the card's files is in the view, as a warning or in its place.
pub fn locate(fs: &mut FileSystem<'_>, depth: Depth<'_>) -> Result<CardView, TransportError> {
    let transport = fs.session().transport();
    let mut view = CardView {
        reader: transport.reader().clone(),
        iccid: None,
        atr: transport.atr().to_vec(),
        protocol: transport.protocol(),
        kind: None,
        applications: Vec::new(),
        record_length: None,
        free_record: None,
        pkcs15: None,
        files: Vec::new(),
        warnings: Vec::new(),
    };
    match kept(fs.iccid())? {
        Ok(iccid) => view.iccid = Some(iccid),
        Err(error) => view.warnings.push(Warning::NoIccid(error)),
    }
    read_dir(fs, depth, &mut view)?;
    let application = find_application(fs, &mut view)?;
    if depth == Depth::Everything {
        view.kind = kind(fs, application.is_some())?;
    }
    let Some((directory, found_by)) = application else { return Ok(view) };
    let odf = read_listing(fs, directory.child(Fid::ODF), "EF(ODF)", Odf::decode, &mut view.warnings)?;
    let mut pkcs15 = Pkcs15 { directory, found_by, odf, dodfs: Vec::new() };
    read_dodfs(fs, &mut pkcs15, &mut view.warnings)?;
    for at in 0..pkcs15.dodfs.len() {
        list_objects(&pkcs15, at, &mut view);
    }
    for file in &mut view.files {
        if depth.wants(file.oid) {
            read_content(fs, file, &mut view.warnings)?;
        }
    }
    view.pkcs15 = Some(pkcs15);
    Ok(view)
}

/// What kind of card it is; none when nothing tells. An R-UIM has a DF(CDMA) in the MF (card sheet, section 8).
fn kind(fs: &mut FileSystem<'_>, has_pkcs15: bool) -> Result<Option<CardKind>, TransportError> {
    let there = |fs: &mut FileSystem<'_>, fid| match kept(fs.parameters(&FilePath::mf().child(fid)))? {
        Err(error) if error.is_absent() => Ok(false),
        _ => Ok::<_, TransportError>(true),
    };
    Ok(match fs.session().mode() {
        Mode::TwoG if there(fs, Fid::CDMA)? => Some(CardKind::Ruim),
        Mode::TwoG => Some(CardKind::Sim),
        Mode::ThreeG if there(fs, Fid::ICCID)? => Some(CardKind::Uicc),
        Mode::ThreeG => has_pkcs15.then_some(CardKind::Token),
    })
}

/// Lets trouble with the reader through and keeps trouble with the card.
fn kept<T>(result: Result<T, FileError>) -> Result<Result<T, FileError>, TransportError> {
    match result {
        Err(FileError::Transport(error)) => Err(error),
        other => Ok(other),
    }
}

fn read_dir(fs: &mut FileSystem<'_>, depth: Depth<'_>, view: &mut CardView) -> Result<(), TransportError> {
    let dir = FilePath::mf().child(Fid::DIR);
    let count = match kept(fs.records(&dir))? {
        Ok((length, count)) => {
            view.record_length = Some(length);
            count
        }
        Err(error) => {
            view.warnings.push(Warning::NoDir(error));
            return Ok(());
        }
    };
    for number in 1..=count {
        let record = match kept(fs.read_record(&dir, number))? {
            Ok(record) => record,
            Err(error) => {
                view.warnings.push(Warning::NoDir(error));
                return Ok(());
            }
        };
        if DirEntry::is_free(&record) {
            view.free_record.get_or_insert(number);
            continue;
        }
        match DirEntry::decode(&record) {
            Ok(entry) => {
                let found = entry.is_pkcs15();
                view.applications.push(Application {
                    record: number,
                    aid: entry.aid.iter().map(|octet| format!("{octet:02X}")).collect(),
                    label: entry.label,
                    path: entry.path.map(|path| FilePath::mf().resolve(&path)),
                });
                if found && depth != Depth::Everything {
                    return Ok(());
                }
            }
            Err(what) => view.warnings.push(Warning::DirRecord { record: number, what }),
        }
    }
    Ok(())
}

fn find_application(
    fs: &mut FileSystem<'_>,
    view: &mut CardView,
) -> Result<Option<(FilePath, FoundBy)>, TransportError> {
    let aid: String = pkcs15::AID.iter().map(|octet| format!("{octet:02X}")).collect();
    let announced = view.applications.iter().find(|a| a.aid == aid).cloned();
    if let Some(directory) = announced.as_ref().and_then(|a| a.path.clone()) {
        // The object directory is wanted next anyway; the application's own is asked for only when that is missing.
        if kept(fs.parameters(&directory.child(Fid::ODF)))?.is_ok() || exists(fs, &directory)? {
            return Ok(Some((directory, FoundBy::Dir)));
        }
        view.warnings.push(Warning::DirLeadsNowhere(directory));
    }
    let by_aid = FilePath::application(&pkcs15::AID);
    if exists(fs, &by_aid)? {
        let found_by = if announced.is_some() { FoundBy::Dir } else { FoundBy::Aid };
        if found_by == FoundBy::Aid {
            view.warnings.push(Warning::NotInDir);
        }
        return Ok(Some((from_mf(fs, by_aid)?, found_by)));
    }
    for fid in [Fid::PKCS15, Fid::PKCS15_GENERIC] {
        let directory = FilePath::mf().child(fid);
        if exists(fs, &directory)? {
            view.warnings.push(Warning::NotInDir);
            return Ok(Some((directory, FoundBy::Place(fid))));
        }
    }
    Ok(None)
}

/// The same directory by its path from the MF, where that leads to it too: fewer commands, and EF(DIR) can name it.
fn from_mf(fs: &mut FileSystem<'_>, by_aid: FilePath) -> Result<FilePath, TransportError> {
    let fid = kept(fs.parameters(&by_aid))?.ok().and_then(|fcp| fcp.fid);
    let Some(by_path) = fid.map(|fid| FilePath::mf().child(fid)) else { return Ok(by_aid) };
    let same = kept(fs.parameters(&by_path))?.is_ok_and(|fcp| fcp.aid.as_deref() == Some(&pkcs15::AID));
    Ok(if same { by_path } else { by_aid })
}

fn exists(fs: &mut FileSystem<'_>, directory: &FilePath) -> Result<bool, TransportError> {
    use crate::wire::fcp::FileKind;
    Ok(kept(fs.parameters(directory))?.is_ok_and(|fcp| fcp.kind() == FileKind::Df))
}

fn read_listing<T>(
    fs: &mut FileSystem<'_>,
    file: FilePath,
    name: &'static str,
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    warnings: &mut Vec<Warning>,
) -> Result<Listing<T>, TransportError> {
    let why = match kept(fs.read_all(&file))? {
        Ok(octets) => match decode(&octets) {
            Ok(list) => return Ok(Listing::Read { file, octets, list }),
            Err(what) => FileError::Damaged { file: file.clone(), what },
        },
        Err(error) if error.is_absent() => return Ok(Listing::Absent { file }),
        Err(error) => error,
    };
    warnings.push(Warning::Listing { name, why: why.clone() });
    Ok(Listing::Unreadable { file, why })
}

fn read_dodfs(
    fs: &mut FileSystem<'_>,
    pkcs15: &mut Pkcs15,
    warnings: &mut Vec<Warning>,
) -> Result<(), TransportError> {
    let odf_file = pkcs15.odf.file().clone();
    let Some(odf) = pkcs15.odf.list() else { return Ok(()) };
    let paths: Vec<_> = odf.data_object_files().map(|p| pkcs15.directory.resolve(&p.path)).collect();
    for (at, file) in paths.into_iter().enumerate() {
        if at == MAX_DODFS {
            let what = "data object directories";
            warnings.push(Warning::TooMany { in_file: odf_file, what, limit: MAX_DODFS });
            return Ok(());
        }
        if file == odf_file || pkcs15.dodfs.iter().any(|d| *d.file() == file) {
            warnings.push(Warning::Loop { from: odf_file.clone(), to: file });
            continue;
        }
        let dodf = read_listing(fs, file, "EF(DODF)", Dodf::decode, warnings)?;
        pkcs15.dodfs.push(dodf);
    }
    Ok(())
}

fn list_objects(pkcs15: &Pkcs15, at: usize, view: &mut CardView) {
    let Some(listing) = pkcs15.dodfs.get(at) else { return };
    let Some(dodf) = listing.list() else { return };
    let from = listing.file();
    for (number, entry) in dodf.entries.iter().enumerate() {
        let DodfObject::File(object) = &entry.object else { continue };
        if view.files.len() == MAX_OBJECTS {
            let what = "objects, with those before it,";
            view.warnings.push(Warning::TooMany { in_file: from.clone(), what, limit: MAX_OBJECTS });
            return;
        }
        let file = pkcs15.directory.resolve(&object.path.path);
        if file == *pkcs15.odf.file() || pkcs15.dodfs.iter().any(|d| *d.file() == file) {
            view.warnings.push(Warning::Loop { from: from.clone(), to: file });
            continue;
        }
        if entry.double_wrapped_oid {
            view.warnings.push(Warning::DoubleWrapped { file: file.clone() });
        }
        view.files.push(FoundFile {
            oid: object.oid,
            label: object.label().map(str::to_owned),
            shape: object.shape,
            double_wrapped_oid: object.double_wrapped_oid,
            path: object.path.clone(),
            file,
            dodf: at,
            entry: number,
            size: None,
            content: Content::NotRead,
        });
    }
}

/// Reads what an entry's path means. A file that begins with FF holds nothing, so the rest of it is not read.
fn read_content(
    fs: &mut FileSystem<'_>,
    found: &mut FoundFile,
    warnings: &mut Vec<Warning>,
) -> Result<(), TransportError> {
    let file = found.file.clone();
    let span = match kept(fs.size(&file))? {
        Ok(size) => match found.path.span(size) {
            Ok(span) => span,
            Err(what) => {
                warnings.push(Warning::PathPastEnd { file: file.clone(), what: what.clone() });
                found.content = Content::Unreadable(FileError::Damaged { file, what });
                return Ok(());
            }
        },
        Err(error) if error.is_absent() => {
            found.content = Content::Absent;
            return Ok(());
        }
        Err(error) => {
            found.content = Content::Unreadable(error);
            return Ok(());
        }
    };
    found.size = Some(span.len());
    let first = span.len().min(FIRST_BLOCK);
    let content = kept(fs.read(&file, span.start, first))?.map(|octets| (octets, span.len() - first));
    found.content = match content {
        Ok((octets, rest)) if rest == 0 || octets.first() == Some(&0xFF) => Content::Octets(octets),
        Ok((mut octets, rest)) => match kept(fs.read(&file, span.start + first, rest))? {
            Ok(more) => {
                octets.extend(more);
                Content::Octets(octets)
            }
            Err(error) => Content::Unreadable(error),
        },
        Err(error) => Content::Unreadable(error),
    };
    Ok(())
}
