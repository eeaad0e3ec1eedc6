//! Scripts in the journal of writes. That one may be cut off anywhere is in `card::tests::cuts`.

#![cfg(test)]

use super::*;
use crate::card::{
    ApplyError, BootstrapFile, ChangedKey, FileSystem, KeyFate, Origin, RecoverError, Recovered, Unobserved,
    WriteJournalError, apply, plan, settle,
};
use crate::{
    lab::fault::Fault,
    wire::{
        arr::{AccessMode, AccessRules, Operation, SecurityCondition},
        fcp::{Fcp, LifeCycle, Security},
    },
};

pub(super) const ADM: &[(&str, &str)] = &[("ADM", "12345678")];

pub(super) fn iccid() -> Iccid {
    Iccid::from_card("8988211000000430010").unwrap()
}

pub(super) fn on(card: &CardHandle, text: &str, writes: &MemoryWriteJournal) -> Report {
    let set = if text.contains("KEY 0A ADM") { ADM } else { &[] };
    run_on(card, text, With { set, writes: Some(writes), ..With::default() })
}

pub(super) fn take_back(
    card: &CardHandle,
    writes: &MemoryWriteJournal,
) -> Result<Option<Recovered>, RecoverError> {
    take_back_by(&mut InProcess::insert(card, "bay 0".parse().unwrap()), writes)
}

fn take_back_by(
    reader: &mut InProcess,
    writes: &MemoryWriteJournal,
) -> Result<Option<Recovered>, RecoverError> {
    let mut fs = FileSystem::new(Session::new(reader));
    let (keys, policy) = (MemoryKeyJournal::new(), KeyPolicy::new(KeyPolicy::FLOOR, Vec::new()));
    let adm = [Key::read(KeyRef::ADM1.into(), "12345678").unwrap()];
    settle(&mut fs, &iccid(), &adm, &KeyGuard::new(&keys, &policy), writes, &mut Unobserved)
}

/// Changes octets, a record, and makes a file; then the card answers something else than is expected.
const STOPS: &str = "REM bootgate 1\nREM Stops in the middle.\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 3F00/2F00 by 0A\n\
    EFF creates 3F00/7F50/6440 by 0A\nEFF reads 3F00/2F00\nRST\nVER 0A\n\
    APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 D6 00 02 03 AA BB CC (90 00)\nAPD 00 D6 00 03 02 DD EE (90 00)\n\
    APD 00 A4 00 0C 02 3F 00 (90 00)\nAPD 00 A4 00 0C 02 7F 50 (90 00)\n\
    APD 00 E0 00 00 lv(tlv(62, 82 02 41 21 83 02 64 40 8A 01 05 8B 03 2F 06 02 80 02 00 20 88 00)) (90 00)\n\
    PUT 3F00/2F00 record 3 61 02 4F 00\n\
    APD 00 A4 00 0C 02 3F 00 (90 00)\nAPD 00 A4 00 0C 02 2F 00 (90 00)\nAPD 00 B2 01 04 00 [00] (90 00)\nOFF\n";

