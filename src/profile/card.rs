//! `[card]`: how a bootstrap goes on a card.

use super::{
    terms::{CardCpFile, CardEntry, CardReaders, CardSettings},
    usim::{self, UsimContents},
    walk::{Notes, Section, Value},
};

/// How a bootstrap goes on a card. Files that are there are used where they are; this is about those that have to be made, and
/// what is left open is as is customary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardLayout {
    /// Identifier of DF(PKCS#15); 7F50 by custom.
    pub directory_fid: Option<u16>,
    /// Identifier of EF(DODF); 6430 by custom.
    pub dodf_fid: Option<u16>,
    /// Identifier of the bootstrap file; 6431, or the next free one, by custom.
    pub content_fid: Option<u16>,
    /// Which file a provisioning document goes into; CP Bootstrap by custom.
    pub cp_file: Option<CardCpFile>,
    /// The shape of entries in EF(DODF). Without it entries that are there keep theirs.
    pub entry: Option<CardEntry>,
    /// Whether object identifiers are wrapped twice.
    pub double_wrapped_oid: bool,
    /// Who may read bootstrap files.
    pub readers: Option<CardReaders>,
    /// Settings files of the USIM that are filled besides.
    pub settings: Vec<CardSettings>,
    /// What goes into those of them that no other part of the profile says.
    pub contents: UsimContents,
}

/// Keys of `[card]`.
pub(super) const KEYS: &[&str] = &[
    "directory-fid",
    "dodf-fid",
    "content-fid",
    "cp-file",
    "dodf-shape",
    "double-wrapped-oid",
    "read-access",
    "settings-files",
    "nas-config",
    "ims-config",
    "xcap-config",
    "mudmid-config",
    "mms-preferences",
];

/// Reads `[card]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<CardLayout> {
    let directory = s.optional("directory-fid").map(|v| fid(n, &v));
    let dodf = s.optional("dodf-fid").map(|v| fid(n, &v));
    let content = s.optional("content-fid").map(|v| fid(n, &v));
    let cp_file = s.optional("cp-file").map(|v| n.term(&v));
    let entry = s.optional("dodf-shape").map(|v| n.term(&v));
    let double = s.optional("double-wrapped-oid").map_or(Some(false), |v| n.flag(&v));
    let readers = s.optional("read-access").map(|v| n.term(&v));
    let settings = s.optional("settings-files").map_or_else(Vec::new, |v| settings_files(n, &v));
    let contents = usim::read(n, s, &settings);
    // A value that is wrong was noted; the profile is then not used at all.
    Some(CardLayout {
        directory_fid: directory.unwrap_or_default(),
        dodf_fid: dodf.unwrap_or_default(),
        content_fid: content.unwrap_or_default(),
        cp_file: cp_file.unwrap_or_default(),
        entry: entry.unwrap_or_default(),
        double_wrapped_oid: double?,
        readers: readers.unwrap_or_default(),
        settings,
        contents: contents?,
    })
}

/// Which settings files are filled. Two that a person might ask for are told apart from what is no file at all.
fn settings_files<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Vec<CardSettings> {
    const EXPECTED: &str = "a list of acl, mmsicp, mmsucp, mmsup, nasconfig, ims, xcap, mudmid";
    let refused = |word: Option<&str>| match word {
        Some("gbabp") => Some("EF(GBABP) is of one run of the authentication between card and network"),
        Some("mmsn") => {
            Some("the notifications in EF(MMSN) come from the network, one for each message that waits")
        }
        _ => None,
    };
    for entry in n.list(v, usize::MAX, EXPECTED) {
        if let Some(why) = refused(entry.peek_text()) {
            n.invalid(&entry, format!("{why}, so nobody can write it before; take it out"));
            return Vec::new();
        }
    }
    n.terms(v, EXPECTED)
}

/// A file identifier: four hexadecimal digits, and none that has a meaning of its own (ETSI TS 102 221, section 8.2).
fn fid<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<u16> {
    let text = n.text(v, 4, "four hexadecimal digits, for example \"6431\"")?;
    let digits = Some(&text).filter(|t| t.len() == 4 && t.bytes().all(|b| b.is_ascii_hexdigit()));
    let fid = digits.and_then(|t| u16::from_str_radix(t, 16).ok());
    match fid {
        Some(0x3F00 | 0x3FFF | 0x7FFF | 0xFFFF | 0x0000) => {
            n.invalid(v, "has a meaning of its own on every card; choose another identifier");
            None
        }
        Some(fid) => Some(fid),
        None => {
            n.invalid(v, "is no file identifier; expected four hexadecimal digits, for example \"6431\"");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn what_is_not_said_is_left_open() {
        let card = |text: &str| Profile::parse(&format!("name = \"x\"\nversion = 4\n{text}")).map(|p| p.card);
        assert_eq!(card(""), Ok(CardLayout::default()));
        let all = "[card]\ndirectory-fid = \"7F51\"\ndodf-fid = \"6FD0\"\ncontent-fid = \"6fd1\"\n\
                   cp-file = \"config2\"\ndodf-shape = \"opaque\"\ndouble-wrapped-oid = true\nread-access = \"pin\"\nsettings-files = [\"acl\"]\n";
        let wanted = CardLayout {
            directory_fid: Some(0x7F51),
            dodf_fid: Some(0x6FD0),
            content_fid: Some(0x6FD1),
            cp_file: Some(CardCpFile::Config2),
            entry: Some(CardEntry::Opaque),
            double_wrapped_oid: true,
            readers: Some(CardReaders::Pin),
            settings: vec![CardSettings::Acl],
            contents: UsimContents::default(),
        };
        assert_eq!(card(all), Ok(wanted));
        for bad in [
            "content-fid = \"3F00\"",
            "content-fid = \"643\"",
            "dodf-fid = \"64 3\"",
            "dodf-shape = \"external\"",
            "cp-file = \"config3\"",
            "read-access = \"adm\"",
            "fid = \"6431\"",
            "double-wrapped-oid = 1",
            "settings-files = [\"6F57\"]",
        ] {
            assert_eq!(card(&format!("[card]\n{bad}\n")).unwrap_err().len(), 1, "{bad}");
        }
    }
}
