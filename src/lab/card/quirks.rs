//! Manners in which cards in the field differ, as the card program goes by them.

use std::collections::BTreeSet;

use crate::{
    lab::image::Quirk,
    wire::{Fid, apdu::StatusWord},
};

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
    /// What CREATE FILE makes of a file that is there.
    pub create_again: CreateAgain,
    /// The identifier that every answer to SELECT names; none: the file's own.
    pub fid: Option<Fid>,
    /// How a file that is not there is told: 6A82, on some cards 6A88.
    pub not_found: StatusWord,
    /// How a record that is not there is told: 6A83, on some cards 6A84.
    pub no_record: StatusWord,
    /// How VERIFY of a PIN that is switched off is told: 6984, on some cards 6985.
    pub pin_off: StatusWord,
    /// What a T=0 header without P3 is.
    pub header: Header,
    /// The most octets of an answer.
    pub block: Block,
    /// How many logical channels there are.
    pub channels: Channels,
    /// Whether SELECT knows paths.
    pub paths: Paths,
    /// Which answers wait for GET RESPONSE.
    pub fetched: Fetched,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            template: Template::Fcp,
            end_of_file: EndOfFile::ExactLength,
            denied: StatusWord::SECURITY_STATUS,
            empty_verify: EmptyVerify::Counter,
            create_df: CreateDf::Any,
            create_again: CreateAgain::Refused,
            fid: None,
            not_found: StatusWord::NOT_FOUND,
            no_record: StatusWord::NO_RECORD,
            pin_off: StatusWord::NOT_USABLE,
            header: Header::FiveOctets,
            block: Block::UpTo256,
            channels: Channels::Four,
            paths: Paths::Known,
            fetched: Fetched::ByProtocol,
        }
    }
}

impl Quirks {
    /// What quirks of a card mean for its answers.
    pub fn of(quirks: &BTreeSet<Quirk>) -> Self {
        let mut manners = Self::default();
        for quirk in quirks {
            match quirk {
                Quirk::Fci => manners.template = Template::FcpAndFci,
                Quirk::WrongFid => manners.fid = Some(Fid::DODF),
                Quirk::NotFoundAsNoReference => manners.not_found = StatusWord::NO_REFERENCE,
                Quirk::NoRecordAsNoMemory => manners.no_record = StatusWord::NO_MEMORY,
                Quirk::DeniedAs6900 => manners.denied = StatusWord(0x6900),
                Quirk::FourOctetHeader => manners.header = Header::FourOctets,
                Quirk::EndOfFileLoop => manners.end_of_file = EndOfFile::Loop,
                Quirk::EndOfFileWarning => manners.end_of_file = EndOfFile::Warning,
                Quirk::EndOfFileShort => manners.end_of_file = EndOfFile::Short,
                Quirk::BlockOf255 => manners.block = Block::UpTo255,
                Quirk::NoChannels => manners.channels = Channels::BasicOnly,
                Quirk::NoSelectByPath => manners.paths = Paths::Unknown,
                Quirk::NeverFetched => manners.fetched = Fetched::Never,
                Quirk::AlwaysFetched => manners.fetched = Fetched::Always,
                Quirk::CounterNotTold => manners.empty_verify = EmptyVerify::WrongLength,
                Quirk::PinOffAsConditions => manners.pin_off = StatusWord::CONDITIONS,
                Quirk::CreateNeedsPinStatus => manners.create_df = CreateDf::NeedsPinStatus,
                Quirk::CreateRefusesPinStatus => manners.create_df = CreateDf::RefusesPinStatus,
                Quirk::CreateReplaces => manners.create_again = CreateAgain::Replaces,
                // These are in the files.
                Quirk::DoubleWrappedOid
                | Quirk::OpaqueDo
                | Quirk::OtherLabelPlace
                | Quirk::PathLengthAsInteger
                | Quirk::DodfInA7
                | Quirk::SecurityByEnvironment
                | Quirk::CompactRules
                | Quirk::DodfWithoutPadding
                | Quirk::DodfZeroPadding
                | Quirk::SeveralDodfs
                | Quirk::PathPastEnd
                | Quirk::DirWithoutPath
                | Quirk::NotInDir
                | Quirk::NoTokenInfo => {}
            }
        }
        manners
    }
}

/// What a T=0 header of four octets is (ISO/IEC 7816-3, section 10.3.2: it has five).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// 6700.
    FiveOctets,
    /// A command with P3=00, as some readers make of it.
    FourOctets,
}

/// The most octets of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// All that Le can say.
    UpTo256,
    /// Le=00 is 6700: seen with readers that count octets in an octet.
    UpTo255,
}

/// How many logical channels there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// The basic one and three more.
    Four,
    /// MANAGE CHANNEL is 6881 (seen on a software card).
    BasicOnly,
}

/// Whether SELECT knows paths (P1 = 08 and 09).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    /// Yes.
    Known,
    /// No: 6A86.
    Unknown,
}

/// Which answers wait for GET RESPONSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// Those of commands with data, on T=0.
    ByProtocol,
    /// None: the reader fetches by itself.
    Never,
    /// Those of commands with data, whatever the protocol.
    Always,
}

/// What CREATE FILE makes of a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateAgain {
    /// 6A89 (remembered only).
    Refused,
    /// A new one in its place (seen on a software card).
    Replaces,
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
