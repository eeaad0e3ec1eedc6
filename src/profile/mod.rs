//! The operator's profile: what people write in TOML, checked for what it means. It does not know how it is encoded.
//!
//! [`check`] reads a profile's text and finds everything that is wrong with it at once, each with line, column, what
//! was expected and the nearest right spelling; and what is not wrong but worth a look ([`Warning`]). What differs
//! from device to device stands in it as a [`Placeholder`] or as a [`SecretRule`].
//!
//! ```toml
//! name = "acme-iot"
//! version = 1
//!
//! [dm-account]
//! server-id = "acme.dm"
//! address = "https://dm.acme.example:443/dm"
//! client-auth = { type = "DIGEST", name = "{imei}", secret = "generate" }
//! server-auth = { type = "DIGEST", name = "acme.dm", secret = "generate" }
//! ```

mod account;
mod acl;
mod appid;
mod application;
mod card;
mod dm;
mod further_auth;
mod link;
mod lint;
mod markup;
mod nap;
mod objects;
mod parameter;
mod port;
mod problem;
mod proxy;
mod rcs;
mod secret;
mod security;
mod template;
mod terms;
mod tuning;
mod url;
mod usim;
mod values;
mod vendor;
mod walk;
mod weakness;

pub use account::{AuthRule, DmAccount};
pub use acl::{Acl, AclError};
pub use appid::{AppId, EmptyAppId};
pub use application::{AppAddr, AppAuth, Application, Resource};
pub use card::CardLayout;
pub use dm::DmOptions;
pub use further_auth::{AuthWay, FurtherAuth};
pub use link::Link;
pub use lint::{Warning, lint};
pub use nap::{INTERNET, NapAuth, NapDef};
pub use parameter::Parameter;
pub use port::Port;
pub use problem::{Position, Problem, ProblemKind, Severity};
pub use proxy::{BasicAuth, ProxyAuth, PxLogical, PxPhysical};
pub use rcs::Rcs;
pub use secret::SecretRule;
pub use security::Bootstrap;
pub use template::{MissingNumber, Placeholder, Subscriber, Template, TemplateError};
pub use terms::{
    AccountAuthType, AppAddressType, AuthEntity, AuthLevel, AuthPlace, AuthScheme, Bearer, CallType,
    CardCpFile, CardEntry, CardReaders, CardSettings, CpVersion, DmEncoding, LayerAuthType, MmsPriority,
    NapAddressType, NapAuthType, NonceFormat, PinChannel, ProxyAddressType, ProxyAuthType, QosParameter,
    Right, SecurityMethod, Service, UnknownTerm,
};
pub use tuning::{LinkSpeed, NapTuning, Validity};
pub use url::{HttpUrl, UrlError};
pub use usim::{ConfigText, MmsPreference, NasConfig, UsimContents, XcapConfig};
pub use vendor::{Access, VendorConfig};
pub use walk::Positions;
pub use weakness::weaknesses;

use toml::de::DeTable;

use crate::ident::ProfileName;

use self::{
    link::Ids,
    walk::{Notes, Section},
};

/// A profile without errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What the operator calls it.
    pub name: ProfileName,
    /// Its version, from 1; what was built from a profile names both.
    pub version: u32,
    /// `[security]`: how a bootstrap that does not come on a card is authenticated. Without it the profile is for
    /// cards only.
    pub security: Option<SecurityMethod>,
    /// `pin-length`: of how many digits the PIN is that is drawn for each device; of `userpinmac`, its first half. Always
    /// one of [`SecurityMethod::pin_digits`].
    pub pin_length: Option<usize>,
    /// `pin-channel`: how a PIN that is drawn for a push reaches the user. Without it, [`PinChannel::Printed`].
    pub pin_channel: Option<PinChannel>,
    /// `version` of the provisioning document.
    pub cp_version: CpVersion,
    /// `[dm]`: in which form a DM bootstrap carries all that.
    pub dm: DmOptions,
    /// `CLIENT-ID` of the CLIENTIDENTITY: which device the document is for.
    pub client_id: Option<Template>,
    /// `[bootstrap]`, or several `[[bootstrap]]`.
    pub bootstraps: Vec<Bootstrap>,
    /// `[[nap]]`, best first.
    pub naps: Vec<NapDef>,
    /// `[[proxy]]`, best first.
    pub proxies: Vec<PxLogical>,
    /// `[dm-account]`
    pub dm_account: Option<DmAccount>,
    /// `[[application]]`, best first.
    pub applications: Vec<Application>,
    /// `[[access]]`, in the order in which a device tries them.
    pub access: Vec<Access>,
    /// `[[vendor-config]]`
    pub vendor_configs: Vec<VendorConfig>,
    /// `[rcs]`
    pub rcs: Rcs,
    /// `[card]`
    pub card: CardLayout,
}

/// What [`check`] found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The profile, when it has no errors.
    pub profile: Option<Profile>,
    /// Where its entries stand in the text; empty when it has errors.
    pub positions: Positions,
    /// Errors and warnings, in the order of the text.
    pub problems: Vec<Problem>,
}

const KEYS: &[&str] = &[
    "name",
    "version",
    "cp-version",
    "client-id",
    "security",
    "dm",
    "bootstrap",
    "nap",
    "proxy",
    "dm-account",
    "application",
    "access",
    "vendor-config",
    "rcs",
    "card",
];
/// The longest CLIENT-ID: no limit is known, this one is ours.
const MAX_CLIENT_ID: usize = 128;

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// All errors that the text has (no warnings: see [`check`]).
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        parse(text).map(|(profile, _)| profile)
    }
}

