//! What is not wrong with a profile but worth a look: known weaknesses, and what the author may not have meant. (What
//! devices in the field refuse is data, and stands with the encodings that they refuse.)

use super::{
    Acl, AppId, AuthWay, CardSettings, DmAccount, DmEncoding, Link, NapAddressType, Placeholder, Problem,
    Profile, Right, SecretRule, Template,
    account::AuthRule,
    terms::{AccountAuthType, AuthScheme},
    walk::{Positions, placed},
    weakness::weaknesses,
};

/// Something worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// NETWPIN alone.
    #[error("method netwpin: whoever knows the IMSI can forge this bootstrap; usernetwpin adds a PIN")]
    NetwPinAlone,
    /// USERPIN alone.
    #[error(
        "method userpin: a short PIN is found from one captured message by trying all; usernetwpin or userpinmac with a long PIN is stronger"
    )]
    UserPinAlone,
    /// No authentication at all.
    #[error(
        "method none: anybody can forge this bootstrap, and devices may refuse it; usernetwpin with a drawn PIN is better"
    )]
    Unauthenticated,
    /// A PIN that is found by trying all.
    #[error(
        "a PIN of {digits} digits is found from one captured message by trying all; draw one of 8 or more (pin-length, or --pin-length)"
    )]
    ShortPin {
        /// How many it has.
        digits: usize,
    },
    /// A short first half of a USERPINMAC.
    #[error(
        "a first half of {digits} digits: one forged message in 10 to the power of {digits} would be taken for real; draw 8 or more (pin-length, or --pin-length)"
    )]
    ShortHalf {
        /// How many it has.
        digits: usize,
    },
    /// A PIN that is tried first.
    #[error(
        "the PIN repeats itself or counts: such PINs are tried first; a drawn one (--pin random) is as good as its length"
    )]
    GuessablePin,
    /// No `[security]`.
    #[error("no [security]: the profile can go on cards only, because a push must be authenticated")]
    CardsOnly,
    /// DM over plain http.
    #[error(
        "the DM server is reached by plain http: the session can be read and changed on the way; https protects it"
    )]
    PlainHttp,
    /// A secret that is shorter than the standard asks for.
    #[error("a secret of less than 16 characters: the standard asks for 128 bits; \"generate\" gives them")]
    ShortSecret,
    /// One secret for all devices.
    #[error("the same secret on every device: one opened device opens all; \"generate\" draws one for each")]
    SharedByAll,
    /// One secret for both directions.
    #[error("client and server have the same secret: whoever learns the one can play the other")]
    SameBothWays,
    /// BASIC credentials.
    #[error("BASIC sends the secret itself; DIGEST proves it without sending it")]
    Basic,
    /// A client name without a placeholder.
    #[error("the client's name has no placeholder: every device would sign in under the same name")]
    SameNameForAll,
    /// The IMSI as a name.
    #[error(
        "{{imsi}} in a name puts the subscriber's identity, which is also the key of netwpin, into each session"
    )]
    ImsiAsName,
    /// One secret of a further way for all devices.
    #[error("the same secret on every device: one opened device opens all; client-auth can have a drawn one")]
    FurtherSharedByAll,
    /// A server name other than the server id.
    #[error("the server's name is not the server-id: clients expect the server to sign in under its id")]
    OtherServerName,
    /// A place beside a PROVURL.
    #[error("country and networks beside a prov-url: devices leave them out")]
    PlaceWithProvUrl,
    /// No DM account.
    #[error("no [dm-account]: the device is configured, but will not be managed")]
    NoDmAccount,
    /// Nothing at all.
    #[error(
        "the profile sets nothing up, and devices are known that refuse a document without anything in it"
    )]
    Nothing,
    /// Access control lists that the encoding does not carry.
    #[error("an acl with `[dm] encoding = \"plain\"`: plain Adds carry none; an encoding of tnds-… does")]
    AclNotCarried,
    /// A list that keeps the account's own server out.
    #[error("the list gives the server of [dm-account] no Replace: it could never change this again")]
    AclKeepsServerOut,
    /// A list that lets every server change something.
    #[error("the list lets every server change this: a second account on the device could take it over")]
    AclForEveryone,
    /// TNDS without a list.
    #[error(
        "no acl, and objects in one piece state their own: what the server may do with this is left to the device"
    )]
    AclNotStated,
    /// An access point or proxy that nothing uses.
    #[error("nothing refers to this entry")]
    Unused,
    /// Two applications that a device takes for one.
    #[error(
        "an application with the same id, provider-id and name stands above: devices keep only one of them"
    )]
    SameApplication,
    /// EF(ACL) without access points.
    #[error(
        "acl, and no [[nap]] has an address of type APN: no card can be written; add one, or take acl out"
    )]
    AclFileWithoutApn,
    /// EF(MMSICP) or EF(MMSUCP) without an address.
    #[error(
        "mmsicp or mmsucp, and no [[application]] w4 has an address: no card can be written; add one, or take them out"
    )]
    MmsFileWithoutAddress,
}

