//! What a push job needs until it has ended and what is nobody's business: number, push, account, PIN. It is kept sealed.

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    dm::{AuthScheme, NewAccount, StoredCredential},
    ident::{JobId, Msisdn, Pin, Timestamp},
    job::{Created, JobsError, NewJob},
    profile::PinChannel,
    wire::syncml::auth::UserDigest,
};

use super::{Letter, PushEntity};

/// What a push job needs. `Debug` shows no secret.
#[derive(Clone)]
pub struct Order {
    /// The device.
    pub to: Msisdn,
    /// The signed document; none once the gateway has it.
    pub push: Option<PushEntity>,
    /// When it is worth nothing any more.
    pub expires: Timestamp,
    /// The account at the DM server; none once that knows it.
    pub account: Option<NewAccount>,
    /// The PIN that the user has to be told; none when there is none, or it was told.
    pub letter: Option<Letter>,
    /// Who asked.
    pub creator: Option<String>,
    /// A digest of what was asked for.
    pub asked: [u8; 32],
}

/// Keeps orders with their jobs. All changes are durable when a call returns.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Accepts a job together with its order, for this process to work on; or gives back the job that the same key made
    /// before.
    ///
    /// # Errors
    /// [`JobsError::KeyTaken`] when that one asked for something else; [`JobsError::Unavailable`].
    async fn accept(
        &self,
        id: JobId,
        new: &NewJob,
        order: &Order,
        at: Timestamp,
    ) -> Result<Created, JobsError>;

    /// The order of a job.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn order(&self, id: JobId) -> Result<Option<Order>, JobsError>;

    /// Keeps an order in place of the one before.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn keep(&self, id: JobId, order: &Order) -> Result<(), JobsError>;

    /// Keeps an order that nobody needs to work on any more.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn close(&self, id: JobId, order: &Order) -> Result<(), JobsError>;

    /// Takes over the jobs that nobody works on although they are not closed.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn take_over(&self) -> Result<Vec<JobId>, JobsError>;
}

/// Octets that are no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the order of a push job cannot be read; another version of bootgate wrote it, or the database is damaged"
)]
pub struct OrderError;

impl Order {
    /// Nothing of it is needed but to know the same request again.
    pub fn wipe(&mut self) {
        self.push = None;
        self.account = None;
        self.letter = None;
    }

    /// As it is sealed.
    pub fn to_octets(&self) -> Zeroizing<Vec<u8>> {
        let kept = Kept {
            to: self.to.digits().to_owned(),
            fields: self.push.as_ref().map(|p| p.fields.clone()).unwrap_or_default(),
            body: self.push.as_ref().map(|p| BASE64_STANDARD.encode(&p.body)),
            unsigned: self.push.as_ref().is_some_and(|p| p.unsigned),
            expires: self.expires.as_millis(),
            account: self.account.as_ref().map(KeptAccount::of),
            pin: self.letter.as_ref().map(|l| l.pin.expose().to_owned()),
            channel: self.letter.as_ref().map(|l| l.channel.as_str().to_owned()),
            creator: self.creator.clone(),
            asked: BASE64_STANDARD.encode(self.asked),
        };
        // Texts and numbers alone: there is nothing in it that JSON could not write.
        Zeroizing::new(serde_json::to_vec(&kept).unwrap_or_default())
    }

    /// Reads what [`Self::to_octets`] wrote.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn from_octets(octets: &[u8]) -> Result<Self, OrderError> {
        let kept: Kept = serde_json::from_slice(octets).map_err(|_| OrderError)?;
        kept.read().ok_or(OrderError)
    }
}

/// An order as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    to: String,
    fields: Vec<(String, String)>,
    body: Option<String>,
    unsigned: bool,
    expires: i64,
    account: Option<KeptAccount>,
    pin: Option<String>,
    channel: Option<String>,
    creator: Option<String>,
    asked: String,
}

#[derive(Serialize, Deserialize)]
struct KeptAccount {
    server_id: String,
    device: Option<String>,
    client: KeptCredential,
    server: KeptCredential,
}

#[derive(Serialize, Deserialize)]
struct KeptCredential {
    scheme: String,
    name: String,
    digest: String,
    nonce: String,
}

impl Kept {
    fn read(&self) -> Option<Order> {
        let letter = match (&self.pin, &self.channel) {
            (Some(pin), Some(channel)) => {
                Some(Letter { pin: pin.parse::<Pin>().ok()?, channel: channel.parse::<PinChannel>().ok()? })
            }
            _ => None,
        };
        let body = self.body.as_ref().map(|text| BASE64_STANDARD.decode(text)).transpose().ok()?;
        let push = body.map(|body| PushEntity {
            fields: self.fields.clone(),
            body: body.into(),
            unsigned: self.unsigned,
        });
        let account = match &self.account {
            Some(account) => Some(account.read()?),
            None => None,
        };
        Some(Order {
            to: self.to.parse().ok()?,
            push,
            expires: Timestamp::from_millis(self.expires),
            account,
            letter,
            creator: self.creator.clone(),
            asked: BASE64_STANDARD.decode(&self.asked).ok()?.try_into().ok()?,
        })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.body.zeroize();
        self.pin.zeroize();
    }
}

impl KeptAccount {
    fn of(account: &NewAccount) -> Self {
        let credential = |of: &StoredCredential| KeptCredential {
            scheme: of.scheme.as_type().to_owned(),
            name: of.name.clone(),
            digest: of.digest.as_stored().to_owned(),
            nonce: BASE64_STANDARD.encode(&of.nonce),
        };
        Self {
            server_id: account.server_id.to_string(),
            device: account.device.clone(),
            client: credential(&account.client),
            server: credential(&account.server),
        }
    }

    fn read(&self) -> Option<NewAccount> {
        let credential = |of: &KeptCredential| {
            Some(StoredCredential {
                scheme: AuthScheme::from_type(&of.scheme)?,
                name: of.name.clone(),
                digest: UserDigest::from_stored(of.digest.clone()).ok()?,
                nonce: BASE64_STANDARD.decode(&of.nonce).ok()?,
                // A server that proves itself with BASIC is refused before.
                secret: None,
            })
        };
        Some(NewAccount {
            server_id: self.server_id.parse().ok()?,
            device: self.device.clone(),
            client: credential(&self.client)?,
            server: credential(&self.server)?,
        })
    }
}

impl Drop for KeptCredential {
    fn drop(&mut self) {
        self.digest.zeroize();
        self.nonce.zeroize();
    }
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order")
            .field("push", &self.push)
            .field("expires", &self.expires)
            .field("letter", &self.letter)
            .finish_non_exhaustive()
    }
}
