//! A script that is run for each card of a table.

use std::{
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

use crate::{
    card::{KeyRings, script::Backups},
    cli::{
        Exit, Failure,
        card::run::{Assignment, Keeps, given, require_backup, text},
    },
    job::batch::ScriptWork,
    store::BackupFolder,
    vault::Vault,
    wire::script::{Need, check},
};

/// The script, and what its variables are for all cards.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ScriptArgs {
    /// Script that is run for each card, in place of a profile: a file, or the name of one that comes with bootgate (`card run
    /// --list`). Columns that are called like its variables and keys hold their values.
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    pub(super) script: Option<String>,
    /// Value of a variable for all cards; it goes before those of rows. Secrets and keys are given as NAME=@FILE, NAME=env:NAME or
    /// NAME=- (prompt).
    #[arg(long, value_name = "NAME=VALUE", requires = "script")]
    set: Vec<Assignment>,
    /// Writes, or runs the script, also on cards that were done before. Without it such a card is left alone until something else is
    /// written to it here: that is how a run that was stopped goes on.
    #[arg(long)]
    pub(super) again: bool,
}

impl ScriptArgs {
    /// What is done with each card, where a script was given.
    pub(super) fn work(
        &self,
        rings: impl FnOnce() -> anyhow::Result<KeyRings>,
    ) -> anyhow::Result<Option<ScriptWork>> {
        let Some(name) = &self.script else { return Ok(None) };
        let text = text(name)?;
        let given = given(&text, &self.set)?.into();
        let rings = rings()?;
        Ok(Some(ScriptWork { given, rings, again: self.again, ..ScriptWork::new(name, text) }))
    }
}

/// What becomes of the content that a script changes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeepArgs {
    /// Keeps the old content of whatever the script changes in this folder, a file for each card, which only its owner can read and
    /// only this station's vault opens.
    #[arg(long, value_name = "DIR", requires = "script", conflicts_with = "no_backup")]
    backup: Option<PathBuf>,
    /// Keeps it in clear: another station can put it back, and whoever has the files can read them.
    #[arg(long, requires = "backup")]
    plain_backup: bool,
    /// Changes cards without keeping what was there.
    #[arg(long, requires = "script")]
    no_backup: bool,
    /// Folder of backups from which RES puts content back.
    #[arg(long, value_name = "DIR", requires = "script")]
    restore: Option<PathBuf>,
}

impl KeepArgs {
    /// Says where a script keeps content and from where it puts it back. It must be told as far as the script does either.
    pub(super) fn fill(&self, work: &mut ScriptWork, vault: &Arc<Vault>) -> anyhow::Result<()> {
        let checked = check(&work.text, work.given.all(), Need::Nothing);
        let keeps =
            Keeps { backup: self.backup.is_some(), restore: self.restore.is_some(), nothing: self.no_backup };
        require_backup(&checked, keeps, "DIR")?;
        let folder = |path: &Path| -> Arc<dyn Backups> {
            Arc::new(BackupFolder::new(path, Arc::clone(vault), self.plain_backup))
        };
        if let Some(path) = &self.backup {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.with_context(|| format!("cannot make {}", path.display()))?;
            work.backups = Some(folder(path));
        }
        if let Some(path) = &self.restore {
            if !path.is_dir() {
                let why = format!("--restore {}: no such folder of backups", path.display());
                return Err(Failure::because(Exit::Usage, why));
            }
            work.restores = Some(folder(path));
        }
        Ok(())
    }
}
