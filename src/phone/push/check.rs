//! The check of `SEC` and `MAC` against what the phone knows (OMA ProvBoot 1.1, section 6; OMA DM Security 1.2, section
//! 5.7.2). Comparisons take the same time wherever two values differ.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    ident::{Imsi, Pin},
    phone::BootstrapKind,
    wire::{
        ef,
        mac::Key,
        wsp::{ParameterCode, Push, Sec, Text},
    },
};

use super::{Method, PushRefusal, method_of};

/// Digits of a check value.
const MAC_DIGITS: usize = 40;
/// The fewest digits of either half of a USERPINMAC.
const HALF: usize = 5;

/// What is to be checked, with all of the key but the PIN.
pub(super) struct Check {
    kind: BootstrapKind,
    method: Method,
    /// `MAC`; none under USERPINMAC.
    mac: String,
    /// The packed IMSI, where the method needs it.
    network: Zeroizing<Vec<u8>>,
}

impl Check {
    /// What a push presents; none when it has no `SEC`.
    pub(super) fn of(
        push: &Push,
        kind: BootstrapKind,
        imsi: Option<&Imsi>,
    ) -> Result<Option<Self>, PushRefusal> {
        let Some(value) = push.content_type.parameter(ParameterCode::SEC) else { return Ok(None) };
        let text = value.as_text().and_then(Text::as_str);
        let sec = match text {
            Some(text) => by_name(bare(text)),
            None => value.as_integer().and_then(|n| u8::try_from(n).ok()).map(Sec),
        };
        let method = sec.and_then(|sec| method_of(sec, kind)).ok_or_else(|| PushRefusal::UnknownSec {
            got: match (sec, text) {
                (Some(sec), _) => sec.to_string(),
                (None, Some(text)) => text.to_owned(),
                (None, None) => "no number of one octet".to_owned(),
            },
            expected: match kind {
                BootstrapKind::Cp => "NETWPIN, USERPIN, USERNETWPIN and USERPINMAC",
                BootstrapKind::Dm => "NETWORKID, USERPIN and USERPIN_NETWORKID",
            },
        })?;
        let name = method.name(kind);
        let mac =
            push.content_type.parameter(ParameterCode::MAC).and_then(|v| v.as_text()?.as_str()).map(bare);
        let mac = match (method, mac) {
            // Has its check value in the PIN; a MAC beside it is of no account.
            (Method::UserPinMac, _) => "",
            (_, None) => return Err(PushRefusal::NoMac { method: name }),
            (_, Some(mac)) if mac.len() != MAC_DIGITS || !mac.bytes().all(|o| o.is_ascii_hexdigit()) => {
                return Err(PushRefusal::BadMac { got: mac.chars().count() });
            }
            (_, Some(mac)) => mac,
        };
        let network = match method {
            Method::UserPin | Method::UserPinMac => Vec::new(),
            Method::Network | Method::Both => {
                ef::packed_imsi(imsi.ok_or(PushRefusal::NoImsi { method: name })?)
            }
        };
        Ok(Some(Self { kind, method, mac: mac.to_owned(), network: Zeroizing::new(network) }))
    }

    pub(super) fn method(&self) -> Method {
        self.method
    }

    /// Whether the message is the one that was signed.
    pub(super) fn fits(&self, document: &[u8], pin: Option<&Pin>) -> bool {
        let pin = pin.map_or("", Pin::expose);
        match (self.method, self.kind) {
            (Method::Network, _) => self.signed_with(&[&self.network], document),
            (Method::UserPin, _) => self.signed_with(&[pin.as_bytes()], document),
            (Method::Both, BootstrapKind::Cp) => self.signed_with(&[&self.network, pin.as_bytes()], document),
            (Method::Both, BootstrapKind::Dm) => {
                self.signed_with(&[pin.as_bytes(), b":", &self.network], document)
            }
            (Method::UserPinMac, _) => checks_itself(pin, document),
        }
    }

    fn signed_with(&self, key: &[&[u8]], document: &[u8]) -> bool {
        Key::new(key).sign(document).matches(&self.mac)
    }
}

/// USERPINMAC: the first half of the digits is the key; digit i of the second half is octet i of the check value, modulo
/// 10.
fn checks_itself(pin: &str, document: &[u8]) -> bool {
    let half = pin.len() / 2;
    let Some((key, check)) = pin.split_at_checked(half) else { return false };
    if key.len() < HALF || key.len() != check.len() {
        return false;
    }
    let mac = Key::new(&[key.as_bytes()]).sign(document);
    // A check value has more octets than a PIN has digits in its half.
    let expected: Vec<u8> = mac.octets().iter().take(check.len()).map(|octet| b'0' + octet % 10).collect();
    expected.ct_eq(check.as_bytes()).into()
}

/// `SEC` as text: a number, or the name of the method, which some senders write.
fn by_name(text: &str) -> Option<Sec> {
    Some(match text.to_ascii_uppercase().as_str() {
        "NETWPIN" | "NETWORKID" => Sec::NETWPIN,
        "USERPIN" => Sec::USERPIN,
        "USERNETWPIN" | "USERPIN_NETWORKID" => Sec::USERNETWPIN,
        "USERPINMAC" => Sec::USERPINMAC,
        digits => Sec(digits.parse().ok()?),
    })
}

/// Without the quotes that may stand around a parameter's text.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').map_or(text, |rest| rest.strip_suffix('"').unwrap_or(rest))
}
