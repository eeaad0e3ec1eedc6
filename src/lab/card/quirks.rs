//! Manners in which cards in the field differ, to be tried out on whoever talks to them.

use crate::wire::apdu::StatusWord;

/// Manners of a card. The default is a card by the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// What SELECT answers.
    pub template: Template,
    /// What a READ BINARY that asks for too much is answered.
    pub end_of_file: EndOfFile,
    /// How a refused access is told: 6982, on some cards 6900.
    pub denied: StatusWord,
    /// What a VERIFY without data is answered.
    pub empty_verify: EmptyVerify,
    /// How CREATE FILE of a directory takes the PIN status template.
    pub create_df: CreateDf,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            template: Template::Fcp,
            end_of_file: EndOfFile::ExactLength,
            denied: StatusWord::SECURITY_STATUS,
            empty_verify: EmptyVerify::Counter,
            create_df: CreateDf::Any,
        }
    }
}

/// What SELECT answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// File control parameters (62) for P2=04; P2=00 is refused.
    Fcp,
    /// Also file control information (6F) for P2=00, which programs for ISO 7816-4 cards such as OpenSC ask for.
    FcpAndFci,
}

/// What a READ BINARY that asks for more than is left in the file is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOfFile {
    /// 6Cxx with the length that is left; 6B00 at the end.
    ExactLength,
    /// What is left, with 6282; 6B00 at the end.
    Warning,
    /// What is left, with 9000; 6B00 at the end.
    Short,
    /// 6Cxx with the length that is left, which is 6C00 at the end for ever (seen on a software card).
    Loop,
}

/// What a VERIFY without data is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyVerify {
    /// 63Cx, or 9000 when the key was presented already.
    Counter,
    /// 6700: the card does not tell.
    WrongLength,
}

/// How CREATE FILE of a directory takes the PIN status template (C6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateDf {
    /// With or without it.
    Any,
    /// 6A80 without it: the letter of TS 102 222.
    NeedsPinStatus,
    /// 6A80 with it (seen on a software card).
    RefusesPinStatus,
}
