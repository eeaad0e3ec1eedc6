//! Which exit status an error of the card room is.

use crate::{
    card::{ApplyError, FileError, KeyError, PlanError, ReaderError, TransportError},
    cli::{Exit, Failure},
};

/// No service, no reader, no card.
pub(super) fn of_reader(error: ReaderError) -> anyhow::Error {
    Failure::because(Exit::Unavailable, error)
}

/// The card or the reader went away before anything was changed.
pub(super) fn of_transport(error: TransportError) -> anyhow::Error {
    Failure::because(Exit::Unavailable, error)
}

pub(super) fn of_file(error: FileError) -> anyhow::Error {
    let exit = exit_of_file(&error);
    Failure::because(exit, error)
}

pub(super) fn of_key(error: KeyError) -> anyhow::Error {
    let exit = exit_of_key(&error);
    Failure::because(exit, chain(&error))
}

pub(super) fn of_plan(error: &PlanError) -> anyhow::Error {
    Failure::because(exit_of_plan(error), chain(error))
}

pub(super) fn of_apply(error: &ApplyError) -> anyhow::Error {
    Failure::because(exit_of_apply(error), chain(error))
}

/// An error and those of its causes that it does not tell itself.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |line, cause| {
        let cause = cause.to_string();
        if line.contains(&cause) { line } else { format!("{line}: {cause}") }
    })
}

fn exit_of_file(error: &FileError) -> Exit {
    match error {
        FileError::Transport(_) => Exit::Unavailable,
        error if error.is_denied() => Exit::Refused,
        _ => Exit::Failed,
    }
}

fn exit_of_key(error: &KeyError) -> Exit {
    match error {
        KeyError::Transport(_) => Exit::Unavailable,
        KeyError::Journal(_) | KeyError::AnswerLost { .. } => Exit::Failed,
        _ => Exit::Refused,
    }
}

pub(super) fn exit_of_plan(error: &PlanError) -> Exit {
    match error {
        PlanError::Transport(_) => Exit::Unavailable,
        PlanError::File(error) => exit_of_file(error),
        error if error.is_refusal() => Exit::Refused,
        _ => Exit::Failed,
    }
}

pub(super) fn exit_of_apply(error: &ApplyError) -> Exit {
    match error {
        ApplyError::Key(error) => exit_of_key(error),
        ApplyError::KeyMissing { .. } => Exit::Refused,
        ApplyError::NothingWritten { source } => exit_of_file(source),
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::FilePath,
        wire::{apdu::StatusWord, arr::KeyRef},
    };

    #[test]
    fn exit_statuses_say_whose_turn_it_is() {
        let gone = || TransportError::CardGone { reader: "bay 0".parse().unwrap() };
        let file = FilePath::mf();
        let refused = |sw| FileError::Refused { doing: "SELECT", file: file.clone(), sw: StatusWord(sw) };
        assert_eq!(exit_of_plan(&PlanError::Transport(gone())), Exit::Unavailable);
        assert_eq!(exit_of_plan(&PlanError::NeedsPin { file: file.clone() }), Exit::Refused);
        assert_eq!(exit_of_plan(&PlanError::NoMemory { free: 1, needed: 2 }), Exit::Failed);
        assert_eq!(exit_of_apply(&ApplyError::KeyMissing { key: KeyRef::ADM1 }), Exit::Refused);
        let blocked = KeyError::Blocked { key: KeyRef::ADM1 };
        assert_eq!(exit_of_apply(&ApplyError::Key(blocked)), Exit::Refused);
        let lost = KeyError::AnswerLost { key: KeyRef::ADM1, source: gone() };
        assert_eq!(exit_of_apply(&ApplyError::Key(lost)), Exit::Failed);
        let before = ApplyError::NothingWritten { source: gone().into() };
        assert_eq!(exit_of_apply(&before), Exit::Unavailable);
        let denied = ApplyError::NothingWritten { source: refused(0x6982) };
        assert_eq!(exit_of_apply(&denied), Exit::Refused);
        let partial = ApplyError::Partial { written: vec![], source: refused(0x6982) };
        assert_eq!(exit_of_apply(&partial), Exit::Failed);
    }
}
