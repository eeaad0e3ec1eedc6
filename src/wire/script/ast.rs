//! What a script is made of (3GPP TS 51.013, B.2, and the superset).

use crate::wire::{apdu::StatusWord, arr::KeyRef};

use super::{At, Function, Place};

/// A script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Version of the superset; none for a plain Annex B script.
    pub version: Option<u16>,
    /// Its statements, the header apart.
    pub statements: Vec<At<Statement>>,
}

impl Script {
    /// Calls `see` with every statement, those in branches too.
    pub fn each(&self, see: &mut impl FnMut(&Statement)) {
        fn list(statements: &[At<Statement>], see: &mut impl FnMut(&Statement)) {
            for At { value, .. } in statements {
                see(value);
                if let Statement::Switch(switch) = value {
                    switch.labels.iter().for_each(|label| list(&label.statements, see));
                }
            }
        }
        list(&self.statements, see);
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// An empty line.
    Blank,
    /// `REM`.
    Remark(String),
    /// `RST`.
    Reset,
    /// `OFF`.
    Off,
    /// `INI`: the octets of the terminal profile.
    Initialise(Vec<At<Expr>>),
    /// `CMD` and `APD`.
    Command(Command),
    /// `SWI`.
    Switch(Switch),
    /// `VAR`.
    Variable(VarDecl),
    /// `KEY`.
    Key(KeyDecl),
    /// `PUK`: the key that unblocks a PIN.
    Puk(KeyDecl),
    /// `EFF`.
    Effect(Effect),
    /// `VER`.
    Verify(At<KeyRef>),
    /// `CHG`, `UNB`, `ENA` and `DIS`.
    ChangeKey(KeyChange),
    /// `LET`.
    Let(At<String>, Vec<At<Expr>>),
    /// `OUT`.
    Output(String, Vec<At<Expr>>),
    /// `AST`.
    Assert(Assertion),
    /// `SAV`.
    Save(At<Expr>),
    /// `PUT`.
    Put(Put),
    /// `RES`.
    Restore(At<Expr>),
    /// A statement with a problem of its own, which parsing has told.
    Unreadable,
}

/// How a command is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// `CMD`: once, as it stands; the status word that comes is the one that is compared.
    Raw,
    /// `APD`: as a whole exchange, response data and the right Le fetched where the protocol needs that.
    Followed,
}

/// A command with what is expected of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// How it is sent.
    pub manner: Manner,
    /// Header and data.
    pub octets: Vec<At<Expr>>,
    /// `[…]`; none: the data are not checked, and for `CMD` none are expected.
    pub data: Option<Vec<At<Expected>>>,
    /// `(…)`; empty: any status word passes.
    pub status: Vec<At<StatusPattern>>,
}

impl Command {
    /// True when only status words that say no are expected.
    pub fn is_meant_to_fail(&self) -> bool {
        !self.status.is_empty() && !self.status.iter().any(|status| status.value.may_be_good())
    }
}

/// One piece of expected data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// An octet, and which of its bits are compared: `XX` is 00, a nibble `X` clears its four.
    Octet {
        /// The octet; bits that are not compared are 0.
        value: u8,
        /// The bits that are compared.
        mask: u8,
    },
    /// Octets that a variable or function gives.
    Value(Expr),
}

/// A status word, and which of its bits are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusPattern {
    /// The status word; bits that are not compared are 0.
    pub value: u16,
    /// The bits that are compared.
    pub mask: u16,
}

impl StatusPattern {
    /// True when the status word fits.
    pub fn matches(self, sw: StatusWord) -> bool {
        sw.0 & self.mask == self.value
    }

    /// True when a status word fits that a card answers with when it has done what was asked: 90, 91, 92, 9F, 61, 62 and 63.
    pub fn may_be_good(self) -> bool {
        [0x90, 0x91, 0x92, 0x9F, 0x61, 0x62, 0x63]
            .into_iter()
            .any(|sw1: u8| (0..=0xFF).any(|sw2: u8| self.matches(StatusWord(u16::from_be_bytes([sw1, sw2])))))
    }

    /// True when every status word that fits `other` fits this one.
    pub fn covers(self, other: Self) -> bool {
        self.mask & other.mask == self.mask && other.value & self.mask == self.value
    }

    /// True when some status word fits both.
    pub fn meets(self, other: Self) -> bool {
        let both = self.mask & other.mask;
        self.value & both == other.value & both
    }
}

/// A branch by the status word of the command before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The lists, in order; the first whose label fits is run, and none when none fits.
    pub labels: Vec<Label>,
    /// Where `ESW` stands.
    pub end: At<()>,
}

/// One list of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The status words.
    pub status: At<Vec<StatusPattern>>,
    /// What is run.
    pub statements: Vec<At<Statement>>,
}

