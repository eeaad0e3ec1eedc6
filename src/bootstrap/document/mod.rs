//! Documents that a server answers with over HTTP: `wap-provisioningdoc` as others than OMA use it, always as XML and
//! without SEC and MAC, because the connection authenticates. One row of `KINDS` each.

mod rcs;
mod windows;

use std::fmt;

use crate::{
    ident::{Random, SharedSecret},
    profile::{CpVersion, Profile},
    wire::{prov::ProvDoc, xml},
};

use super::{BootstrapError, Settings, cp};

/// The media type of provisioning documents as XML (WSP code 0x35).
pub(super) const CONNECTIVITY_XML: &str = "text/vnd.wap.connectivity-xml";

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// A configuration document of RCS style (GSMA RCC.14).
    Rcs,
    /// Windows provisioning XML with a `w7` APPLICATION.
    Windows,
}

/// A document: text that a server answers with. It holds secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Its kind.
    pub kind: DocumentKind,
    /// XML.
    pub text: String,
    /// What the settings hold and this kind does not carry, in words.
    pub losses: Vec<String>,
}

/// What a document says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Heading {
    /// `VERS/version`.
    pub version: u32,
    /// `VERS/validity`, in seconds.
    pub validity: u32,
    /// `TOKEN`: the token and for how many seconds it holds.
    pub token: Option<(SharedSecret, u32)>,
}

impl Heading {
    /// What the profile says of its documents. A token is drawn where it asks for one.
    pub fn new(profile: &Profile, random: &dyn Random) -> Self {
        let rcs = &profile.rcs;
        Self {
            version: rcs.version.unwrap_or(profile.version),
            validity: rcs.validity,
            token: rcs.token_validity.map(|validity| (SharedSecret::generate(random), validity)),
        }
    }
}

/// What writing gives: the document and the losses.
type Written = Result<(ProvDoc, Vec<String>), BootstrapError>;

struct Row {
    word: &'static str,
    title: &'static str,
    content_type: &'static str,
    write: fn(&Settings, &Heading) -> Written,
}

static KINDS: [Row; 2] = [
    Row {
        word: "rcs",
        title: "RCS configuration document",
        content_type: CONNECTIVITY_XML,
        write: rcs::write,
    },
    Row {
        word: "windows",
        title: "Windows provisioning document",
        content_type: CONNECTIVITY_XML,
        write: windows::write,
    },
];

impl DocumentKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Rcs, Self::Windows];

    fn row(self) -> &'static Row {
        let [rcs, windows] = &KINDS;
        match self {
            Self::Rcs => rcs,
            Self::Windows => windows,
        }
    }

    /// The word for it: `rcs` or `windows`.
    pub fn as_str(self) -> &'static str {
        self.row().word
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        self.row().content_type
    }
}

impl fmt::Debug for Document {
    /// Kind and size: the text holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({}, {} octets)", self.kind.as_str(), self.text.len())
    }
}

impl fmt::Debug for Heading {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heading(version {}, {} s)", self.version, self.validity)
    }
}

/// Writes settings as a document.
///
/// # Errors
/// [`BootstrapError`] when they lack what the kind is made of, or hold what it cannot say.
pub fn write(settings: &Settings, kind: DocumentKind, heading: &Heading) -> Result<Document, BootstrapError> {
    let (document, mut losses) = (kind.row().write)(settings, heading)?;
    losses.extend(
        settings.acls().iter().map(|object| format!("{object}: its acl; a document has no place for it")),
    );
    let text = xml::write_bare(&document.to_element())?;
    Ok(Document { kind, text, losses })
}

/// The settings that are left of some for a document of version 1.1, as a CP document.
fn provisioning(settings: Settings) -> ProvDoc {
    cp::document(&Settings { cp_version: CpVersion::V1_1, ..settings }).into_owned()
}

/// Takes out what neither kind carries beside the applications, and names it.
fn without_rules(settings: &mut Settings, carries: &str) -> Vec<String> {
    let mut losses = Vec::new();
    if settings.client_id.take().is_some() {
        losses.push(format!("client-id: {carries}"));
    }
    for access in settings.access.drain(..) {
        losses.push(format!("access {}: {carries}", access.rules.join(", ")));
    }
    for vendor in settings.vendor_configs.drain(..) {
        losses.push(format!("vendor-config {}: {carries}", vendor.name));
    }
    losses
}

#[cfg(test)]
mod tests;
