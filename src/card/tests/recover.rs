//! A write that is cut off before and behind every single command, and torn in the middle of every UPDATE: at that moment a
//! phone sees the old bootstrap, none, or the new one; the next contact takes the write back to the octet or to its end,
//! also when it is cut off in turn; and no key is presented that should not be.

#![cfg(test)]

use super::*;
use crate::{
    bootstrap::{PayloadKind, build, resolve},
    lab::{image::Personality, slot::PhoneSlot},
    phone::{BootstrapResult, Phone},
    profile::{Profile, Subscriber},
};

/// A real document for a server: the phone says which it has taken.
fn document(server: &str) -> Vec<u8> {
    struct Zero;
    impl crate::ident::Random for Zero {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x5A);
        }
    }
    let text = include_str!("../../../config/profiles/consumer-phone.toml").replace("acme.dm", server);
    let subscriber = Subscriber {
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some(iccid()),
        ..Subscriber::default()
    };
    let settings = resolve(&Profile::parse(&text).unwrap(), &subscriber, &Zero).unwrap();
    build(&settings, PayloadKind::Cp).unwrap().octets
}

/// What a phone goes by that is switched on with the card as it is: the server, or none.
fn phone_sees(card: &CardHandle) -> Option<String> {
    let mut phone =
        Phone::new(&crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap())).unwrap();
    let card = from(card.image());
    let mut reader = InProcess::insert(&card, bay());
    let mut slot = PhoneSlot::insert(&mut reader).unwrap();
    let report = phone.power_on(Some(&mut slot));
    let accepted = report.files.iter().find_map(|file| match &file.result {
        BootstrapResult::Accepted { accounts, .. } => {
            accounts.first().map(|server| server.as_str().to_owned())
        }
        BootstrapResult::Empty => None,
        // The first octet is FF while the rest is written: this phone looks at what stands behind it, and takes nothing.
        BootstrapResult::Refused { reason, .. }
            if reason.to_string().contains("FF; expected 01, 02 or 03") =>
        {
            None
        }
        other => panic!("the phone was shown something half done: {other:?}\n{report}"),
    });
    assert!(report.accounts.len() <= 1, "{report}");
    accepted
}

/// What is done to the card.
#[derive(Clone, Copy)]
enum Job {
    Write(&'static str),
    Erase,
}

/// A kind of job on a kind of card.
struct Case {
    name: &'static str,
    before: CardImage,
    policy: KeyPolicy,
    job: Job,
    /// What the phone goes by before and afterwards.
    old: Option<&'static str>,
    /// Cards that a phone was shown already.
    looked_at: std::cell::RefCell<Vec<(CardImage, Option<String>)>>,
}

impl Case {
    fn new(
        name: &'static str,
        personality: Personality,
        kind: SampleKind,
        protocol: Protocol,
        job: Job,
    ) -> Self {
        let mut sample = sample(kind);
        (sample.personality, sample.protocol) = (personality, protocol);
        let policy = KeyPolicy::new(KeyPolicy::FLOOR, vec![CardRange::Iccid("8988211".into())]);
        Self { name, before: sample.image(), policy, job, old: None, looked_at: Default::default() }
    }

    /// The card holds a bootstrap already.
    fn holding(self, server: &'static str) -> Self {
        let job = self.job;
        let earlier = Case { job: Job::Write(server), ..self };
        let card = from(earlier.before.clone());
        earlier.run(&card, None, &MemoryKeyJournal::new(), &MemoryWriteJournal::new()).unwrap();
        Self { before: card.image(), job, old: Some(server), ..earlier }
    }

    fn new_server(&self) -> Option<&'static str> {
        match self.job {
            Job::Write(server) => Some(server),
            Job::Erase => None,
        }
    }

