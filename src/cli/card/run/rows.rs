//! Values of a script's variables and keys from a table: one row a card, found by its number. The table is read as those of batches
//! are, so one table serves both.

use std::{path::Path, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    app::CellVault,
    cli::{Exit, Failure, input, output},
    ident::{Iccid, counted, printable},
    job::batch::{
        Batch, Columns, MAX_OCTETS, Matching, Problem, ProblemKind, Report, Row, ScriptWork, Severity,
    },
    vault::Vault,
};

/// The most problems that are told one by one.
const MAX_PROBLEMS: usize = 20;

/// The rows of a table, and the script that they are for.
pub(super) struct Rows {
    file: String,
    batch: Batch,
}

impl Rows {
    /// Reads a table and checks the script with the values of each row. Columns that mean nothing are for others, which is said,
    /// unless they nearly mean something. `may_come`: keys that a row lacks may come from a source of keys.
    ///
    /// # Errors
    /// Exit status 2 when the file cannot be read, 78 when anything is wrong with it or with the script: all of it is told, and none
    /// of the cells is quoted.
    pub(super) fn read(
        file: &Path,
        columns: Columns,
        work: &ScriptWork,
        may_come: bool,
        vault: &Arc<Vault>,
    ) -> anyhow::Result<Self> {
        let most = u64::try_from(MAX_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
        let octets = Zeroizing::new(input::read_most(file, most)?);
        let names = ScriptWork::names(&work.text);
        let declared = names.join(", ");
        let columns = columns.with_script(names);
        let (batch, mut report) = Report::of_sealed_table(&octets, &columns, &CellVault::new(vault));
        report.check_script_unasked(&batch, work, may_come);

        let name = output::name(file);
        let is_for_others =
            |problem: &&Problem| matches!(problem.kind, ProblemKind::UnknownColumn { near: None, .. });
        // They are of the line of titles, and so among those that are listed.
        let others = report.problems.iter().filter(is_for_others);
        let titles: Vec<&str> = others.filter_map(|problem| problem.place.column.as_deref()).collect();
        for title in &titles {
            output::note(&format!("{name}:1: nothing in the script uses column {}", printable(title)));
        }
        let told = || report.problems.iter().filter(|problem| !is_for_others(problem));
        let errors = report.errors - titles.len();
        if errors > 0 {
            let is_error = |problem: &&Problem| problem.severity == Severity::Error;
            let mut lines: Vec<String> = told()
                .filter(is_error)
                .take(MAX_PROBLEMS)
                .map(|problem| format!("{name}:{problem}"))
                .collect();
            if errors > lines.len() {
                lines.push(format!("and {} more", errors - lines.len()));
            }
            lines.push(format!("{name} has {}; nothing was sent", counted(errors, "error")));
            return Err(Failure::because(Exit::Config, lines.join("\n")));
        }
        if batch.matching == Matching::FirstCome {
            let why = format!(
                "{name}:1: no column iccid with the numbers of the cards, by which the row of a card is found; the other columns are \
                 the variables of the script ({declared}) and keys as adm1"
            );
            return Err(Failure::because(Exit::Config, why));
        }
        told().take(MAX_PROBLEMS).for_each(|problem| output::note(&format!("{name}:{problem}")));
        if report.warnings > MAX_PROBLEMS {
            output::note(&format!("and {} more", report.warnings - MAX_PROBLEMS));
        }
        Ok(Self { file: name, batch })
    }

    /// Each row, and where it stands, as `FILE:LINE`.
    pub(super) fn each(&self) -> impl Iterator<Item = (String, &Row)> {
        self.batch.rows.iter().map(|row| (format!("{}:{}", self.file, row.line), row))
    }

    /// The row of a card.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn of(&self, card: &Iccid) -> anyhow::Result<&Row> {
        let is_of = |row: &&Row| row.subscriber.iccid.as_ref() == Some(card);
        self.batch.rows.iter().find(is_of).ok_or_else(|| {
            let why = format!("card {card} has no row in {}; nothing was sent to it", self.file);
            Failure::because(Exit::Failed, why)
        })
    }
}