#[test]
fn what_a_script_has_changed_when_it_stops_is_taken_back() {
    let card = written(Personality::Uicc, b"a document that was there");
    let (before, writes) = (card.image(), MemoryWriteJournal::new());
    let report = on(&card, STOPS, &writes);
    assert!(matches!(report.stopped, Some(ScriptError::Unexpected { .. })), "{}", shown(&report));
    assert!(report.pending && report.changes == 4, "{}", shown(&report));
    let entry = writes.pending(&iccid()).unwrap().unwrap();
    assert_eq!(entry.write.reference.as_deref(), Some("script test"));
    assert_eq!((entry.write.origin, entry.write.steps(), entry.under_way), (Origin::Script, 4, false));
    assert_eq!(entry.write.keys, [KeyRef::ADM1]);

    // Nothing that changes the card begins before that: neither a script nor a write.
    let erase = shipped("erase").unwrap().text;
    let changes = card.changes();
    let refused = on(&card, erase, &writes);
    assert!(
        matches!(
            refused.stopped,
            Some(ScriptError::Journal { source: WriteJournalError::Pending { .. }, .. })
        ),
        "{}",
        shown(&refused)
    );
    assert!(shown(&refused).contains("is not settled; run `bootgate card recover"), "{}", shown(&refused));
    assert!(!refused.pending, "what is pending is not its own");
    assert!(matches!(write(&card, &writes), Err(ApplyError::Journal(WriteJournalError::Pending { .. }))));
    assert_eq!(card.changes(), changes);
    // One that only reads may look at what there is.
    done(on(&card, shipped("survey").unwrap().text, &writes));

    let recovered = take_back(&card, &writes).unwrap().unwrap();
    assert_eq!(recovered.deleted.len(), 1, "{recovered}");
    assert_eq!(card.image(), before);
    done(on(&card, erase, &writes));
    assert!(writes.list().unwrap().is_empty(), "what came to its end is not kept");
}

fn write(card: &CardHandle, writes: &MemoryWriteJournal) -> Result<crate::card::Outcome, ApplyError> {
    let mut reader = InProcess::insert(card, "bay 0".parse().unwrap());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let oid = crate::wire::pkcs15::ObjectId::CP_BOOTSTRAP;
    let wanted = BootstrapFile { oid, label: "Bootstrap".into(), octets: vec![0x03, 0x01] };
    let plan = plan(&mut fs, &[wanted], &crate::card::tests::options()).unwrap();
    let (keys, policy) = (MemoryKeyJournal::new(), KeyPolicy::new(KeyPolicy::FLOOR, Vec::new()));
    let adm = [Key::read(KeyRef::ADM1.into(), "12345678").unwrap()];
    apply(&mut fs, &plan, &adm, &KeyGuard::new(&keys, &policy), writes)
}

#[test]
fn what_the_card_has_refused_or_what_changes_nothing_is_not_kept() {
    let card = written(Personality::Uicc, b"a document that was there");
    let writes = MemoryWriteJournal::new();
    let text = "RST\nCMD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nCMD 00 D6 00 00 01 AA (90 00)\nOFF\n";
    let report = on(&card, text, &writes);
    assert!(matches!(report.stopped, Some(ScriptError::Unexpected { .. })), "{}", shown(&report));
    assert!(!report.pending && writes.list().unwrap().is_empty() && card.changes() == 0);
    // It writes the octet that is there.
    done(on(&card, shipped("lock-for-shipping").unwrap().text, &writes));
    assert!(writes.list().unwrap().is_empty());
}

#[test]
fn what_nobody_can_take_back_is_said_and_left_to_a_person() {
    let card = written(Personality::Uicc, b"a document that was there");
    let writes = MemoryWriteJournal::new();
    let text = "REM bootgate 1\nREM Deletes a file.\nKEY 0A ADM\nEFF destroys 3F00/7F50/6432 by 0A\nRST\nVER 0A\n\
        APD 00 A4 00 0C 02 7F 50 (90 00)\nAPD 00 E4 00 00 02 64 32 (90 00)\nAPD 00 A4 00 0C 02 64 32 (90 00)\nOFF\n";
    let report = on(&card, text, &writes);
    assert!(report.pending, "{}", shown(&report));
    let changes = card.changes();
    let error = take_back(&card, &writes).unwrap_err();
    assert!(matches!(&error, RecoverError::NoWayBack { file, .. } if file.to_string() == "3F00/7F50/6432"));
    assert!(error.to_string().contains("DELETE FILE") && error.to_string().contains("--forget"), "{error}");
    assert!(card.changes() == changes && writes.list().unwrap().len() == 1);
}