    /// Runs the job; an error is told by what `ApplyError` says, or by an empty text when it was cut before that.
    fn run(
        &self,
        card: &CardHandle,
        fault: Option<Fault>,
        keys: &MemoryKeyJournal,
        writes: &MemoryWriteJournal,
    ) -> Result<(), Option<ApplyError>> {
        let mut reader = InProcess::insert(card, bay());
        if let Some(fault) = fault {
            reader = reader.with_fault(fault);
        }
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let planned = match self.job {
            Job::Write(server) => plan(&mut fs, &[file(CP, document(server))], &options()),
            Job::Erase => plan_erase(&mut fs, &[CP], &options()),
        };
        let guard = KeyGuard::new(keys, &self.policy);
        apply(&mut fs, &planned.map_err(|_| None)?, &[adm()], &guard, writes).map(drop).map_err(Some)
    }

    /// Goes one way, perhaps cut off in turn. Returns also how many commands that took.
    fn go(
        &self,
        card: &CardHandle,
        fault: Option<Fault>,
        way: Way,
        keys: &MemoryKeyJournal,
        writes: &MemoryWriteJournal,
    ) -> (Result<Recovered, RecoverError>, usize) {
        let mut reader = InProcess::insert(card, bay());
        if let Some(fault) = fault {
            reader = reader.with_fault(fault);
        }
        let mut entry = writes.pending(&iccid()).unwrap().unwrap();
        // As it comes out of a journal that has outlived the process.
        entry.write = PendingWrite::from_octets(&entry.write.to_octets()).unwrap();
        let result = {
            let mut fs = FileSystem::new(Session::new(&mut reader));
            let guard = KeyGuard::new(keys, &self.policy);
            recover(&mut fs, &entry, way, &[adm()], &guard, writes, &mut Unobserved)
        };
        (result, reader.sent())
    }

    /// What a phone goes by. Most cuts leave a card as another one did; such a card is not shown again.
    fn seen(&self, card: &CardHandle) -> Option<String> {
        let image = card.image();
        let mut looked_at = self.looked_at.borrow_mut();
        if let Some((_, seen)) = looked_at.iter().find(|(known, _)| *known == image) {
            return seen.clone();
        }
        let seen = phone_sees(card);
        looked_at.push((image, seen.clone()));
        seen
    }

    fn sees(&self, card: &CardHandle, at: &str) {
        let seen = self.seen(card);
        let may = [None, self.old, self.new_server()];
        assert!(may.contains(&seen.as_deref()), "{at}: the phone goes by {seen:?}");
    }
}

