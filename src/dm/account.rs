//! What the server knows of a device's account, and the trait that keeps it (OMA DM Security 1.2, section 5.3;
//! DMAcc of OMA DM StdObj 1.2).
//!
//! An account is one pair of credentials: those by which the device proves itself (`CLCRED`) and those by which
//! the server does (`SRVCRED`). A device whose credentials are being replaced has two accounts, the pending one and
//! the old one. Both are accepted until the pending one was used.

use std::fmt;

use async_trait::async_trait;

use crate::{
    ident::{ServerId, SharedSecret, Timestamp},
    wire::syncml::auth::UserDigest,
};

/// The name that the keeper of accounts gave to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(i64);

impl AccountId {
    /// From the number that the keeper counts by.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number that the keeper counts by.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How one side proves itself (OMA DM Security 1.2, section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthScheme {
    /// `syncml:auth-basic`: name and password, in clear but for base64.
    Basic,
    /// `syncml:auth-md5`: a digest over name, password and the nonce that the other side gave.
    Md5,
}

impl AuthScheme {
    /// The name in `Meta/Type` of `Cred` and `Chal`.
    pub const fn as_type(self) -> &'static str {
        match self {
            Self::Basic => "syncml:auth-basic",
            Self::Md5 => "syncml:auth-md5",
        }
    }

    /// The scheme of that name in `Meta/Type`.
    pub fn from_type(name: &str) -> Option<Self> {
        [Self::Basic, Self::Md5].into_iter().find(|s| s.as_type().eq_ignore_ascii_case(name))
    }
}

/// What the server keeps of one side's credentials. `Debug` shows neither digest nor nonce nor secret.
#[derive(Clone)]
pub struct StoredCredential {
    /// How this side proves itself.
    pub scheme: AuthScheme,
    /// The user name: `AAuthName`. For the server usually its server identifier.
    pub name: String,
    /// B64(MD5(name:secret)), which is all that is needed to check either scheme and to present MD5.
    pub digest: UserDigest,
    /// The nonce of the next MD5 credential, as octets. Not used by [`AuthScheme::Basic`].
    pub nonce: Vec<u8>,
    /// The secret itself. Only a server that must present [`AuthScheme::Basic`] needs it; else `None`.
    pub secret: Option<SharedSecret>,
}

impl StoredCredential {
    /// What is kept of the credentials by which a device proves itself: never the secret.
    pub fn of_client(scheme: AuthScheme, name: &str, secret: &SharedSecret, nonce: &[u8]) -> Self {
        let digest = UserDigest::new(name, secret);
        Self { scheme, name: name.to_owned(), digest, nonce: nonce.to_vec(), secret: None }
    }

    /// What is kept of the credentials by which the server proves itself: the secret only where the scheme makes
    /// the server present it.
    pub fn of_server(scheme: AuthScheme, name: &str, secret: &SharedSecret, nonce: &[u8]) -> Self {
        let secret_kept = match scheme {
            AuthScheme::Basic => Some(secret.clone()),
            AuthScheme::Md5 => None,
        };
        Self { secret: secret_kept, ..Self::of_client(scheme, name, secret, nonce) }
    }
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredCredential({:?}, {}, ***)", self.scheme, self.name)
    }
}

/// An account that is to be kept.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The server that the account is for.
    pub server_id: ServerId,
    /// `./DevInfo/DevId` of the device, for example `IMEI:490154203237518`, where it is known beforehand.
    pub device: Option<String>,
    /// How the device proves itself.
    pub client: StoredCredential,
    /// How the server proves itself.
    pub server: StoredCredential,
}

/// An account that is kept.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub id: AccountId,
    /// The server that the account is for.
    pub server_id: ServerId,
    /// `./DevInfo/DevId` of the device, where it was known beforehand.
    pub device: Option<String>,
    /// How the device proves itself.
    pub client: StoredCredential,
    /// How the server proves itself.
    pub server: StoredCredential,
    /// When the device's inventory was taken; until then each session takes it.
    pub inventoried: Option<Timestamp>,
}

/// The nonces of an account that a message changed. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct NonceChange {
    /// The nonce that the device used up, and the one that it was given for its next credential.
    pub client: Option<SpentNonce>,
    /// The nonce that the device asked the server to use next.
    pub server: Option<Vec<u8>>,
}

/// A client nonce that was used up. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SpentNonce {
    /// What [`Account::client`] held when the credential was checked.
    pub held: Vec<u8>,
    /// What it must hold from now on.
    pub next: Vec<u8>,
}

impl fmt::Debug for NonceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |there: bool| if there { "new" } else { "unchanged" };
        write!(
            f,
            "NonceChange(client {}, server {})",
            told(self.client.is_some()),
            told(self.server.is_some())
        )
    }
}

impl fmt::Debug for SpentNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpentNonce(***)")
    }
}

/// Whether nonces were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// They are stored, and stay stored when the machine stops now.
    Done,
    /// Nothing was changed, because the account no longer holds the client nonce [`SpentNonce::held`], or is gone:
    /// another session was faster.
    Raced,
}

/// Why the keeper of accounts did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// It cannot be reached or failed. Another try may succeed.
    #[error("the accounts cannot be {doing} now")]
    Unavailable {
        /// What was wanted: `read` or `written`.
        doing: &'static str,
        /// What the keeper says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How many accounts [`Accounts::candidates`] may give: a pending one and the one it replaces, by name and by device.
pub const CANDIDATES: usize = 4;

/// Keeps accounts. All changes are durable when a call returns.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Accounts that might belong to this client name (`LocName` of Source, or the user of a basic credential) or to
    /// this device (`LocURI` of Source), the newest first, at most [`CANDIDATES`]. A pending account and
    /// the one that it is to replace are both among them until the pending one was used.
    ///
    /// Both values come from a stranger.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn candidates(&self, name: Option<&str>, device: &str) -> Result<Vec<Account>, AccountsError>;

    /// Stores nonces, in one step: the client nonce is changed only when the account still holds
    /// [`SpentNonce::held`], so that one nonce opens one session however many arrive at once.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn store_nonces(&self, id: AccountId, change: &NonceChange) -> Result<Stored, AccountsError>;

    /// The device proved itself with this account: older accounts of the same device at the same server are dropped.
    /// Called once in each session; only the first call changes anything.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn used(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError>;

    /// The device's inventory was taken: sets [`Account::inventoried`].
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn inventoried(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError>;
}

/// Takes new accounts. Apart from [`Accounts`], because the server itself never makes one.
#[async_trait]
pub trait Register: Send + Sync {
    /// Keeps an account, durably, and names it. The accounts that the device already has stay until this one was
    /// used.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn register(&self, account: &NewAccount, at: Timestamp) -> Result<AccountId, AccountsError>;

    /// Takes an account back that no device was given, because nothing of its bootstrap was delivered. One that was used
    /// meanwhile stays.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn withdraw(&self, id: AccountId) -> Result<(), AccountsError>;
}
