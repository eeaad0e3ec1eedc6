//! What a rule may ask of a payload: a closed set of kinds, whose parameters stand in `config/quirks.toml`.
//!
//! `within` names characteristics of a client provisioning document by their types, outermost first:
//! `APPLICATION=w7/APPAUTH`. Behind `=` stands what the APPID, AAUTHLEVEL or NAME of that characteristic must be. The empty
//! text is the document itself. `names` are parameters, or characteristics, directly in it.

/// One kind of check with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Check {
    /// A value has at most `max` characters.
    MaxLength {
        /// Where.
        within: Vec<String>,
        /// Which parameters.
        names: Vec<String>,
        /// How many characters.
        max: usize,
    },
    /// Parameters of these names stand at most `max` times, all taken together.
    MaxCount {
        /// Where.
        within: Vec<String>,
        /// Which parameters.
        names: Vec<String>,
        /// How many times.
        max: usize,
    },
    /// The first thing in the characteristic is that parameter.
    First {
        /// Where.
        within: Vec<String>,
        /// Which parameter.
        name: String,
    },
    /// A parameter stands before others.
    Before {
        /// Where.
        within: Vec<String>,
        /// Which parameter comes first.
        name: String,
        /// Which come behind it.
        others: Vec<String>,
    },
    /// None of these stands there.
    Absent {
        /// Where.
        within: Vec<String>,
        /// Which.
        names: Vec<String>,
    },
    /// One of these stands there, and is not empty.
    Present {
        /// Where.
        within: Vec<String>,
        /// Which.
        names: Vec<String>,
    },
    /// At most one of these stands there.
    NotBoth {
        /// Where.
        within: Vec<String>,
        /// Which.
        names: Vec<String>,
    },
    /// Where one of these stands, another does too.
    Needs {
        /// Where.
        within: Vec<String>,
        /// What needs.
        name: String,
        /// What it needs.
        other: String,
    },
    /// A value is one of a list.
    OneOf {
        /// Where.
        within: Vec<String>,
        /// Which parameter.
        name: String,
        /// The list.
        values: Vec<String>,
    },
    /// A value is none of a list.
    NoneOf {
        /// Where.
        within: Vec<String>,
        /// Which parameter.
        name: String,
        /// The list.
        values: Vec<String>,
    },
    /// A value begins with one of a list.
    StartsWith {
        /// Where.
        within: Vec<String>,
        /// Which parameter.
        name: String,
        /// The list.
        values: Vec<String>,
    },
    /// A URL names its port.
    PortInUrl {
        /// Where.
        within: Vec<String>,
        /// Which parameter.
        name: String,
    },
    /// A value stands nowhere else, in this document or in another of the same run.
    Unique {
        /// Where.
        within: Vec<String>,
        /// Which parameter.
        name: String,
        /// How much of the value counts.
        part: Part,
    },
    /// At least one of the references leads to something in the document.
    Resolves {
        /// Where.
        within: Vec<String>,
        /// Which parameter refers.
        name: String,
        /// Which characteristics it refers to.
        to: String,
        /// Which of their parameters it repeats.
        key: String,
    },
    /// No value holds a control character.
    NoControlCharacters {},
    /// The version of the document is one of a list; absent is `1.0`.
    DocumentVersion {
        /// The list.
        values: Vec<String>,
    },
    /// The payload has at most `max` octets.
    MaxOctets {
        /// How many.
        max: usize,
    },
    /// A push is not authenticated in one of these ways; `none` is no SEC at all.
    SecNot {
        /// The methods, as a profile names them.
        methods: Vec<String>,
    },
    /// The MAC of a push has no lower-case letter.
    MacUpperCase {},
    /// The WBXML has no string table.
    NoStringTable {},
    /// The first Add of a DM bootstrap has that CmdID.
    FirstAdd {
        /// The CmdID.
        cmd_id: String,
    },
    /// Leaves of a DM bootstrap of that name have that format.
    LeafFormat {
        /// The last part of their path.
        leaf: String,
        /// The format.
        format: String,
    },
}

/// How much of a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All of it.
    Whole,
    /// The host of a URL.
    Host,
}
