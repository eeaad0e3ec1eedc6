//! SMPP 3.4 towards SMSCs.
//!
//! | file         | holds                                                                          |
//! |--------------|--------------------------------------------------------------------------------|
//! | `settings`   | what an operator says of a link                                                |
//! | `codec`      | PDUs in a stream, on top of the crate `rusmpp`                                 |
//! | `submit`     | a datagram as submit_sm: user data headers, SAR parameters or message_payload  |
//! | `receipts`   | receipts out of deliver_sm and data_sm                                         |
//! | `verdict`    | what a command status means for a segment                                      |
//! | `connection` | one bind: sequence numbers, window, enquire_link                               |
//! | `link`       | all binds to one SMSC, and the dispatches that are under way                   |
//! | `action`     | what goes into the machine and comes out of it                                 |
//! | `rim`        | timers and channels: does what the machine says                                |
//! | `socket`     | one connection, TCP or TLS over it                                             |
//! | `trouble`    | what keeps a link from its SMSC, for the log and for whoever asks              |
//!
//! `connection` and `link` are a pure machine: inputs and the time come in, actions go out. Nothing in them waits,
//! reads a clock or touches a socket, so tests drive them in virtual time.

mod action;
mod among;
mod bucket;
mod codec;
mod connection;
mod flight;
mod link;
mod receipts;
mod rim;
mod settings;
mod socket;
mod submit;
#[cfg(test)]
mod tests;
mod trouble;
mod verdict;

pub use action::{Action, Input, Note, Now, Unanswered};
pub use codec::{Body, Incoming, Stream, encode};
pub use link::Link;
pub use receipts::IdForm;
pub use rim::SmppLink;
pub use settings::{
    BindMode, Credentials, CredentialsError, Form, LinkSettings, Numbering, Pace, Source, Validity,
};
pub use socket::{SmscAddress, Tls, TlsFiles};
pub use verdict::{Verdict, Verdicts};
