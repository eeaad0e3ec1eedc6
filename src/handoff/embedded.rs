//! The embedded DM server as the target of a hand-off.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    dm::{AccountId, AccountsError, AuthScheme, Event, EventSink, NewAccount, Register, StoredCredential},
    ident::{ServerId, SharedSecret, Timestamp},
};

use super::refusals::Refusals;

/// How one side proves itself, with its secret: what the device is about to be given.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The scheme.
    pub scheme: AuthScheme,
    /// The user name.
    pub name: String,
    /// The secret. Only its digest is kept.
    pub secret: SharedSecret,
    /// The first nonce.
    pub nonce: Nonce,
}

/// The nonce of an MD5 credential. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(pub Vec<u8>);

/// Why the target server does not know the account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandoffError {
    /// The server would have to present its password in clear, so the password itself would have to be kept.
    #[error(
        "the server cannot prove itself with BASIC: its password would have to be kept in clear; \
         use `server-auth = {{ type = \"DIGEST\", … }}` in the profile"
    )]
    ServerBasic,
    /// The account could not be kept.
    #[error("the account of {server_id} could not be registered")]
    Accounts {
        /// The server.
        server_id: ServerId,
        /// Why.
        source: AccountsError,
    },
}

impl HandoffError {
    /// True when the keeper of accounts cannot be used now, and another try may succeed.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Accounts { source: AccountsError::Unavailable { .. }, .. })
    }
}

/// Registers the account of one device at the embedded server.
///
/// # Errors
/// [`HandoffError`].
pub async fn register(
    keeper: &dyn Register,
    server_id: &ServerId,
    device: Option<String>,
    client: &Credentials,
    server: &Credentials,
    at: Timestamp,
) -> Result<AccountId, HandoffError> {
    keep(keeper, &account(server_id, device, client, server)?, at).await
}

/// The account of one device as the embedded server keeps it: of secrets the digests alone.
///
/// # Errors
/// [`HandoffError::ServerBasic`].
pub fn account(
    server_id: &ServerId,
    device: Option<String>,
    client: &Credentials,
    server: &Credentials,
) -> Result<NewAccount, HandoffError> {
    if server.scheme == AuthScheme::Basic {
        return Err(HandoffError::ServerBasic);
    }
    Ok(NewAccount {
        server_id: server_id.clone(),
        device,
        client: StoredCredential::of_client(client.scheme, &client.name, &client.secret, &client.nonce.0),
        server: StoredCredential::of_server(server.scheme, &server.name, &server.secret, &server.nonce.0),
    })
}

/// Registers an account that was made before.
///
/// # Errors
/// [`HandoffError::Accounts`].
pub async fn keep(
    keeper: &dyn Register,
    account: &NewAccount,
    at: Timestamp,
) -> Result<AccountId, HandoffError> {
    let kept = keeper.register(account, at).await;
    kept.map_err(|source| HandoffError::Accounts { server_id: account.server_id.clone(), source })
}

/// A device proved itself to the target server with the account that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOff {
    /// The account.
    pub account: AccountId,
    /// What the device calls itself.
    pub device: String,
    /// When.
    pub at: Timestamp,
}

/// What a device said of itself in its first session.
#[derive(Clone, PartialEq, Eq)]
pub struct Inventory {
    /// What the device calls itself.
    pub device: String,
    /// When it was complete.
    pub at: Timestamp,
    /// URI and value of each leaf.
    pub nodes: Vec<(String, String)>,
}

/// Waits for devices to come in.
#[async_trait]
pub trait Watcher: Send + Sync {
    /// A device came in. Said for each of its sessions, so most of the time it is no news.
    async fn handed_off(&self, news: HandedOff);

    /// A device said what it is.
    async fn inventory(&self, inventory: Inventory);
}

/// Hears the embedded server's events and tells the watcher of those that end a hand-off.
#[derive(Clone)]
pub struct FirstSession {
    watcher: Arc<dyn Watcher>,
    refusals: Arc<Refusals>,
}