/// Changes octets with ADM1, does something to a key, and stops; a PIN of the sample is 1234.
fn stops_after(personality: Personality, statement: &str, old: &str) -> (CardHandle, MemoryWriteJournal) {
    let mut image = written(personality, b"a document that was there").image();
    image.key_mut(KeyRef::PIN1).unwrap().enabled = true;
    let (card, writes) = (from(image), MemoryWriteJournal::new());
    let of = statement.split(' ').nth(1).unwrap();
    let name = if of == "0A" { "ADM" } else { "PIN" };
    let pin = if of == "0A" { String::new() } else { format!("KEY {of} PIN\n") };
    let new = if statement.contains("NEW") { "VAR NEW secret digits\n" } else { "" };
    let text = format!(
        "REM bootgate 1\nREM Stops.\n{new}KEY 0A ADM\n{pin}EFF keys {of}\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
         PUT 3F00/7F50/6431 AA BB CC\n{statement}\nAST 01 == 02\n"
    );
    let mut set = vec![("ADM", "12345678")];
    if name == "PIN" {
        set.push(("PIN", old));
    }
    if !new.is_empty() {
        set.push(("NEW", "71727374"));
    }
    let report = run_on(&card, &text, With { set: &set, writes: Some(&writes), ..With::default() });
    assert!(report.stopped.is_some() && report.pending, "{}", shown(&report));
    (card, writes)
}

#[test]
fn what_a_script_did_to_a_pin_is_said_to_stay() {
    let before = at_rest(&written(Personality::Uicc, b"a document that was there"), &FILE);
    for (statement, how, stays) in [
        ("CHG 01 ${NEW}", KeyFate::NewValue, "key 01 (PIN1) got another value (CHG)"),
        ("DIS 01", KeyFate::SwitchedOff, "key 01 (PIN1) was switched off (DIS)"),
    ] {
        let (card, writes) = stops_after(Personality::Uicc, statement, "1234");
        let changed = ChangedKey { key: KeyRef::PIN1, how };
        assert_eq!(writes.pending(&iccid()).unwrap().unwrap().write.changed_keys(), [changed]);
        let recovered = take_back(&card, &writes).unwrap().unwrap();
        assert_eq!((at_rest(&card, &FILE), &recovered.keys_stay[..]), (before.clone(), &[changed][..]));
        let said = recovered.to_string();
        assert!(said.contains(&format!("not taken back: {stays}")), "{said}");
        assert!(!said.contains("the card holds what it held"), "{said}");
        let pin = card.image().key_mut(KeyRef::PIN1).unwrap().clone();
        assert_eq!(
            (pin.enabled, pin.value.0.starts_with(b"7172")),
            (how == KeyFate::NewValue, how == KeyFate::NewValue)
        );
    }
}

#[test]
fn a_key_that_a_script_has_changed_is_not_presented_to_take_it_back() {
    let (card, writes) = stops_after(Personality::Uicc, "CHG 0A ${NEW}", "12345678");
    let before = card.image();
    // The old value is at hand.
    let error = take_back(&card, &writes).unwrap_err();
    assert!(matches!(error, RecoverError::KeyReplaced { key: KeyRef::ADM1 }), "{error}");
    assert!(error.to_string().contains("--forget"), "{error}");
    assert_eq!((tries(&card, KeyRef::ADM1), card.image() == before), (3, true));
    assert_eq!(writes.list().unwrap().len(), 1);
}

#[test]
fn a_change_that_the_card_has_refused_is_not_in_the_journal() {
    let (card, writes) = stops_after(Personality::Uicc, "CHG 01 ${NEW}", "9753");
    assert!(writes.pending(&iccid()).unwrap().unwrap().write.changed_keys().is_empty());
    assert!(take_back(&card, &writes).unwrap().unwrap().keys_stay.is_empty());
}

