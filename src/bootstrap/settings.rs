//! What one device is told: the profile with the subscriber's numbers filled in and the secrets drawn. Both encodings
//! are written from it and read back to it.

use std::fmt;

use crate::{
    ident::{Imei, Random, ServerId, SharedSecret},
    profile::{
        Access, Acl, Application, AuthRule, AuthScheme, Bootstrap, CpVersion, DmAccount, DmOptions,
        FurtherAuth, Link, MissingNumber, NapDef, Parameter, Profile, PxLogical, SecretRule, Subscriber,
        VendorConfig,
    },
};

use super::BootstrapError;

/// What one device is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The device, when it is known. It is the address of a DM payload and no setting: a CP payload does not carry it.
    pub device: Option<Imei>,
    /// `version` of a provisioning document; no other payload has one.
    pub cp_version: CpVersion,
    /// In which form a DM message carries all that; no other payload has one.
    pub dm: DmOptions,
    /// `CLIENT-ID`: the device that a provisioning document is for.
    pub client_id: Option<String>,
    /// Provisioning contexts.
    pub bootstraps: Vec<Bootstrap>,
    /// Access points, best first.
    pub naps: Vec<NapDef<String>>,
    /// Proxies, best first.
    pub proxies: Vec<PxLogical<String>>,
    /// The account at the DM server.
    pub dm_account: Option<Account>,
    /// Other applications, best first.
    pub applications: Vec<Application<String>>,
    /// Which access applications take that name none.
    pub access: Vec<Access>,
    /// What only one maker's devices read.
    pub vendor_configs: Vec<VendorConfig>,
}

/// The account at the DM server (APPID w7, DMAcc).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `PROVIDER-ID`, `ServerID`.
    pub server_id: ServerId,
    /// `NAME`: what the user sees.
    pub name: Option<String>,
    /// `ADDR`: the URL of the server. [`resolve`] gives it with its port written out.
    pub address: String,
    /// `TO-NAPID`, `TO-PROXY`, best first.
    pub connect_via: Vec<Link>,
    /// The secrets of both sides.
    pub credentials: DmCredentials,
    /// Ways to prove oneself beside these, which the DM server need not know.
    pub further_auth: Vec<FurtherAuth<String>>,
    /// `INIT`: open a session as soon as the account is there.
    pub init: bool,
    /// `ACL` of the account's object; without one it is left to the device.
    pub acl: Option<Acl>,
    /// What a maker's devices read besides.
    pub parameters: Vec<Parameter>,
}

/// The secrets of one account, drawn or given for one device: what the payload carries, and what the DM server must
/// know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmCredentials {
    /// How the client proves itself to the server (`APPSRV`, `CLCRED`).
    pub client: Credential,
    /// How the server proves itself to the client (`CLIENT`, `SRVCRED`).
    pub server: Credential,
}

/// How one side proves itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// `AAUTHTYPE`.
    pub scheme: AuthScheme,
    /// `AAUTHNAME`.
    pub name: String,
    /// `AAUTHSECRET`.
    pub secret: SharedSecret,
    /// `AAUTHDATA`: the first nonce, octets. Empty for BASIC, which has none.
    pub nonce: Vec<u8>,
}

impl Settings {
    /// The objects that state an access control list, by name.
    pub(super) fn acls(&self) -> Vec<String> {
        let account = self.dm_account.as_ref().filter(|a| a.acl.is_some());
        let naps = self.naps.iter().filter(|n| n.acl.is_some());
        let proxies = self.proxies.iter().filter(|p| p.acl.is_some());
        account
            .map(|_| "dm-account".to_owned())
            .into_iter()
            .chain(naps.map(|n| format!("nap {}", n.id)))
            .chain(proxies.map(|p| format!("proxy {}", p.id)))
            .collect()
    }
}

impl fmt::Debug for Settings {
    /// Without the device: its number is nobody's but the owner's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("cp_version", &self.cp_version)
            .field("dm", &self.dm)
            .field("bootstraps", &self.bootstraps)
            .field("naps", &self.naps)
            .field("proxies", &self.proxies)
            .field("dm_account", &self.dm_account)
            .field("applications", &self.applications)
            .field("access", &self.access)
            .field("vendor_configs", &self.vendor_configs)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    /// The scheme only: the name may be a subscriber number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, ***)", self.scheme)
    }
}

/// How many octets a drawn nonce has: the 128 bits that the standard asks for.
pub const NONCE_LENGTH: usize = 16;

