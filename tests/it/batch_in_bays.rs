//! A batch in bays, over a hall of virtual readers: mute cards, a service that goes and comes, a reader too much. Every row
//! ends once, in the right bin.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bootgate::{
    card::{BayConfig, Identity},
    ident::{Iccid, ReaderName},
    job::{
        State,
        batch::{Bin, CardResult, Ending, Progress, Run, Shift, ShiftNews, Totals},
    },
    lab::{
        hall::{Hall, Touch},
        reader::Fault,
    },
};

use crate::batch_run::{RIGHT, Station, number, sample, table};

/// Long enough for any machine; only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn reader(n: u16) -> ReaderName {
    format!("bay {n:02}").parse().unwrap()
}

/// A batch over the cards 0.. in as many readers.
pub struct Floor {
    pub hall: Hall,
    pub run: Arc<Run>,
    pub shift: Shift,
    end: Instant,
}

impl Floor {
    pub async fn begin(cards: u16, watchdog: Duration) -> (Self, Station) {
        let station = Station::new().await;
        let rows: Vec<_> = (0..cards).map(|n| (n, RIGHT)).collect();
        let run = station.run(&table(&rows), true).await;
        let hall = Hall::new();
        (0..cards).for_each(|n| hall.plug(&reader(n), Identity::default()));
        let config = BayConfig { watchdog, labels: Vec::new(), only: None };
        let runtime = tokio::runtime::Handle::current();
        let shift = Shift::begin(Arc::clone(&run), Arc::new(hall.clone()), config, runtime).unwrap();
        (Self { hall, run, shift, end: Instant::now() + PATIENCE }, station)
    }

    /// Works until a card has ended, or `also` says that it is enough.
    fn next(&mut self, also: impl Fn(&ShiftNews) -> bool) -> Option<CardResult> {
        loop {
            assert!(Instant::now() < self.end, "{:?}", self.shift);
            let Some(event) = self.shift.next(Duration::from_millis(50)) else { continue };
            if also(&event.news) {
                return None;
            }
            match event.news {
                ShiftNews::CardIn(stay) => self.shift.work(&event.bay.unwrap(), &stay, None),
                ShiftNews::Ended(result) => return Some(*result),
                _ => {}
            }
        }
    }

    pub fn ended(&mut self) -> CardResult {
        self.next(|_| false).unwrap()
    }
}

