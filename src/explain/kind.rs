//! The kinds of artefacts: one row of a table each.

use std::{fmt, str::FromStr};

use crate::wire::{infoset::Vocabulary, usim::SettingsFile};

use super::{
    Found, Options, apdu, der, http, identity, multipart, package0,
    scribe::Scribe,
    smpp, sms, tlv, udh, usim, wbxml, wsp,
    xml::{self, Root},
};

/// What an artefact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SMS-DELIVER or SMS-SUBMIT, with or without the service centre's address.
    Sms,
    /// User data of a short message, header first.
    Udh,
    /// A WSP push.
    Wsp,
    /// A provisioning document in WBXML.
    Cp,
    /// A SyncML message, of DM or a bootstrap, in WBXML.
    Dm,
    /// Any other document in WBXML.
    Wbxml,
    /// A provisioning document in XML.
    CpXml,
    /// A SyncML message in XML.
    DmXml,
    /// Any other document in XML.
    Xml,
    /// HTTP messages, with PAP in them.
    Http,
    /// The body of a PAP push by itself.
    Multipart,
    /// A message of PAP.
    Pap,
    /// PDUs of SMPP.
    Smpp,
    /// A notification, package 0.
    Package0,
    /// A command APDU.
    Apdu,
    /// The answer to one: data and status word.
    Response,
    /// File control parameters.
    Fcp,
    /// EF(DIR), or a record of it.
    Dir,
    /// EF(ODF).
    Odf,
    /// EF(DODF).
    Dodf,
    /// EF(ICCID).
    Iccid,
    /// EF(IMSI).
    Imsi,
    /// A settings file of a USIM, or a record of it.
    Settings(SettingsFile),
}

/// The kinds, their words on the command line and what people call them.
const KINDS: [(Kind, &str, &str); 32] = [
    (Kind::Sms, "sms", "short message"),
    (Kind::Udh, "udh", "user data of a short message"),
    (Kind::Wsp, "wsp", "WSP push"),
    (Kind::Cp, "cp", "client provisioning document (WBXML)"),
    (Kind::Dm, "dm", "SyncML message (WBXML)"),
    (Kind::Wbxml, "wbxml", "WBXML document"),
    (Kind::CpXml, "cp-xml", "client provisioning document (XML)"),
    (Kind::DmXml, "dm-xml", "SyncML message (XML)"),
    (Kind::Xml, "xml", "XML document"),
    (Kind::Http, "http", "HTTP message"),
    (Kind::Multipart, "multipart", "multipart body"),
    (Kind::Pap, "pap", "PAP message (XML)"),
    (Kind::Smpp, "smpp", "SMPP PDUs"),
    (Kind::Package0, "package0", "notification (package 0)"),
    (Kind::Apdu, "apdu", "command APDU"),
    (Kind::Response, "response", "response APDU"),
    (Kind::Fcp, "fcp", "file control parameters"),
    (Kind::Dir, "dir", "EF(DIR)"),
    (Kind::Odf, "odf", "EF(ODF)"),
    (Kind::Dodf, "dodf", "EF(DODF)"),
    (Kind::Iccid, "iccid", "EF(ICCID)"),
    (Kind::Imsi, "imsi", "EF(IMSI)"),
    (Kind::Settings(SettingsFile::AccessPoints), "acl", "EF(ACL)"),
    (Kind::Settings(SettingsFile::MmsNotifications), "mmsn", "record of EF(MMSN)"),
    (Kind::Settings(SettingsFile::MmsIssuer), "mmsicp", "EF(MMSICP)"),
    (Kind::Settings(SettingsFile::MmsPreferences), "mmsup", "record of EF(MMSUP)"),
    (Kind::Settings(SettingsFile::MmsUser), "mmsucp", "EF(MMSUCP)"),
    (Kind::Settings(SettingsFile::Gba), "gbabp", "EF(GBABP)"),
    (Kind::Settings(SettingsFile::Nas), "nasconfig", "EF(NASCONFIG)"),
    (Kind::Settings(SettingsFile::Ims), "ims", "EF(IMSConfigData)"),
    (Kind::Settings(SettingsFile::Xcap), "xcap", "EF(XCAPConfigData)"),
    (Kind::Settings(SettingsFile::MultiDevice), "mudmid", "EF(MuDMiDConfigData)"),
];

impl Kind {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, _, _)| *kind)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, word, _)| word)
    }

    /// What octets are that somebody calls so: XML has kinds of its own, and PAP comes with and without what carries it.
    pub(super) fn of(self, octets: &[u8]) -> Self {
        match self {
            Self::Cp if xml::root(octets).is_some() => Self::CpXml,
            Self::Dm if xml::root(octets).is_some() => Self::DmXml,
            Self::Wbxml if xml::root(octets).is_some() => Self::Xml,
            Self::Pap | Self::Multipart if http::begins(octets) => Self::Http,
            Self::Pap | Self::Http if multipart::begins(octets) => Self::Multipart,
            Self::Http | Self::Multipart if xml::root(octets).is_some() => Self::Pap,
            kind => kind,
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        KINDS.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, _, title)| title)
    }

    /// The words of all kinds.
    pub fn list() -> String {
        KINDS.map(|(_, word, _)| word).join(", ")
    }
}

/// A word that names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of artefact; expected one of: {}", Kind::list())]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        KINDS.iter().find(|(_, word, _)| *word == text).map(|(kind, _, _)| *kind).ok_or(UnknownKind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}

/// Walks over what is left in the group as over an artefact of this kind. Whatever cannot be read stays to be taken by the
/// group.
pub(super) fn explain(kind: Kind, scribe: &mut Scribe<'_>, options: &Options) -> Found {
    let mut found = Found::default();
    let length = scribe.rest().len();
    // The group that bounds an artefact is not shown: its fields stand where it stands.
    let _ = match kind {
        Kind::Sms => sms::explain(scribe, options, &mut found),
        Kind::Udh => udh::explain(scribe, options, &mut found),
        Kind::Wsp => wsp::explain(scribe, options, &mut found),
        Kind::Cp => wbxml::explain(scribe, Some(Vocabulary::Prov)),
        Kind::Dm => wbxml::explain(scribe, Some(Vocabulary::SyncMl)),
        Kind::Wbxml => wbxml::explain(scribe, None),
        Kind::CpXml => xml::explain(scribe, Some(Root::Prov)),
        Kind::DmXml => xml::explain(scribe, Some(Root::SyncMl)),
        Kind::Xml => xml::explain(scribe, None),
        Kind::Http => http::explain(scribe, options, &mut found),
        Kind::Multipart => multipart::explain(scribe, None, options, &mut found),
        Kind::Pap => xml::explain(scribe, Some(Root::Pap)),
        Kind::Smpp => smpp::explain(scribe, options, &mut found),
        Kind::Package0 => package0::explain(scribe, options, &mut found),
        Kind::Apdu => apdu::explain(scribe, options),
        Kind::Response => apdu::explain_response(scribe, options),
        Kind::Fcp => tlv::explain_fcp(scribe),
        Kind::Dir => tlv::explain_dir(scribe),
        Kind::Odf => der::explain_odf(scribe),
        Kind::Dodf => der::explain_dodf(scribe),
        Kind::Iccid => identity::explain_iccid(scribe),
        Kind::Imsi => identity::explain_imsi(scribe),
        Kind::Settings(file) => usim::explain(scribe, file),
    };
    debug_assert!(scribe.rest().len() <= length);
    found
}
