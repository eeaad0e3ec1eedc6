//! A card that was given up and comes again, while whoever was given up with it is still at it: whenever that one comes back, it
//! takes nothing out of the hands of the next, and sends nothing to the card.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use bootgate::{
    bootstrap::PayloadKind,
    card::{CardTransport, Key, KeyId, KeyRings, PendingWrite, Plan, Protocol, TransportError},
    ident::{Iccid, ReaderName},
    job::{
        Clerk, KeyStop, Layout, Offer, State, Verdict,
        batch::{CardResult, Ending, Hand, Run, Totals},
    },
    lab::{
        hall::Touch,
        reader::{CardHandle, InProcess},
    },
    profile::Subscriber,
    wire::arr::KeyRef,
};
use tokio::runtime::Handle;

use crate::{
    batch_in_bays::{Floor, PATIENCE, blocking, reader},
    batch_run::{RIGHT, Station, device, number, profile, sample, table},
};

/// UPDATE BINARY.
const UPDATE: u8 = 0xD6;

/// A reader whose driver hangs in the n-th UPDATE until it is told to go on, or to say that the card is mute.
struct HeldUp {
    reader: InProcess,
    updates_left: usize,
    tell: Sender<()>,
    wait: Receiver<bool>,
    mute: bool,
}

impl CardTransport for HeldUp {
    fn reader(&self) -> &ReaderName {
        self.reader.reader()
    }

    fn atr(&self) -> &[u8] {
        self.reader.atr()
    }

    fn protocol(&self) -> Protocol {
        self.reader.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        if apdu.get(1) == Some(&UPDATE) && self.updates_left > 0 {
            self.updates_left -= 1;
            if self.updates_left == 0 {
                self.tell.send(()).unwrap();
                self.mute = !self.wait.recv().unwrap();
            }
        }
        match self.mute {
            true => Err(TransportError::Mute { reader: self.reader().clone() }),
            false => self.reader.exchange(apdu),
        }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.reader.reset()
    }
}

/// A contact with a card that hangs.
struct Contact {
    hand: Arc<Hand>,
    go_on: Sender<bool>,
    ended: JoinHandle<CardResult>,
}

impl Contact {
    /// Works on a card as far as its n-th UPDATE.
    fn until(run: &Arc<Run>, card: &CardHandle, updates: usize, runtime: &Handle) -> Self {
        let (tell, told) = mpsc::channel();
        let (go_on, wait) = mpsc::channel();
        let reader = InProcess::insert(card, reader(0));
        let mut reader = HeldUp { reader, updates_left: updates, tell, wait, mute: false };
        let hand = Arc::new(Hand::new("bay"));
        let (run, runtime, mine) = (Arc::clone(run), runtime.clone(), Arc::clone(&hand));
        let ended = std::thread::spawn(move || run.card_in_hand(&mine, &mut reader, None, &runtime));
        assert!(told.recv_timeout(PATIENCE).is_ok(), "it comes to that command");
        Self { hand, go_on, ended }
    }

