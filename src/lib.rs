//! bootgate takes a device from empty to its first management session.
//!
//! One profile becomes an OMA CP or OMA DM bootstrap, goes to the device by the route that fits (a card in a
//! reader, a push, a cable, a factory image), and the device opens its first session with a DM server.
//!
//! | room          | holds                                                        | feature |
//! |---------------|--------------------------------------------------------------|---------|
//! | [`wire`]      | octets ↔ values                                              |         |
//! | [`ident`]     | names, numbers, secrets; clock and random source, passed in  |         |
//! | [`profile`]   | the operator's profile and what is wrong with it             |         |
//! | [`bootstrap`] | profile and subscriber → payload, and back                   |         |
//! | [`phone`]     | the virtual phone                                            |         |
//! | [`explain`]   | any artefact → named octets                                  |         |
//! | [`card`]      | readers, sessions, files on cards                            | `io`    |
//! | [`bearer`]    | bearers, the Push Proxy Gateway                              | `io`    |
//! | [`lab`]       | virtual card and network, rehearsal                          | `io`    |
//! | [`dm`]        | the DM 1.2 server                                            | `io`    |
//! | [`handoff`]   | the account at the target server, the first session          | `io`    |
//! | [`job`]       | jobs, attempts, their states and history                     | `io`    |
//! | [`store`]     | SQLite and memory                                            | `io`    |
//! | [`vault`]     | sealing of secrets at rest                                   | `io`    |
//! | [`app`]       | composition                                                  | `io`    |
//! | [`http`]      | the routes                                                   | `io`    |
//! | [`cli`]       | the command line                                             | `io`    |
//!
//! Doors between rooms open one way; `tests/it/tidy.rs` holds them.

pub mod bootstrap;
pub mod explain;
pub mod ident;
pub mod phone;
pub mod profile;
pub mod wire;

#[cfg(feature = "io")]
pub mod app;
#[cfg(feature = "io")]
pub mod bearer;
#[cfg(feature = "io")]
pub mod card;
#[cfg(feature = "io")]
pub mod cli;
#[cfg(feature = "io")]
pub mod dm;
#[cfg(feature = "io")]
pub mod handoff;
#[cfg(feature = "io")]
pub mod http;
#[cfg(feature = "io")]
pub mod job;
#[cfg(feature = "io")]
pub mod lab;
#[cfg(feature = "io")]
pub mod store;
#[cfg(feature = "io")]
pub mod vault;