#[test]
fn a_script_that_changes_keys_alone_waits_for_what_is_not_settled() {
    let (card, writes) = stops_after(Personality::Uicc, "DIS 01", "1234");
    let text = "REM bootgate 1\nKEY 01 PIN\nEFF keys 01\nRST\nENA 01\n";
    let on = |set| run_on(&card, text, With { set, writes: Some(&writes), ..With::default() });
    let refused = on(&[("PIN", "1234")]);
    assert!(matches!(refused.stopped, Some(ScriptError::Journal { .. })), "{}", shown(&refused));
}

/// Nothing of it is in a file, so there is nothing to take back. Whoever has the card next must know all the same.
#[test]
fn what_was_done_to_a_pin_before_the_first_file_stays_in_the_journal() {
    for (statement, is_replaced) in [("CHG 01 ${NEW}", true), ("DIS 01", false)] {
        let mut image = written(Personality::Uicc, b"a document that was there").image();
        image.key_mut(KeyRef::PIN1).unwrap().enabled = true;
        let (card, writes) = (from(image), MemoryWriteJournal::new());
        let new = if is_replaced { "VAR NEW secret digits\n" } else { "" };
        let text = format!(
            "REM bootgate 1\nREM Stops.\n{new}KEY 01 PIN\nEFF keys 01\nEFF updates 3F00/7F50/6431\nRST\n{statement}\n\
             AST 01 == 02\nPUT 3F00/7F50/6431 AA BB CC\n"
        );
        let mut set = vec![("PIN", "1234")];
        set.extend(is_replaced.then_some(("NEW", "71727374")));
        let keys = MemoryKeyJournal::new();
        let run = || {
            run_on(
                &card,
                &text,
                With { set: &set, writes: Some(&writes), journal: Some(&keys), ..With::default() },
            )
        };
        let report = run();
        assert!(matches!(report.stopped, Some(ScriptError::Assertion { .. })), "{}", shown(&report));
        assert!(report.pending, "{}", shown(&report));
        let entry = writes.pending(&iccid()).unwrap().unwrap();
        assert_eq!((entry.write.steps(), entry.write.changed_keys().len(), entry.under_way), (0, 1, false));
        let changes = card.changes();
        assert!(matches!(run().stopped, Some(ScriptError::Journal { .. })), "what is not settled goes first");

        let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let policy = KeyPolicy::new(KeyPolicy::FLOOR, Vec::new());
        let guard = KeyGuard::new(&keys, &policy);
        let recovered = settle(&mut fs, &iccid(), &[], &guard, &writes, &mut Unobserved).unwrap().unwrap();
        drop(fs);
        assert_eq!((recovered.keys_stay.len(), writes.list().unwrap().len()), (1, 0));
        assert_eq!(recovered.to_string().contains("clear-refusal"), is_replaced, "{recovered}");
        // Neither value goes to the card before a person has found out which one it takes.
        let known = keys.state(&iccid(), KeyRef::PIN1.into()).unwrap();
        assert_eq!(known == KeyState::Unanswered { tries: None }, is_replaced, "{known:?}");
        let again = run();
        if is_replaced {
            assert!(shown(&again).contains("clear-refusal"), "{}", shown(&again));
            assert!(!again.pending && writes.list().unwrap().is_empty());
        }
        assert_eq!((tries(&card, KeyRef::PIN1), card.changes()), (3, changes));
    }
}

