//! A job that is cut off before and behind every single command, in the middle of every answer, with every answer lost, and in
//! the middle of every UPDATE (SET DATA too): it is never called done; at that moment a phone sees the old bootstrap, none, or the new one;
//! the next contact takes it back to the octet or to its end, also when it is cut off in turn; and no key is presented that
//! should not be.
//!
//! For every kind of job on every kind of card, by CP and by DM; and however else a card may be spoken to, as `walk.rs` has it. How many cuts that are stands in `table.txt`: a change of
//! what goes over the wire is seen there.

#![cfg(test)]

pub(super) mod case;
pub(super) mod document;
mod filled;
pub(super) mod kind;
mod script;
mod sent;
pub(super) mod target;
mod walk;

use super::*;
use crate::{bootstrap::PayloadKind, lab::image::Personality};
use case::{Case, NEW, OLD};
use kind::{Filled, Kind, Scripted};
use target::Target;
use walk::{DEEP, everywhere};

const TABLE: &str = include_str!("table.txt");

const UICC: Target = Target::plain(Personality::Uicc);
const TOKEN: Target = Target::plain(Personality::Token);

const EVERY_CARD: [Target; 5] = [
    UICC,
    Target::plain(Personality::Uicc2g),
    Target::plain(Personality::Sim),
    Target::plain(Personality::Ruim),
    TOKEN,
];

/// How else cards may be spoken to. Class A0 has T=0 and the basic channel alone, and no applications.
const EVERY_OTHER_WAY: [Target; 7] = [
    UICC.t1(),
    UICC.logical(),
    UICC.by_aid(),
    UICC.t1().logical().by_aid(),
    TOKEN.t1().logical(),
    UICC.uncounted(),
    TOKEN.t1().uncounted(),
];

/// Cuts a kind of job off everywhere, by both payloads and by CP alone, and holds the numbers against the table.
#[expect(clippy::print_stdout, reason = "how many cuts there were is worth reading")]
fn cut_off(kind: Kind, cards: &[Target], other_ways: &[Target]) {
    let both = cards.iter().flat_map(|card| [(*card, PayloadKind::Cp), (*card, PayloadKind::Dm)]);
    let rows: Vec<String> = both
        .chain(other_ways.iter().map(|card| (*card, PayloadKind::Cp)))
        .map(|(target, payload)| {
            let row = everywhere(&Case::new(kind, target, payload), DEEP);
            let numbers =
                [row.commands, row.cuts, row.got_over, row.pending, row.states, row.cards, row.recovery_cuts]
                    .map(|n| format!("{n:>9}"));
            format!("{:<9} {:<12} {payload:<3}{}", kind.name(), target.name(), numbers.concat())
        })
        .collect();
    let name = format!("{} ", kind.name());
    let expected: Vec<&str> = TABLE.lines().filter(|line| line.starts_with(&name)).collect();
    println!("{}", rows.join("\n"));
    assert!(rows == expected, "the table of {name}(one state in {DEEP} deep) is now\n{}", rows.join("\n"));
}

/// What the table leaves out: recoveries from every state, and with every fault.
#[test]
#[ignore = "takes half a minute; `make soak` runs it"]
#[expect(clippy::print_stdout, reason = "how many cuts there were is worth reading")]
fn everything_and_every_recovery() {
    use Scripted::{
        Change, ChangeFirst, Commands, Disable, Enable, Erase, Lock, Put, Refused, Restore, Tree, Unblock,
    };
    let jobs = [Kind::First, Kind::Update, Kind::Erase, Kind::Restore];
    let scripts =
        [Put, Commands, Restore, Erase, Change, ChangeFirst, Unblock, Enable, Disable].map(Kind::Script);
    let settings = [Filled::Octets, Filled::Records, Filled::Objects];
    let on_one = [Kind::Tree, Kind::Script(Tree), Kind::Script(Lock), Kind::Script(Refused)]
        .into_iter()
        .chain(settings.into_iter().flat_map(|file| [Kind::Fill(file), Kind::Refill(file)]));
    let on_all = jobs.into_iter().chain(scripts).flat_map(|kind| EVERY_CARD.map(|card| (kind, card)));
    for (kind, card) in on_all.chain(on_one.map(|kind| (kind, UICC))) {
        let row = everywhere(&Case::new(kind, card, PayloadKind::Cp), 1);
        let (kind, card) = (kind.name(), card.name());
        println!("{kind} on {card}: {} cuts, {} of recoveries", row.cuts, row.recovery_cuts);
        assert!(row.recovery_cuts > 0, "{kind} on {card}");
    }
}