/// Reads a profile and says everything that there is to say about it.
pub fn check(text: &str) -> Checked {
    match parse(text) {
        Ok((profile, positions)) => {
            let problems = lint(&profile, &positions);
            Checked { profile: Some(profile), positions, problems }
        }
        Err(problems) => Checked { profile: None, positions: Positions::default(), problems },
    }
}

/// As [`check`], for octets that may not even be text.
pub fn check_octets(octets: &[u8]) -> Checked {
    match std::str::from_utf8(octets) {
        Ok(text) => check(text),
        Err(error) => {
            let text = String::from_utf8_lossy(octets.get(..error.valid_up_to()).unwrap_or(octets));
            let mut n = Notes::new(&text);
            let message = "not UTF-8 text from here on".to_owned();
            n.note(text.len(), ProblemKind::Syntax { message });
            Checked { profile: None, positions: Positions::default(), problems: n.finish().0 }
        }
    }
}

fn parse(text: &str) -> Result<(Profile, Positions), Vec<Problem>> {
    let mut n = Notes::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // Only the parser's message: its Display quotes the line, which may hold a secret.
        let kind = ProblemKind::Syntax { message: error.message().to_owned() };
        n.note(error.span().map_or(0, |s| s.start), kind);
    }
    // A text that is not TOML is not read on: what the parser made up to recover would only give false problems.
    let profile = if errors.is_empty() { read(&mut n, table.get_ref()) } else { None };
    let (problems, positions) = n.finish();
    match profile {
        Some(profile) if problems.is_empty() => Ok((profile, positions)),
        _ => Err(problems),
    }
}

fn read<'i>(n: &mut Notes<'i>, table: &DeTable<'i>) -> Option<Profile> {
    let s = Section::open(n, table, "the profile", String::new(), 0, KEYS);
    let name = s
        .require(n, "name", "the name of the profile, for example \"acme-consumer\"")
        .and_then(|v| n.parse::<ProfileName>(&v, usize::MAX, "a name"));
    let version = s.require(n, "version", "a whole number from 1").and_then(|v| n.number(&v, 1, 0x7FFF_FFFF));
    let security = s
        .optional("security")
        .and_then(|v| n.section(&v, "[security]", security::SECURITY_KEYS))
        .and_then(|s| security::read_security(n, &s));

    let naps = s.optional("nap").map_or_else(Vec::new, |v| n.sections(&v, usize::MAX, "[[nap]]", nap::KEYS));
    let proxies =
        s.optional("proxy").map_or_else(Vec::new, |v| n.sections(&v, usize::MAX, "[[proxy]]", proxy::KEYS));
    let ids = Ids::collect(n, &naps, &proxies);
    let naps: Vec<_> = naps.iter().map(|s| nap::read(n, s)).collect();
    let proxies: Vec<_> = proxies.iter().map(|s| proxy::read(n, s, &ids)).collect();

    let cp_version = s.optional("cp-version").map_or(Some(CpVersion::V1_0), |v| n.term(&v));
    let dm = s.optional("dm").and_then(|v| n.section(&v, "[dm]", dm::KEYS)).map(|s| dm::read(n, &s));
    let client_id = s.optional("client-id").map(|v| n.template(&v, MAX_CLIENT_ID));
    let bootstraps = s.optional("bootstrap").map_or_else(Vec::new, |v| {
        if v.is_array() {
            n.sections(&v, usize::MAX, "[[bootstrap]]", security::BOOTSTRAP_KEYS)
        } else {
            n.section(&v, "[bootstrap]", security::BOOTSTRAP_KEYS).into_iter().collect()
        }
    });
    let bootstraps: Vec<_> = bootstraps.iter().map(|s| security::read_bootstrap(n, s, &ids)).collect();
    let dm_account = s
        .optional("dm-account")
        .and_then(|v| n.section(&v, "[dm-account]", account::KEYS))
        .map(|s| account::read(n, &s, &ids));
    let applications: Vec<_> = s.optional("application").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "[[application]]", application::KEYS);
        entries.iter().map(|s| application::read(n, s, &ids)).collect()
    });
    let mut rules = Vec::new();
    let access: Vec<_> = s.optional("access").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "[[access]]", vendor::ACCESS_KEYS);
        entries.iter().map(|s| vendor::read_access(n, s, &ids, &mut rules)).collect()
    });
    let vendor_configs: Vec<_> = s.optional("vendor-config").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "[[vendor-config]]", vendor::VENDOR_KEYS);
        entries.iter().map(|s| vendor::read(n, s)).collect()
    });
    let rcs = s
        .optional("rcs")
        .map_or(Some(Rcs::default()), |v| n.section(&v, "[rcs]", rcs::KEYS).and_then(|s| rcs::read(n, &s)));
    let card = s.optional("card").map_or(Some(CardLayout::default()), |v| {
        n.section(&v, "[card]", card::KEYS).and_then(|s| card::read(n, &s))
    });
    Some(Profile {
        name: name?,
        version: version?,
        security: security.as_ref().map(|s| s.method),
        pin_length: security.as_ref().and_then(|s| s.pin_length),
        pin_channel: security.and_then(|s| s.pin_channel),
        cp_version: cp_version?,
        dm: match dm {
            Some(dm) => dm?,
            None => DmOptions::default(),
        },
        client_id: client_id.unwrap_or_default(),
        bootstraps: bootstraps.into_iter().collect::<Option<_>>()?,
        naps: naps.into_iter().collect::<Option<_>>()?,
        proxies: proxies.into_iter().collect::<Option<_>>()?,
        dm_account: dm_account.unwrap_or_default(),
        applications: applications.into_iter().collect::<Option<_>>()?,
        access: access.into_iter().collect::<Option<_>>()?,
        vendor_configs: vendor_configs.into_iter().collect::<Option<_>>()?,
        rcs: rcs?,
        card: card?,
    })
}

#[cfg(test)]
mod tests;
