//! What is checked of a table whose cards a script is run on: the script itself, what each row says to it, and where it was run
//! before.

use super::Report;
use crate::{
    card::script::declared_keys,
    ident::Iccid,
    job::batch::{
        Batch, KeeperError, Keepers, KeyLack, Problem, ProblemKind, Row, ScriptWork, claims::AT_A_TIME,
    },
    wire::script,
};

impl Report {
    /// Checks the script with the values of every row, and that each key that it presents is at hand. What is wrong with the script
    /// whatever a row says is told once, at the line of titles.
    pub fn check_script(&mut self, batch: &Batch, work: &ScriptWork) {
        self.check_rows(batch, work, |row| {
            let card = row.subscriber.iccid.as_ref();
            (card, card.is_none() && !work.rings.is_empty())
        });
    }

    /// The same before any source of keys is asked. `may_come`: keys that a row lacks may come from one, so they are no problem yet.
    pub fn check_script_unasked(&mut self, batch: &Batch, work: &ScriptWork, may_come: bool) {
        self.check_rows(batch, work, |_| (None, may_come));
    }

    /// `asks`: the card of a row for which sources of keys are asked, and whether a key may come later.
    fn check_rows<'b>(
        &mut self,
        batch: &'b Batch,
        work: &ScriptWork,
        asks: impl Fn(&'b Row) -> (Option<&'b Iccid>, bool),
    ) {
        let of_script = |line, problem: &script::Problem| {
            let kind = ProblemKind::Script { script: work.name.clone(), problem: problem.clone() };
            Problem::new(line, None, kind)
        };
        let alone = work.checked_alone();
        alone.problems.iter().for_each(|problem| self.add(of_script(1, problem)));
        if !alone.is_sound() {
            return;
        }
        for row in &batch.rows {
            let checked = work.checked(row);
            for problem in checked.problems.iter().filter(|problem| !alone.problems.contains(problem)) {
                self.add(of_script(row.line, problem));
            }
            for problem in lacks(work, row, &checked.script, asks(row)) {
                self.add(problem);
            }
        }
    }

    /// Checks the rows against what was done before: a card on which the script was run to its end is left alone, and an IMSI that
    /// was given to another card is not given away again. With `reissue`, cards may replace others.
    ///
    /// # Errors
    /// [`KeeperError`].
    pub async fn check_runs(
        &mut self,
        batch: &Batch,
        work: &ScriptWork,
        keepers: &Keepers,
        reissue: bool,
    ) -> Result<(), KeeperError> {
        let cards = keepers.cards(batch).await?;
        for at in keepers.ran(&cards, batch, work).await? {
            let line = batch.rows.get(at).map_or(0, |row| row.line);
            self.add_done(line);
            self.add(Problem::new(line, None, ProblemKind::HasRun));
        }
        let all: Vec<(&Row, Option<&Iccid>)> =
            batch.rows.iter().zip(cards.of_rows.iter().map(Option::as_ref)).collect();
        for rows in all.chunks(AT_A_TIME) {
            self.compare_numbers(rows, keepers, reissue).await?;
        }
        Ok(())
    }
}

/// The keys that a row lacks. Sources are asked for `card`; where they may come later, none is lacking that is in no place yet.
fn lacks<'a>(
    work: &'a ScriptWork,
    row: &'a Row,
    script: &'a script::Script,
    (card, may_come): (Option<&'a Iccid>, bool),
) -> impl Iterator<Item = Problem> + 'a {
    declared_keys(script).filter_map(move |(key, name)| {
        let column = key.name();
        let kind = match work.key(key, name, row, card).err()? {
            KeyLack::Nowhere { .. } if may_come => return None,
            KeyLack::Nowhere { key, places } => ProblemKind::NoKey {
                key,
                script: work.name.clone(),
                column: column.unwrap_or(name).to_owned(),
                name: name.to_owned(),
                places,
            },
            other => ProblemKind::Cell { why: other.to_string() },
        };
        Some(Problem::new(row.line, column, kind))
    })
}
