//! The soak of pushes: a gateway as a process, killed again and again, and an SMSC that drops connections, throttles, loses
//! answers, mixes answers and sends receipts twice. Every push that was accepted must end in a state, and no device may get
//! one twice where the gateway holds what is in doubt; where it sends that again, only one that is said to be with its device
//! twice, perhaps. How many may be unknown, or said to be there twice, is what the SMSC and the kills have left in doubt.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bootgate::lab::smsc::{Behaviour, Faults, Happened, Received, VirtualSmsc};
use tokio::sync::watch;

use crate::load::{
    pap::{self, Client},
    serve, usage,
};

/// Connections of the initiator.
const CLIENTS: u32 = 8;
/// Segments of each push.
const SEGMENTS: u8 = 5;
/// Short messages of the gateway without an answer at the most.
const WINDOW: u32 = 10;

/// What the gateway does with what is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Hold,
    Resend,
}

/// How a push ended, and whether it is said that its device may have it twice.
struct End {
    state: String,
    flagged: bool,
}

/// How large it is.
struct Size {
    pushes: u32,
    kills: u32,
    patience: Duration,
    faults: Faults,
}

/// What devices got: for each number, for each reference, how often each segment came.
type Phones = HashMap<String, BTreeMap<u16, BTreeMap<u8, u32>>>;

#[test]
fn every_push_ends_in_a_state_and_none_comes_twice() {
    let _alone = crate::alone();
    run(&size(), Policy::Hold);
}

#[test]
fn every_push_ends_in_a_state_and_one_that_may_come_twice_says_so() {
    let _alone = crate::alone();
    run(&size(), Policy::Resend);
}

