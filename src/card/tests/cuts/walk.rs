//! Cuts a job off everywhere, and its recoveries.
//!
//! The job is run once for each cut, so the program is seen to do right at each; what it leaves behind is looked at once for
//! each different state. Two cuts leave the same state when the card has changed equally often (the job sends the same
//! commands up to a cut), the same UPDATE is torn, and both journals hold the same.
//!
//! From each state with something in the journal both ways are gone. From every [`DEEP`]th such state each way is cut off in
//! turn: before and behind each command that changes the card, and in the middle of each UPDATE. A cut at a command that only
//! reads leaves what the nearest of these leaves.
//!
//! Every kind of job is cut off so on every kind of card, by T=0 on the basic channel, with CP and with DM. How else a card may be
//! spoken to - T=1, another channel, an application without a path - changes how commands are framed and what is selected, and
//! not what is written: there CP is enough, which sends the same commands as DM and fewer of some. So it is for scripts but the
//! one that puts: what is done to a file is the same for either, and CP is enough. A script begins with a reset, which closes
//! other channels, so it is on the basic one, but for one whose commands open another.
//!
//! A script that changes a PIN does so behind a `PUT`, or before it: wherever it is cut off, the file is taken back, the PIN is what it
//! was or what it was to be, and neither value is presented to find that out; nor afterwards, before a person has cleared that.
//!
//! A command that cannot be taken back leaves the card to a person where it was cut off itself, and nowhere else: not where the card
//! has refused it before.

#![cfg(test)]

use super::{
    case::{copy_keys, known, same},
    sent::Sent,
    *,
};

/// See above.
pub(super) const DEEP: usize = 3;

const FAULTS: [fn(usize) -> Fault; 4] =
    [Fault::CutBefore, Fault::CutAfter, Fault::HalfAnswer, Fault::AnswerLost];

/// What was done for a case.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Commands of the whole job.
    pub(super) commands: usize,
    /// Cuts of the job.
    pub(super) cuts: usize,
    /// Lost answers that the job could do without.
    pub(super) got_over: usize,
    /// Cuts that left something in the journal.
    pub(super) pending: usize,
    /// Different states that were left.
    pub(super) states: usize,
    /// Cuts of recoveries.
    pub(super) recovery_cuts: usize,
    /// Different cards that the phone was shown.
    pub(super) cards: usize,
}

/// What outlives a cut.
struct Left<'a> {
    card: &'a CardHandle,
    keys: &'a MemoryKeyJournal,
    writes: &'a MemoryWriteJournal,
}

impl Left<'_> {
    fn copy(&self) -> (CardHandle, MemoryKeyJournal, MemoryWriteJournal) {
        (self.card.copy(), copy_keys(self.keys), self.writes.clone())
    }
}

/// What two cuts leave in common: how often the card has changed, which UPDATE is torn, whether what was cut off is what cannot be
/// taken back, what is known of the keys, and whether the journal holds the write.
type State = (u64, Option<usize>, bool, [KeyState; 4], bool);

