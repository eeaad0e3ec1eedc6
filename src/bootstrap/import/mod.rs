//! From an existing bootstrap to a profile: a provisioning document or a DM bootstrap message, as WBXML, XML or
//! hexadecimal digits, alone, in a WSP push, or in the short messages of one. What does not fit is named, and so is what had to be made up.

mod account;
mod document;
mod draft;
mod form;
mod ids;
mod input;
mod part;

use crate::{
    ident::ProfileName,
    profile::SecurityMethod,
    wire::{
        Syntax,
        prov::ProvDoc,
        syncml::Message,
        wbxml,
        wsp::{Presented, Push},
        xml,
    },
};

use self::form::Form;

use super::{
    BootstrapError, PayloadKind, build,
    quirks::{Sec, Subject},
    read_noting,
};

/// A profile made from a bootstrap.
#[derive(Debug)]
pub struct Imported {
    /// What it was made from.
    pub kind: PayloadKind,
    /// The profile, in TOML. It holds the secrets of the bootstrap.
    pub profile: String,
    /// What does not stand in it, or stands in it and not in the bootstrap: place and reason.
    pub losses: Vec<String>,
    /// The bootstrap as the rules about devices look at it.
    pub subject: Subject,
}

/// Why a bootstrap did not become a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is broken, or none.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// Segments of a push that is not all there.
    #[error("of the {total} short messages of the push, {missing} are missing")]
    Missing {
        /// Their numbers.
        missing: String,
        /// How many there should be.
        total: u8,
    },
    /// Segments of more than one push.
    #[error("the short messages are of more than one push; give those of one")]
    Mixed,
    /// What was made of it is not a profile, whatever is taken out. It is a mistake of ours.
    #[error(
        "the profile that was made of it has errors that nothing in it explains; report this with the file"
    )]
    Unsettled,
}

/// Reads a bootstrap and writes the profile that would build it.
///
/// # Errors
/// [`ImportError`]
pub fn import(octets: &[u8], name: &ProfileName) -> Result<Imported, ImportError> {
    let (body, sec) = opened(&input::taken(octets)?);
    let (kind, octets) = payload(&body)?;
    let mut losses = Vec::new();
    let mut form = None;
    let document = match kind {
        PayloadKind::Cp => ProvDoc::decode(Syntax::Wbxml, &octets).map_err(BootstrapError::from)?,
        PayloadKind::Dm => {
            let reading = read_noting(PayloadKind::Dm, &octets)?;
            losses.extend(reading.ignored);
            if reading.settings.device.is_some() {
                losses.push("Target: the message is for one device, a profile for many".into());
            }
            let mut settings = reading.settings;
            form = Some(Form::taken(&mut settings));
            let payload = build(&settings, PayloadKind::Cp)?;
            losses.extend(payload.losses);
            ProvDoc::decode(Syntax::Wbxml, &payload.octets).map_err(BootstrapError::from)?
        }
    };
    let mut draft = document::draft(&document, name.as_str(), method(&sec), &mut losses);
    if let Some(form) = form {
        form.put(&mut draft);
    }
    let profile = draft.settle(&mut losses).ok_or(ImportError::Unsettled)?;
    Ok(Imported { kind, profile, losses, subject: Subject::new(&octets, sec)? })
}

/// The payload of a push, or the octets themselves.
fn opened(octets: &[u8]) -> (Vec<u8>, Sec) {
    // 06 and 07 are the types of pushes; in WBXML they would be public identifiers that nobody has.
    match octets.get(1) {
        Some(0x06 | 0x07) => match Push::decode(octets) {
            Ok(push) => {
                let presented = push.presented();
                (push.body, Sec::Pushed(presented))
            }
            Err(_) => (octets.to_vec(), Sec::NotSaid),
        },
        _ => (octets.to_vec(), Sec::NotSaid),
    }
}

/// The kind of a payload, and it as WBXML.
fn payload(octets: &[u8]) -> Result<(PayloadKind, Vec<u8>), BootstrapError> {
    let text = octets.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(octets);
    let is_xml = text.iter().find(|o| !o.is_ascii_whitespace()) == Some(&b'<');
    let root = if is_xml { xml::parse(octets)? } else { wbxml::decode(octets)?.root };
    match (root.name.as_str(), is_xml) {
        ("wap-provisioningdoc", true) => {
            Ok((PayloadKind::Cp, ProvDoc::from_element(&root)?.encode(Syntax::Wbxml)?))
        }
        ("wap-provisioningdoc", false) => Ok((PayloadKind::Cp, octets.to_vec())),
        ("SyncML", true) => Ok((PayloadKind::Dm, Message::from_element(&root)?.encode(Syntax::Wbxml)?)),
        ("SyncML", false) => Ok((PayloadKind::Dm, octets.to_vec())),
        _ => Err(BootstrapError::Unrecognised),
    }
}

/// The method that a push names.
fn method(sec: &Sec) -> Option<SecurityMethod> {
    let Sec::Pushed(Some(Presented { sec: Some(number), .. })) = sec else { return None };
    match number.0 {
        0 => Some(SecurityMethod::NetwPin),
        1 => Some(SecurityMethod::UserPin),
        2 => Some(SecurityMethod::UserNetwPin),
        3 => Some(SecurityMethod::UserPinMac),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
