//! The kinds of value that the configuration knows, from their text.

use std::{collections::BTreeMap, fmt, net::SocketAddr, str::FromStr, time::Duration};

use crate::{
    app::KeyRingName,
    card::{Label, Mark},
};

/// A path of an HTTP request: begins with `/`, unreserved characters and `/` only (RFC 3986, section 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmPath(String);

/// The address that devices know the DM server by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DmUri {
    /// The address that it listens on, and the path.
    Auto,
    /// This one.
    Given(String),
}

/// Cards whose keys have no counter that could be read, and that may be tried once all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRule {
    /// Cards whose ICCID begins so.
    Iccid(IccidPrefix),
    /// Cards whose ICCID begins with digits from the first to the second of these, which have the same length.
    Iccids(IccidPrefix, IccidPrefix),
    /// Cards that answer to reset so.
    Atr(Atr),
}

impl KeyRule {
    /// Allows one presentation to one card: for virtual cards, whose keys are known.
    pub fn for_card(card: &crate::ident::Iccid) -> Self {
        Self::Iccid(IccidPrefix(card.digits().to_owned()))
    }
}

/// The first digits of an ICCID: 5 (industry, country and a digit of the issuer; ITU-T E.118) to 20.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IccidPrefix(String);

/// An answer to reset: 2 to 33 octets (ISO/IEC 7816-3, section 8.2), each with the bits of it that count. The first two, which say how
/// the rest is built, count as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atr(Vec<(u8, u8)>);

impl DmPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DmPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !text.starts_with('/') || text.len() > 256 || !text.chars().all(allowed) || text.contains("//") {
            return Err(
                "is not a path; expected `/` and then letters, digits, `-`, `.`, `_`, `~` and `/`".into()
            );
        }
        if text == "/healthz" || text == "/" || text.ends_with('/') {
            return Err("is taken or ends in `/`; expected a path of its own, for example \"/dm\"".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl DmUri {
    /// The address for a server that listens on `listen`.
    pub fn for_listener(&self, listen: SocketAddr, path: &DmPath) -> String {
        match self {
            Self::Auto => format!("http://{listen}{}", path.0),
            Self::Given(uri) => uri.clone(),
        }
    }
}

impl FromStr for DmUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        const EXPECTED: &str = "expected \"auto\" or an address such as \"https://dm.example:443/dm\"";
        let url = reqwest::Url::parse(text).map_err(|e| format!("is not an address ({e}); {EXPECTED}"))?;
        let web = ["http", "https"].contains(&url.scheme()) && url.has_host();
        // Credentials would stand in every message and log.
        if !web || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(format!("is not the plain address of a web server; {EXPECTED}"));
        }
        Ok(Self::Given(text.to_owned()))
    }
}

impl IccidPrefix {
    /// The digits.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl Atr {
    /// The octets, each with its bits that count.
    pub fn octets(&self) -> &[(u8, u8)] {
        &self.0
    }
}

impl fmt::Display for Atr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |f: &mut fmt::Formatter<'_>, value: u8, mask: u8| match mask {
            0 => f.write_str("X"),
            _ => write!(f, "{value:X}"),
        };
        self.0.iter().try_for_each(|(octet, mask)| {
            digit(f, octet >> 4, mask >> 4)?;
            digit(f, octet & 0x0F, mask & 0x0F)
        })
    }
}

/// The keys of a `[[card.key-policy]]`.
pub(super) const KEY_RULE_KEYS: &[&str] = &["iccid", "atr", "allow"];

