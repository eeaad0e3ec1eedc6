//! An answer held against what a script expects of it (3GPP TS 51.013, B.2).
//!
//! Data longer than `[…]` pass, shorter ones do not: the annex's own example names fewer octets than its command asks for;
//! its rule was not at hand.

use std::fmt;

use serde::Serialize;

use crate::wire::{
    apdu::StatusWord,
    script::{Octets, StatusPattern},
};

/// Expected and seen, side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub seen: String,
    /// The first octet of the data that differs, counted from 1; none when the data agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub octet: Option<usize>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "      expected  {}\n      seen      {}", self.expected, self.seen)?;
        self.octet.map_or(Ok(()), |octet| write!(f, "\n      differs   at octet {octet}"))
    }
}

/// One octet that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) value: u8,
    /// The bits that are compared.
    pub(super) mask: u8,
    pub(super) secret: bool,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret {
            return f.write_str("***");
        }
        [4, 0].into_iter().try_for_each(|shift| match (self.mask >> shift) & 0xF {
            0 => f.write_str("X"),
            _ => write!(f, "{:X}", (self.value >> shift) & 0xF),
        })
    }
}

/// What is expected of an answer.
#[derive(Debug, Default)]
pub(super) struct Expectation {
    /// None: the data are not checked.
    pub(super) data: Option<Vec<Wanted>>,
    /// Empty: any will do.
    pub(super) status: Vec<StatusPattern>,
}

impl Expectation {
    /// How the answer differs; none when it is as expected.
    pub(super) fn differs(&self, data: &Octets, sw: StatusWord) -> Option<Difference> {
        let octet = self.data.as_ref().and_then(|wanted| {
            let seen = data.expose();
            (0..wanted.len()).find(|at| match (wanted.get(*at), seen.get(*at)) {
                (Some(wanted), Some(seen)) => seen & wanted.mask != wanted.value & wanted.mask,
                _ => true,
            })
        });
        let status = self.status.is_empty() || self.status.iter().any(|status| status.matches(sw));
        if octet.is_none() && status {
            return None;
        }
        // Where a secret is expected, what came instead may be nearly it.
        let mut data = data.clone();
        for (at, wanted) in self.data.iter().flatten().enumerate() {
            if wanted.secret {
                data.hide(at);
            }
        }
        let [sw1, sw2] = sw.0.to_be_bytes();
        let seen = format!("{data} ({sw1:02X} {sw2:02X})  {}", sw.meaning());
        Some(Difference {
            expected: self.to_string(),
            seen: seen.trim_start().to_owned(),
            octet: octet.map(|at| at + 1),
        })
    }

    /// The status words, as in a script.
    pub(super) fn status(&self) -> String {
        let words: Vec<_> = self.status.iter().map(ToString::to_string).collect();
        format!("({})", words.join(", "))
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        let mut hidden = false;
        for wanted in self.data.iter().flatten() {
            if !(hidden && wanted.secret) {
                write!(f, "{gap}{wanted}")?;
                gap = " ";
            }
            hidden = wanted.secret;
        }
        if self.status.is_empty() { f.write_str(gap.trim()) } else { write!(f, "{gap}{}", self.status()) }
    }
}