impl Warning {
    /// A stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NetwPinAlone => "netwpin-alone",
            Self::UserPinAlone => "userpin-alone",
            Self::Unauthenticated => "unauthenticated",
            Self::ShortPin { .. } => "short-pin",
            Self::ShortHalf { .. } => "short-half",
            Self::GuessablePin => "guessable-pin",
            Self::CardsOnly => "cards-only",
            Self::PlainHttp => "plain-http",
            Self::ShortSecret => "short-secret",
            Self::SharedByAll => "shared-by-all",
            Self::SameBothWays => "same-both-ways",
            Self::Basic => "basic",
            Self::SameNameForAll => "same-name-for-all",
            Self::ImsiAsName => "imsi-as-name",
            Self::FurtherSharedByAll => "further-shared-by-all",
            Self::OtherServerName => "other-server-name",
            Self::PlaceWithProvUrl => "place-with-prov-url",
            Self::NoDmAccount => "no-dm-account",
            Self::Nothing => "nothing",
            Self::AclNotCarried => "acl-not-carried",
            Self::AclKeepsServerOut => "acl-keeps-server-out",
            Self::AclForEveryone => "acl-for-everyone",
            Self::AclNotStated => "acl-not-stated",
            Self::Unused => "unused",
            Self::SameApplication => "same-application",
            Self::AclFileWithoutApn => "acl-file-without-apn",
            Self::MmsFileWithoutAddress => "mms-file-without-address",
        }
    }
}

/// What is worth a look in a profile, in the order of its text.
pub fn lint(profile: &Profile, positions: &Positions) -> Vec<Problem> {
    let mut found: Vec<(String, Warning)> = Vec::new();
    security(profile, &mut found);
    bootstraps(profile, positions, &mut found);
    match &profile.dm_account {
        Some(account) => {
            dm_account(account, &mut found);
            acls(profile, account, &mut found);
        }
        None if is_empty(profile) => found.push((String::new(), Warning::Nothing)),
        None => found.push((String::new(), Warning::NoDmAccount)),
    }
    unused(profile, &mut found);
    settings_files(profile, &mut found);
    for (at, app) in profile.applications.iter().enumerate() {
        let same = |a: &super::Application| {
            (&a.kind, &a.provider_id, &a.name) == (&app.kind, &app.provider_id, &app.name)
        };
        if profile.applications.iter().take(at).any(same) {
            found.push((format!("application[{at}]"), Warning::SameApplication));
        }
    }
    let mut problems: Vec<_> = found.iter().map(|(path, w)| placed(positions, path, *w)).collect();
    problems.sort_by_key(|p| p.position);
    problems
}

fn security(profile: &Profile, found: &mut Vec<(String, Warning)>) {
    let Some(method) = profile.security else {
        found.push((String::new(), Warning::CardsOnly));
        return;
    };
    for warning in weaknesses(method, profile.pin_length, None) {
        let key = match warning {
            Warning::ShortPin { .. } | Warning::ShortHalf { .. } => "pin-length",
            _ => "method",
        };
        found.push((format!("security.{key}"), warning));
    }
}

/// Settings files of the USIM that are built from other parts of the profile.
fn settings_files(profile: &Profile, found: &mut Vec<(String, Warning)>) {
    let has = |file| profile.card.settings.contains(&file);
    let mut warn = |warning| found.push(("card.settings-files".to_owned(), warning));
    if has(CardSettings::Acl) && !profile.naps.iter().any(|nap| nap.address_type == NapAddressType::Apn) {
        warn(Warning::AclFileWithoutApn);
    }
    let is_mms = |app: &&super::Application| app.kind.as_str() == AppId::W4;
    let has_address = |app: &super::Application| !app.addresses.is_empty() || !app.servers.is_empty();
    let mms = has(CardSettings::Mmsicp) || has(CardSettings::Mmsucp);
    if mms && !profile.applications.iter().find(is_mms).is_some_and(has_address) {
        warn(Warning::MmsFileWithoutAddress);
    }
}

fn bootstraps(profile: &Profile, positions: &Positions, found: &mut Vec<(String, Warning)>) {
    for (at, b) in profile.bootstraps.iter().enumerate() {
        // One stands as [bootstrap], several as [[bootstrap]].
        let nth = format!("bootstrap[{at}]");
        let path = if positions.knows(&nth) { nth } else { "bootstrap".to_owned() };
        if b.prov_url.is_some() && b.country.is_some() {
            found.push((format!("{path}.country"), Warning::PlaceWithProvUrl));
        }
    }
}

