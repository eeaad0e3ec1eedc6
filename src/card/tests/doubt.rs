//! Answers that are not what was done: an UPDATE that is refused, or that answers 63Cx or 6F00, whether the card has carried it out
//! or not; a bit of an answer turned round. What is doubtful stays in the journal, and is settled from there.

#![cfg(test)]

use super::{
    cuts::{
        case::{Case, same},
        kind::Kind,
        target::Target,
    },
    *,
};
use crate::{bootstrap::PayloadKind, lab::image::Personality, wire::apdu::StatusWord};

/// Answers that do not say that nothing was done.
const DOUBTFUL: [u16; 5] = [0x6200, 0x6300, 0x6500, 0x6581, 0x6F00];
const DOUBTFUL_2G: [u16; 2] = [0x9240, 0x6F00];
/// Answers that say that it was done, after some retries; or that it was done: what reads back decides.
const RETRIED: [u16; 4] = [0x63C0, 0x63C1, 0x63CF, 0x9000];
const RETRIED_2G: [u16; 3] = [0x9200, 0x9201, 0x9000];
/// Answers that do.
const REFUSING: [u16; 7] = [0x6400, 0x6700, 0x6982, 0x6985, 0x6A84, 0x6B00, 0x6D00];
const REFUSING_2G: [u16; 4] = [0x6D00, 0x9402, 0x9804, 0x9810];

/// A write with a fault, and both ways out of it where it left something. True when it did.
#[expect(clippy::result_large_err, reason = "a test looks into it at once")]
fn both_ways_out(case: &Case, fault: Fault, after: &CardImage) -> Result<(), (ApplyError, bool)> {
    let at = format!("{}: {fault}", case.name());
    let card = case.before.copy();
    let (keys, writes) = (MemoryKeyJournal::new(), MemoryWriteJournal::new());
    let error = match case.run(&card, Some(fault), &keys, &writes).0 {
        Ok(()) => {
            same(&card, after, &at);
            assert!(writes.list().unwrap().is_empty(), "{at}");
            return Ok(());
        }
        Err(error) => error.unwrap_or_else(|| panic!("{at}: no plan")),
    };
    case.sees(&card, &at);
    let pending = !writes.list().unwrap().is_empty();
    assert_ne!(pending, error.wrote_nothing(), "{at}: {error}");
    if !pending {
        same(&card, &case.before.image(), &at);
        return Err((error, false));
    }
    for (way, image) in [(Way::Resume, after), (Way::RollBack, &case.before.image())] {
        let (card, keys, writes) = (card.copy(), MemoryKeyJournal::new(), writes.clone());
        // A person has looked into it, where the card does not tell its counter.
        let recovered = case.go(&card, None, way, &keys, &writes).0;
        recovered.unwrap_or_else(|error| panic!("{at}, {way:?}: {error}"));
        same(&card, image, &at);
    }
    Err((error, true))
}

fn whole(case: &Case) -> (CardImage, usize) {
    let card = case.before.copy();
    let (ended, sent) = case.run(&card, None, &MemoryKeyJournal::new(), &MemoryWriteJournal::new());
    ended.unwrap();
    (card.image(), sent.updates.len())
}

#[test]
fn what_a_card_says_of_an_update_is_believed_only_where_it_says_that_nothing_was_done() {
    let mut tried = 0;
    for (personality, doubtful, retried, refusing) in [
        (Personality::Uicc, &DOUBTFUL[..], &RETRIED[..], &REFUSING[..]),
        (Personality::Sim, &DOUBTFUL_2G[..], &RETRIED_2G[..], &REFUSING_2G[..]),
        (Personality::Token, &DOUBTFUL[..], &RETRIED[..], &REFUSING[..]),
    ] {
        for kind in [Kind::Update, Kind::Erase] {
            let case = Case::new(kind, Target::plain(personality), PayloadKind::Cp);
            let (after, updates) = whole(&case);
            for n in 1..=updates {
                for sw in doubtful.iter().copied().map(StatusWord) {
                    for fault in [Fault::UpdateSays(n, sw), Fault::UpdateNotDone(n, sw)] {
                        tried += 1;
                        let (error, pending) = both_ways_out(&case, fault, &after).unwrap_err();
                        assert!(matches!(error, ApplyError::Damaged { .. }) && pending, "{fault}: {error}");
                    }
                }
                for sw in refusing.iter().copied().map(StatusWord) {
                    tried += 1;
                    let fault = Fault::UpdateNotDone(n, sw);
                    let (error, pending) = both_ways_out(&case, fault, &after).unwrap_err();
                    match n {
                        1 => assert!(matches!(error, ApplyError::NothingWritten { .. }) && !pending),
                        _ => assert!(matches!(error, ApplyError::Partial { .. }) && pending, "{error}"),
                    }
                }
                for sw in retried.iter().copied().map(StatusWord) {
                    tried += 2;
                    both_ways_out(&case, Fault::UpdateSays(n, sw), &after).unwrap();
                    // A card that says that it was done, and has not done it, is found out by reading back.
                    let fault = Fault::UpdateNotDone(n, sw);
                    let (error, pending) = both_ways_out(&case, fault, &after).unwrap_err();
                    assert!(matches!(error, ApplyError::Mismatch { .. }) && pending, "{fault}: {error}");
                }
            }
        }
    }
    assert_eq!(tried, TRIED_UPDATES);
}

/// How many answers to an UPDATE were tried.
const TRIED_UPDATES: usize = 448;
/// How many octets of answers were turned.
const TURNED: usize = 524;

#[test]
fn a_turned_octet_of_any_answer_while_writing_is_found_or_harmless() {
    let (mut turned, mut done) = (0, 0);
    for (kind, personality) in [
        (Kind::First, Personality::Uicc),
        (Kind::First, Personality::Sim),
        (Kind::Update, Personality::Uicc),
        (Kind::Tree, Personality::Uicc),
    ] {
        let case = Case::new(kind, Target::plain(personality), PayloadKind::Cp);
        let card = case.before.copy();
        let (ended, sent) = case.run(&card, None, &MemoryKeyJournal::new(), &MemoryWriteJournal::new());
        ended.unwrap();
        let after = card.image();
        // From the key on: what the plan is made of was read before.
        for (n, length) in (1..).zip(&sent.answers).skip(sent.keys[0] - 1) {
            // Of long answers every sixteenth, and those that tell how it went.
            for octet in (1..=*length).filter(|octet| *octet <= 16 || octet % 16 == 0 || octet + 2 > *length)
            {
                turned += 1;
                done += usize::from(both_ways_out(&case, Fault::FlippedAnswer(n, octet), &after).is_ok());
            }
        }
    }
    assert_eq!((turned, done), (TURNED, DONE));
}

/// How many of them the write was done in spite of.
const DONE: usize = 185;
