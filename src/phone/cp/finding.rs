//! What the phone found wrong in a provisioning document, and what it did about it.

use std::fmt;

/// One finding. It names places, parameters and references, never other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as types and numbers: `APPLICATION 1 / APPAUTH 2`.
    pub place: String,
    /// What.
    pub rule: Rule,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

impl serde::Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A rule that a part of a document breaks (the sheet, sections 2.1 and 2.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// The type is not known there.
    #[error("a characteristic of this type is not known here; skipped with all in it")]
    UnknownCharacteristic,
    /// The name is not known there.
    #[error("parameter {name} is not known here; skipped")]
    UnknownParm {
        /// The parameter.
        name: String,
    },
    /// A parameter that must be there is not.
    #[error("lacks {name}; dropped")]
    MissingParm {
        /// The parameter.
        name: &'static str,
    },
    /// A characteristic that must be there is not, or was dropped.
    #[error("holds no valid {kind}; dropped")]
    MissingCharacteristic {
        /// The type.
        kind: &'static str,
    },
    /// A parameter stands there more than once.
    #[error("{name} may stand here once; the first counts")]
    Repeated {
        /// The parameter.
        name: String,
    },
    /// A value is too long.
    #[error("{name} may have {limit} characters; taken as missing")]
    TooLong {
        /// The parameter.
        name: String,
        /// The most characters.
        limit: usize,
    },
    /// More values than may be.
    #[error("at most {limit} {name}; the rest is dropped")]
    TooMany {
        /// The parameter.
        name: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// Two characteristics with the same identifier became one.
    #[error("has the {name} of one before it; merged with that")]
    Merged {
        /// The identifier's parameter.
        name: &'static str,
    },
    /// A characteristic has the identifier of one before it.
    #[error("has the {name} of one before it; dropped, the first counts")]
    Doubled {
        /// The identifier's parameter.
        name: &'static str,
    },
    /// A reference leads nowhere.
    #[error("{name} {to:?} names nothing in this document; the reference is dropped")]
    Unresolved {
        /// The parameter.
        name: &'static str,
        /// What it names.
        to: String,
    },
    /// No reference is left where one must be.
    #[error("no TO-NAPID that leads anywhere is left; dropped")]
    Unreachable,
    /// A parameter means nothing without another.
    #[error("{name} means nothing without {other}; {name} is dropped")]
    Needs {
        /// The parameter.
        name: &'static str,
        /// The other one.
        other: &'static str,
    },
    /// A parameter means nothing beside another.
    #[error("{name} means nothing beside {other}; {name} is dropped")]
    NotBeside {
        /// The parameter.
        name: &'static str,
        /// The other one.
        other: &'static str,
    },
    /// A value is outside its range or set.
    #[error("{name} is not {expected}; dropped")]
    BadValue {
        /// The parameter.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The parameters of an ACCESS stand in the wrong order.
    #[error("the order must be RULE, then APPID, PORTNBR and DOMAIN, then TO-NAPID and TO-PROXY; dropped")]
    AccessOrder,
    /// An application lacks what its APPID needs.
    #[error("an application {appid:?} needs {needs}; dropped")]
    ApplicationNeeds {
        /// APPID.
        appid: String,
        /// What it needs.
        needs: &'static str,
    },
    /// A second application of the same kind and identity.
    #[error("an application with this APPID and identity stands before it; dropped")]
    DoubledApplication,
    /// The phone has an account of that server already.
    #[error("the phone has an account of server {server_id:?} already; dropped, the first counts")]
    ServerKnown {
        /// PROVIDER-ID.
        server_id: String,
    },
    /// The server's identifier cannot stand in an access control list.
    #[error("PROVIDER-ID cannot be a ServerID; it may not hold white space or = & * + /; dropped")]
    BadServerId,
    /// A nonce is not base64.
    #[error("AAUTHDATA is not base64; its characters are taken as the nonce")]
    RawNonce,
    /// The tree did not take it.
    #[error("the management tree did not take it: {0}; dropped")]
    Tree(#[from] crate::phone::tree::TreeError),
}

/// Why a whole provisioning document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CpRefusal {
    /// The document's version is not 1.x.
    #[error("the document's version is not 1.x")]
    Version,
    /// Nothing valid is left.
    #[error("nothing valid is left of the document")]
    NothingValid,
    /// A second bootstrap of the same trusted provisioning server.
    #[error("the phone was bootstrapped for the provisioning server {host:?} already; the first counts")]
    ContextKnown {
        /// The host part of PROVURL.
        host: String,
    },
}
