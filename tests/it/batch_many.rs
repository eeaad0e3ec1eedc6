//! A batch of many SIMs that tell no counter (2G): allowed by the range of their ATRs, or card by card in a column of the table; some
//! are not allowed, some hold another key. Each in its bin, and no key twice to any card.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use bootgate::{
    bootstrap::PayloadKind,
    card::{CardRange, CardTransport, KeyPolicy, KeyRings, Protocol, TransportError},
    ident::ReaderName,
    job::{
        Layout,
        batch::{CardResult, Columns, Ending, Report, Run, Totals, Work},
    },
    lab::{
        card::VirtualCard,
        image::{Personality, Sample, SampleKind},
        reader::{CardHandle, InProcess},
    },
};
use tokio::runtime::Handle;

use crate::batch_run::{RIGHT, Station, device, number, profile};

const WRONG: &str = "87654321";
/// As many as a test has time for.
const CARDS: u16 = 60;
const BAYS: usize = 4;

/// A SIM of the batch.
fn sim(n: u16) -> CardHandle {
    let imsi = format!("26201123456{n:03}").parse().unwrap();
    let mut sample = Sample::new(SampleKind::Prepared, number(n), imsi);
    sample.personality = Personality::Sim;
    CardHandle::new(VirtualCard::from_image(sample.image()).unwrap())
}

/// A reader that counts the keys that go to the card.
struct Counting(InProcess, usize);

impl CardTransport for Counting {
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
        self.1 += usize::from(apdu.get(1) == Some(&0x20) && apdu.len() > 5);
        self.0.exchange(apdu)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

/// A run over cards, each with its key and what its column says, where a policy allows some.
async fn run(station: &Station, rows: &[(u16, &str, &str)], allowed: CardRange, stop: bool) -> Arc<Run> {
    let row =
        |(n, key, once): &(u16, &str, &str)| format!("{},{},{key},{once}\n", number(*n).digits(), device(*n));
    let table = format!("iccid,imei,adm1,allow-once\n{}", rows.iter().map(row).collect::<String>());
    let (batch, report) = Report::of_table(table.as_bytes(), &Columns::default());
    assert!(report.is_sound(), "{:?}", report.problems);
    let mut route = station.app.card_route();
    route.policy = KeyPolicy::new(KeyPolicy::FLOOR, vec![allowed]);
    let work = Work {
        profile: profile(),
        payload: PayloadKind::Cp,
        layout: Layout::default(),
        adm: None,
        rings: KeyRings::default(),
        again: false,
    };
    Arc::new(Run::begin(route, &station.app.keepers(), work, batch, stop).await.unwrap())
}

/// Puts a card in. How it ended, and how many keys went to it.
fn insert(run: &Run, card: &CardHandle, runtime: &Handle) -> (CardResult, usize) {
    let mut reader = Counting(InProcess::insert(card, "bay 0".parse().unwrap()), 0);
    let result = run.card("bay 0", &mut reader, None, runtime);
    (result, reader.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sim_is_in_its_bin_and_gets_its_key_once_at_the_most() {
    let station = Station::new().await;
    let in_column = |n: u16| n.is_multiple_of(3);
    let in_range = |n: u16| (20..30).contains(&n);
    let wrong = |n: u16| n % 10 == 7;
    let rows: Vec<_> = (0..CARDS)
        .map(|n| (n, if wrong(n) { WRONG } else { RIGHT }, if in_column(n) { "yes" } else { "no" }))
        .collect();
    let range = CardRange::Iccid("894902000012345602".into());
    let run = run(&station, &rows, range, false).await;
    let (runtime, all) = (Handle::current(), Arc::clone(&run));
    let work = move || {
        let cards: Vec<_> = (0..CARDS).map(sim).collect();
        let (next, ends) = (AtomicU16::new(0), Mutex::new(BTreeMap::new()));
        std::thread::scope(|scope| {
            for _ in 0..BAYS {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        let Some(card) = cards.get(usize::from(n)) else { return };
                        ends.lock().unwrap().insert(n, insert(&all, card, &runtime));
                    }
                });
            }
        });
        let ends = ends.into_inner().unwrap();
        for (n, (result, keys)) in &ends {
            let expected = match (in_column(*n) || in_range(*n), wrong(*n)) {
                (false, _) => (Ending::Failed, 0),
                (true, true) => (Ending::Refused, 1),
                (true, false) => (Ending::Done, 1),
            };
            assert_eq!((result.ending, *keys), expected, "{result:?}");
            assert_eq!(result.line, Some(u64::from(*n) + 2));
        }
        // Put in again, no card gets a key that it had once, and none a key that it may not have.
        for (n, card) in (0..CARDS).zip(&cards).filter(|(n, _)| wrong(*n) || n % 10 == 1 || n % 10 == 3) {
            let (again, keys) = insert(&all, card, &runtime);
            let before = ends[&n].0.ending;
            let expected = if before == Ending::Done { Ending::AlreadyDone } else { before };
            assert_eq!((again.ending, keys), (expected, 0), "{again:?}");
        }
        let count = |ending| ends.values().filter(|(result, _)| result.ending == ending).count();
        (count(Ending::Done), count(Ending::Refused), count(Ending::Failed))
    };
    let (done, refused, failed) = tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!((done, refused, failed), (25, 2, 33));
    let rows = usize::from(CARDS);
    assert_eq!(run.totals(), Totals { rows, done, refused, failed, ..Totals::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sim_that_refuses_its_key_is_the_last_to_get_one() {
    let station = Station::new().await;
    let rows: Vec<_> = (0..8).map(|n| (n, if n == 2 { WRONG } else { RIGHT }, "")).collect();
    let cards: Vec<_> = (0..8).map(sim).collect();
    let run = run(&station, &rows, CardRange::Atr(cards[0].atr()), true).await;
    let (all, runtime) = (Arc::clone(&run), Handle::current());
    let work = move || {
        let ends = cards.iter().map(|card| insert(&all, card, &runtime));
        ends.map(|(result, keys)| (result.ending, keys)).collect::<Vec<_>>()
    };
    let ends = tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!(ends[..3], [(Ending::Done, 1), (Ending::Done, 1), (Ending::Refused, 1)]);
    assert_eq!(ends[3..], [(Ending::Skipped, 0); 5]);
    assert!(run.is_over());
}