#[test]
fn a_first_write() {
    cut_off(Kind::First, &EVERY_CARD, &EVERY_OTHER_WAY);
}

/// Cards of class A0 create no files.
#[test]
fn a_first_write_of_a_bare_card() {
    cut_off(Kind::Tree, &[UICC], &[UICC.t1(), UICC.logical()]);
}

#[test]
fn an_update() {
    cut_off(Kind::Update, &EVERY_CARD, &EVERY_OTHER_WAY);
}

#[test]
fn an_erasure() {
    cut_off(Kind::Erase, &EVERY_CARD, &EVERY_OTHER_WAY);
}

#[test]
fn a_restoration() {
    cut_off(Kind::Restore, &EVERY_CARD, &EVERY_OTHER_WAY);
}

/// A script begins with a reset, which closes other channels; one of commands may open one again.
fn cut_off_script(what: Scripted, cards: &[Target], other_ways: &[Target]) {
    cut_off(Kind::Script(what), cards, other_ways);
}

#[test]
fn a_script_that_puts() {
    cut_off_script(Scripted::Put, &EVERY_CARD, &[UICC.t1(), UICC.by_aid(), TOKEN.t1(), UICC.uncounted()]);
}

#[test]
fn a_script_of_commands() {
    let cards = [&EVERY_CARD[..], &[UICC.t1(), UICC.logical(), TOKEN.t1().logical()]].concat();
    cut_off_script(Scripted::Commands, &[], &cards);
}

#[test]
fn a_script_that_restores() {
    cut_off_script(Scripted::Restore, &[], &EVERY_CARD);
}

#[test]
fn a_script_that_erases() {
    cut_off_script(Scripted::Erase, &[], &EVERY_CARD);
}

#[test]
fn a_script_that_creates() {
    cut_off_script(Scripted::Tree, &[], &[UICC, UICC.t1()]);
}

/// The script speaks class 00 to a UICC that has both.
#[test]
fn a_script_that_locks() {
    let cards = [UICC, Target::plain(Personality::Sim), Target::plain(Personality::Ruim), TOKEN, UICC.t1()];
    cut_off_script(Scripted::Lock, &[], &cards);
}

#[test]
fn a_script_that_changes_a_pin() {
    cut_off_script(Scripted::Change, &[], &EVERY_CARD);
}

#[test]
fn a_script_that_changes_a_pin_first() {
    cut_off_script(Scripted::ChangeFirst, &[], &EVERY_CARD);
}

#[test]
fn a_script_that_unblocks_a_pin() {
    cut_off_script(Scripted::Unblock, &[], &EVERY_CARD);
}

#[test]
fn a_script_that_switches_a_pin_on() {
    cut_off_script(Scripted::Enable, &[], &EVERY_CARD);
}

#[test]
fn a_script_that_switches_a_pin_off() {
    cut_off_script(Scripted::Disable, &[], &EVERY_CARD);
}

/// Cards of class A0 create and delete no files.
#[test]
fn a_script_that_is_refused() {
    cut_off_script(Scripted::Refused, &[], &[UICC, UICC.t1()]);
}

/// A USIM speaks class 00. The bootstrap is there already and stays, so one payload is enough.
const EVERY_USIM: [Target; 3] = [UICC, UICC.t1(), UICC.logical()];

#[test]
fn first_settings_of_octets() {
    cut_off(Kind::Fill(Filled::Octets), &[], &EVERY_USIM);
}

#[test]
fn first_settings_of_records() {
    cut_off(Kind::Fill(Filled::Records), &[], &EVERY_USIM);
}

#[test]
fn first_settings_of_data_objects() {
    cut_off(Kind::Fill(Filled::Objects), &[], &EVERY_USIM);
}

#[test]
fn other_settings_of_octets() {
    cut_off(Kind::Refill(Filled::Octets), &[], &EVERY_USIM);
}

#[test]
fn other_settings_of_records() {
    cut_off(Kind::Refill(Filled::Records), &[], &EVERY_USIM);
}

#[test]
fn other_settings_of_data_objects() {
    cut_off(Kind::Refill(Filled::Objects), &[], &EVERY_USIM);
}

#[test]
fn the_table_adds_up() {
    let sums = TABLE.lines().filter(|line| !line.starts_with('#')).fold([0; 7], |mut sums, line| {
        let numbers = line.split_whitespace().skip(3).map(|number| number.parse::<usize>().unwrap());
        sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        sums
    });
    let told = TABLE.lines().find_map(|line| line.strip_prefix("# sum")).unwrap();
    let told: Vec<usize> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(told, sums, "the sum at the end of table.txt");
}
