//! What is wrong with a script, and where. Every problem is told at once; none repeats a secret.

use std::fmt;

use crate::wire::arr::KeyRef;

use super::{MAX_DEPTH, MAX_STATUS_WORDS, Place, Position};

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Position,
    /// What.
    pub kind: ProblemKind,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The script is not run.
    Error,
    /// Somebody should look at it.
    Warning,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: Position, kind: ProblemKind) -> Self {
        Self { at, kind }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        use ProblemKind::{ContinuedRemark, EarlyKeyChange, KeyInClear, Unused};
        match self.kind {
            ContinuedRemark | EarlyKeyChange { .. } | KeyInClear | Unused { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Problem {
    /// `line:column: error: what`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: {}", self.at, self.kind)
    }
}

/// The kinds of problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what its kind is")]
pub enum ProblemKind {
    // ── The text ──────────────────────────────────────────────────────────────────────────────
    #[error("the script has more than {limit} {what}")]
    TooLarge { what: &'static str, limit: usize },
    #[error("nothing in the script does anything: it has no statement but remarks and declarations")]
    Empty,
    #[error("the last line ends in \\ and nothing follows")]
    Unfinished,
    #[error("this character is not allowed; outside REM a script is ASCII")]
    Character,
    #[error("a quote is opened and not closed in the statement")]
    OpenQuote,
    #[error("a variable is written ${{NAME}}: a letter, then letters, digits and _")]
    VariableForm,
    #[error(
        "the comment ends in \\ and goes on in the next line; other tools may read that line as a statement"
    )]
    ContinuedRemark,
    #[error("unknown statement `{word}`; expected RST, INI, CMD, REM, OFF or SWI{}", if *.extended { ", VAR, KEY, EFF, VER, APD, LET, OUT, AST, SAV, PUT or RES" } else { "" })]
    UnknownStatement { word: String, extended: bool },
    #[error("{what} is no Annex B; to use it, let the script begin with the line `REM bootgate 1`")]
    NeedsHeader { what: String },
    #[error("the script is in version {version} of the superset; this program reads version 1")]
    Version { version: u16 },
    #[error("expected {expected}, found {found}")]
    Expected { expected: &'static str, found: String },
    #[error("{digits} hexadecimal digits are no whole octets; write two for each, as 0{last}")]
    OddDigits { digits: usize, last: char },
    #[error(
        "X stands for digits that are not compared, in [...] and (...); here the digits themselves are needed"
    )]
    Wildcard,
    #[error("`{open}` is not closed in the statement")]
    NotClosed { open: char },
    #[error("a status word has four digits, 0 to F or X, as 90 00 or 61 XX; found `{found}`")]
    StatusWord { found: String },
    #[error("more than {MAX_STATUS_WORDS} status words")]
    ManyStatusWords,
    #[error("the status words stand before the data; the order is: command, [data], (status)")]
    Order,
    #[error("functions or branches are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("unknown function `{name}`; expected one of {expected}")]
    UnknownFunction { name: String, expected: String },
    #[error("{function}() takes {takes}")]
    Arguments { function: &'static str, takes: &'static str },
    #[error("a key is named by two hexadecimal digits, as 0A for ADM1; found `{found}`")]
    KeyReference { found: String },
    #[error("a secret has no value in a script; it is given when the script is run, by @FILE, env:NAME or -")]
    SecretInClear,

    // ── SWI ───────────────────────────────────────────────────────────────────────────────────
    #[error(
        "SWI syntax not understood: expected a label such as `(91 XX) :`, or ESW at the end, found `{found}`"
    )]
    SwitchSyntax { found: String },
    #[error("this SWI has no end; close it with ESW")]
    SwitchNotClosed,
    #[error("`{word}` closes no SWI")]
    StrayEnd { word: String },
    #[error("no command goes before this SWI, so there is no status word to branch by")]
    SwitchWithoutCommand,
    #[error("this SWI has no label, so it does nothing")]
    SwitchEmpty,
    #[error("this label is never reached: {why}")]
    Unreachable { why: &'static str },

    // ── Commands ──────────────────────────────────────────────────────────────────────────────
    #[error(
        "a command has a header of 5 octets, CLA INS P1 P2 P3 (4 when it has neither data nor answer); found {got}"
    )]
    ShortHeader { got: usize },
    #[error("P3 says {lc} octets of data, {got} follow{}", if *.got == 0 { "; if it is the length of the answer, write [] behind the command" } else { "" })]
    Length { lc: usize, got: usize },
    #[error("data of {got} octets do not fit a command; 255 do")]
    LongData { got: usize },
    #[error("the answer has {le} octets at most, and {got} are expected in [...]")]
    LongAnswer { le: usize, got: usize },
    #[error("the profile in INI has {got} octets; 1 to 255 fit")]
    ProfileLength { got: usize },
    #[error("nothing reaches a card that was switched off; reset it with RST first")]
    NoPower,
    #[error("{what} cannot be undone by anybody; it is never sent")]
    Terminal { what: &'static str },

    // ── Variables ─────────────────────────────────────────────────────────────────────────────
    #[error("unknown variable `{name}`{}", hint(.suggestion))]
    UnknownVariable { name: String, suggestion: Option<String> },
    #[error("variable `{name}` is declared twice, or its name is one that the answer has (R, SW)")]
    Redeclared { name: String },
    #[error("variable `{name}` has no value; give it with --set {name}=…")]
    NoValue { name: String },
    #[error("the value of `{name}` is not {expected}")]
    BadValue { name: String, expected: &'static str },
    #[error("{got} where {expected} is needed{}", if *.got == "digits" { "; bcd-swap() or ascii() makes octets of digits" } else { "" })]
    TypeMismatch { expected: &'static str, got: &'static str },
    #[error("{function}(): {why}")]
    Function { function: &'static str, why: String },
    #[error("{what} `{name}` is declared and not used")]
    Unused { what: &'static str, name: String },
    #[error("the number of a record is 1 to 254, as digits or as one octet, and no secret")]
    RecordNumber,
    #[error("no command goes before this, so there is no answer")]
    NoAnswer,

    // ── Effects and rights ────────────────────────────────────────────────────────────────────
    #[error("{what} changes {file}, which no EFF {effect} declares")]
    Undeclared { what: &'static str, file: String, effect: &'static str },
    #[error("{what} reads {file}, which no EFF reads declares")]
    UndeclaredRead { what: &'static str, file: String },
    #[error(
        "which file {what} is about cannot be told here; select it from the MF or by AID first, and not by SFI"
    )]
    UnknownFile { what: &'static str },
    #[error(
        "{what} destroys, and is not declared; begin the script with REM bootgate 1 and declare it with EFF destroys PATH"
    )]
    UndeclaredDestruction { what: &'static str },
    #[error(
        "{what} may change the card, and nothing is declared; say with EFF updates PATH or EFF destroys PATH what it changes"
    )]
    UndeclaredUnknown { what: &'static str },
    #[error("{what} on {file} comes before VER {key}, which EFF says it takes")]
    NotVerified { what: &'static str, file: Place, key: KeyRef },
    #[error("key {key} is not declared; say KEY {:02X} NAME", .key.0)]
    UndeclaredKey { key: KeyRef },
    #[error(
        "{what} presents a key; in a script that is done by VER with a declared KEY, so that the counter is looked at first"
    )]
    RawKey { what: &'static str },
    #[error("{what} presents a key and cannot be guarded; it is not sent{}", instead(.what))]
    UnguardedKey { what: &'static str },
    #[error("the PUK of {key} is not declared; say PUK {:02X} NAME", .key.0)]
    UndeclaredPuk { key: KeyRef },
    #[error("{what} changes key {key}, which no EFF keys declares")]
    UndeclaredKeyChange { what: &'static str, key: KeyRef },
    #[error(
        "{what} gives key {key} another value before the last change of a file, and EFF says that files take this key: when the \
         card is pulled between the two, the key that is kept for it does not take the changes back; move {what} behind them"
    )]
    EarlyKeyChange { what: &'static str, key: KeyRef },
    #[error("the new value of a key stands in no script; say ${{NAME}}, and VAR NAME secret digits (or hex)")]
    NewKeyInClear,
    #[error(
        "the new value of key {key} is 4 to 8 digits (VAR NAME secret digits) or 8 octets (VAR NAME secret hex)"
    )]
    NewKey { key: KeyRef },
    #[error("a key stands in clear in this script; it is presented under the key rule, and does not print")]
    KeyInClear,
    #[error("{0} stands for many files; here one is needed")]
    Pattern(Place),
    #[error("a file is created with an identifier that its data do not name (tag 83 in template 62)")]
    CreateTemplate,
}

/// What is written instead of a command as octets.
fn instead(what: &str) -> &'static str {
    match what {
        "CHANGE PIN" => ": say CHG 01 ${NEW}, with a declared KEY and EFF keys",
        "UNBLOCK PIN" => ": say UNB 01 ${NEW}, with a declared PUK and EFF keys",
        "ENABLE PIN" => ": say ENA 01, with a declared KEY and EFF keys",
        "DISABLE PIN" => ": say DIS 01, with a declared KEY and EFF keys",
        _ => "",
    }
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map_or_else(|| "; declare it with VAR".into(), |nearest| format!("; did you mean `{nearest}`?"))
}