#[test]
fn a_journal_that_cannot_be_used_stops_a_script_before_it_changes_anything() {
    struct Broken;
    impl WriteJournal for Broken {
        fn pending(&self, _: &Iccid) -> Result<Option<crate::card::PendingEntry>, WriteJournalError> {
            Ok(None)
        }
        fn begin(&self, _: &crate::card::PendingWrite) -> Result<crate::card::Hold, WriteJournalError> {
            Err(WriteJournalError::new(std::io::Error::other("the disk is full")))
        }
        fn replace(
            &self,
            _: &crate::card::Hold,
            _: &crate::card::PendingWrite,
        ) -> Result<(), WriteJournalError> {
            unreachable!()
        }
        fn take(&self, _: &Iccid, _: crate::card::EntryId) -> Result<crate::card::Hold, WriteJournalError> {
            unreachable!()
        }
        fn leave(&self, _: &crate::card::Hold) {}
        fn close(&self, _: &crate::card::Hold) -> Result<(), WriteJournalError> {
            unreachable!()
        }
        fn list(&self) -> Result<Vec<crate::card::PendingSummary>, WriteJournalError> {
            unreachable!()
        }
    }
    let card = written(Personality::Uicc, b"a document that was there");
    let before = card.image();
    let checked = checked(shipped("erase").unwrap().text, ADM, Need::Everything);
    let (keys, policy) = (MemoryKeyJournal::new(), KeyPolicy::new(KeyPolicy::FLOOR, Vec::new()));
    let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
    let setup = Setup {
        name: "erase",
        writes: Some(&Broken),
        keys: vec![Key::read(KeyRef::ADM1.into(), "12345678").unwrap()],
        guard: KeyGuard::new(&keys, &policy),
        backup: None,
        restore: None,
        observe: &mut |_| {},
    };
    let report = run(Session::new(&mut reader), &checked, setup);
    assert!(
        shown(&report).contains("nothing was sent: the journal of writes cannot be used"),
        "{}",
        shown(&report)
    );
    assert_eq!(card.image(), before);
}

/// That a command was refused says nothing of what was put before.
#[test]
fn what_is_refused_behind_a_put_leaves_that_in_the_journal() {
    for expected in ["(90 00)", "(90 00, 6A 82)"] {
        let card = written(Personality::Uicc, b"a document that was there");
        let (before, writes) = (card.image(), MemoryWriteJournal::new());
        let text = format!(
            "REM bootgate 1\nREM Stops.\nKEY 0A ADM\nEFF updates 3F00/2F00 3F00/6F99 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
             PUT 3F00/2F00 record 3 61 02 4F 00\nAPD 00 44 00 00 02 6F 99 {expected}\nPUT 3F00/7F50/6431 AA BB\nAST 01 == 02\n"
        );
        let report = on(&card, &text, &writes);
        assert!(report.stopped.is_some() && report.pending, "{}", shown(&report));
        assert!(card.image() != before);
        take_back(&card, &writes).unwrap().unwrap();
        assert!(card.image() == before, "{expected}");
    }
}

/// A file that ADM1 alone reads: recovery has to present it to see how far the script came.
#[test]
fn a_file_that_an_administrative_key_guards_is_taken_back() {
    taken_back_where_adm1_alone_reads(false);
}

/// The same where the rules do not say which key they ask for.
#[test]
fn a_file_that_a_key_without_a_number_guards_is_taken_back() {
    taken_back_where_adm1_alone_reads(true);
}

fn taken_back_where_adm1_alone_reads(by_compact_rules: bool) {
    let adm = SecurityCondition::key(KeyRef::ADM1);
    let bits = Operation::Read.bit() | Operation::Update.bit();
    let rule = AccessRules(vec![(AccessMode::Operations(bits), adm)]);
    let mut image = written(Personality::Uicc, b"a document that was there").image();
    image.mf.find_mut(&FILE).unwrap().security = Some(match by_compact_rules {
        // ADM1 on these cards; the octet does not say so.
        true => Security::Compact(vec![bits, 0x92, 0x92]),
        false => Security::Expanded(rule),
    });
    let card = from(image);
    let text = "REM bootgate 1\nREM Puts.\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
        PUT 3F00/7F50/6431 AA BB CC\nOFF\n";
    let mut whole = InProcess::insert(&card.copy(), "bay 0".parse().unwrap());
    let writes = MemoryWriteJournal::new();
    done(run_in(&mut whole, text, With { set: ADM, writes: Some(&writes), ..With::default() }));
    let (before, mut left) = (card.image(), 0);
    for n in 1..=whole.sent() {
        for fault in [Fault::CutBefore(n), Fault::CutAfter(n), Fault::AnswerLost(n)] {
            let (card, writes) = (card.copy(), MemoryWriteJournal::new());
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap()).with_fault(fault);
            run_in(&mut reader, text, With { set: ADM, writes: Some(&writes), ..With::default() });
            left += usize::from(!writes.list().unwrap().is_empty());
            take_back(&card, &writes).unwrap_or_else(|error| panic!("{fault}: {error}"));
            assert!(card.image().mf == before.mf && writes.list().unwrap().is_empty(), "{fault}");
            assert_eq!(tries(&card, KeyRef::ADM1), 3, "{fault}");
        }
    }
    assert!(left > 10, "{left}");
}