fn size() -> Size {
    let whole = std::env::var("BOOTGATE_SOAK").is_ok();
    let some =
        Faults { throttle: 100, lose_answer: 250, duplicate: 20, reorder: 4, disconnect: 600, refuse: None };
    if whole {
        let faults = Faults { lose_answer: 2_000, disconnect: 2_000, ..some };
        Size { pushes: 10_000, kills: 5, patience: Duration::from_secs(600), faults }
    } else {
        Size { pushes: 1_000, kills: 2, patience: Duration::from_secs(60), faults: some }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn run(size: &Size, policy: Policy) {
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour { faults: size.faults, ..Behaviour::default() };
    let (smsc, mut received) = VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), behaviour).await.unwrap();
    let phones = Arc::new(Mutex::new(Phones::new()));
    let seen = Arc::clone(&phones);
    tokio::spawn(async move {
        while let Some(message) = received.recv().await {
            take(&mut seen.lock().unwrap(), &message);
        }
    });
    // Each time as short as lets the test see the end of it.
    let in_doubt = if policy == Policy::Hold { "hold" } else { "resend" };
    let ppg = format!(
        "durability = \"kill\"\nin-doubt = \"{in_doubt}\"\nretry = \"100ms\"\nretry-most = \"500ms\"\nreceipt-timeout = \"4s\""
    );
    let link = format!(
        "window = \"{WINDOW}\"\nresponse-timeout = \"1s\"\nreconnect = \"50ms\"\nreconnect-most = \"200ms\"\n\
         throttle-pause = \"10ms\"\nthrottle-pause-most = \"50ms\""
    );
    serve::configure(folder.path(), &ppg, smsc.address(), &link);
    let (mut process, address) = serve::start(folder.path());
    let (now_at, at) = watch::channel(address);

    let next = Arc::new(AtomicU32::new(0));
    let clients = (0..CLIENTS).map(|_| tokio::spawn(push(at.clone(), Arc::clone(&next), size.pushes)));
    let clients: Vec<_> = clients.collect();
    // Killed when so much of all has come to the SMSC; the last time near the end.
    for kill in 1..=size.kills {
        let wanted =
            u64::from(size.pushes * u32::from(SEGMENTS)) * u64::from(kill) / u64::from(size.kills + 1);
        while smsc.taken() < wanted {
            assert!(began.elapsed() < size.patience, "{} of {wanted} came to the SMSC", smsc.taken());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        process.kill();
        let address;
        (process, address) = serve::start(folder.path());
        now_at.send_replace(address);
    }
    let mut sent_again = 0;
    for client in clients {
        sent_again += client.await.unwrap();
    }
    let accepted = began.elapsed();
    let mut ends = ends(&at, (0..size.pushes).collect(), size, began).await;
    // Receipts are told again until they are taken, and one that comes late still counts.
    while smsc.receipts_open() > 0 {
        assert!(began.elapsed() < size.patience, "{} receipts were never taken", smsc.receipts_open());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let unknown = ends.iter().filter(|(_, end)| end.state == "unknown").map(|(n, _)| *n).collect();
    ends.extend(self::ends(&at, unknown, size, began).await);
    let memory = usage::resident_mib(process.id());
    let count = |state: &str| ends.values().filter(|end| end.state == state).count();
    let (delivered, unknown) = (count("delivered"), count("unknown"));
    println!(
        "soak, {policy:?}: {} pushes of {SEGMENTS} segments, {} kills: all accepted after {:.1} s ({sent_again} sent again), all ended \
         after {:.1} s: {delivered} delivered, {unknown} unknown, {} other; {} short messages taken by the SMSC; {memory:.0} \
         MiB resident, load {}",
        size.pushes,
        size.kills,
        accepted.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        ends.len() - delivered - unknown,
        smsc.taken(),
        usage::load(),
    );
    let phones = phones.lock().unwrap();
    let (mut twice, mut whole_but_unknown, mut flagged) = (0, 0, 0);
    for (n, end) in &ends {
        let got = phones.get(&pap::number(*n));
        let whole = |parts: &&BTreeMap<u8, u32>| parts.len() == usize::from(SEGMENTS);
        let copies = got.map_or(0, |references| references.values().filter(whole).count());
        let repeated = got.is_some_and(|all| all.values().flat_map(BTreeMap::values).any(|times| *times > 1));
        assert!(!repeated, "push {n}: a segment came twice under one reference");
        twice += usize::from(copies > 1);
        flagged += usize::from(end.flagged);
        assert!(copies <= 1 || end.flagged, "push {n} came twice, and nothing says so");
        match end.state.as_str() {
            "delivered" => assert!(copies > 0, "push {n} is said to be delivered"),
            "unknown" => whole_but_unknown += usize::from(copies > 0),
            other => panic!("push {n} ended as {other}, which nothing here asks for"),
        }
    }
    println!(
        "soak, {policy:?}: of {unknown} unknown ones {whole_but_unknown} are at their device; {twice} came twice, {flagged} are said to, perhaps"
    );
    let happened = smsc.happened();
    let most = in_doubt_at_most(&happened, size.kills);
    println!("soak, {policy:?}: {happened:?}; {most} in doubt at the most");
    match policy {
        Policy::Hold => {
            assert_eq!((twice, flagged), (0, 0), "what is in doubt is held, not sent again");
            assert!((1..=most).contains(&unknown), "{unknown} unknown, {most} at the most");
        }
        Policy::Resend => {
            assert_eq!(unknown, 0, "what is in doubt is sent again until it is known");
            assert!(
                twice > 0 && (1..=most).contains(&flagged),
                "{flagged} said to be twice, {most} at the most"
            );
        }
    }
}

/// How many pushes may be in doubt for what went wrong, all of which must have: one for each answer that was lost, and a window
/// for each connection that was closed and for each kill.
fn in_doubt_at_most(happened: &Happened, kills: u32) -> usize {
    let Happened { throttled, answers_lost, disconnected, .. } = *happened;
    let Happened { answers_mixed, receipts_mixed, receipts_doubled, .. } = *happened;
    let each = [throttled, answers_lost, disconnected, answers_mixed, receipts_mixed, receipts_doubled];
    assert!(each.iter().all(|times| *times > 0), "the chaos must be felt: {happened:?}");
    let windows = (disconnected + u64::from(kills)) * u64::from(WINDOW);
    usize::try_from(answers_lost + windows).unwrap()
}

/// Notes a segment.
fn take(phones: &mut Phones, message: &Received) {
    for segment in &message.segments {
        let part = segment.udh.concatenation().unwrap();
        let reference = match part.reference() {
            bootgate::wire::wdp::Reference::Short(number) => number.into(),
            bootgate::wire::wdp::Reference::Long(number) => number,
        };
        let of = phones.entry(message.destination.clone()).or_default().entry(reference).or_default();
        *of.entry(part.sequence()).or_default() += 1;
    }
}

/// Pushes until all are accepted; how often something had to be sent again. A push whose answer was lost is sent again with
/// its id: that there is one of that id already means that it was accepted.
async fn push(mut at: watch::Receiver<SocketAddr>, next: Arc<AtomicU32>, pushes: u32) -> u32 {
    let mut client = Client::new(&serve::TARGET);
    let mut again = 0;
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= pushes {
            return again;
        }
        let body = pap::push(n, pap::octets(SEGMENTS.into()));
        let mut lost = false;
        loop {
            let address = *at.borrow_and_update();
            match client.post(address, pap::PUSH, &body).await.map(|answer| (pap::code(answer), answer)) {
                Ok((Some(1001), _)) => break,
                Ok((Some(2007), _)) if lost => break,
                // Not ready yet.
                Ok((Some(4001), _)) => {}
                Ok((_, answer)) => panic!("push {n} was answered {answer}"),
                Err(_) => lost = true,
            }
            again += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// How each of these pushes ended, asked for by status queries until all have.
async fn ends(
    at: &watch::Receiver<SocketAddr>,
    mut open: Vec<u32>,
    size: &Size,
    began: Instant,
) -> BTreeMap<u32, End> {
    let address = *at.borrow();
    let mut client = Client::new(&serve::TARGET);
    let mut ends = BTreeMap::new();
    while !open.is_empty() {
        let mut still = Vec::new();
        for n in open {
            let query = format!("<pap><statusquery-message push-id=\"{n}@load\"/></pap>");
            let answer = client.post(address, pap::XML, &query).await.unwrap();
            match pap::attribute(answer, "message-state") {
                Some("pending") => still.push(n),
                Some(state) => {
                    let (state, flagged) = (state.to_owned(), answer.contains("may have it twice"));
                    ends.insert(n, End { state, flagged });
                }
                None => panic!("push {n} was accepted and is lost: {answer}"),
            }
        }
        open = still;
        let left = open.len();
        if left > 0 {
            assert!(
                began.elapsed() < size.patience,
                "{left} pushes never ended, {:?} among them",
                open.first()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    ends
}
