//! Keys in batches: the first refusal is the last key, whatever the other bays do; cards that tell no counter, leave for them, and
//! cuts at the key.

use std::sync::{Arc, Barrier, Mutex};

use bootgate::{
    card::{CardTransport, KeyRings, Protocol, TransportError},
    ident::ReaderName,
    job::batch::{CardResult, Columns, Ending, NoOpener, Run, TableRing, Totals},
    lab::{
        card::VirtualCard,
        image::{Personality, Quirk, Sample, SampleKind},
        reader::{CardHandle, Fault, InProcess},
    },
    wire::arr::KeyRef,
};
use tokio::runtime::Handle;

use crate::batch_run::{RIGHT, Station, number, sample, table};

const WRONG: &str = "87654321";

/// The n-th card, as another kind of card.
fn kind(n: u16, personality: Personality, quirk: Option<Quirk>) -> CardHandle {
    let imsi = format!("26201123456{n:03}").parse().unwrap();
    let mut sample = Sample::new(SampleKind::Prepared, number(n), imsi);
    sample.personality = personality;
    let mut image = sample.image();
    image.quirks.extend(quirk);
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

fn tries(card: &CardHandle) -> u8 {
    card.image().key_mut(KeyRef::ADM1).unwrap().tries
}

fn work(run: &Arc<Run>, card: &CardHandle, bay: u16, fault: Option<Fault>) -> CardResult {
    let name = format!("bay {bay}");
    let reader = InProcess::insert(card, name.parse().unwrap());
    let mut reader = fault.into_iter().fold(reader, InProcess::with_fault);
    run.card(&name, &mut reader, None, &Handle::current())
}

/// A card in a bay that waits for all the others before it is asked for its counter: then they present at the same time.
struct Together(InProcess, Arc<Barrier>, bool);

impl CardTransport for Together {
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
        let asks = matches!(apdu, [0x00, 0x20, 0x00, 0x0A, 0x00]);
        if asks && !std::mem::replace(&mut self.2, true) {
            self.1.wait();
        }
        self.0.exchange(apdu)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

/// The bays stand at the counter together; one card refuses, and no other loses a try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_in_one_bay_leaves_all_other_counters_untouched() {
    const BAYS: u16 = 8;
    let station = Station::new().await;
    let rows: Vec<(u16, &str)> = (0..BAYS).map(|n| (n, WRONG)).collect();
    for stop in [true, false] {
        let run = station.run(&table(&rows), stop).await;
        let cards: Vec<CardHandle> = (0..BAYS).map(sample).collect();
        let barrier = Arc::new(Barrier::new(usize::from(BAYS)));
        let tasks: Vec<_> = (0..BAYS)
            .map(|n| {
                let (run, barrier) = (Arc::clone(&run), Arc::clone(&barrier));
                let reader = InProcess::insert(&cards[usize::from(n)], format!("bay {n}").parse().unwrap());
                tokio::task::spawn_blocking(move || {
                    let mut reader = Together(reader, barrier, false);
                    run.card(&format!("bay {n}"), &mut reader, None, &Handle::current())
                })
            })
            .collect();
        let mut endings = Vec::new();
        for task in tasks {
            endings.push(task.await.unwrap());
        }
        let lost = cards.iter().filter(|card| tries(card) < 3).count();
        let of = |wanted| endings.iter().filter(|result| result.ending == wanted).count();
        if stop {
            assert_eq!((lost, of(Ending::Refused), of(Ending::Skipped)), (1, 1, usize::from(BAYS) - 1));
            let kept = endings.iter().find(|result| result.ending == Ending::Skipped).unwrap();
            assert!(kept.reason.as_ref().is_some_and(|why| why.contains("--go-on")), "{:?}", kept.reason);
            let rows = usize::from(BAYS);
            assert_eq!(run.totals(), Totals { rows, waiting: rows - 1, refused: 1, ..Totals::default() });
            assert!(run.is_over());
        } else {
            // Told to go on: each is refused, and counted. One of them was before.
            assert_eq!((lost, of(Ending::Refused)), (usize::from(BAYS), usize::from(BAYS)));
        }
        // The next round is on fresh cards with the same numbers: somebody has looked at the first.
        station.clear(BAYS).await;
    }
}

/// A key that was refused on another day stops the batch without being sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_before_stops_a_batch_too() {
    let station = Station::new().await;
    let (first, second) = (sample(1), sample(2));
    let go = |run: Arc<Run>, card: CardHandle| async move {
        tokio::task::spawn_blocking(move || work(&run, &card, 0, None)).await.unwrap()
    };
    let yesterday = station.run(&table(&[(1, WRONG)]), true).await;
    assert_eq!(go(yesterday, first.clone()).await.ending, Ending::Refused);
    let today = station.run(&table(&[(1, RIGHT), (2, RIGHT)]), true).await;
    assert_eq!(go(Arc::clone(&today), first.clone()).await.ending, Ending::Refused);
    assert_eq!(go(today, second.clone()).await.ending, Ending::Skipped);
    assert_eq!((tries(&first), tries(&second)), (2, 3));
}

