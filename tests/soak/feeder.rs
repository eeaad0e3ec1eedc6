//! The people at the readers: they take a card out when its result is there, and put the next one in. No test of its own: the
//! soak starts it as a process in the network of the service.

use std::{
    collections::{BTreeMap, HashMap},
    io::{Read, Write},
    net::TcpStream,
    os::linux::net::TcpStreamExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use bootgate::lab::reader::CardHandle;

use crate::{
    deck::{Deck, Trouble},
    peers::wait_for,
    reader,
};

/// Where the first slot of the first driver listens.
const PORT: u16 = 36000;
/// How long a result may take.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
#[ignore = "a part of the soak, which starts it"]
fn feeds_cards_to_readers() {
    let env = |name: &str| std::env::var(name).unwrap();
    let deck = Deck::of(&env("SOAK_DECK"));
    let readers: u16 = env("SOAK_READERS").parse().unwrap();
    let delay = Duration::from_millis(env("SOAK_DELAY").parse().unwrap());
    let results = Tail::new(PathBuf::from(env("SOAK_RESULTS")));
    let log = Tail::new(Path::new(&env("SOAK_FOLDER")).join("log"));
    // What was logged before is of no interest.
    log.read(|_| {});
    let board = Board { next: AtomicU16::new(0), seen: Mutex::default(), over: AtomicBool::new(false) };
    let times: BTreeMap<String, Stint> = std::thread::scope(|scope| {
        scope.spawn(|| board.keep(&results, &log));
        let bays: Vec<_> = (0..readers)
            .map(|bay| {
                let (board, deck) = (&board, &deck);
                scope.spawn(move || (reader(bay), feed(bay, board, deck, delay)))
            })
            .collect();
        let times: Vec<_> = bays.into_iter().map(|bay| bay.join()).collect();
        // Also when one of them failed: nobody waits for the board then.
        board.over.store(true, Ordering::Relaxed);
        times.into_iter().map(Result::unwrap).collect()
    });
    println!("BAYS {}", serde_json::to_string(&times).unwrap());
}

/// How a reader fared after its first card: milliseconds to the result of its last, and how many cards that were, mute ones
/// apart. The first card says how long the program takes to begin.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Stint {
    pub milliseconds: u64,
    pub live: u32,
    pub mute: u32,
}

/// Puts one card after the other into a reader.
fn feed(bay: u16, board: &Board, deck: &Deck, delay: Duration) -> Stint {
    let (name, port) = (reader(bay), PORT + bay);
    let mut first = None;
    let mut stint = Stint::default();
    loop {
        let n = board.next.fetch_add(1, Ordering::Relaxed);
        let Some((card, trouble)) = deck.card(n) else { return stint };
        let (results, removals) = (board.count(&name, What::Result), board.count(&name, What::Removal));
        let pull = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&pull);
        let inserted = std::thread::spawn(move || insert(port, &card, trouble, delay, &stop));
        let end = Instant::now() + PATIENCE;
        while board.count(&name, What::Result) == results {
            assert!(Instant::now() < end, "{name}: no result of card {n} ({trouble:?})");
            std::thread::sleep(Duration::from_millis(2));
        }
        match first {
            None => first = Some(Instant::now()),
            Some(first) => {
                stint.milliseconds = u64::try_from(first.elapsed().as_millis()).unwrap();
                *(if trouble.is_mute() { &mut stint.mute } else { &mut stint.live }) += 1;
            }
        }
        pull.store(true, Ordering::Relaxed);
        inserted.join().unwrap();
        // A card that goes in before the service has noticed is not seen, as little as from a hand that quick.
        wait_for("the card's removal", || board.count(&name, What::Removal) > removals);
    }
}

/// Leaves a card in a reader until it is pulled; also while the service is away.
fn insert(port: u16, card: &CardHandle, trouble: Trouble, delay: Duration, pull: &AtomicBool) {
    let mut slot = Slot { card, trouble, delay, commands: 0 };
    while !pull.load(Ordering::Relaxed) {
        let Ok(mut vpcd) = TcpStream::connect(("127.0.0.1", port)) else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        vpcd.set_nodelay(true).unwrap();
        vpcd.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        if slot.serve(&mut vpcd, pull) == Stays::Out {
            return;
        }
        card.reset();
    }
}

/// Whether a card is still in its reader.
#[derive(PartialEq, Eq)]
enum Stays {
    In,
    Out,
}

