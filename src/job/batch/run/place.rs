//! Where a card has its place: it is done before this run, or has a row.

use tokio::runtime::Handle;

use super::{
    Run, Task, Work,
    away::{Lapse, Tries},
};
use crate::{
    card::CardTransport,
    ident::{Iccid, JobId},
    job::{
        JobsError, State,
        batch::{Assignment, Hand, Row},
        wanted::has_numbers_of,
    },
};

/// The place of a card.
pub(super) enum Placed {
    /// A row, by its place in the book.
    Row(usize, Row),
    /// What this task does stands on the card, by the job that has done it, where one did.
    Stands(Option<(JobId, State)>),
    /// Its row, in that line, was done in this run.
    AlreadyDone(Option<u64>),
    /// None, for this reason.
    Nowhere(&'static str),
}

impl Run {
    /// Finds the place of a card whose number is known. A keeper that cannot be used is asked again a few times, the card being
    /// reset each time.
    pub(super) fn place(
        &self,
        hand: &Hand,
        iccid: &Iccid,
        card: &mut dyn CardTransport,
        runtime: &Handle,
    ) -> Result<Placed, Lapse> {
        let mut tries = Tries::default();
        loop {
            match self.placed(hand, iccid, card, runtime) {
                Err(lapse) if lapse.away && tries.another(card) => {}
                placed => return placed,
            }
        }
    }

    fn placed(
        &self,
        hand: &Hand,
        iccid: &Iccid,
        card: &mut dyn CardTransport,
        runtime: &Handle,
    ) -> Result<Placed, Lapse> {
        self.learn(iccid, runtime)?;
        let gone = match self.before(hand, iccid, card, runtime)? {
            Before::Nothing => false,
            Before::Gone => true,
            Before::Stands(job) => return Ok(Placed::Stands(job)),
            Before::Elsewhere => {
                return Ok(Placed::Nowhere(
                    "it holds this profile for a device that is not in this table, or whose row another card has",
                ));
            }
        };
        let assignment = self.assign(iccid, runtime)?;
        let row = |at| self.ledger().row(at).cloned();
        Ok(match assignment {
            Assignment::Row(at) => row(at).map_or(Placed::Nowhere("no such row"), |row| Placed::Row(at, row)),
            Assignment::AlreadyDone(at) if !gone => Placed::AlreadyDone(row(at).map(|row| row.line)),
            other => Placed::Nowhere(other.why_not()),
        })
    }

    /// Another process may have given a row to a card.
    fn learn(&self, card: &Iccid, runtime: &Handle) -> Result<(), JobsError> {
        let Some(prints) = &self.given else { return Ok(()) };
        if !self.ledger().knows(card) {
            for claim in runtime.block_on(self.keepers.claims.of_claimant(card))? {
                prints.place(&claim.row).iter().for_each(|at| self.ledger().claimed(*at, card));
            }
        }
        Ok(())
    }

    /// What this task has done with a card before.
    fn before(
        &self,
        hand: &Hand,
        card: &Iccid,
        transport: &mut dyn CardTransport,
        runtime: &Handle,
    ) -> Result<Before, Lapse> {
        match &self.task {
            Task::Bootstrap(work) => {
                self.adopt(work, card, runtime)?;
                let done = self.bootstrapped(work, card, runtime)?;
                Ok(match done {
                    None => Before::Nothing,
                    Some(job) if !self.stands(work, &job, hand, card, transport)? => Before::Gone,
                    Some(_) if self.given.is_some() && !self.ledger().knows(card) => Before::Elsewhere,
                    Some(job) => Before::Stands(Some((job.id, job.state))),
                })
            }
            Task::Script(work) => {
                let row = self.ledger().row_of(card).cloned();
                match row {
                    Some(row) if self.ran(work, hand, &row, card, runtime)? => Ok(Before::Stands(None)),
                    _ => Ok(Before::Nothing),
                }
            }
        }
    }

    /// A card without a row that was given this profile before gets the free row with its numbers: no other card may have that.
    fn adopt(&self, work: &Work, card: &Iccid, runtime: &Handle) -> Result<(), Lapse> {
        let Some(prints) = &self.given else { return Ok(()) };
        if self.ledger().knows(card) {
            return Ok(());
        }
        let Some(job) = self.bootstrapped(work, card, runtime)? else { return Ok(()) };
        let key = self.keepers.fingerprints.known_key()?;
        let at = {
            let mut ledger = self.ledger();
            let at = ledger.free_row(|row| has_numbers_of(&job, &row.subscriber_of(card), key));
            at.into_iter().for_each(|at| ledger.claimed(at, card));
            at
        };
        let Some((at, print)) = at.and_then(|at| Some((at, prints.get(at)?))) else { return Ok(()) };
        let claim = runtime.block_on(self.keepers.claims.claim(print, card, self.route.clock.now()));
        match claim {
            Ok(claim) if claim.card.as_ref() == Some(card) => Ok(()),
            // Another process was faster.
            Ok(claim) => {
                self.ledger().take_back(at, card, claim.card.as_ref());
                Ok(())
            }
            Err(error) => {
                self.ledger().take_back(at, card, None);
                Err(error.into())
            }
        }
    }

    /// The row of a card. One that it gets as it comes is kept as its own before this returns.
    fn assign(&self, card: &Iccid, runtime: &Handle) -> Result<Assignment, JobsError> {
        let Some(prints) = &self.given else { return Ok(self.ledger().assign(card)) };
        let claims = &self.keepers.claims;
        loop {
            let assignment = self.ledger().assign(card);
            let Assignment::Row(at) = assignment else { return Ok(assignment) };
            let Some(print) = prints.get(at) else { return Ok(assignment) };
            match runtime.block_on(claims.claim(print, card, self.route.clock.now())) {
                Ok(claim) if claim.card.as_ref() == Some(card) => return Ok(assignment),
                // Another process was faster.
                Ok(claim) => self.ledger().take_back(at, card, claim.card.as_ref()),
                Err(error) => {
                    self.ledger().take_back(at, card, None);
                    return Err(error);
                }
            }
        }
    }
}

/// What was done with a card before this run.
enum Before {
    Nothing,
    /// It is there, by the job that has done it, where one did.
    Stands(Option<(JobId, State)>),
    /// It was there, and is not any more.
    Gone,
    /// It is there, for a device that no free row has.
    Elsewhere,
}
