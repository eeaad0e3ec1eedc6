//! Manners in which cards in the field differ: one switch for each disagreement that the card sheet lists (section 11), and
//! for those that stand elsewhere in it. A virtual card has any of them, so that whoever talks to cards is tried on both
//! sides of each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One table for the enum, its names, and what people are told.
macro_rules! quirks {
    ($($quirk:ident, $name:literal, $place:literal, $what:literal;)*) => {
        /// A manner of a card. A card without any is one by the book.
        ///
        /// Some are in what the card holds ([`Quirk::is_content`]): they change its files once, when the card is made. Others
        /// are in how it answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub enum Quirk {
            $(#[doc = $what] $quirk,)*
        }

        impl Quirk {
            /// All of them, in the order of the card sheet.
            pub const ALL: &[Self] = &[$(Self::$quirk),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$quirk => $name,)*
                }
            }

            /// Where the card sheet speaks of it: section, and in brackets the number within section 11.
            pub fn place(self) -> &'static str {
                match self {
                    $(Self::$quirk => $place,)*
                }
            }

            /// What such a card does.
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$quirk => $what,)*
                }
            }
        }
    };
}

quirks! {
    DoubleWrappedOid, "double-wrapped-oid", "11 (1), 1.2",
        "Object identifiers in EF(DODF) stand within a second identifier.";
    OpaqueDo, "opaque-do", "11 (2) and (6), 2.3",
        "Entries in EF(DODF) are opaqueDO.";
    OtherLabelPlace, "other-label-place", "11 (3), 2.3",
        "Labels in EF(DODF) stand in the other sequence than is customary for the shape of the entry.";
    PathLengthAsInteger, "path-length-as-integer", "11 (4), 2.2",
        "The length in a path has the tag of a plain INTEGER, 02.";
    DodfInA7, "dodf-in-a7", "11 (5)",
        "EF(DODF) holds one object of tag A7 with the entries in it.";
    Fci, "fci", "11 (6), appendix B",
        "SELECT with P2=00 is answered by file control information (6F).";
    WrongFid, "wrong-fid", "11 (7)",
        "Every answer to SELECT says that the file is 6430.";
    NotFoundAsNoReference, "not-found-6a88", "11 (8), 5.5",
        "A file that is not there is 6A88.";
    NoRecordAsNoMemory, "no-record-6a84", "11 (9)",
        "A record that is not there is 6A84.";
    DeniedAs6900, "denied-6900", "11 (10)",
        "An access that is refused is 6900.";
    FourOctetHeader, "four-octet-header", "11 (11), 5.6",
        "A T=0 header of four octets is taken as one with P3=00.";
    EndOfFileLoop, "end-of-file-6c00", "11 (12), 5.6",
        "READ BINARY at the end of a file is 6C00 for ever.";
    EndOfFileWarning, "end-of-file-6282", "5.5",
        "READ BINARY past the end gives what is left, with 6282.";
    EndOfFileShort, "end-of-file-short", "5.6",
        "READ BINARY past the end gives what is left, with 9000.";
    SecurityByEnvironment, "security-by-environment", "11 (13), 5.2",
        "Security attributes name a record of EF(ARR) for each security environment.";
    CompactRules, "compact-rules", "5.2",
        "Security attributes are in compact format.";
    DodfWithoutPadding, "dodf-without-padding", "11 (14)",
        "EF(DODF) is as long as its entries.";
    DodfZeroPadding, "dodf-zero-padding", "11 (14), 2.1",
        "EF(DODF) is filled up with 00.";
    SeveralDodfs, "several-dodfs", "11 (14), 1.1",
        "EF(ODF) lists a directory of somebody else before ours.";
    BlockOf255, "block-of-255", "11 (15)",
        "READ of 256 octets (Le=00) is refused.";
    PathPastEnd, "path-past-end", "11 (16)",
        "Paths in EF(DODF) reach past the end of the file.";
    DirWithoutPath, "dir-without-path", "1.1, A.1 V3",
        "The record of EF(DIR) has no path.";
    NotInDir, "not-in-dir", "1.1",
        "EF(DIR) does not list the PKCS#15 application.";
    NoTokenInfo, "no-token-info", "1.1",
        "There is no EF(TokenInfo).";
    NoChannels, "no-channels", "4",
        "There are no logical channels.";
    NoSelectByPath, "no-select-by-path", "5.1",
        "SELECT by path is refused.";
    NeverFetched, "never-61xx", "5.6",
        "Answers come whole and are never fetched by GET RESPONSE: the card speaks T=0 and the reader fetches by itself.";
    AlwaysFetched, "always-61xx", "5.6",
        "Answers to commands with data are fetched by GET RESPONSE on T=1 too.";
    CounterNotTold, "counter-not-told", "5.3",
        "VERIFY without data is 6700: counters are not told.";
    PinOffAsConditions, "pin-off-6985", "7",
        "VERIFY of a PIN that is switched off is 6985.";
    CreateNeedsPinStatus, "create-needs-pin-status", "6",
        "CREATE FILE of a directory wants its PIN status.";
    CreateRefusesPinStatus, "create-refuses-pin-status", "6",
        "CREATE FILE of a directory refuses its PIN status.";
    CreateReplaces, "create-replaces", "6",
        "CREATE FILE of a file that is there replaces it.";
}

impl Quirk {
    /// True when it is in what the card holds and not in how it answers. A card that has no PKCS#15 application yet shows
    /// none of those that are about its files.
    pub fn is_content(self) -> bool {
        matches!(
            self,
            Self::DoubleWrappedOid
                | Self::OpaqueDo
                | Self::OtherLabelPlace
                | Self::PathLengthAsInteger
                | Self::DodfInA7
                | Self::SecurityByEnvironment
                | Self::CompactRules
                | Self::DodfWithoutPadding
                | Self::DodfZeroPadding
                | Self::SeveralDodfs
                | Self::PathPastEnd
                | Self::DirWithoutPath
                | Self::NotInDir
                | Self::NoTokenInfo
        )
    }

    /// The names with commas between them.
    pub fn names() -> String {
        Self::ALL.iter().map(|quirk| quirk.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Quirk> for String {
    fn from(quirk: Quirk) -> Self {
        quirk.name().to_owned()
    }
}

/// There is no such manner of a card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no card has the quirk `{0}`; there are: {names}", names = Quirk::names())]
pub struct QuirkError(String);

impl FromStr for Quirk {
    type Err = QuirkError;

    fn from_str(text: &str) -> Result<Self, QuirkError> {
        Self::ALL
            .iter()
            .copied()
            .find(|quirk| quirk.name() == text)
            .ok_or_else(|| QuirkError(text.to_owned()))
    }
}

impl TryFrom<String> for Quirk {
    type Error = QuirkError;

    fn try_from(text: String) -> Result<Self, QuirkError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_quirk_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
        assert_eq!(names.len(), Quirk::ALL.len());
        for quirk in Quirk::ALL {
            assert_eq!(quirk.to_string().parse(), Ok(*quirk));
            assert!(quirk.what().ends_with('.'), "{quirk}");
        }
        assert!("fcp".parse::<Quirk>().unwrap_err().to_string().contains("double-wrapped-oid"));
    }

    #[test]
    fn section_11_of_the_sheet_is_covered() {
        for number in 1..=16 {
            let sign = format!("({number})");
            assert!(Quirk::ALL.iter().any(|quirk| quirk.place().contains(&sign)), "{sign}");
        }
    }
}