/// Cuts the job off everywhere, and goes both ways from there; from every so manieth state with something in the journal the ways
/// are cut off too, and where it is every one, with lost and with half answers besides.
pub(super) fn everywhere(case: &Case, every: usize) -> Row {
    let whole = case.before.copy();
    let (ended, sent) = case.run(&whole, None, &MemoryKeyJournal::new(), &MemoryWriteJournal::new());
    ended.unwrap();
    let after = whole.image();
    assert_eq!(case.seen(&case.before, "before").as_deref(), case.old, "{}", case.name());
    assert_eq!(case.seen(&whole, "after").as_deref(), case.new, "{}", case.name());
    assert_eq!(sent.keys.len(), 1, "{}: one VERIFY", case.name());
    let key_changes = usize::from(case.kind.changes_pin().is_some());
    assert_eq!(sent.key_changes.len(), key_changes, "{}", case.name());
    let mut row = Row { commands: sent.commands(), ..Row::default() };
    let mut states: Vec<State> = Vec::new();
    // Some readers call it a success when the card was pulled.
    let more = if every == 1 { &[Fault::EmptyAnswer as fn(usize) -> Fault][..] } else { &[] };
    let faults = FAULTS.iter().chain(more);
    let all = faults.flat_map(|fault| (1..=sent.commands()).map(|n| (fault(n), None)));
    let torn = (1..=sent.updates.len()).map(|n| (Fault::TornUpdate(n), Some(n)));
    for (fault, torn) in all.chain(torn) {
        let at = format!("{}: {fault}", case.name());
        let (card, keys, writes) = (case.before.copy(), MemoryKeyJournal::new(), MemoryWriteJournal::new());
        let (ended, sent) = case.run(&card, Some(fault), &keys, &writes);
        assert!(sent.keys.len() <= 1, "{at}: a second VERIFY");
        assert!(sent.key_changes.len() <= key_changes, "{at}: a PIN is presented twice");
        let pending = !writes.list().unwrap().is_empty();
        let Err(error) = ended else {
            // An answer that the job can do without: it was lost while the card was looked at, or the job is over and closes its
            // channel.
            let closing =
                case.target.channel == ChannelChoice::Logical && fault_at(fault) == Some(row.commands);
            assert!((matches!(fault, Fault::AnswerLost(_)) || closing) && !pending, "{at}: called done");
            same(&card, &after, &at);
            row.got_over += 1;
            continue;
        };
        row.cuts += 1;
        row.pending += usize::from(pending);
        match error {
            Some(ApplyError::Unknown { .. } | ApplyError::Damaged { .. } | ApplyError::Partial { .. }) => {
                assert!(pending, "{at}");
            }
            // A script's error does not tell.
            None if case.kind.is_script() => {}
            None => assert!(!pending, "{at}"),
            Some(nothing) => assert!(nothing.wrote_nothing() && !pending, "{at}: {nothing}"),
        }
        let in_doubt =
            case.kind.is_refused() && fault_at(fault).is_some_and(|n| sent.last_words.contains(&n));
        let state = (card.changes(), torn, in_doubt, known(&keys), pending);
        if states.contains(&state) {
            continue;
        }
        states.push(state);
        case.sees(&card, &at);
        if let Some(entry) = writes.pending(&iccid()).unwrap() {
            // As it comes out of a journal that has outlived the process.
            assert!(PendingWrite::from_octets(&entry.write.to_octets()).unwrap() == entry.write, "{at}");
        }
        let left = Left { card: &card, keys: &keys, writes: &writes };
        if in_doubt {
            from_doubt(case, &left, &at);
        } else if pending {
            let count = states.iter().filter(|(.., pending)| *pending).count();
            let deep = (count % every == 1 % every).then_some(every == 1);
            row.recovery_cuts += from_between(case, &left, &after, deep, &at);
        } else {
            from_untouched(case, &left, &after, &at);
        }
    }
    row.states = states.len();
    row.cards = case.cards_seen();
    row
}

/// Whether the card has done what cannot be taken back is for a person to find out: nobody touches it.
fn from_doubt(case: &Case, left: &Left<'_>, at: &str) {
    let (card, keys, writes) = left.copy();
    let (ended, sent) = case.go(&card, None, Way::Settle, &keys, &writes);
    assert!(matches!(ended, Err(RecoverError::NoWayBack { .. })), "{at}: {ended:?}");
    assert!(sent.keys.is_empty() && writes.list().unwrap().len() == 1, "{at}");
    same(&card, &left.card.image(), at);
}

/// The command that a cut is at.
fn fault_at(fault: Fault) -> Option<usize> {
    match fault {
        Fault::CutBefore(n)
        | Fault::CutAfter(n)
        | Fault::EmptyAnswer(n)
        | Fault::HalfAnswer(n)
        | Fault::AnswerLost(n) => Some(n),
        _ => None,
    }
}

/// Nothing was written, or what was is not entered: the next run does all of it, once the key rule allows that.
fn from_untouched(case: &Case, left: &Left<'_>, after: &CardImage, at: &str) {
    same(left.card, &case.before.image(), at);
    let (card, keys, writes) = left.copy();
    if rule_forbids(case, &keys) {
        let (ended, sent) = case.run(&card, None, &keys, &writes);
        assert!(ended.is_err() && sent.keys.is_empty(), "{at}: a key that may be presented once");
        same(&card, &left.card.image(), at);
        keys.clear(&iccid()).unwrap();
    }
    let (ended, sent) = case.run(&card, None, &keys, &writes);
    assert!(ended.is_ok() && sent.keys.len() == 1, "{at}, then {ended:?}");
    same(&card, after, at);
}

/// Where no counter is told, a person looks into it before a key is presented again.
fn rule_forbids(case: &Case, keys: &MemoryKeyJournal) -> bool {
    let state = keys.state(&iccid(), case.adm_ref().into()).unwrap();
    case.target.tells_no_counter() && state != KeyState::Clear
}

