//! The DM 1.2 server: octets in, octets out (OMA DM Protocol 1.2). It knows neither jobs nor bearers nor HTTP.
//!
//! [`Server::handle`] takes one message of a device and answers it. What the server must remember beyond a session
//! it asks of [`Accounts`]; what happened it tells an [`EventSink`].

mod account;
mod config;
mod conversation;
mod event;
mod memory;
mod server;
mod session;
mod table;
#[cfg(test)]
mod tests;

use crate::wire::Syntax;

pub use account::{
    Account, AccountId, Accounts, AccountsError, AuthScheme, CANDIDATES, NewAccount, NonceChange, Register,
    SpentNonce, Stored, StoredCredential,
};
pub use config::{Config, Outcome, Reply};
pub use event::{Closing, Event, EventSink, Refusal};
pub use memory::MemoryAccounts;
pub use server::Server;