/// A journal of keys with the same entries.
fn copy_keys(journal: &MemoryKeyJournal) -> MemoryKeyJournal {
    let copy = MemoryKeyJournal::new();
    let state = journal.state(&iccid(), KeyRef::ADM1.into()).unwrap();
    match state {
        KeyState::Clear => {}
        _ => copy.presenting(&iccid(), KeyRef::ADM1.into(), state.tries()).unwrap(),
    }
    match state {
        KeyState::Accepted { .. } => {
            copy.outcome(&iccid(), KeyRef::ADM1.into(), KeyOutcome::Accepted).unwrap()
        }
        KeyState::Refused { .. } => copy.outcome(&iccid(), KeyRef::ADM1.into(), KeyOutcome::Refused).unwrap(),
        _ => {}
    }
    copy
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Cuts {
    /// Of the job, that left something in the journal.
    pending: usize,
    /// Of the job, that left nothing there, because nothing had been written.
    before: usize,
    /// Of recoveries.
    recovery: usize,
}

impl Cuts {
    fn at_least(&self, pending: usize, before: usize, recovery: usize, what: &dyn std::fmt::Display) {
        let enough = self.pending >= pending && self.before >= before && self.recovery >= recovery;
        assert!(enough, "{what}: {self:?}");
    }
}

const FAULTS: [fn(usize) -> Fault; 3] = [Fault::CutBefore, Fault::CutAfter, Fault::TornUpdate];

/// The same card without the counters of its keys.
fn same(a: &CardHandle, b: &CardImage, at: &str) {
    let (mut a, mut b) = (a.image(), b.clone());
    for image in [&mut a, &mut b] {
        image.key_mut(KeyRef::ADM1).unwrap().tries = 0;
    }
    assert!(a == b, "{at}: the card differs");
}

/// Cuts the job off everywhere, recovers both ways; every `each`-th recovery is cut off everywhere too.
fn everywhere(case: &Case, each: usize) -> Cuts {
    let mut cuts = Cuts::default();
    let whole = from(case.before.clone());
    case.run(&whole, None, &MemoryKeyJournal::new(), &MemoryWriteJournal::new()).unwrap();
    let after = whole.image();
    assert_eq!(phone_sees(&whole).as_deref(), case.new_server(), "{}", case.name);
    for fault in FAULTS {
        for n in 1.. {
            let at = format!("{}: {:?}", case.name, fault(n));
            let card = from(case.before.clone());
            let (keys, writes) = (MemoryKeyJournal::new(), MemoryWriteJournal::new());
            let ended = case.run(&card, Some(fault(n)), &keys, &writes);
            if ended.is_ok() {
                same(&card, &after, &at);
                assert!(writes.list().unwrap().is_empty(), "{at}");
                break;
            }
            case.sees(&card, &at);
            if writes.list().unwrap().is_empty() {
                cuts.before += 1;
                same(&card, &case.before, &at);
                continue;
            }
            cuts.pending += 1;
            // No other write begins before this one is settled.
            let blocked = case.run(&card, None, &keys, &writes);
            assert!(
                matches!(
                    blocked,
                    Err(None | Some(ApplyError::Journal(WriteJournalError::Pending { .. }))) | Ok(())
                ),
                "{at}: {blocked:?}"
            );
            let torn = card.image();
            for way in [Way::Resume, Way::RollBack] {
                let deep = cuts.pending % each == 0;
                let kept = Kept { keys: &keys, writes: &writes };
                cuts.recovery += from_between(case, &torn, kept, way, &after, deep, &at);
            }
        }
    }
    cuts
}

/// Goes one way from a card that is between, then again with a cut at every command. How many cuts that were.
fn from_between(
    case: &Case,
    torn: &CardImage,
    kept: Kept<'_>,
    way: Way,
    after: &CardImage,
    deep: bool,
    at: &str,
) -> usize {
    let fresh = || (from(torn.clone()), copy_keys(kept.keys), kept.writes.clone());
    let (card, keys, writes) = fresh();
    let at = format!("{at}, {way:?}");
    finish(case, &card, way, &keys, &writes, after, &at);
    let mut cuts = 0;
    if !deep {
        return cuts;
    }
    let other = if way == Way::Resume { Way::RollBack } else { Way::Resume };
    for fault in FAULTS {
        for n in 1.. {
            let (card, keys, writes) = fresh();
            let at = format!("{at} {:?}", fault(n));
            // Where no counter is told, a person looks into it before the key is presented again.
            if case.before.personality.speaks_2g() {
                keys.clear(&iccid()).unwrap();
            }
            if case.go(&card, Some(fault(n)), way, &keys, &writes).0.is_ok() {
                break;
            }
            cuts += 1;
            case.sees(&card, &at);
            assert_eq!(writes.list().unwrap().len(), 1, "{at}: what is not settled stays in the journal");
            finish(case, &card, if n % 2 == 0 { way } else { other }, &keys, &writes, after, &at);
        }
    }
    cuts
}

/// What outlives a cut.
#[derive(Clone, Copy)]
struct Kept<'a> {
    keys: &'a MemoryKeyJournal,
    writes: &'a MemoryWriteJournal,
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
) {
    let before = card.changes();
    let recovered = match case.go(card, None, way, keys, writes).0 {
        Err(RecoverError::Apply(ApplyError::Key(KeyError::AllowanceUsed { .. }))) => {
            assert!(case.before.personality.speaks_2g(), "{at}");
            assert_eq!(card.changes(), before, "{at}: a refusal leaves the card as it is");
            keys.clear(&iccid()).unwrap();
            case.go(card, None, way, keys, writes).0
        }
        other => other,
    };
    let recovered = recovered.unwrap_or_else(|error| panic!("{at}: {error}"));
    let (server, image) = match recovered.now {
        Now::Old => (case.old, &case.before),
        Now::New => (case.new_server(), after),
    };
    assert_eq!(recovered.now == Now::New, way == Way::Resume, "{at}");
    assert_eq!(case.seen(card).as_deref(), server, "{at}");
    same(card, image, at);
    assert_eq!(tries(card), 3, "{at}: a right key spends no try");
    assert!(writes.list().unwrap().is_empty(), "{at}");
}