    fn end(self, go_on: bool) -> CardResult {
        self.go_on.send(go_on).unwrap();
        self.ended.join().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_given_up_takes_nothing_out_of_the_hands_of_the_next() {
    const STOPS: usize = 4;
    let station = Station::new().await;
    let all = u16::try_from(STOPS * STOPS).unwrap();
    let rows: Vec<_> = (0..all).map(|n| (n, RIGHT)).collect();
    let run = station.run(&table(&rows), true).await;
    let (journal, runtime) = (station.app.write_journal(), Handle::current());
    let totals = Arc::clone(&run);
    blocking(move || {
        let stops = (1..=STOPS).flat_map(|first| (1..=STOPS).map(move |second| (first, second)));
        for (n, (first, second)) in (0..).zip(stops) {
            let (card, at) = (sample(n), format!("given up in UPDATE {first}, next in its UPDATE {second}"));
            let given_up = Contact::until(&run, &card, first, &runtime);
            let result = run.give_up(&given_up.hand, "mute", &runtime);
            assert_eq!((result.ending, result.state), (Ending::Unknown, Some(State::Unknown)), "{at}");
            // It is not waited for.
            let next = Contact::until(&run, &card, second, &runtime);
            let entry = journal.pending(&number(n)).unwrap().unwrap();
            assert!(entry.under_way, "{at}");
            let image = card.image();
            given_up.end(false);
            assert_eq!(journal.pending(&number(n)).unwrap(), Some(entry), "{at}");
            assert!(card.image() == image, "{at}");
            let result = next.end(true);
            assert_eq!(
                (result.ending, result.state),
                (Ending::Done, Some(State::Delivered)),
                "{result:?} {at}"
            );
            assert_eq!(journal.pending(&number(n)).unwrap(), None, "{at}");
        }
    })
    .await;
    let all = usize::from(all);
    assert_eq!(totals.totals(), Totals { rows: all, done: all, ..Totals::default() });
    for n in 0..u16::try_from(all).unwrap() {
        let jobs = station.app.card_route().jobs.of_card(&number(n)).await.unwrap();
        let mut states: Vec<_> = jobs.iter().map(|job| job.state).collect();
        states.sort();
        assert_eq!(states, [State::Delivered, State::Failed], "card {n}");
    }
}

/// A clerk who agrees to everything.
struct Agrees;

impl Clerk for Agrees {
    fn planned(&mut self, _: &Plan) -> Verdict {
        Verdict::GoOn
    }

    fn pin(&mut self, _: &Iccid, _: KeyId) -> Verdict {
        Verdict::GoOn
    }

    fn interrupted(&mut self, _: &PendingWrite) -> Verdict {
        Verdict::GoOn
    }
}

/// The same at a station, where a person puts the card into another reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_a_station_gave_up_is_written_in_another_reader() {
    let station = Station::new().await;
    let offer = Offer {
        profile: profile(),
        payload: PayloadKind::Cp,
        layout: Layout::default(),
        rows: None,
        subscriber: Subscriber { imei: Some(device(1)), ..Subscriber::default() },
        keys: vec![Key::read(KeyRef::ADM1.into(), RIGHT).unwrap()],
        adm: Vec::new(),
        rings: KeyRings::default(),
    };
    let desk = Arc::new(bootgate::job::Station::new(station.app.card_route(), Some(offer)));
    let (journal, keys, runtime) = (station.app.write_journal(), KeyStop::new(true), Handle::current());
    blocking(move || {
        let card = sample(1);
        let (tell, told) = mpsc::channel();
        let (go_on, wait) = mpsc::channel();
        let mut hangs =
            HeldUp { reader: InProcess::insert(&card, reader(0)), updates_left: 2, tell, wait, mute: false };
        let first = Arc::new(desk.contact(&keys));
        let (mine, at, on) = (Arc::clone(&first), Arc::clone(&desk), runtime.clone());
        let stuck =
            std::thread::spawn(move || at.work(&number(1), &mut hangs, &mine, &mut Agrees, &on).is_err());
        told.recv_timeout(PATIENCE).expect("it comes to its second UPDATE");
        first.give_up();
        let mut other = InProcess::insert(&card, reader(1));
        let done = desk.work(&number(1), &mut other, &desk.contact(&keys), &mut Agrees, &runtime);
        assert_eq!(done.unwrap().state, State::Delivered);
        let image = card.image();
        go_on.send(false).unwrap();
        assert!(stuck.join().unwrap(), "what was given up is not done");
        assert!(card.image() == image && journal.list().unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_driver_hangs_for_good_is_done_in_another_reader() {
    let (mut floor, station) = Floor::begin(2, Duration::from_millis(300)).await;
    let journal = station.app.write_journal();
    blocking(move || {
        let card = sample(0);
        // In one of its writes.
        floor.hall.insert(&reader(0), &card, &[Touch::Stuck(30)]);
        let result = floor.ended();
        assert_eq!(result.ending, Ending::Unknown, "{result:?}");
        floor.hall.insert(&reader(1), &card, &[]);
        let result = floor.ended();
        assert_eq!((result.ending, result.bay.as_str()), (Ending::Done, "bay 01"), "{result:?}");
        // Then the driver comes back, when another card is in its reader.
        let (image, other) = (card.image(), sample(1));
        floor.hall.insert(&reader(0), &other, &[]);
        assert_eq!(floor.ended().ending, Ending::Done);
        let done = other.image();
        floor.hall.come_back(&reader(0));
        assert!(floor.hall.waits_for_let_go(&reader(0), PATIENCE), "the thread is still at it");
        assert!(card.image() == image && other.image() == done);
        assert!(journal.list().unwrap().is_empty());
        let all = Totals { rows: 2, done: 2, ..Totals::default() };
        assert_eq!(floor.run.totals(), all);
    })
    .await;
}
