//! How a payload goes on a card: what the person at the station said, then what the profile says, then what is customary.

use crate::{
    bootstrap::{Payload, PayloadKind},
    card::{AdmKeys, BootstrapFile, PlanOptions, ReadAccess},
    profile::{CardCpFile, CardEntry, CardLayout, CardReaders},
    wire::{
        Fid,
        pkcs15::{ObjectId, Shape},
    },
};

/// How a payload goes on a card. What is left open is as the profile says, else as is customary; files that are there stay
/// where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// The shape of entries in EF(DODF); none leaves those that exist as they are and makes new ones oidDO.
    pub shape: Option<Shape>,
    /// Who may read files that have to be created.
    pub read: Option<ReadAccess>,
    /// The identifier of a bootstrap file that has to be created.
    pub content_fid: Option<Fid>,
    /// The identifier of the PKCS#15 directory, when it has to be created.
    pub directory_fid: Option<Fid>,
    /// The identifier of an EF(DODF) that has to be created.
    pub dodf_fid: Option<Fid>,
    /// Writes object identifiers wrapped twice, a known mistake that some devices look for.
    pub double_wrapped_oid: bool,
    /// Which file a provisioning document goes into.
    pub cp_file: Option<CardCpFile>,
}

impl Layout {
    /// The same, with what it leaves open as the profile says.
    #[must_use]
    pub fn or(self, profile: &CardLayout) -> Self {
        let fid = |fid: Option<u16>| fid.map(Fid);
        let shape = profile.entry.map(|entry| match entry {
            CardEntry::Oid => Shape::OidDo,
            CardEntry::Opaque => Shape::OpaqueDo,
        });
        let read = profile.readers.map(|readers| match readers {
            CardReaders::Always => ReadAccess::Always,
            CardReaders::Pin => ReadAccess::Pin,
        });
        Self {
            shape: self.shape.or(shape),
            read: self.read.or(read),
            content_fid: self.content_fid.or(fid(profile.content_fid)),
            directory_fid: self.directory_fid.or(fid(profile.directory_fid)),
            dodf_fid: self.dodf_fid.or(fid(profile.dodf_fid)),
            double_wrapped_oid: self.double_wrapped_oid || profile.double_wrapped_oid,
            cp_file: self.cp_file.or(profile.cp_file),
        }
    }

    /// A payload as the file of a card that it becomes.
    pub fn file(self, payload: &Payload) -> BootstrapFile {
        self.file_of(payload.kind, payload.octets.clone())
    }

    /// The octets of a payload as the file of a card.
    pub fn file_of(self, kind: PayloadKind, octets: Vec<u8>) -> BootstrapFile {
        let (oid, label) = match (kind, self.cp_file) {
            (PayloadKind::Cp, Some(CardCpFile::Config1)) => (ObjectId::CP_CONFIG1, "Config1"),
            (PayloadKind::Cp, Some(CardCpFile::Config2)) => (ObjectId::CP_CONFIG2, "Config2"),
            (PayloadKind::Cp, Some(CardCpFile::Bootstrap) | None) | (PayloadKind::Dm, _) => {
                (kind.oid(), kind.label())
            }
        };
        BootstrapFile { oid, label: label.to_owned(), octets }
    }

    /// As a plan takes it.
    pub fn options<'a>(
        self,
        adm: &'a AdmKeys,
        describe: &'a dyn Fn(ObjectId, &[u8]) -> String,
    ) -> PlanOptions<'a> {
        PlanOptions {
            shape: self.shape,
            read: self.read.unwrap_or(ReadAccess::Always),
            content_fid: self.content_fid,
            directory_fid: self.directory_fid,
            dodf_fid: self.dodf_fid,
            double_wrapped_oid: self.double_wrapped_oid,
            settings: &[],
            adm,
            describe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_station_has_the_last_word() {
        let profile = CardLayout {
            directory_fid: Some(0x7F51),
            content_fid: Some(0x6FA0),
            entry: Some(CardEntry::Opaque),
            readers: Some(CardReaders::Pin),
            ..CardLayout::default()
        };
        let said = Layout { content_fid: Some(Fid(0x6431)), shape: Some(Shape::OidDo), ..Layout::default() };
        let layout = said.or(&profile);
        assert_eq!((layout.content_fid, layout.shape), (Some(Fid(0x6431)), Some(Shape::OidDo)));
        assert_eq!((layout.directory_fid, layout.read), (Some(Fid(0x7F51)), Some(ReadAccess::Pin)));
        let open = Layout::default().or(&CardLayout::default());
        assert_eq!(open, Layout::default());
        assert_eq!(open.options(AdmKeys::NONE, &|_, _| String::new()).read, ReadAccess::Always);
    }
}