#[test]
fn a_first_write_on_a_prepared_card_cut_everywhere() {
    let job = Job::Write("beta.dm");
    for protocol in [Protocol::T0, Protocol::T1] {
        let case = Case::new("first write", Personality::Uicc, SampleKind::Prepared, protocol, job);
        let cuts = everywhere(&case, 10);
        cuts.at_least(15, 30, 80, &protocol);
    }
}

#[test]
fn a_first_write_on_a_bare_card_cut_everywhere() {
    let job = Job::Write("beta.dm");
    let case = Case::new("new tree", Personality::Uicc, SampleKind::Bare, Protocol::T0, job);
    everywhere(&case, 40).at_least(95, 42, 300, &"bare");
}

#[test]
fn an_update_cut_everywhere() {
    for (personality, each) in [(Personality::Uicc, 11), (Personality::Sim, 11), (Personality::Token, 22)] {
        let job = Job::Write("beta.dm");
        let case =
            Case::new("update", personality, SampleKind::Prepared, Protocol::T0, job).holding("acme.dm");
        everywhere(&case, each).at_least(15, 30, 80, &personality);
    }
}

#[test]
fn an_erasure_cut_everywhere() {
    for personality in [Personality::Uicc, Personality::Sim] {
        let case = Case::new("erase", personality, SampleKind::Prepared, Protocol::T0, Job::Erase)
            .holding("acme.dm");
        everywhere(&case, 10).at_least(15, 30, 80, &personality);
    }
}

/// A case that was cut off behind its `n`-th UPDATE.
fn cut_behind(case: &Case, n: usize) -> (CardHandle, MemoryKeyJournal, MemoryWriteJournal) {
    let (card, keys, writes) =
        (from(case.before.clone()), MemoryKeyJournal::new(), MemoryWriteJournal::new());
    let ended = case.run(&card, Some(Fault::TornUpdate(n)), &keys, &writes);
    assert!(matches!(ended, Err(Some(ApplyError::Unknown { .. }))), "{ended:?}");
    (card, keys, writes)
}

#[test]
fn a_card_that_somebody_else_wrote_is_left_alone() {
    let case =
        Case::new("update", Personality::Uicc, SampleKind::Prepared, Protocol::T0, Job::Write("beta.dm"));
    let case = case.holding("acme.dm");
    for n in 2..=4 {
        let (card, keys, writes) = cut_behind(&case, n);
        let mut image = card.image();
        // Another program has put a bootstrap there, and only its first octet would tell.
        change(&mut image, &[Fid::PKCS15, Fid(0x6431)], |file| {
            let crate::lab::image::Body::Transparent(octets) = &mut file.body else { panic!() };
            octets[0] = 0x02;
        });
        let card = from(image.clone());
        for way in [Way::Resume, Way::RollBack, Way::Settle] {
            let error = case.go(&card, None, way, &keys, &writes).0.unwrap_err();
            assert!(matches!(&error, RecoverError::Changed { file } if file.to_string() == "3F00/7F50/6431"));
            assert!(error.to_string().contains("--forget"), "{error}");
        }
        assert!(card.image() == image && writes.list().unwrap().len() == 1);
    }
}

