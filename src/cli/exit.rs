//! Which exit status an error of a room means. One place, so that every noun says the same.

use super::Exit;
use crate::{
    card::{ApplyError, FileError, KeyError, PlanError, ReaderError, TransportError},
    job::CardJobError,
    lab::{network::NetworkError, rehearsal::RehearsalError},
    phone::End,
    store::StoreError,
};

/// What an error means for the exit status.
pub(super) trait Meaning {
    /// The exit status.
    fn exit(&self) -> Exit;
}

impl Meaning for ReaderError {
    fn exit(&self) -> Exit {
        match self {
            Self::Ambiguous { .. } => Exit::Usage,
            _ => Exit::Unavailable,
        }
    }
}

impl Meaning for TransportError {
    fn exit(&self) -> Exit {
        Exit::Unavailable
    }
}

impl Meaning for FileError {
    fn exit(&self) -> Exit {
        match self {
            Self::Transport(error) => error.exit(),
            error if error.is_denied() => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for KeyError {
    fn exit(&self) -> Exit {
        match self {
            Self::Transport(error) => error.exit(),
            Self::PinLength => Exit::Usage,
            Self::Journal(_) => Exit::Failed,
            _ => Exit::Refused,
        }
    }
}

impl Meaning for PlanError {
    fn exit(&self) -> Exit {
        match self {
            Self::Transport(error) => error.exit(),
            Self::NoRight { .. } | Self::RightsUnknown { .. } | Self::NoRule { .. } => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for ApplyError {
    fn exit(&self) -> Exit {
        match self {
            Self::KeyMissing { .. } => Exit::Refused,
            Self::Key(error) => error.exit(),
            Self::NothingWritten { source } => source.exit(),
            // Something was written, or may have been: that is the news, whatever the cause.
            _ => Exit::Failed,
        }
    }
}

impl Meaning for StoreError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

impl Meaning for CardJobError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoAccount | Self::OtherServer { .. } => Exit::Config,
            Self::OtherCard { .. } | Self::CalledOff { .. } => Exit::Refused,
            Self::Bootstrap(_) => Exit::Usage,
            Self::Transport(error) => error.exit(),
            Self::Plan { source, .. } => source.exit(),
            Self::Apply { source, .. } => source.exit(),
            _ => Exit::Failed,
        }
    }
}

impl Meaning for NetworkError {
    fn exit(&self) -> Exit {
        match self {
            Self::Address { .. } => Exit::Usage,
            Self::Unreachable(_) => Exit::Unavailable,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for End {
    fn exit(&self) -> Exit {
        match self {
            Self::Complete => Exit::Ok,
            Self::ClientRefused { .. } | Self::ServerNotAuthenticated => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for RehearsalError {
    fn exit(&self) -> Exit {
        match self {
            Self::Reader(error) => error.exit(),
            Self::Card(error) => error.exit(),
            Self::NoAccount => Exit::Config,
            Self::Network(error) => error.exit(),
            _ => Exit::Failed,
        }
    }
}