/// Cards that tell no counter: with the column they are done, without it nothing is presented; and the leave of a table of keys
/// counts as well.
#[tokio::test(flavor = "multi_thread")]
async fn cards_that_tell_no_counter_need_leave() {
    let station = Station::new().await;
    let rows = |once: &str| {
        let plain = table(&[(1, RIGHT), (2, RIGHT), (3, RIGHT), (4, RIGHT)]);
        let lines = plain.lines().zip(std::iter::once("allow-once").chain(std::iter::repeat(once)));
        lines.map(|(line, more)| format!("{line},{more}\n")).collect::<String>()
    };
    let kinds = || {
        [
            kind(1, Personality::Sim, None),
            kind(2, Personality::Ruim, None),
            kind(3, Personality::Uicc, Some(Quirk::CounterNotTold)),
            kind(4, Personality::Uicc2g, Some(Quirk::CounterNotTold)),
        ]
    };
    let all = |run: Arc<Run>, cards: [CardHandle; 4]| async move {
        let work = move || cards.map(|card| (work(&run, &card, 0, None), tries(&card)));
        tokio::task::spawn_blocking(work).await.unwrap()
    };
    for (result, left) in all(station.run(&rows("no"), true).await, kinds()).await {
        assert_eq!((result.ending, left), (Ending::Failed, 3), "{:?}", result.reason);
        assert!(result.reason.is_some_and(|why| why.contains("does not tell")));
    }
    for (result, _) in all(station.run(&rows("yes"), true).await, kinds()).await {
        assert_eq!(result.ending, Ending::Done, "{:?}", result.reason);
    }
    station.clear(5).await;
    // The same from a source of keys: the table of the batch has neither key nor leave.
    let ring = TableRing::read("keys.csv", rows("yes").as_bytes(), &Columns::default(), &NoOpener).unwrap();
    let rings = KeyRings::new(vec![Arc::new(ring)]);
    assert_eq!(rings.complete(Some(&number(1)), &[]).unwrap().len(), 1);
    let bare: String = table(&[(1, ""), (2, ""), (3, ""), (4, "")]);
    let run = station.run_from(&bare, rings).await;
    for (result, _) in all(run, kinds()).await {
        assert_eq!(result.ending, Ending::Done, "{:?}", result.reason);
    }
}

/// The card is cut off at each command in turn and put in again and again: a wrong key costs one try, whatever was lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_the_key_costs_one_try_at_the_most() {
    let station = Station::new().await;
    for (personality, quirk) in [
        (Personality::Uicc, None),
        (Personality::Uicc, Some(Quirk::CounterNotTold)),
        (Personality::Sim, None),
    ] {
        let mut lost = 0;
        for n in (6..60).step_by(1) {
            let text: String = table(&[(n, WRONG)])
                .lines()
                .zip(["allow-once", "yes"])
                .map(|(line, more)| format!("{line},{more}\n"))
                .collect();
            let run = station.run(&text, false).await;
            let card = kind(n, personality, quirk);
            let (run2, card2) = (Arc::clone(&run), card.clone());
            let first = move || work(&run2, &card2, 0, Some(Fault::CutAfter(usize::from(n))));
            let torn = tokio::task::spawn_blocking(first).await.unwrap();
            if torn.ending == Ending::Refused {
                break;
            }
            lost += u8::from(tries(&card) == 2);
            for _ in 0..2 {
                let (run, card) = (Arc::clone(&run), card.clone());
                let again = tokio::task::spawn_blocking(move || work(&run, &card, 0, None)).await.unwrap();
                assert_ne!(again.ending, Ending::Done, "cut {n}");
            }
            assert_eq!(tries(&card), 2, "{personality} {quirk:?}, cut {n}: once and no more");
        }
        assert_eq!(lost, 1, "{personality} {quirk:?}: the cut at the key is among them");
        station.clear(60).await;
    }
}

/// Sees the class octets of what goes to a card.
struct Classes(InProcess, Arc<Mutex<Vec<(u8, u8)>>>);

impl CardTransport for Classes {
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
        self.1.lock().unwrap().push((apdu[0], apdu[1]));
        self.0.exchange(apdu)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_speaks_on_the_chosen_channel_from_the_first_command_on() {
    let station = Station::with("card.channel", "logical").await;
    let run = station.run(&table(&[(1, RIGHT)]), true).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut reader = Classes(InProcess::insert(&sample(1), "bay 0".parse().unwrap()), Arc::clone(&seen));
    let work = move || run.card("bay 0", &mut reader, None, &Handle::current());
    let done = tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!(done.ending, Ending::Done, "{:?}", done.reason);
    let seen = seen.lock().unwrap();
    let basic = seen.iter().filter(|(class, ins)| class & 0x03 == 0 && !matches!(ins, 0x70 | 0xC0)).count();
    assert_eq!((basic, seen[0]), (0, (0x00, 0x70)), "{seen:02X?}");
}