/// A file that is created is activated before a device uses it. It is taken back by deleting it, whatever it was before.
#[test]
fn a_file_that_a_script_creates_and_activates_is_taken_back() {
    for life_cycle in ["01", "03", "05"] {
        let card = written(Personality::Uicc, b"a document that was there");
        let text = format!(
            "REM bootgate 1\nREM Creates.\nKEY 0A ADM\nEFF creates 3F00/7F50/6440 by 0A\nEFF updates 3F00/7F50/6440 by 0A\n\
             RST\nVER 0A\nAPD 00 A4 00 0C 02 3F 00 (90 00)\nAPD 00 A4 00 0C 02 7F 50 (90 00)\n\
             APD 00 E0 00 00 lv(tlv(62, 82 02 41 21 83 02 64 40 8A 01 {life_cycle} 8B 03 2F 06 02 80 02 00 20 88 00)) (90 00)\n\
             APD 00 A4 08 0C 04 7F 50 64 40 (90 00)\nAPD 00 44 00 00 (90 00)\nAPD 00 D6 00 00 03 AA BB CC (90 00)\n\
             AST 01 == 02\n"
        );
        let mut whole = InProcess::insert(&card.copy(), "bay 0".parse().unwrap());
        let writes = MemoryWriteJournal::new();
        let report = run_in(&mut whole, &text, With { set: ADM, writes: Some(&writes), ..With::default() });
        assert!(matches!(report.stopped, Some(ScriptError::Assertion { .. })), "{}", shown(&report));
        assert!(report.pending, "{}", shown(&report));
        let before = card.image();
        for fault in (1..=whole.sent() + 1).flat_map(|n| [Fault::CutBefore(n), Fault::CutAfter(n)]) {
            let (card, writes) = (card.copy(), MemoryWriteJournal::new());
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap()).with_fault(fault);
            run_in(&mut reader, &text, With { set: ADM, writes: Some(&writes), ..With::default() });
            take_back(&card, &writes).unwrap_or_else(|error| panic!("{life_cycle} {fault}: {error}"));
            assert!(
                card.image().mf == before.mf && writes.list().unwrap().is_empty(),
                "{life_cycle} {fault}"
            );
        }
    }
}