/// Goes both ways from a card that is between; then again with cuts. How many cuts that were.
fn from_between(case: &Case, left: &Left<'_>, after: &CardImage, deep: Option<bool>, at: &str) -> usize {
    // No other write begins before this one is settled.
    let (card, keys, writes) = left.copy();
    let (ended, sent) = case.run(&card, None, &keys, &writes);
    let no_key = sent.keys.is_empty() && sent.key_changes.is_empty();
    assert!(no_key && writes.list().unwrap().len() == 1, "{at}: {ended:?}");
    if ended.is_ok() {
        // There is nothing to do: all of it is there.
        same(&card, after, at);
    }
    assert_eq!(card.changes(), left.card.changes(), "{at}");
    let ways: &[Way] = match case.kind {
        Kind::Script(_) => {
            let (card, keys, writes) = left.copy();
            let refused = case.go(&card, None, Way::Resume, &keys, &writes).0;
            assert!(matches!(refused, Err(RecoverError::NoWayOn)), "{at}: {refused:?}");
            &[Way::RollBack]
        }
        _ => &[Way::Resume, Way::RollBack],
    };
    let mut cuts = 0;
    for (way, other) in ways.iter().zip(ways.iter().rev()) {
        let at = format!("{at}, {way:?}");
        let (card, keys, writes) = left.copy();
        let sent = finish(case, &card, *way, &keys, &writes, after, &at);
        if let Some(with_all_faults) = deep {
            for fault in worth_cutting(&sent, with_all_faults) {
                let at = format!("{at} {fault}");
                let (card, keys, writes) = left.copy();
                if case.target.tells_no_counter() {
                    keys.clear(&iccid()).unwrap();
                }
                let (ended, sent) = case.go(&card, Some(fault), *way, &keys, &writes);
                assert!(ended.is_err(), "{at}: called done");
                assert!(sent.keys.len() <= 1, "{at}: a second VERIFY");
                cuts += 1;
                case.sees(&card, &at);
                assert_eq!(writes.list().unwrap().len(), 1, "{at}: what is not settled stays in the journal");
                let way = if cuts % 2 == 0 { way } else { other };
                finish(case, &card, *way, &keys, &writes.clone(), after, &at);
            }
        }
    }
    cuts
}

/// Cuts before and behind each command that changes the card, and in the middle of each UPDATE.
fn worth_cutting(sent: &Sent, with_all_faults: bool) -> Vec<Fault> {
    let changing = (1..=sent.commands()).filter(|n| sent.changes[*n - 1] != sent.changes[*n]);
    let faults = &FAULTS[..if with_all_faults { FAULTS.len() } else { 2 }];
    let around = changing.flat_map(|n| faults.iter().map(move |fault| fault(n)));
    around.chain((1..=sent.updates.len()).map(Fault::TornUpdate)).collect()
}

/// Recovers without a cut: the card is old or new to the last octet, and so the phone sees it.
fn finish(
    case: &Case,
    card: &CardHandle,
    way: Way,
    keys: &MemoryKeyJournal,
    writes: &MemoryWriteJournal,
    after: &CardImage,
    at: &str,
) -> Sent {
    let before = card.changes();
    let entered_keys = writes.pending(&iccid()).unwrap().unwrap().write.changed_keys().to_vec();
    let (recovered, mut sent) = match case.go(card, None, way, keys, writes) {
        (Err(RecoverError::Apply(ApplyError::Key(KeyError::AllowanceUsed { .. }))), sent) => {
            assert!(rule_forbids(case, keys) && sent.keys.is_empty(), "{at}");
            assert_eq!(card.changes(), before, "{at}: a refusal leaves the card as it is");
            keys.clear(&iccid()).unwrap();
            case.go(card, None, way, keys, writes)
        }
        (other, sent) => {
            assert!(sent.keys.is_empty() || !case.target.tells_no_counter() || other.is_ok(), "{at}");
            (other, sent)
        }
    };
    let recovered = recovered.unwrap_or_else(|error| panic!("{at}: {error}"));
    let old = case.before.image();
    let (server, image) = match recovered.now {
        Now::Old => (case.old, &old),
        Now::New => (case.new, after),
    };
    assert_eq!(recovered.now == Now::New, way == Way::Resume, "{at}");
    assert_eq!(case.seen(card, at).as_deref(), server, "{at}");
    case.same(card, image, after, at);
    assert_eq!(recovered.keys_stay.is_empty(), entered_keys.is_empty(), "{at}: what stays is said");
    assert_eq!(tries(card), 3, "{at}: a right key spends no try");
    assert!(sent.keys.len() <= 1 && sent.key_changes.is_empty(), "{at}: a key too many");
    assert!(writes.list().unwrap().is_empty(), "{at}");
    if entered_keys.iter().any(|changed| !changed.replaced().is_empty()) {
        let known = keys.state(&iccid(), KeyRef::PIN1.into()).unwrap();
        assert_eq!(known, KeyState::Unanswered { tries: None }, "{at}: no value of the PIN goes to the card");
    }
    sent.changes.truncate(sent.answers.len() + 1);
    sent
}
