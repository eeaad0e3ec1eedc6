//! A script for each card: what was cut off before is taken back, then it is run, and that it came to its end is kept while the
//! journal of writes still holds it.
//!
//! | the process is ended                            | the next contact                                                     |
//! |-------------------------------------------------|----------------------------------------------------------------------|
//! | before the first change                         | runs the script                                                      |
//! | between two changes                             | takes back what the journal holds, runs the script                   |
//! | when it was kept that the script came to its end | closes the journal's entry: the card is done                        |
//! | after that                                      | finds the card done                                                  |

use tokio::runtime::Handle;

use super::{
    Matched, Run,
    away::{Lapse, Tries, kept_script_away},
};
use crate::{
    card::{
        self, ApplyError, CardTransport, HeldEntry, Key, KeyError, KeyGuard, Looks, NotTold, Origin,
        RecoverError, Session, Way, WriteJournal, WriteJournalError,
        script::{Backup, CardBackup, Entry, Report, ScriptError, Setup, declared_keys, run_for},
    },
    ident::Iccid,
    job::{
        JobWrites,
        batch::{CardResult, Ending, Hand, Row, ScriptDone, ScriptWork, result::is_refused},
    },
};

/// What there is to say of a card that is left alone.
pub(super) const RAN_BEFORE: &str = "the script came to its end on this card before, and nothing was written to the card here since; \
                                     what it holds was not looked at (--again runs the script anew)";

/// How a card ended before its script was begun, and why.
type NotBegun = (Ending, Lapse);

impl Run {
    /// Whether the script was run with this row on a card to its end, and nothing was written to the card since. An entry of the journal that the process had no time to
    /// close then is closed now.
    pub(super) fn ran(
        &self,
        work: &ScriptWork,
        hand: &Hand,
        row: &Row,
        card: &Iccid,
        runtime: &Handle,
    ) -> Result<bool, Lapse> {
        if work.again {
            return Ok(false);
        }
        let key = self.keepers.fingerprints.key()?;
        let mark = work.mark(key, row, card);
        let kept = runtime.block_on(self.keepers.claims.of_rows(&[mark]))?;
        if !kept.iter().any(|claim| claim.done.is_some()) {
            return Ok(false);
        }
        let writes = hand.route(&self.route).writes;
        let Some(entry) = writes.pending(card)? else { return Ok(true) };
        let ours = format!("script {}", reference(work, &mark.to_string()));
        if (entry.write.origin, entry.write.reference.as_deref()) != (Origin::Script, Some(ours.as_str())) {
            return Err(Lapse::of(
                "the script was run on this card before, and a write that came after it was cut off: \
                        `bootgate card recover` shows it",
            ));
        }
        let held = HeldEntry::take(&*writes, card, entry.id)?;
        // To take it up has outdated the mark.
        runtime.block_on(self.keepers.claims.done(&mark, self.route.clock.now()))?;
        Ok(held.close().map(|()| true)?)
    }

    /// Runs the script on a card. Once more where a keeper was away before it had changed anything.
    pub(super) fn script(
        &self,
        work: &ScriptWork,
        result: &mut CardResult,
        matched: &Matched<'_>,
        card: &mut dyn CardTransport,
    ) {
        let mut tries = Tries::default();
        loop {
            let ended = self.ran_or_run(work, matched, card);
            let away = match &ended {
                Ok(Some(report)) => kept_script_away(report),
                Ok(None) => false,
                Err((_, lapse)) => lapse.away,
            };
            if away && tries.another(card) {
                continue;
            }
            return match ended {
                Ok(Some(report)) => tell(result, report),
                Ok(None) => {
                    (result.ending, result.reason) = (Ending::AlreadyDone, Some(RAN_BEFORE.to_owned()))
                }
                Err((ending, lapse)) => (result.ending, result.reason) = (ending, Some(lapse.why)),
            };
        }
    }

    /// None where another process has run it since the card's row was looked for.
    fn ran_or_run(
        &self,
        work: &ScriptWork,
        matched: &Matched<'_>,
        card: &mut dyn CardTransport,
    ) -> Result<Option<Report>, NotBegun> {
        let Matched { hand, row, iccid, runtime } = matched;
        match self.ran(work, hand, row, iccid, runtime) {
            Ok(true) => Ok(None),
            Ok(false) => self.run_script(work, matched, card).map(Some),
            Err(lapse) => Err((Ending::Failed, lapse)),
        }
    }