/// What kind of value a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `hex`: octets.
    Octets,
    /// `digits`: decimal digits.
    Digits,
    /// `text`: octets, written as ASCII.
    Text,
    /// `path`: a file.
    Path,
}

impl Type {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Octets => "hex",
            Self::Digits => "digits",
            Self::Text => "text",
            Self::Path => "path",
        }
    }
}

/// A declared variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VarDecl {
    /// Its name.
    pub name: At<String>,
    /// Its type.
    pub kind: Type,
    /// Whether its value never prints.
    pub secret: bool,
    /// The value that it has when none is given.
    pub default: Option<At<String>>,
}

/// A declared key: needed to do what the script does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDecl {
    /// Which key of the card.
    pub reference: At<KeyRef>,
    /// The secret that holds it.
    pub name: At<String>,
}

/// What is done with a key besides presenting it. Its value, and a new one, are secrets that stand elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// `CHG 01 ${NEW}`: CHANGE PIN.
    Change(At<KeyRef>, At<String>),
    /// `UNB 01 ${NEW}`: UNBLOCK PIN, by the PUK of that PIN.
    Unblock(At<KeyRef>, At<String>),
    /// `ENA 01`: ENABLE PIN.
    Enable(At<KeyRef>),
    /// `DIS 01`: DISABLE PIN.
    Disable(At<KeyRef>),
}

impl KeyChange {
    /// As it is written.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Change(..) => "CHG",
            Self::Unblock(..) => "UNB",
            Self::Enable(_) => "ENA",
            Self::Disable(_) => "DIS",
        }
    }

    /// The command that it becomes.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Change(..) => "CHANGE PIN",
            Self::Unblock(..) => "UNBLOCK PIN",
            Self::Enable(_) => "ENABLE PIN",
            Self::Disable(_) => "DISABLE PIN",
        }
    }

    /// The key that is changed.
    pub fn key(&self) -> &At<KeyRef> {
        match self {
            Self::Change(key, _) | Self::Unblock(key, _) | Self::Enable(key) | Self::Disable(key) => key,
        }
    }

    /// The variable that holds the new value; none where it keeps its own.
    pub fn new_value(&self) -> Option<&At<String>> {
        match self {
            Self::Change(_, new) | Self::Unblock(_, new) => Some(new),
            Self::Enable(_) | Self::Disable(_) => None,
        }
    }
}

/// What a script does to files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// Content is read.
    Reads,
    /// Content is changed, or a file is activated.
    Updates,
    /// Files are made.
    Creates,
    /// Files are deleted or switched off.
    Destroys,
    /// Keys get another value, or are switched on or off. No file is named, but which keys.
    Keys,
}

impl EffectKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Reads, Self::Updates, Self::Creates, Self::Destroys, Self::Keys];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Updates => "updates",
            Self::Creates => "creates",
            Self::Destroys => "destroys",
            Self::Keys => "keys",
        }
    }
}

/// A declared effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What is done.
    pub kind: EffectKind,
    /// To which files; none for [`EffectKind::Keys`].
    pub files: Vec<At<Expr>>,
    /// To which keys; none for the others.
    pub keys: Vec<At<KeyRef>>,
    /// The keys that must have been presented before.
    pub by: Vec<At<KeyRef>>,
    /// Whether it is known that the card does not show what it did: the script is well without that.
    pub unread: bool,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`.
    Equal,
    /// `!=`.
    Different,
    /// `^=`: the left one begins with the right one.
    BeginsWith,
}

impl Comparison {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Different => "!=",
            Self::BeginsWith => "^=",
        }
    }
}

/// `AST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// What is looked at.
    pub left: Vec<At<Expr>>,
    /// How.
    pub comparison: Comparison,
    /// What it is held against.
    pub right: Vec<At<Expr>>,
}

/// `PUT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The file.
    pub file: At<Expr>,
    /// The record, counted from 1: a number, or a variable that is one; none for a transparent file.
    pub record: Option<At<Expr>>,
    /// Its content.
    pub content: Vec<At<Expr>>,
}

/// Something that has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// Octets, as hexadecimal digits.
    Octets(Vec<u8>),
    /// Decimal digits, inside functions that take them.
    Digits(String),
    /// ASCII in quotes.
    Text(String),
    /// A file.
    Path(Place),
    /// `${NAME}`.
    Variable(String),
    /// A function.
    Call(Function, Vec<Argument>),
}

/// What a function is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Octets, digits or a file.
    Value(Vec<At<Expr>>),
    /// A decimal number.
    Number(u16),
    /// One octet, as two hexadecimal digits.
    Octet(u8),
    /// A tag of one or two octets.
    Tag(u16),
}
