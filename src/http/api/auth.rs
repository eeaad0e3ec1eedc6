//! Who asks, and what they may.

use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Problem;
use crate::{
    app::config::{ApiToken, Right},
    ident::TokenDigest,
};

/// The longest token that is looked at.
const LONGEST: usize = 512;

/// Who asks, when they may do that. All tokens are looked at, each in the same time, so that the time tells nothing.
///
/// # Errors
/// 401 for no token or one that is not known, 403 for one that may not.
pub(super) fn authorise<'c>(
    tokens: &'c [ApiToken],
    headers: &HeaderMap,
    needed: Right,
) -> Result<&'c ApiToken, Problem> {
    let unknown =
        |detail| Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorised", "Who are you?", detail));
    let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let shown = value.and_then(|v| {
        let (scheme, token) = v.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && token.len() <= LONGEST).then(|| token.trim())
    });
    let Some(shown) = shown else {
        return unknown(
            "no token; expected Authorization: Bearer and a token that `bootgate token new` printed",
        );
    };
    let digest = TokenDigest::of(shown);
    let mut found = None;
    for token in tokens {
        if token.digest.matches(&digest) {
            found = Some(token);
        }
    }
    match found {
        None => unknown("the token is not known; its digest stands in no [[api.token]] of the configuration"),
        Some(token) if token.may < needed => {
            let detail = "the token may read only; it needs may = \"submit\" in its [[api.token]]";
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail))
        }
        Some(token) => Ok(token),
    }
}