    fn run_script(
        &self,
        work: &ScriptWork,
        matched: &Matched<'_>,
        card: &mut dyn CardTransport,
    ) -> Result<Report, NotBegun> {
        let Matched { hand, row, iccid, runtime } = matched;
        let failed = |why: Lapse| (Ending::Failed, why);
        let checked = work.checked(row);
        let keys = declared_keys(&checked.script).map(|(key, name)| work.key(key, name, row, Some(iccid)));
        let keys: Vec<Key> = keys.collect::<Result<_, _>>().map_err(|lack| failed(Lapse::of(lack)))?;
        let policy = match row.allow_once {
            true => self.route.policy.allowing_once(iccid),
            false => work.rings.policy(Some(iccid), &self.route.policy),
        };
        let route = hand.route(&self.route);
        let guard = route.guard(&policy);
        self.settle(work, matched, &keys, (&*route.writes, &guard), card)?;
        // The script finds a fresh card.
        card.reset().map_err(|e| failed(e.into()))?;

        let backup = work.backups.as_ref().map(|backups| backups.begin(iccid)).transpose();
        let mut backup = backup.map_err(|e| failed(Lapse::of(e)))?;
        let restore = work.restores.as_ref().map(|backups| backups.kept(iccid)).transpose();
        let restore: Option<CardBackup> = restore.map_err(|e| failed(Lapse::of(e)))?.flatten();
        let key = self.keepers.fingerprints.key().map_err(|e| failed(e.into()))?;
        let mark = work.mark(key, row, iccid);
        let claims = &self.keepers.claims;
        let mut ended = || {
            let now = self.route.clock.now();
            let kept = async {
                claims.claim(&mark, iccid, now).await?;
                claims.done(&mark, now).await
            };
            runtime.block_on(kept).map_err(NotTold::new)
        };
        hand.note(|held| held.touched = checked.changes_card());
        let name = reference(work, &mark.to_string());
        let mut observe = |_: &Entry| ();
        let setup = Setup {
            name: &name,
            writes: Some(&*route.writes),
            keys,
            guard,
            backup: backup.as_mut().map(|backup| &mut **backup as &mut dyn Backup),
            restore: restore.as_ref(),
            observe: &mut observe,
        };
        Ok(run_for(Session::new(card), &checked, setup, &mut ended))
    }

    /// Takes back an earlier write to the card that was cut off, or closes it.
    fn settle(
        &self,
        work: &ScriptWork,
        matched: &Matched<'_>,
        keys: &[Key],
        (writes, guard): (&dyn WriteJournal, &KeyGuard<'_>),
        card: &mut dyn CardTransport,
    ) -> Result<(), NotBegun> {
        let Matched { hand, row, iccid, runtime } = matched;
        let failed = |why: Lapse| (Ending::Failed, why);
        let told = |why: &dyn std::fmt::Display| {
            Lapse::of(format!("an earlier write to this card was interrupted: {why}"))
        };
        let mut all = keys.to_vec();
        all.extend(row.keys.iter().filter(|key| !keys.iter().any(|known| known.id == key.id)).cloned());
        let mut looks = Looks::default();
        loop {
            let Some(entry) = writes.pending(iccid).map_err(|e| failed(e.into()))? else {
                return Ok(());
            };
            if entry.under_way {
                // Not one that was cut off.
                let error = WriteJournalError::UnderWay { card: iccid.clone() }.into();
                match looks.again(&error) {
                    true => continue,
                    false => return Err((Ending::Unknown, told(&error))),
                }
            }
            let all = work.rings.complete(Some(iccid), &all).map_err(|e| failed(Lapse::of(e)))?;
            let all = entry.write.still_valid(&all);
            hand.note(|held| held.touched = true);
            let mut fs = self.files(card).map_err(|e| failed(e.into()))?;
            // What is behind a PIN can be neither looked at nor taken back without it.
            if all.iter().any(Key::is_pin) {
                let looked = guard.with_pins(&mut fs, &all, |fs| drop(card::examine(fs, &entry.write)));
                looked.map_err(|error| (in_doubt(&error), told(&error)))?;
            }
            let mut jobs = JobWrites::new(&self.route, (*runtime).clone());
            let settled = card::recover(&mut fs, &entry, Way::Settle, &all, guard, writes, &mut jobs);
            return match &settled {
                Ok(_) => Ok(()),
                Err(error) if looks.again(error) => continue,
                Err(error @ RecoverError::Apply(ApplyError::Key(key))) => Err((in_doubt(key), told(error))),
                Err(error) => {
                    let away = matches!(error.journal(), Some(WriteJournalError::Store { .. }));
                    Err((Ending::Unknown, Lapse { away, ..told(error) }))
                }
            };
        }
    }
}

/// What the journal calls this run of the script: with a mark of its own, so that no entry of another run is taken for it.
fn reference(work: &ScriptWork, mark: &str) -> String {
    format!("{} (batch {})", work.name, mark.get(..16).unwrap_or(mark))
}

/// What the script came to.
fn tell(result: &mut CardResult, report: Report) {
    let Report { entries, outputs, changes, not_read_back, saved, pending, stopped, .. } = report;
    result.key_refused = matches!(&stopped, Some(ScriptError::Key { source, .. }) if is_refused(source));
    // A part of it is there, or what came after cannot be told.
    let partial = pending || (stopped.is_some() && changes > 0);
    result.ending = match &stopped {
        None => Ending::Done,
        Some(ScriptError::Unknown { .. } | ScriptError::NotClosed { .. }) => Ending::Unknown,
        Some(_) if partial => Ending::Unknown,
        Some(ScriptError::Key { source, .. }) if is_refused(source) => Ending::Refused,
        // Its row waits for it.
        Some(ScriptError::Key { source: KeyError::Stopped(_), .. }) => Ending::Skipped,
        Some(_) => Ending::Failed,
    };
    if let Some(error) = &stopped {
        result.reason = Some(error.to_string());
        let difference = entries.into_iter().next_back().and_then(|entry| entry.difference);
        (result.expected, result.seen) = difference.map(|d| (d.expected, d.seen)).unzip();
    }
    result.script = Some(ScriptDone { changes, not_read_back, outputs, saved, pending });
}

/// What a key that was not presented, or not taken, means for a card that holds a part of something.
fn in_doubt(error: &KeyError) -> Ending {
    if is_refused(error) { Ending::Refused } else { Ending::Unknown }
}