/// One `[[card.key-policy]]`.
pub(super) fn key_rule(table: &BTreeMap<String, String>) -> Result<KeyRule, String> {
    match table.get("allow").map(String::as_str) {
        Some("once") => {}
        Some(other) => return Err(format!("has allow = {other:?}; expected \"once\", there is no other")),
        None => return Err("does not say what it allows; expected allow = \"once\"".into()),
    }
    match (table.get("iccid"), table.get("atr")) {
        (Some(digits), None) => {
            let prefix = |digits: &str| {
                let is_prefix =
                    (5..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
                is_prefix.then(|| IccidPrefix(digits.to_owned())).ok_or("has an iccid that is not 5 to 20 digits")
            };
            let Some((first, last)) = digits.split_once('-') else {
                return Ok(KeyRule::Iccid(prefix(digits)?));
            };
            let (first, last) = (prefix(first.trim())?, prefix(last.trim())?);
            if first.0.len() != last.0.len() || first.0 > last.0 {
                return Err("has an iccid that is a range whose ends are not as long, or stand the wrong way round".into());
            }
            Ok(KeyRule::Iccids(first, last))
        }
        (None, Some(hex)) => octets(hex)
            .filter(|octets| (2..=33).contains(&octets.len()))
            .filter(|octets| octets.iter().take(2).all(|(_, mask)| *mask == 0xFF))
            .map(|octets| KeyRule::Atr(Atr(octets)))
            .ok_or_else(|| {
                "has an atr that is not 2 to 33 octets in hexadecimal, with X for a digit behind the first two octets that does not \
                 count"
                    .into()
            }),
        _ => Err("names no cards, or names them twice; expected either iccid or atr".into()),
    }
}

/// The keys of a `[[card.bay]]`.
pub(super) const LABEL_KEYS: &[&str] = &["label", "serial", "usb", "reader"];

/// One `[[card.bay]]`.
pub(super) fn label(table: &BTreeMap<String, String>) -> Result<Label, String> {
    let name = table.get("label").ok_or("has no label")?;
    if name.is_empty() || name.chars().count() > 32 || name.chars().any(char::is_control) {
        return Err("has a label that is not 1 to 32 characters".into());
    }
    let mark = match (table.get("serial"), table.get("usb"), table.get("reader")) {
        (Some(serial), None, None) => Mark::Serial(serial.clone()),
        (None, Some(usb), None) => Mark::Usb(usb.clone()),
        (None, None, Some(reader)) => Mark::Reader(reader.clone()),
        _ => {
            return Err(format!(
                "does not say once which reader is {name:?}; expected serial, usb or reader"
            ));
        }
    };
    Ok(Label { name: name.clone(), mark })
}

/// One `[[card.key-source]]`.
pub(super) fn key_ring(table: &BTreeMap<String, String>) -> Result<KeyRingName, String> {
    let from = table.get("from").ok_or("does not say where keys come from; expected from = \"dir:/keys\"")?;
    from.parse().map_err(|why| format!("is not as expected: {why}"))
}

/// Octets, each with its bits that count: a digit X counts for nothing.
fn octets(hex: &str) -> Option<Vec<(u8, u8)>> {
    let digit = |digit: &u8| match digit {
        b'X' | b'x' => Some((0, 0)),
        digit => char::from(*digit).to_digit(16).and_then(|value| Some((u8::try_from(value).ok()?, 0x0F))),
    };
    let (pairs, odd) = hex.as_bytes().as_chunks::<2>();
    let octet = |[high, low]: &[u8; 2]| {
        let ((high, of_high), (low, of_low)) = (digit(high)?, digit(low)?);
        Some((high << 4 | low, of_high << 4 | of_low))
    };
    if odd.is_empty() { pairs.iter().map(octet).collect() } else { None }
}

/// An address and port to listen on.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an address and port; expected, for example, \"127.0.0.1:8100\"".into())
}

/// A time of 1 ms to 24 h.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a number and ms, s, min or h, from \"1ms\" to \"24h\"";
    let (number, unit) = measured(text).ok_or_else(|| format!("is not a time; {EXPECTED}"))?;
    let millis = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    millis
        .and_then(|m| number.checked_mul(m))
        .filter(|m| (1..=86_400_000).contains(m))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("is not a time within reason; {EXPECTED}"))
}

/// A size of 1 KiB to 64 MiB.
pub(super) fn size(text: &str) -> Result<usize, String> {
    const EXPECTED: &str = "expected a number and B, KiB or MiB, from \"1KiB\" to \"64MiB\"";
    let (number, unit) = measured(text).ok_or_else(|| format!("is not a size; {EXPECTED}"))?;
    let octets = match unit {
        "B" => Some(1),
        "KiB" => Some(1_024),
        "MiB" => Some(1_048_576),
        _ => None,
    };
    octets
        .and_then(|o| number.checked_mul(o))
        .filter(|o| (1_024..=67_108_864).contains(o))
        .and_then(|o| usize::try_from(o).ok())
        .ok_or_else(|| format!("is not a size within reason; {EXPECTED}"))
}

fn measured(text: &str) -> Option<(u64, &str)> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// In which class of commands cards are spoken to.
pub(super) fn class(text: &str) -> Result<crate::card::ClassChoice, String> {
    text.parse().map_err(|_| "is none; expected `auto` or `2g`".to_owned())
}

/// On which channel cards are spoken to.
pub(super) fn channel(text: &str) -> Result<crate::card::ChannelChoice, String> {
    text.parse().map_err(|_| "is none; expected `basic` or `logical`".to_owned())
}
