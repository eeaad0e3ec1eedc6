//! The DM 1.2 server: octets in, octets out (OMA DM Protocol 1.2). It knows neither jobs nor bearers nor HTTP.
//!
//! What the server must remember beyond a session
//! it asks of [`Accounts`]; what happened it tells an [`EventSink`].

mod account;
mod config;
mod event;

pub use account::{
    Account, AccountId, Accounts, AccountsError, AuthScheme, CANDIDATES, NewAccount, NonceChange, Register,
    SpentNonce, Stored, StoredCredential,
};
pub use config::{Config, Outcome, Reply};
pub use event::{Closing, Event, EventSink, Refusal};