impl FirstSession {
    /// Tells `watcher`.
    pub fn new(watcher: Arc<dyn Watcher>) -> Self {
        Self { watcher, refusals: Arc::default() }
    }
}

#[async_trait]
impl EventSink for FirstSession {
    async fn on(&self, event: Event) {
        match event {
            Event::Authenticated { account, device, at, .. } => {
                self.watcher.handed_off(HandedOff { account, device, at }).await;
            }
            Event::Inventory { device, at, nodes, .. } => {
                self.watcher.inventory(Inventory { device, at, nodes }).await;
            }
            Event::Refused { device, refusal, at, .. } => self.refusals.warn(&device, refusal, at),
            other => tracing::debug!(dm.event = ?other, "Session event: {other:?}"),
        }
    }
}

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(***)")
    }
}

impl std::fmt::Debug for Inventory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inventory({}, {}, {} nodes)", self.device, self.at, self.nodes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::dm::Refusal;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    #[async_trait]
    impl Watcher for Heard {
        async fn handed_off(&self, news: HandedOff) {
            self.0.lock().unwrap().push(format!("{} {}", news.account, news.device));
        }

        async fn inventory(&self, inventory: Inventory) {
            self.0.lock().unwrap().push(format!("{inventory:?}"));
        }
    }

    struct Keeper(Mutex<Vec<NewAccount>>);

    #[async_trait]
    impl Register for Keeper {
        async fn register(&self, account: &NewAccount, _: Timestamp) -> Result<AccountId, AccountsError> {
            self.0.lock().unwrap().push(account.clone());
            Ok(AccountId::new(7))
        }

        async fn withdraw(&self, _: AccountId) -> Result<(), AccountsError> {
            Ok(())
        }
    }

    fn credentials(scheme: AuthScheme, name: &str) -> Credentials {
        let secret = "OhBehave-marked".parse().unwrap();
        Credentials { scheme, name: name.into(), secret, nonce: Nonce(b"Nonce".to_vec()) }
    }

    #[tokio::test]
    async fn only_the_digest_of_a_secret_is_kept() {
        let keeper = Keeper(Mutex::default());
        let (client, server) =
            (credentials(AuthScheme::Md5, "Bruce2"), credentials(AuthScheme::Md5, "acme.dm"));
        let (id, at) = ("acme.dm".parse().unwrap(), Timestamp::from_millis(0));
        assert_eq!(register(&keeper, &id, None, &client, &server, at).await.unwrap(), AccountId::new(7));
        {
            let kept = keeper.0.lock().unwrap();
            assert!(kept[0].client.secret.is_none() && kept[0].server.secret.is_none());
            assert!(!format!("{:?} {client:?}", kept[0]).contains("OhBehave"));
        }
        let basic = credentials(AuthScheme::Basic, "acme.dm");
        let refused = register(&keeper, &id, None, &client, &basic, at).await.unwrap_err();
        assert!(refused.to_string().contains("{ type = \"DIGEST\""), "{refused}");
        assert!(register(&keeper, &id, None, &basic, &server, at).await.is_ok(), "a device may use BASIC");
    }

    #[tokio::test]
    async fn a_refused_device_is_no_hand_off() {
        let heard = Arc::new(Heard::default());
        let sink = FirstSession::new(heard.clone());
        let (at, account) = (Timestamp::from_millis(5), AccountId::new(3));
        let (device, session_id) = ("IMEI:490154203237518".to_owned(), "1".to_owned());
        let refused = Event::Refused {
            device: device.clone(),
            session_id: session_id.clone(),
            at,
            refusal: Refusal::Challenged,
        };
        sink.on(refused).await;
        assert!(heard.0.lock().unwrap().is_empty());
        sink.on(Event::Authenticated { account, device: device.clone(), session_id, at }).await;
        sink.on(Event::Inventory {
            account,
            device,
            at,
            nodes: vec![("./DevInfo/Man".into(), "Acme".into())],
        })
        .await;
        let heard = heard.0.lock().unwrap();
        assert_eq!(heard[0], "3 IMEI:490154203237518");
        assert!(heard[1].contains("1 nodes") && !heard[1].contains("Acme"));
    }
}
