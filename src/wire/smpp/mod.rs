//! What can be said of SMPP PDUs without a codec (SMPP 3.4): the header and the cuts between PDUs in a stream, command
//! status, data codings, tags of optional parameters, message states and the text of delivery receipts. Bodies are read and written by the bearer.

mod coding;
mod header;
mod receipt;
mod state;
mod status;
mod tag;

pub use coding::{DataCoding, Script};
pub use header::{Command, Header, LONGEST, LengthError, RESPONSE};
pub use receipt::{ReceiptText, ReceiptTextError};
pub use state::MessageState;
pub use status::CommandStatus;
pub use tag::{Form, Tag};