/// A file that is not active shows nobody what it holds: it is activated first, or deactivated last.
#[test]
fn files_that_a_script_activates_or_deactivates_are_taken_back() {
    const ON: &str = "APD 00 A4 08 0C 04 7F 50 64 31 (90 00, 62 83)\nAPD 00 44 00 00 (90 00)\n";
    const OFF: &str = "APD 00 A4 08 0C 04 7F 50 64 31 (90 00, 62 83)\nAPD 00 04 00 00 (90 00)\n";
    const PUT: &str = "PUT 3F00/7F50/6431 AA BB CC\n";
    const OTHER: &str = "PUT 3F00/7F50/6432 AA BB CC\n";
    const BARE: &str = "APD 00 A4 08 0C 04 7F 50 64 31 (90 00, 62 83)\nAPD 00 D6 00 00 03 AA BB CC (90 00)\n";
    for (is_on, parts) in [
        (true, &[OFF, OTHER][..]),
        (true, &[PUT, OFF]),
        (false, &[ON, PUT]),
        (false, &[OTHER, ON]),
        // What it holds is hidden before and after.
        (false, &[ON, PUT, OFF]),
        (true, &[PUT, OFF, ON, PUT, OFF]),
        (true, &[OFF, BARE]),
        (false, &[BARE, ON]),
    ] {
        let mut image = written(Personality::Uicc, b"a document that was there").image();
        if parts.contains(&BARE) {
            // Readable and updatable while it is not active.
            image.mf.find_mut(&FILE).unwrap().proprietary.push((Fcp::SPECIAL, vec![0x40]));
        }
        if !is_on {
            image.mf.find_mut(&FILE).unwrap().life_cycle = LifeCycle::DEACTIVATED;
        }
        let card = from(image);
        let text = format!(
            "REM bootgate 1\nREM Switches.\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 3F00/7F50/6432 by 0A\n\
             EFF destroys 3F00/7F50/6431 by 0A\nRST\nVER 0A\n{}AST 01 == 02\n",
            parts.concat()
        );
        let (mut whole, writes) =
            (InProcess::insert(&card.copy(), "bay 0".parse().unwrap()), MemoryWriteJournal::new());
        let report = run_in(&mut whole, &text, With { set: ADM, writes: Some(&writes), ..With::default() });
        assert!(matches!(report.stopped, Some(ScriptError::Assertion { .. })), "{}", shown(&report));
        for fault in (1..=whole.sent() + 1).flat_map(|n| [Fault::CutBefore(n), Fault::CutAfter(n)]) {
            let (card, before, writes) = (card.copy(), card.image(), MemoryWriteJournal::new());
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap()).with_fault(fault);
            run_in(&mut reader, &text, With { set: ADM, writes: Some(&writes), ..With::default() });
            if let Some(entry) = writes.pending(&iccid()).unwrap() {
                let octets = entry.write.to_octets();
                assert!(crate::card::PendingWrite::from_octets(&octets).unwrap() == entry.write);
            }
            take_back(&card, &writes).unwrap_or_else(|error| panic!("{parts:?} {fault}: {error}"));
            assert!(card.image().mf == before.mf && writes.list().unwrap().is_empty(), "{parts:?} {fault}");
        }
        // The way back may be cut off, too.
        for n in 1.. {
            let (card, before, writes) = (card.copy(), card.image(), MemoryWriteJournal::new());
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
            run_in(&mut reader, &text, With { set: ADM, writes: Some(&writes), ..With::default() });
            let cut = InProcess::insert(&card, "bay 0".parse().unwrap());
            let cut_off = take_back_by(&mut cut.with_fault(Fault::CutAfter(n)), &writes);
            if cut_off.is_ok() {
                break;
            }
            take_back(&card, &writes).unwrap_or_else(|error| panic!("{parts:?} back {n}: {error}"));
            assert!(card.image().mf == before.mf, "{parts:?} back {n}");
        }
    }
}

/// What nobody could find again is not begun.
#[test]
fn a_card_without_a_number_gets_no_script_that_changes_it() {
    let mut image = sample(Personality::Token, SampleKind::Prepared).image();
    image.add_quirk(crate::lab::image::Quirk::NoTokenInfo);
    let card = from(image);
    let writes = MemoryWriteJournal::new();
    let text = "REM bootgate 1\nREM Puts.\nKEY 0A ADM\nEFF updates A000000063504B43532D3135/6431 by 0A\nRST\nVER 0A\n\
        PUT A000000063504B43532D3135/6431 AA BB\nAST 01 == 02\n";
    let report = on(&card, text, &writes);
    assert!(matches!(report.stopped, Some(ScriptError::NoNumber { .. })), "{}", shown(&report));
    assert_eq!((card.changes(), tries(&card, KeyRef::ADM1)), (0, 3));
    // To look at it is well.
    let text = "REM bootgate 1\nREM Looks.\nEFF reads A000000063504B43532D3135/5031\nRST\nOUT \"a\" 01\n";
    done(on(&card, text, &writes));
}
