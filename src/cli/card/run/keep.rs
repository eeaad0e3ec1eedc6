//! What becomes of the content that a script changes: somebody has to say so before it is sent.

use crate::{
    cli::{Exit, Failure},
    wire::script::{Checked, Statement},
};

/// What was said of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Keeps {
    /// It is kept.
    pub(in crate::cli) backup: bool,
    /// There is something to put back.
    pub(in crate::cli) restore: bool,
    /// It need not be kept.
    pub(in crate::cli) nothing: bool,
}

/// What is changed is kept, unless somebody says that it need not be. `place` is what `--backup` and `--restore` take.
pub(in crate::cli) fn require_backup(checked: &Checked, keeps: Keeps, place: &str) -> anyhow::Result<()> {
    let (mut saves, mut restores) = (false, false);
    checked.script.each(&mut |statement| {
        saves |= matches!(statement, Statement::Save(_));
        restores |= matches!(statement, Statement::Restore(_));
    });
    let missing = match () {
        () if saves && !keeps.backup => format!("the script keeps files; say where with --backup {place}"),
        () if restores && !keeps.restore => {
            format!("the script puts files back; say from where with --restore {place}")
        }
        () if checked.changes_files() && !keeps.backup && !keeps.nothing => {
            format!(
                "the script changes the card; give --backup {place} to keep what was there, or --no-backup"
            )
        }
        () if !restores && keeps.restore => {
            format!("the script has no RES, so it puts nothing back; leave --restore {place} away")
        }
        () if keeps.backup && !saves && !checked.changes_files() => {
            format!(
                "the script changes no file and keeps none, so there is no backup to make; leave --backup {place} away"
            )
        }
        () => return Ok(()),
    };
    Err(Failure::because(Exit::Usage, missing))
}