/// Blocks, as the floor does, beside the keepers' runtime.
pub async fn blocking(work: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(work).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mute_cards_are_out_after_the_watchdog_and_whole_when_they_come_again() {
    const CARDS: u16 = 16;
    let (mut floor, _station) = Floor::begin(CARDS, Duration::from_secs(1)).await;
    blocking(move || {
        // Each falls silent at another moment of its job.
        let cards: Vec<_> = (0..CARDS).map(sample).collect();
        for (n, card) in (0..CARDS).zip(&cards) {
            floor.hall.insert(&reader(n), card, &[Touch::Silent(usize::from(n) * 2 + 1)]);
        }
        let (mut unknown, mut without_number) = (0, 0);
        for _ in 0..CARDS {
            let result = floor.ended();
            assert_eq!((result.bin, result.sha256.as_ref()), (Bin::Bad, None), "{result:?}");
            assert!(result.reason.as_ref().unwrap().contains("is left behind"), "{result:?}");
            assert!(result.milliseconds >= 1000, "{result:?}");
            match result.ending {
                Ending::Unknown => {
                    unknown += 1;
                    assert_eq!(result.state, Some(State::Unknown));
                }
                // Before its job was accepted there is none.
                Ending::Failed => assert!(matches!(result.state, None | Some(State::Failed)), "{result:?}"),
                Ending::Skipped => {
                    without_number += 1;
                    assert_eq!((result.job, result.line, result.iccid), (None, None, None));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(unknown >= 3 && without_number >= 1, "{unknown} unknown, {without_number} without a number");
        assert_eq!(floor.run.totals().in_bay, 0);
        for (n, card) in (0..CARDS).zip(&cards) {
            floor.hall.insert(&reader(n), card, &[]);
        }
        for _ in 0..CARDS {
            let result = floor.ended();
            assert_eq!(result.ending, Ending::Done, "{result:?}");
        }
        let all = usize::from(CARDS);
        assert_eq!(floor.run.totals(), Totals { rows: all, done: all, ..Totals::default() });
        assert!(floor.shift.is_over());
        assert_eq!(floor.shift.end(PATIENCE).len(), all);
    })
    .await;
}

/// Whoever watches a slow card sees how far it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_in_hand_shows_how_far_it_is() {
    let (mut floor, _station) = Floor::begin(1, PATIENCE).await;
    blocking(move || {
        // Its writes come behind the looks at it, the key, and the first octet that is taken away.
        let (card, silent) = (sample(0), 36);
        floor.hall.insert(&reader(0), &card, &[Touch::Silent(silent)]);
        let mut seen = Vec::new();
        while seen.last().is_none_or(|progress: &Progress| progress.commands < 35) {
            assert!(Instant::now() < floor.end, "{seen:?}");
            if let Some(event) = floor.shift.next(Duration::from_millis(1))
                && let ShiftNews::CardIn(stay) = event.news
            {
                floor.shift.work(&event.bay.unwrap(), &stay, None);
            }
            seen.extend(floor.shift.progress().map(|(_, progress)| progress));
        }
        let last = seen.last().unwrap();
        assert!(last.commands == 35 && last.written > 255, "{last}");
        assert!(
            last.to_string().starts_with("35 commands, ") && last.to_string().ends_with(" octets written")
        );
        assert!(seen.is_sorted_by_key(|progress| (progress.commands, progress.written)));
        floor.shift.end(Duration::ZERO);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_in_the_middle_costs_time_and_no_card() {
    const CARDS: u16 = 8;
    let (mut floor, _station) = Floor::begin(CARDS, PATIENCE).await;
    blocking(move || {
        let cards: Vec<_> = (0..CARDS).map(sample).collect();
        for (n, card) in (0..CARDS).zip(&cards) {
            floor.hall.insert(&reader(n), card, &[]);
        }
        // In the middle of the first cards.
        let mut working = 0;
        let mut endings: HashMap<Iccid, Ending> = HashMap::new();
        while working < 4 {
            match floor.shift.next(Duration::from_millis(50)) {
                Some(event) => match event.news {
                    ShiftNews::CardIn(stay) => {
                        floor.shift.work(&event.bay.unwrap(), &stay, None);
                        working += 1;
                    }
                    ShiftNews::Ended(result) => drop(endings.insert(result.iccid.unwrap(), result.ending)),
                    _ => {}
                },
                None => assert!(Instant::now() < floor.end),
            }
        }
        floor.hall.stop_service();
        while let Some(result) = floor.next(|news| matches!(news, ShiftNews::ServiceLost(_))) {
            endings.insert(result.iccid.unwrap(), result.ending);
        }
        floor.hall.start_service();
        while !floor.shift.is_over() {
            let result = floor.ended();
            endings.insert(result.iccid.clone().unwrap(), result.ending);
        }
        let all = usize::from(CARDS);
        assert_eq!(floor.run.totals(), Totals { rows: all, done: all, ..Totals::default() });
        let good = |n: &u16| endings.get(&number(*n)).is_some_and(|ending| ending.bin() == Bin::Good);
        assert_eq!((0..CARDS).filter(good).count(), all, "{endings:?}");
        assert!(floor.shift.end(PATIENCE).is_empty());
    })
    .await;
}

/// What is not known of a card after the first contact does not become harmless by a second one that comes to nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_contact_makes_nothing_harmless() {
    let (mut floor, _station) = Floor::begin(3, PATIENCE).await;
    blocking(move || {
        let lost = |n| Touch::Fault(Fault::AnswerLost(n));
        // In the middle of writing; then before the number, and with the number and no further.
        for (n, second) in [(0, 1), (1, 4)] {
            let silent = Touch::Fault(Fault::MuteInUpdate(1));
            floor.hall.insert(&reader(n), &sample(n), &[silent, lost(second)]);
            let result = floor.ended();
            assert_eq!(
                (result.ending, result.bin, result.repowered),
                (Ending::Unknown, Bin::Bad, 1),
                "{result:?}"
            );
            assert_eq!((result.iccid.as_ref(), result.line), (Some(&number(n)), Some(u64::from(n) + 2)));
            assert!(result.reason.as_ref().unwrap().contains("; then, at a second try: "), "{result:?}");
            floor.hall.pull(&reader(n));
        }
        // The service goes while the card writes, and when it is back the card says little.
        floor.hall.insert(&reader(2), &sample(2), &[Touch::Silent(30), lost(4), lost(4)]);
        while !floor.hall.is_waiting(&reader(2)) {
            if let Some(event) = floor.shift.next(Duration::from_millis(10))
                && let ShiftNews::CardIn(stay) = event.news
            {
                floor.shift.work(&event.bay.unwrap(), &stay, None);
            }
            assert!(Instant::now() < floor.end);
        }
        floor.hall.stop_service();
        floor.next(|news| matches!(news, ShiftNews::ServiceLost(_)));
        floor.hall.start_service();
        let result = floor.ended();
        assert_eq!((result.ending, result.bin), (Ending::Unknown, Bin::Bad), "{result:?}");
        assert!(result.reason.as_ref().unwrap().contains("; then, at a second try: "), "{result:?}");
        assert_eq!(floor.run.totals(), Totals { rows: 3, unknown: 3, ..Totals::default() });
        // Put in again, it is whole.
        floor.hall.insert(&reader(2), &sample(2), &[]);
        assert_eq!(floor.ended().ending, Ending::Done);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_contact_is_mended_by_new_power_and_counted() {
    let (mut floor, _station) = Floor::begin(2, PATIENCE).await;
    blocking(move || {
        // In the middle of writing; and for good.
        let lost = Touch::Fault(Fault::AnswerLost(20));
        floor.hall.insert(&reader(0), &sample(0), &[lost]);
        let result = floor.ended();
        assert_eq!((result.ending, result.contact_errors, result.repowered), (Ending::Done, 1, 1));
        floor.hall.insert(&reader(1), &sample(1), &[lost, lost]);
        let result = floor.ended();
        assert_eq!((result.bin, result.contact_errors, result.repowered), (Bin::Bad, 2, 1), "{result:?}");
        assert!(floor.shift.is_over());
        let books: Vec<_> =
            floor.shift.books().into_iter().map(|book| (book.cards, book.bad_contacts)).collect();
        assert_eq!(books, [(1, 1), (1, 1)]);
    })
    .await;
}

/// The reader goes in the middle of writing, with the card in it: what was begun is in the journal, and the card is settled when
/// it comes back in another reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_reader_was_unplugged_is_settled_in_another() {
    let (mut floor, station) = Floor::begin(2, PATIENCE).await;
    let journal = station.app.write_journal();
    blocking(move || {
        let card = sample(0);
        // Silent from one of its writes on, so that the reader goes in the middle for certain.
        floor.hall.insert(&reader(0), &card, &[Touch::Silent(30)]);
        while !floor.hall.is_waiting(&reader(0)) {
            if let Some(event) = floor.shift.next(Duration::from_millis(10))
                && let ShiftNews::CardIn(stay) = event.news
            {
                floor.shift.work(&event.bay.unwrap(), &stay, None);
            }
            assert!(Instant::now() < floor.end);
        }
        floor.hall.unplug(&reader(0));
        assert!(floor.next(|news| matches!(news, ShiftNews::Closed)).is_none());
        let pending = journal.pending(&number(0)).unwrap();
        assert!(pending.is_some(), "what was begun is not in the journal");
        floor.hall.insert(&reader(1), &card, &[]);
        let mut results = vec![floor.ended(), floor.ended()];
        results.sort_by_key(|result| result.bay.clone());
        let endings: Vec<_> = results.iter().map(|r| (r.bay.as_str(), r.ending, r.iccid.as_ref())).collect();
        let iccid = number(0);
        assert_eq!(
            endings,
            [("bay 00", Ending::Unknown, Some(&iccid)), ("bay 01", Ending::Done, Some(&iccid))],
            "{results:?}"
        );
        assert!(journal.pending(&iccid).unwrap().is_none(), "the card is settled");
        assert_eq!(floor.run.totals(), Totals { rows: 2, done: 1, waiting: 1, ..Totals::default() });
    })
    .await;
}