/// Fills in a profile for one device and draws its secrets.
///
/// # Errors
/// [`BootstrapError::MissingNumber`] when the profile asks for a number that the subscriber lacks.
pub fn resolve(
    profile: &Profile,
    subscriber: &Subscriber,
    random: &dyn Random,
) -> Result<Settings, BootstrapError> {
    let naps = profile.naps.iter().map(|n| n.fill(subscriber));
    let proxies = profile.proxies.iter().map(|p| p.fill(subscriber));
    let applications = profile.applications.iter().map(|a| a.fill(subscriber));
    let account = profile.dm_account.as_ref().map(|a| account(a, subscriber, random));
    Ok(Settings {
        device: subscriber.imei.clone(),
        cp_version: profile.cp_version,
        dm: profile.dm,
        client_id: profile.client_id.as_ref().map(|t| t.fill(subscriber)).transpose()?,
        bootstraps: profile.bootstraps.clone(),
        naps: naps.collect::<Result<_, _>>()?,
        proxies: proxies.collect::<Result<_, _>>()?,
        dm_account: account.transpose()?,
        applications: applications.collect::<Result<_, _>>()?,
        access: profile.access.clone(),
        vendor_configs: profile.vendor_configs.clone(),
    })
}

fn account(a: &DmAccount, subscriber: &Subscriber, random: &dyn Random) -> Result<Account, MissingNumber> {
    Ok(Account {
        server_id: a.server_id.clone(),
        name: a.name.clone(),
        address: a.address.with_port(),
        connect_via: a.connect_via.clone(),
        credentials: DmCredentials {
            client: credential(&a.client_auth, subscriber, random)?,
            server: credential(&a.server_auth, subscriber, random)?,
        },
        further_auth: a.further_auth.iter().map(|f| f.fill(subscriber)).collect::<Result<_, _>>()?,
        init: a.init,
        acl: a.acl.clone(),
        parameters: a.parameters.clone(),
    })
}

fn credential(
    rule: &AuthRule,
    subscriber: &Subscriber,
    random: &dyn Random,
) -> Result<Credential, MissingNumber> {
    let secret = match &rule.secret {
        SecretRule::Generate => SharedSecret::generate(random),
        SecretRule::Plain(secret) => secret.clone(),
    };
    let nonce = match rule.scheme {
        AuthScheme::Basic => Vec::new(),
        AuthScheme::Digest => {
            let mut nonce = vec![0; NONCE_LENGTH];
            random.fill(&mut nonce);
            nonce
        }
    };
    Ok(Credential { scheme: rule.scheme, name: rule.name.fill(subscriber)?, secret, nonce })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Never the same octet twice in 256.
    struct Count(Mutex<u8>);
    impl Random for Count {
        fn fill(&self, out: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            for octet in out {
                *octet = *next;
                *next = next.wrapping_add(1);
            }
        }
    }

    #[test]
    fn secrets_and_nonces_are_drawn_apart() {
        let text = include_str!("../../config/profiles/iot-module.toml");
        let profile = Profile::parse(text).unwrap();
        let subscriber =
            Subscriber { iccid: Some("89490200001234567892".parse().unwrap()), ..Subscriber::default() };
        let settings = resolve(&profile, &subscriber, &Count(Mutex::new(0))).unwrap();
        let DmCredentials { client, server } = settings.dm_account.unwrap().credentials;
        assert_eq!(client.name, "meter-89490200001234567892");
        assert_eq!(client.secret.expose(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(client.nonce, (16..32).collect::<Vec<u8>>());
        assert_eq!(server.secret.expose(), "202122232425262728292a2b2c2d2e2f");
        assert_eq!(server.nonce.len(), NONCE_LENGTH);
        let missing = resolve(&profile, &Subscriber::default(), &Count(Mutex::new(0))).unwrap_err();
        assert_eq!(missing.to_string(), "the profile asks for {iccid}, and no iccid was given");
    }

    #[test]
    fn settings_do_not_print_secrets_or_names() {
        let text = include_str!("../../config/profiles/consumer-phone.toml");
        let text = text.replace("{imei}", "{imsi}");
        let subscriber =
            Subscriber { imsi: Some("262011234567890".parse().unwrap()), ..Subscriber::default() };
        let settings = resolve(&Profile::parse(&text).unwrap(), &subscriber, &Count(Mutex::new(0))).unwrap();
        let shown = format!("{settings:?}");
        assert!(!shown.contains("1234567890") && !shown.contains("0001020304"), "{shown}");
    }
}
