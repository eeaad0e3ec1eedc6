//! A database that another program holds for longer than we wait, or a disk that stalls, while a card is in hand: as long as nothing
//! on the card was changed it is tried again; after that it is known to be in doubt, and whole at the next contact.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
};

use bootgate::{
    card::{CardTransport, Protocol, TransportError},
    ident::ReaderName,
    job::{
        State,
        batch::{CardResult, Ending, Run, Totals},
    },
    lab::reader::{CardHandle, InProcess},
};
use sqlx::{Connection as _, SqliteConnection};
use tokio::runtime::Handle;

use crate::batch_run::{RIGHT, Station, insert, number, sample, table};

/// Another program that holds the database while it is told to.
struct Holder {
    tell: Option<mpsc::Sender<bool>>,
    done: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Holder {
    fn of(path: PathBuf) -> Self {
        let (tell, told) = mpsc::channel();
        let (say, done) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut conn =
                    SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
                while let Ok(hold) = told.recv() {
                    let what = if hold { "BEGIN IMMEDIATE" } else { "ROLLBACK" };
                    sqlx::query(what).execute(&mut conn).await.unwrap();
                    say.send(()).unwrap();
                }
            });
        });
        Self { tell: Some(tell), done, thread: Some(thread) }
    }

    fn hold(&self, hold: bool) {
        self.tell.as_ref().unwrap().send(hold).unwrap();
        self.done.recv().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.tell = None;
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// A reader: before its n-th command the database is taken, and given back when the card is reset or the work is over.
struct Locking {
    reader: InProcess,
    card: CardHandle,
    left: usize,
    holder: Arc<Mutex<Holder>>,
    held: bool,
    /// How often the card had been changed at each reset.
    at_resets: Vec<u64>,
    verifies: usize,
}

impl Locking {
    fn take(&mut self) {
        self.holder.lock().unwrap().hold(true);
        self.held = true;
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.held) {
            self.holder.lock().unwrap().hold(false);
        }
    }
}

impl CardTransport for Locking {
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
        if self.left > 0 {
            self.left -= 1;
            if self.left == 0 {
                self.take();
            }
        }
        // With a key in it, and not the question for the counter.
        self.verifies += usize::from(apdu.get(1) == Some(&0x20) && apdu.len() > 5);
        self.reader.exchange(apdu)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.at_resets.push(self.card.changes());
        self.give_back();
        self.reader.reset()
    }
}

/// Works on a card; the database is taken before its n-th command.
async fn locked_at(
    run: &Arc<Run>,
    card: &CardHandle,
    at: usize,
    holder: &Arc<Mutex<Holder>>,
) -> (CardResult, Locking) {
    let mut reader = Locking {
        reader: InProcess::insert(card, "bay 0".parse().unwrap()),
        card: card.clone(),
        left: at,
        holder: Arc::clone(holder),
        held: false,
        at_resets: Vec::new(),
        verifies: 0,
    };
    let (run, runtime) = (Arc::clone(run), Handle::current());
    let work = move || {
        let result = run.card("bay 0", &mut reader, None, &runtime);
        reader.give_back();
        (result, reader)
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_tried_again_while_nothing_on_it_was_changed() {
    const PLACES: [usize; 9] = [1, 4, 12, 20, 26, 28, 30, 33, 36];
    let station = Station::with("store.busy-timeout", "60ms").await;
    let rows: Vec<_> = (0..9).map(|n| (n, RIGHT)).collect();
    let run = station.run(&table(&rows), true).await;
    let holder = Arc::new(Mutex::new(Holder::of(station.database())));
    let (mut again, mut in_doubt) = (0, 0);
    for (n, at) in (0..).zip(PLACES) {
        let card = sample(n);
        let untouched = card.changes();
        let (result, reader) = locked_at(&run, &card, at, &holder).await;
        let told = format!("before command {at}: {result:?}");
        assert!(reader.verifies <= 2, "{told}");
        assert_eq!(reader.left, 0, "it has no such command: {told}");
        // Tried again is a card that nothing was changed on, and no other.
        match reader.at_resets[..] {
            [at_reset] => {
                again += 1;
                let ended = (result.ending, result.state);
                assert_eq!((at_reset, ended), (untouched, (Ending::Done, Some(State::Delivered))), "{told}");
            }
            _ => {
                in_doubt += 1;
                assert!(card.changes() > untouched && reader.at_resets.is_empty(), "{told}");
                assert_eq!(result.ending, Ending::Unknown, "{told}");
                assert!(result.reason.is_some_and(|why| why.contains("database is locked")), "{told}");
                assert_eq!(insert(&run, &card, &[]).await.ending, Ending::Done, "{told}");
            }
        }
        let jobs = station.app.card_route().jobs.of_card(&number(n)).await.unwrap();
        assert!(jobs.iter().all(|job| job.state.is_final() || job.state == State::Delivered), "{jobs:?}");
    }
    assert!(again >= 4 && in_doubt >= 1, "{again} tried again, {in_doubt} in doubt");
    assert!(station.app.write_journal().list().unwrap().is_empty());
    assert_eq!(run.totals(), Totals { rows: 9, done: 9, ..Totals::default() });
}