/// A card in a reader.
struct Slot<'a> {
    card: &'a CardHandle,
    trouble: Trouble,
    delay: Duration,
    commands: u32,
}

impl Slot<'_> {
    /// The card's side of vpcd's wire, as `bootgate::lab::vpcd` describes it, with delay and trouble.
    fn serve(&mut self, vpcd: &mut TcpStream, pull: &AtomicBool) -> Stays {
        while let Some(message) = receive(vpcd, pull) {
            match message.as_slice() {
                [] | [0x00..=0x03] => self.card.reset(),
                [0x04] => drop(send(vpcd, &self.card.atr())),
                apdu => {
                    let times = if self.trouble == Trouble::Slow { 5 } else { 1 };
                    std::thread::sleep(self.delay * times);
                    match self.answer(apdu, pull) {
                        Some(answer) => drop(send(vpcd, &answer)),
                        None => return Stays::Out,
                    }
                }
            }
        }
        Stays::In
    }

    /// What the card answers; none when it is out by then.
    fn answer(&mut self, apdu: &[u8], pull: &AtomicBool) -> Option<Vec<u8>> {
        self.commands += 1;
        let mut answer = self.card.exchange(apdu);
        if self.commands < self.trouble.begins() {
            return Some(answer);
        }
        let (update, read) = (apdu.get(1) == Some(&0xD6), apdu.get(1) == Some(&0xB0));
        match self.trouble {
            Trouble::Mute | Trouble::MuteAtOnce => {
                while !pull.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                return None;
            }
            Trouble::Cut if update => return None,
            // What is read back, not what led to the file.
            Trouble::Flipped if read && answer.len() > 100 => answer[50] ^= 0x10,
            _ => {}
        }
        Some(answer)
    }
}

/// The next message; none when vpcd closed the connection, or the card is to be pulled.
fn receive(vpcd: &mut TcpStream, pull: &AtomicBool) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    fill(vpcd, &mut length, pull)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(vpcd, &mut message, pull)?;
    Some(message)
}

fn fill(vpcd: &mut TcpStream, out: &mut [u8], pull: &AtomicBool) -> Option<()> {
    let mut at = 0;
    while at < out.len() {
        if pull.load(Ordering::Relaxed) {
            return None;
        }
        vpcd.set_quickack(true).ok()?;
        match vpcd.read(&mut out[at..]) {
            Ok(0) => return None,
            Ok(n) => at += n,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return None,
        }
    }
    Some(())
}

fn send(vpcd: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    let mut message = u16::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    message.extend_from_slice(body);
    vpcd.write_all(&message)
}

/// What is seen of a reader.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Result,
    Removal,
}

/// What everybody sees.
struct Board {
    next: AtomicU16,
    seen: Mutex<HashMap<(String, What), usize>>,
    over: AtomicBool,
}

impl Board {
    fn count(&self, reader: &str, what: What) -> usize {
        self.seen.lock().unwrap().get(&(reader.to_owned(), what)).copied().unwrap_or(0)
    }

    /// Reads results and the service's log as they grow.
    fn keep(&self, results: &Tail, log: &Tail) {
        let saw = |reader: &str, what| {
            *self.seen.lock().unwrap().entry((reader.to_owned(), what)).or_default() += 1
        };
        while !self.over.load(Ordering::Relaxed) {
            results.read(|line| {
                let result: serde_json::Value = serde_json::from_str(line).unwrap();
                saw(result["bay"].as_str().unwrap(), What::Result);
            });
            log.read(|line| {
                if let Some((_, reader)) = line.split_once("Card Removed From ") {
                    saw(reader, What::Removal);
                }
            });
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    at: Mutex<usize>,
}

impl Tail {
    fn new(path: PathBuf) -> Self {
        Self { path, at: Mutex::new(0) }
    }

    /// The whole lines that came since the last time.
    fn read(&self, mut line: impl FnMut(&str)) {
        let Ok(mut file) = std::fs::File::open(&self.path) else { return };
        let mut at = self.at.lock().unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(u64::try_from(*at).unwrap())).unwrap();
        let mut new = Vec::new();
        file.read_to_end(&mut new).unwrap();
        let whole = new.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
        *at += whole;
        String::from_utf8_lossy(&new[..whole]).lines().for_each(&mut line);
    }
}