fn dm_account(account: &DmAccount, found: &mut Vec<(String, Warning)>) {
    if !account.address.is_secure() {
        found.push(("dm-account.address".into(), Warning::PlainHttp));
    }
    let mut auth = |key: &str, rule: &AuthRule| {
        if rule.scheme == AuthScheme::Basic {
            found.push((format!("dm-account.{key}.type"), Warning::Basic));
        }
        if rule.name.placeholders().any(|p| p == Placeholder::Imsi) {
            found.push((format!("dm-account.{key}.name"), Warning::ImsiAsName));
        }
        if let SecretRule::Plain(secret) = &rule.secret {
            let length = secret.expose().chars().count();
            let mut warn = |w| found.push((format!("dm-account.{key}.secret"), w));
            warn(Warning::SharedByAll);
            if length < 16 {
                warn(Warning::ShortSecret);
            }
        }
    };
    auth("client-auth", &account.client_auth);
    auth("server-auth", &account.server_auth);
    for (at, further) in account.further_auth.iter().enumerate() {
        let mut warn = |key: &str, w| found.push((format!("dm-account.further-auth[{at}].{key}"), w));
        if matches!(further.way.kind(), AccountAuthType::Basic | AccountAuthType::HttpBasic) {
            warn("type", Warning::Basic);
        }
        if further.name.iter().flat_map(Template::placeholders).any(|p| p == Placeholder::Imsi) {
            warn("name", Warning::ImsiAsName);
        }
        // What a layer below asks for is the network's secret, as that of a proxy is.
        let of_account = matches!(further.way, AuthWay::Client(_) | AuthWay::Server(_));
        if of_account && further.secret.is_some() {
            warn("secret", Warning::FurtherSharedByAll);
        }
    }
    if let (SecretRule::Plain(a), SecretRule::Plain(b)) =
        (&account.client_auth.secret, &account.server_auth.secret)
        && a == b
    {
        found.push(("dm-account.server-auth.secret".into(), Warning::SameBothWays));
    }
    if account.client_auth.name.placeholders().next().is_none() {
        found.push(("dm-account.client-auth.name".into(), Warning::SameNameForAll));
    }
    if account.server_auth.name.as_literal() != Some(account.server_id.as_str()) {
        found.push(("dm-account.server-auth.name".into(), Warning::OtherServerName));
    }
}

/// The access control lists of the objects that a DM bootstrap sets.
fn acls(profile: &Profile, account: &DmAccount, found: &mut Vec<(String, Warning)>) {
    let plain = profile.dm.encoding == DmEncoding::Plain;
    let mut check = |path: String, acl: Option<&Acl>| {
        let Some(acl) = acl else {
            if !plain {
                found.push((path, Warning::AclNotStated));
            }
            return;
        };
        let mut warn = |w| found.push((format!("{path}.acl"), w));
        if plain {
            warn(Warning::AclNotCarried);
        }
        if !acl.allows(Right::Replace, &account.server_id) {
            warn(Warning::AclKeepsServerOut);
        }
        if [Right::Add, Right::Delete, Right::Exec, Right::Replace].into_iter().any(|r| acl.is_for_all(r)) {
            warn(Warning::AclForEveryone);
        }
    };
    check("dm-account".into(), account.acl.as_ref());
    for (at, nap) in profile.naps.iter().enumerate() {
        check(format!("nap[{at}]"), nap.acl.as_ref());
    }
    for (at, proxy) in profile.proxies.iter().enumerate() {
        check(format!("proxy[{at}]"), proxy.acl.as_ref());
    }
}

/// Whether a document of the profile would have nothing in it.
fn is_empty(profile: &Profile) -> bool {
    profile.client_id.is_none()
        && profile.bootstraps.is_empty()
        && profile.naps.is_empty()
        && profile.proxies.is_empty()
        && profile.dm_account.is_none()
        && profile.applications.is_empty()
        && profile.access.is_empty()
        && profile.vendor_configs.is_empty()
}

/// Entries that nothing refers to. An access point with the internet flag may be used by anything.
fn unused(profile: &Profile, found: &mut Vec<(String, Warning)>) {
    let account = profile.dm_account.iter().flat_map(|a| &a.connect_via);
    let applications = profile.applications.iter().flat_map(|a| &a.connect_via);
    let physical = profile.proxies.iter().flat_map(|p| &p.physical).flat_map(|p| &p.connect_via);
    let access = profile.access.iter().flat_map(|a| &a.connect_via);
    let used: Vec<&Link> = account.chain(applications).chain(physical).chain(access).collect();
    // What has no connect-via at all may use any entry.
    let free = |links: &[Link]| links.is_empty();
    let anything = profile.dm_account.iter().any(|a| free(&a.connect_via))
        || profile.applications.iter().any(|a| free(&a.connect_via));
    if anything || (profile.dm_account.is_none() && profile.applications.is_empty()) {
        return;
    }
    for (at, nap) in profile.naps.iter().enumerate() {
        if !nap.internet && !used.contains(&&Link::Nap(nap.id.clone())) {
            found.push((format!("nap[{at}]"), Warning::Unused));
        }
    }
    let trusted = |id: &String| profile.bootstraps.iter().any(|b| b.proxies.contains(id));
    for (at, proxy) in profile.proxies.iter().enumerate() {
        if !trusted(&proxy.id) && !used.contains(&&Link::Proxy(proxy.id.clone())) {
            found.push((format!("proxy[{at}]"), Warning::Unused));
        }
    }
}
