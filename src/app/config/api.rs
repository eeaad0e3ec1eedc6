//! `[api]` and `[job]`: who may ask for jobs, and what holds for all of them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{layer::Layers, value};
use crate::{bearer::Endpoint, ident::TokenDigest};

/// `[api]`: programs that ask for jobs over HTTP.
#[derive(Debug, Clone)]
pub struct Api {
    /// Who may.
    pub tokens: Vec<ApiToken>,
    /// Where profiles are found by name; none for none.
    pub profiles: Option<PathBuf>,
}

/// A program that may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What people call it.
    pub name: String,
    /// The digest of its token.
    pub digest: TokenDigest,
    /// What it may do.
    pub may: Right,
}

/// What a program may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Look at jobs.
    Read,
    /// Ask for jobs, and look at them.
    Submit,
}

/// `[job]`: what holds for all jobs.
#[derive(Debug, Clone)]
pub struct Job {
    /// How long the network may try to deliver a push, when the request does not say.
    pub push_validity: Duration,
    /// Where PINs are told; none for nowhere.
    pub pin_webhook: Option<Endpoint>,
    /// The file with the bearer token that is shown there.
    pub pin_webhook_token: Option<PathBuf>,
}

impl Api {
    pub(super) fn read(layers: &mut Layers, home: Option<&Path>) -> Option<Self> {
        let tokens = layers.tables("api.token", &["name", "digest", "may"], token);
        if let Some(tokens) = &tokens {
            let twice = |(at, token): (usize, &ApiToken)| {
                tokens.iter().take(at).any(|t| t.name == token.name || t.digest == token.digest)
            };
            if tokens.iter().enumerate().any(twice) {
                layers.wrong_value("api.token", "has one name or one digest twice".into());
            }
        }
        let profiles = file(layers, "api.profiles", home);
        Some(Self { tokens: tokens?, profiles: profiles? })
    }
}

impl Job {
    pub(super) fn read(layers: &mut Layers, home: Option<&Path>) -> Option<Self> {
        let push_validity = layers.text("job.push-validity", value::time);
        let pin_webhook = layers.text("job.pin-webhook", webhook);
        let pin_webhook_token = file(layers, "job.pin-webhook-token", home);
        Some(Self {
            push_validity: push_validity?,
            pin_webhook: pin_webhook?,
            pin_webhook_token: pin_webhook_token?,
        })
    }
}

/// A path, or the empty text for none.
fn file(layers: &mut Layers, key: &str, home: Option<&Path>) -> Option<Option<PathBuf>> {
    match layers.text(key, |text| Ok(text.is_empty()))? {
        true => Some(None),
        false => layers.path(key, home).map(Some),
    }
}

/// One `[[api.token]]`.
fn token(table: &BTreeMap<String, String>) -> Result<ApiToken, String> {
    let name = table.get("name").ok_or("has no name; expected what people call the program")?;
    if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err("has a name that is not 1 to 64 printable characters".into());
    }
    let digest =
        table.get("digest").ok_or("has no digest; `bootgate token new` prints one with its token")?;
    // Not repeated: somebody may have put the token itself there.
    let digest = digest.parse().map_err(
        |_| "has a digest that is not sha256: and 64 hexadecimal digits; `bootgate token new` prints one",
    )?;
    let may = match table.get("may").map(String::as_str) {
        None | Some("submit") => Right::Submit,
        Some("read") => Right::Read,
        Some(_) => return Err("says another thing that it may; expected submit or read".into()),
    };
    Ok(ApiToken { name: name.clone(), digest, may })
}

/// An address that PINs may be sent to: not in the clear but to this machine.
fn webhook(text: &str) -> Result<Option<Endpoint>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    const EXPECTED: &str = "expected, for example, \"https://letters.example/pins\"";
    let url = reqwest::Url::parse(text).map_err(|e| format!("is not an address ({e}); {EXPECTED}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "holds credentials, which would stand in logs; use pin-webhook-token, {EXPECTED}"
        ));
    }
    let here = url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    match url.scheme() {
        "http" if !here => Err(format!("would send PINs in the clear; {EXPECTED}")),
        _ => match text.parse() {
            Ok(endpoint) => Ok(Some(endpoint)),
            Err(_) => Err(format!("is not the address of a web server; {EXPECTED}")),
        },
    }
}
