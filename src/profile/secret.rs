//! Secrets in a profile. None stands there in clear without a mark: `secret = "generate"` draws one for each device,
//! `secret = { plain = "…" }` says that the author knows that it can be read by whoever reads the file.

use crate::ident::{SharedSecret, nearest};

use super::{
    problem::ProblemKind,
    walk::{Notes, Value},
};

/// Where the secret of a DM account comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRule {
    /// 128 random bits, drawn for each device.
    Generate,
    /// This one, the same for each device.
    Plain(SharedSecret),
}

/// The longest secret that a device is known to keep in a general field.
const MAX: usize = 255;

/// Reads a secret that may be drawn.
pub(super) fn rule<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<SecretRule> {
    const EXPECTED: &str = "\"generate\", or { plain = \"…\" } for a secret that stands in the file";
    match v.peek_text() {
        Some("generate") => Some(SecretRule::Generate),
        Some(text) => {
            let suggestion = nearest(text, std::iter::once("generate"));
            n.at(v, ProblemKind::UnmarkedSecret { key: v.key.clone(), expected: EXPECTED, suggestion });
            None
        }
        None => marked(n, v).map(SecretRule::Plain),
    }
}

/// Reads a secret that the other side knows already, so that none can be drawn.
pub(super) fn plain<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<SharedSecret> {
    const EXPECTED: &str = "{ plain = \"…\" } (the network knows this secret already, so it cannot be drawn)";
    if v.peek_text().is_some() {
        let (key, suggestion) = (v.key.clone(), None);
        n.at(v, ProblemKind::UnmarkedSecret { key, expected: EXPECTED, suggestion });
        return None;
    }
    marked(n, v)
}

/// Reads `{ plain = "…" }`.
fn marked<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<SharedSecret> {
    let table = n.section(v, "a secret", &["plain"])?;
    let text = table.require(n, "plain", "the secret itself")?;
    let secret = n.secret_text(&text, MAX)?.parse();
    secret.map_err(|e: crate::ident::IdentError| n.invalid(&text, e.to_string())).ok()
}
