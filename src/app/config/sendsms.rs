//! `[[ppg.sendsms]]`: Kannels of operators as ways to devices.

use std::collections::BTreeMap;

use super::push::{SecretPlace, client_files, place_of};
use crate::bearer::{ClientFiles, Endpoint, MOST_SEGMENTS};

/// One `[[ppg.sendsms]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kannel {
    /// What people call it; names of segments are unique under this name.
    pub name: String,
    /// Where it takes messages.
    pub endpoint: Endpoint,
    /// The user that it knows us as.
    pub user: String,
    /// That user's password.
    pub password: SecretPlace,
    /// From whom messages come; none for what it is set to.
    pub sender: Option<String>,
    /// By which of its SMSCs; none for what it is set to.
    pub smsc: Option<String>,
    /// The most short messages of one push.
    pub segment_limit: u8,
    /// Requests at the same time.
    pub window: usize,
    /// Pushes that are held at the same time.
    pub capacity: usize,
    /// Whom is trusted under https, and who we are there.
    pub tls: ClientFiles,
}

/// The keys of a `[[ppg.sendsms]]`.
pub(super) const KEYS: &[&str] = &[
    "name",
    "url",
    "user",
    "password",
    "sender",
    "smsc",
    "segment-limit",
    "window",
    "capacity",
    "tls-ca",
    "tls-certificate",
    "tls-key",
];

/// One `[[ppg.sendsms]]`.
pub(super) fn kannel(table: &BTreeMap<String, String>) -> Result<Kannel, String> {
    let text = |key: &str| table.get(key).filter(|text| !text.is_empty()).cloned();
    let name = text("name").ok_or("has no name")?;
    // It stands in the URLs of receipts.
    if name.len() > 32 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err("has a name that is not 1 to 32 letters, digits, `-` and `_`".into());
    }
    let url = text("url")
        .ok_or("has no url; expected, for example, \"http://kannel.example:13013/cgi-bin/sendsms\"")?;
    let endpoint: Endpoint = url.parse().map_err(|e| format!("has a url that is wrong: {e}"))?;
    let (Some(user), Some(password)) = (text("user"), text("password")) else {
        return Err("has no user and password; sendsms needs both".into());
    };
    let password = place_of("password", &password)?;
    let number = |key: &str, default: usize, most: usize| match text(key) {
        None => Ok(default),
        Some(number) => match number.parse() {
            Ok(n) if (1..=most).contains(&n) => Ok(n),
            _ => Err(format!("has {key} = {number:?}; expected a number from 1 to {most}")),
        },
    };
    let tls = client_files(table)?;
    if !tls.is_empty() && !endpoint.is_tls() {
        return Err("has tls-ca, tls-certificate or tls-key, and a url without https".into());
    }
    let segment_limit = number("segment-limit", usize::from(MOST_SEGMENTS), 255)?;
    Ok(Kannel {
        name,
        endpoint,
        user,
        password,
        sender: text("sender"),
        smsc: text("smsc"),
        segment_limit: u8::try_from(segment_limit).unwrap_or(MOST_SEGMENTS),
        window: number("window", 8, 256)?,
        capacity: number("capacity", 1000, 1_000_000)?,
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Kannel, String> {
        let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
        kannel(&pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_kannel_is_read_and_what_is_wrong_is_said() {
        let good = "name=op;url=http://k.example:13013/cgi-bin/sendsms;user=ota;password=env:PW";
        let kannel = read(good).unwrap();
        assert_eq!((kannel.segment_limit, kannel.window, kannel.smsc), (MOST_SEGMENTS, 8, None));
        for (more, said) in [
            (";name=a b", "letters, digits"),
            (";url=ftp://x/", "a url that is wrong"),
            (";password=Marked", "does not stand here itself"),
            (";password=", "sendsms needs both"),
            (";window=0", "from 1 to 256"),
            (";tls-ca=ca.pem", "without https"),
        ] {
            let error = read(&format!("{good}{more}")).unwrap_err();
            assert!(error.contains(said) && !error.contains("Marked"), "{error}");
        }
    }
}
