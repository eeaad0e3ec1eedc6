//! Registers the account with the target DM server and watches for the first session.
//!
//! The target here is the embedded server ([`crate::dm`]): an account is registered by keeping it, and the first
//! session is an event of that server. Nothing passes between the two but the store, so the account may be
//! registered by one process and used at the server of another.

mod embedded;
mod refusals;

pub use embedded::{
    Credentials, FirstSession, HandedOff, HandoffError, Inventory, Nonce, Watcher, account, keep, register,
};
