//! Real peers, each as a process in a namespace of its own: a peer whose port is fixed can run many times at once,
//! and nothing that it does reaches the machine's own services.
//!
//! A peer that is missing fails the test: `make test` installs what is needed.

pub mod faults;
pub mod kannel;
pub mod namespace;
pub mod numbered;
pub mod pcscd;
mod process;
pub mod tshark;

pub use process::{Process, program, wait_for};
