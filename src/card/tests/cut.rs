//! The card is pulled, or an answer is lost, at every single command of a write: it is never called done, a device sees the
//! old bootstrap, none, or the new one, and the next write puts it right.

#![cfg(test)]

use super::*;

/// What a device may see of an object afterwards.
fn sees(card: &CardHandle, old: &[u8], new: &[u8], at: &str) {
    let now = found(card, CP);
    assert!(now == old || now == new || now.is_empty(), "{at}: {} octets of something else", now.len());
}

/// Runs a write with a fault at each command in turn, on a fresh copy of the card.
fn at_every_command(image: &CardImage, old: &[u8], length: usize) -> usize {
    let new = payload(length, 50);
    let wanted = [file(CP, new.clone())];
    let faults: [fn(usize) -> Fault; 4] =
        [Fault::CutBefore, Fault::CutAfter, Fault::EmptyAnswer, Fault::AnswerLost];
    let mut commands = 0;
    for fault in faults {
        for n in 1.. {
            let card = from(image.clone());
            let journal = MemoryKeyJournal::new();
            let before = card.changes();
            let ended = write_with(&card, Some(fault(n)), &wanted, &options(), &journal, &[adm()]);
            let at = format!("{:?}: {ended:?}", fault(n));
            match ended {
                Ended::Done(_) => {
                    // The fault lies behind the last command: this run was the whole write.
                    assert_eq!(found(&card, CP), new);
                    commands = commands.max(n - 1);
                    break;
                }
                Ended::NotApplied(ApplyError::Unknown { written, .. }) => {
                    assert!(card.changes() - before >= u64::try_from(written.len()).unwrap(), "{at}");
                }
                Ended::NotApplied(
                    ApplyError::Key(KeyError::AnswerLost { .. } | KeyError::Transport(_))
                    | ApplyError::NothingWritten { source: FileError::Transport(_) },
                )
                | Ended::NotPlanned(PlanError::Transport(_)) => {
                    let spent = u64::from(3 - tries(&card));
                    assert_eq!(card.changes() - before, spent, "{at}: nothing but a counter may change");
                }
                _ => panic!("{at}"),
            }
            sees(&card, old, &new, &at);
            // Put back, it is written to the end; a key whose answer was lost shows a full counter.
            let again = write_with(&card, None, &wanted, &options(), &journal, &[adm()]);
            assert!(matches!(again, Ended::Done(_)), "{at}, then {again:?}");
            assert_eq!(found(&card, CP), new, "{at}");
            assert_eq!(look(&card).warnings, [], "{at}");
        }
    }
    commands
}

#[test]
fn a_prepared_card_pulled_at_every_command() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let mut sample = sample(SampleKind::Prepared);
        sample.protocol = protocol;
        let commands = at_every_command(&sample.image(), &[], 700);
        assert!(commands > 15, "{commands}");
    }
}

#[test]
fn an_update_pulled_at_every_command() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let old = payload(900, 3);
    write(&card, &[file(CP, old.clone())], &options());
    let commands = at_every_command(&card.image(), &old, 300);
    assert!(commands > 15, "{commands}");
}

#[test]
fn a_bare_card_pulled_at_every_command() {
    let mut sample = sample(SampleKind::Bare);
    sample.protocol = Protocol::T1;
    let commands = at_every_command(&sample.image(), &[], 300);
    assert!(commands > 40, "{commands}");
    // And no files are left over from the interrupted attempts.
    let card = from(sample.image());
    let journal = MemoryKeyJournal::new();
    let wanted = [file(CP, payload(300, 50))];
    for n in 1..=commands {
        write_with(&card, Some(Fault::CutAfter(n)), &wanted, &options(), &journal, &[adm()]);
    }
    write(&card, &wanted, &options());
    assert_eq!(card.image().mf.find(&[Fid::PKCS15]).unwrap().files().len(), 4);
}

#[test]
fn an_erasure_pulled_at_every_command() {
    let full = card(SampleKind::Prepared, Protocol::T1);
    let old = payload(900, 3);
    write(&full, &[file(CP, old.clone())], &options());
    for n in 1.. {
        let card = from(full.image());
        let mut reader = InProcess::insert(&card, bay()).with_fault(Fault::CutAfter(n));
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let (journal, policy) = (MemoryKeyJournal::new(), policy());
        let done = plan_erase(&mut fs, &[CP], &options()).is_ok_and(|plan| {
            apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new())
                .is_ok()
        });
        sees(&card, &old, &[], &format!("{n}"));
        if done {
            assert!(n > 10, "{n}");
            return;
        }
    }
}

#[test]
fn a_mute_card_is_unavailable() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let journal = MemoryKeyJournal::new();
    let wanted = [file(CP, payload(10, 1))];
    let ended = write_with(&card, Some(Fault::Mute), &wanted, &options(), &journal, &[adm()]);
    assert!(
        matches!(ended, Ended::NotPlanned(PlanError::Transport(TransportError::Mute { .. }))),
        "{ended:?}"
    );
}

#[test]
fn memory_trouble_while_writing_is_never_called_nothing_written() {
    let image = sample(SampleKind::Prepared).image();
    let wanted = [file(CP, payload(600, 9))];
    let mut damaged = 0;
    // More than a write has; trouble with a command that only looks may be got over.
    for n in 1..=60 {
        let card = from(image.clone());
        let before = card.changes();
        let journal = MemoryKeyJournal::new();
        let fault = Some(Fault::MemoryTrouble(n));
        match write_with(&card, fault, &wanted, &options(), &journal, &[adm()]) {
            Ended::Done(_) => assert_eq!(found(&card, CP), payload(600, 9)),
            Ended::NotPlanned(_) => assert_eq!(card.changes(), before),
            Ended::NotApplied(error) if error.wrote_nothing() => {
                let spent = u64::from(3 - tries(&card));
                assert_eq!(card.changes() - before, spent, "command {n}: {error}");
            }
            Ended::NotApplied(ApplyError::Damaged { .. }) => damaged += 1,
            Ended::NotApplied(_) => {}
        }
    }
    assert!(damaged >= 4, "{damaged} UPDATE commands met the fault");
}