#[test]
fn a_counter_that_fell_is_no_reason_to_try() {
    let case =
        Case::new("update", Personality::Uicc, SampleKind::Prepared, Protocol::T0, Job::Write("beta.dm"));
    let case = case.holding("acme.dm");
    let (card, keys, writes) = cut_behind(&case, 2);
    let mut image = card.image();
    image.key_mut(KeyRef::ADM1).unwrap().tries = 2;
    let card = from(image.clone());
    for way in [Way::Resume, Way::RollBack, Way::Settle] {
        let error = case.go(&card, None, way, &keys, &writes).0.unwrap_err();
        assert!(
            matches!(
                error,
                RecoverError::Apply(ApplyError::Key(KeyError::CounterFell { before: 3, left: 2, .. }))
            ),
            "{error}"
        );
    }
    assert!(card.image() == image && writes.list().unwrap().len() == 1);
    // Nor without the key.
    let mut reader = InProcess::insert(&card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let guard = KeyGuard::new(&keys, &case.policy);
    let error = settle(&mut fs, &iccid(), &[], &guard, &writes, &mut Unobserved).unwrap_err();
    assert!(matches!(error, RecoverError::Apply(ApplyError::KeyMissing { key: KeyRef::ADM1 })), "{error}");
    // A person has looked into it.
    keys.clear(&iccid()).unwrap();
    assert_eq!(
        settle(&mut fs, &iccid(), &[adm()], &guard, &writes, &mut Unobserved).unwrap().unwrap().now,
        Now::Old
    );
    assert!(settle(&mut fs, &iccid(), &[adm()], &guard, &writes, &mut Unobserved).unwrap().is_none());
    assert_eq!(found(&card, CP), document("acme.dm"));
}

#[test]
fn a_write_that_somebody_is_at_is_not_settled_on_another_card_of_that_number() {
    let case =
        Case::new("update", Personality::Uicc, SampleKind::Prepared, Protocol::T0, Job::Write("beta.dm"));
    let case = case.holding("acme.dm");
    let (_, keys, writes) = cut_behind(&case, 2);
    let entry = writes.pending(&iccid()).unwrap().unwrap();
    // Somebody has taken it, and his card is between old and new; ours is as it was before.
    writes.take(&iccid(), entry.id).unwrap();
    let ours = from(case.before.clone());
    let ended = case.run(&ours, None, &keys, &writes);
    assert!(matches!(ended, Err(Some(ApplyError::Journal(WriteJournalError::UnderWay { .. })))), "{ended:?}");
    for way in [Way::Resume, Way::RollBack, Way::Settle] {
        let error = case.go(&ours, None, way, &keys, &writes).0.unwrap_err();
        assert!(matches!(error, RecoverError::Journal(WriteJournalError::UnderWay { .. })), "{error}");
    }
    assert!(ours.image() == case.before);
    assert_eq!(writes.pending(&iccid()).unwrap().map(|entry| entry.id), Some(entry.id));
    writes.leave(entry.id);
    assert_eq!(case.go(&ours, None, Way::Settle, &keys, &writes).0.unwrap().now, Now::Old);
}

/// A card that has no DELETE FILE.
struct NoDelete(InProcess);

impl CardTransport for NoDelete {
    fn reader(&self) -> &ReaderName {
        self.0.reader()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        if apdu.get(1) == Some(&0xE4) { Ok(vec![0x6D, 0x00]) } else { self.0.exchange(apdu) }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

#[test]
fn what_cannot_be_deleted_is_left_empty_and_used_again() {
    let job = Job::Write("beta.dm");
    let case = Case::new("new tree", Personality::Uicc, SampleKind::Bare, Protocol::T0, job);
    for n in 1.. {
        let (card, keys, writes) =
            (from(case.before.clone()), MemoryKeyJournal::new(), MemoryWriteJournal::new());
        if case.run(&card, Some(Fault::TornUpdate(n)), &keys, &writes).is_ok() {
            assert!(n > 8, "{n}");
            return;
        }
        let mut reader = NoDelete(InProcess::insert(&card, bay()));
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let guard = KeyGuard::new(&keys, &case.policy);
        let recovered =
            settle(&mut fs, &iccid(), &[adm()], &guard, &writes, &mut Unobserved).unwrap().unwrap();
        assert!(recovered.now == Now::Old && recovered.deleted.is_empty(), "{n}: {recovered:?}");
        assert!(recovered.left_empty.contains(&FilePath::mf().child(Fid::PKCS15)), "{n}: {recovered:?}");
        assert_eq!(phone_sees(&card), None, "{n}");
        case.run(&card, None, &keys, &writes).unwrap();
        assert_eq!(phone_sees(&card).as_deref(), Some("beta.dm"), "{n}");
    }
}
