//! Settings files of a USIM (3GPP TS 31.102, section 4.2; as `wire/usim` knows them): a file, or one record of it. Nobody can tell
//! by their octets what they are, so they are explained when they are called so.

use crate::wire::usim::{self, NasParameter, SettingsFile};

use super::{
    scribe::{Scribe, Stopped},
    tlv::{self, Object},
};

const CLAUSE: &str = "TS 31.102 4.2";

pub(super) fn explain(w: &mut Scribe<'_>, file: SettingsFile) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    if !octets.is_empty() && octets.iter().all(|octet| *octet == 0xFF) {
        tlv::padding(w);
        return Ok(());
    }
    match file {
        SettingsFile::AccessPoints => {
            let count = w.octet("number of access points", CLAUSE)?;
            w.says(count.to_string());
            objects(w, file)?;
        }
        SettingsFile::Gba => {
            for name in ["RAND", "B-TID", "key lifetime"] {
                let length = w.octet("length", CLAUSE)?;
                w.says(format!("{length} octets of {name}"));
                w.take(usize::from(length), name, CLAUSE)?;
                if name != "key lifetime" {
                    // They open a key.
                    w.hide(w.last());
                }
            }
            tlv::padding(w);
        }
        SettingsFile::MmsNotifications => {
            w.take_rest("notification", CLAUSE);
        }
        _ => objects(w, file)?,
    }
    w.cross_check(base, usim::settings(file, octets));
    Ok(())
}

fn objects(w: &mut Scribe<'_>, file: SettingsFile) -> Result<(), Stopped> {
    while !w.is_empty() && !tlv::padding(w) {
        object(w, file)?;
    }
    Ok(())
}

fn object(w: &mut Scribe<'_>, file: SettingsFile) -> Result<(), Stopped> {
    let (start, octets) = (w.position(), w.rest());
    let Object { tag, length } = tlv::object(w, &|tag| (title(file, tag), CLAUSE))?;
    if is_template(file, tag) {
        w.within(length, |w| objects(w, file));
    } else {
        w.take(length, "value", CLAUSE)?;
        let whole = octets.get(..w.position() - start).unwrap_or(octets);
        match file {
            // There may be a password in it.
            SettingsFile::Xcap => w.hide(w.last()),
            SettingsFile::AccessPoints => says(w, file, &[&[0x01], whole].concat()),
            _ => says(w, file, whole),
        }
    }
    w.finish();
    Ok(())
}

fn says(w: &mut Scribe<'_>, file: SettingsFile, octets: &[u8]) {
    if let Ok(settings) = usim::settings(file, octets) {
        let said: Vec<String> = settings.into_iter().map(|s| format!("{} {}", s.name, s.value)).collect();
        w.says(said.join(", "));
    }
}

/// Whether an object holds the others of its file.
fn is_template(file: SettingsFile, tag: u16) -> bool {
    match file {
        SettingsFile::MmsIssuer | SettingsFile::MmsUser => tag == 0xAB,
        SettingsFile::MmsPreferences => tag == 0xA0,
        _ => false,
    }
}

fn title(file: SettingsFile, tag: u16) -> &'static str {
    use SettingsFile::{AccessPoints, Ims, MmsIssuer, MmsPreferences, MmsUser, MultiDevice, Nas, Xcap};
    match (file, tag) {
        (AccessPoints, 0xDD) => "access point name",
        (MmsIssuer | MmsUser, 0xAB) => "MMS connectivity parameters",
        (MmsPreferences, 0xA0) => "MMS user preferences",
        (MmsIssuer | MmsUser | MmsPreferences, 0x80) => "implementation of MMS",
        (MmsIssuer | MmsUser, 0x81) => "relay or server",
        (MmsIssuer | MmsUser, 0x82) => "interface to the core network",
        (MmsIssuer | MmsUser, 0x83) => "gateway",
        (MmsPreferences, 0x81) => "name of the preferences",
        (MmsPreferences, 0x82) => "preferences",
        (Ims | MultiDevice, 0x80) => "encoding of the text",
        (Ims | MultiDevice, 0x81) => "text",
        (Xcap, _) => "object of XCAP",
        (Nas, tag) => {
            let known = NasParameter::ALL.into_iter().find(|parameter| parameter.tag() == tag);
            known.map_or(tlv::UNKNOWN, NasParameter::name)
        }
        _ => tlv::UNKNOWN,
    }
}
