//! `[security]` and `[bootstrap]`: how a bootstrap that does not come on a card is authenticated, and the
//! `BOOTSTRAP` characteristic (OMA ProvBoot 1.1, sections 5 and 6; OMA ProvCont 1.1, section 4.8).

use std::ops::RangeInclusive;

use crate::ident::Pin;

use super::{
    link::Ids,
    problem::ProblemKind,
    terms::{PinChannel, SecurityMethod},
    tuning::needs,
    walk::{Notes, Section},
};

/// `BOOTSTRAP`: what the device calls its provisioning context, and who may provision it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// `NAME`: what the user sees.
    pub name: Option<String>,
    /// `PROVURL`: its host becomes the trusted provisioning server.
    pub prov_url: Option<String>,
    /// `COUNTRY`: the mobile country code that it is for, where there is no PROVURL.
    pub country: Option<String>,
    /// `NETWORK`: mobile network codes that it is for, in that country.
    pub networks: Vec<String>,
    /// `PROXY-ID`: trusted proxies.
    pub proxies: Vec<String>,
    /// `CONTEXT-ALLOW`: how many further contexts may be made.
    pub context_allow: Option<u8>,
}

/// The longest PROVURL that is documented to be taken.
const MAX_PROV_URL: usize = 256;
const MAX_NAME: usize = 128;

/// Keys of `[bootstrap]`.
pub(super) const BOOTSTRAP_KEYS: &[&str] =
    &["name", "prov-url", "country", "networks", "proxies", "context-allow"];
/// Keys of `[security]`.
pub(super) const SECURITY_KEYS: &[&str] = &["method", "pin-length", "pin-channel", "allow-unauthenticated"];

impl SecurityMethod {
    /// How many digits the PIN of this method may have; none when it has no PIN. Of `userpinmac` it is the first half of
    /// what the user enters, which has twice as many: implementations ask for 5 or more, and 16 are what fits. The other
    /// bounds are those of [`Pin`]; the standard is not known to set any.
    pub fn pin_digits(self) -> Option<RangeInclusive<usize>> {
        match self {
            Self::NetwPin | Self::None => None,
            Self::UserPin | Self::UserNetwPin => Some(Pin::DIGITS),
            Self::UserPinMac => Some(5..=16),
        }
    }
}

/// `[security]`.
pub(super) struct Security {
    pub(super) method: SecurityMethod,
    pub(super) pin_length: Option<usize>,
    pub(super) pin_channel: Option<PinChannel>,
}

/// Reads `[bootstrap]`.
pub(super) fn read_bootstrap<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<Bootstrap> {
    let name = s.optional("name").map(|v| n.text(&v, MAX_NAME, "what the user sees"));
    let prov_url = s.optional("prov-url").map(|v| n.url(&v, MAX_PROV_URL).map(|u| u.to_string()));
    let country = s.optional("country").map(|v| n.digits(&v, 3, 3, "a mobile country code of 3 digits"));
    let networks = s.optional("networks").map_or_else(Vec::new, |v| {
        let entries = n.list(&v, usize::MAX, "an array of mobile network codes");
        let code = "a mobile network code of 2 or 3 digits";
        entries.iter().filter_map(|e| n.digits(e, 2, 3, code)).collect()
    });
    // Devices drop the whole of it.
    needs(n, s, "networks", "country");
    let proxies = s.optional("proxies").map_or_else(Vec::new, |v| ids.proxies(n, &v));
    let context_allow = s.optional("context-allow").map(|v| n.number(&v, 0, 255));
    Some(Bootstrap {
        name: name.unwrap_or_default(),
        prov_url: prov_url.unwrap_or_default(),
        country: country.unwrap_or_default(),
        networks,
        proxies,
        context_allow: context_allow.unwrap_or_default().and_then(|c| u8::try_from(c).ok()),
    })
}

/// Reads `[security]`.
pub(super) fn read_security<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<Security> {
    const EXPECTED: &str = "netwpin, userpin, usernetwpin, userpinmac or none";
    let allowed = s.optional("allow-unauthenticated").map_or(Some(false), |v| n.flag(&v));
    let v = s.require(n, "method", EXPECTED)?;
    let method: SecurityMethod = n.term(&v)?;
    if method == SecurityMethod::None && allowed == Some(false) {
        n.at(&v, ProblemKind::Unauthenticated);
    }
    let no_pin = format!("method {method} has no PIN; expected userpin, usernetwpin or userpinmac");
    let pin_length = s.optional("pin-length").and_then(|v| {
        let Some(digits) = method.pin_digits() else {
            n.invalid(&v, no_pin.clone());
            return None;
        };
        let bound = |digits: &usize| u32::try_from(*digits).unwrap_or(u32::MAX);
        n.number(&v, bound(digits.start()), bound(digits.end()))
    });
    let pin_channel = s.optional("pin-channel").and_then(|v| {
        if method.pin_digits().is_none() {
            n.invalid(&v, no_pin.clone());
            return None;
        }
        n.term::<PinChannel>(&v)
    });
    let pin_length = pin_length.and_then(|digits| usize::try_from(digits).ok());
    Some(Security { method, pin_length, pin_channel })
}
