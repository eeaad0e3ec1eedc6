//! A batch over virtual cards: every card in the right bin, every row once, and nothing tried twice in doubt.

use std::sync::Arc;

use bootgate::{
    app::{
        App, OsRandom, SystemClock,
        config::{Config, Flag, Sources},
    },
    bootstrap::PayloadKind,
    card::KeyRings,
    ident::{Iccid, Imei},
    job::{
        Layout, State,
        batch::{Bin, CardResult, Columns, Ending, Keepers, Report, Run, Totals, Work},
    },
    lab::{
        card::VirtualCard,
        image::{Personality, Sample, SampleKind},
        reader::{CardHandle, Fault, InProcess},
    },
    profile::Profile,
};

const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
pub const RIGHT: &str = "12345678";
const WRONG: &str = "87654321";

/// The ICCID of the n-th card.
pub fn number(n: u16) -> Iccid {
    (0..10).find_map(|check| format!("8949020000123456{n:03}{check}").parse().ok()).unwrap()
}

pub fn sample(n: u16) -> CardHandle {
    let imsi = format!("26201123456{n:03}").parse().unwrap();
    let image = Sample::new(SampleKind::Prepared, number(n), imsi).image();
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

/// What each card gets.
pub fn profile() -> Profile {
    Profile::parse(PROFILE).unwrap()
}

/// The device of the n-th card.
pub fn device(n: u16) -> Imei {
    (0..10).find_map(|check| format!("49015420323{n:03}{check}").parse().ok()).unwrap()
}

/// A table with a row for each card and its key.
pub fn table(rows: &[(u16, &str)]) -> String {
    let row = |(n, key): &(u16, &str)| format!("{},{},{key}\n", number(*n).digits(), device(*n));
    format!("iccid,imei,adm1\n{}", rows.iter().map(row).collect::<String>())
}

/// What a batch is kept in.
pub struct Station {
    dir: tempfile::TempDir,
    pub app: App,
}

impl Station {
    pub async fn new() -> Self {
        Self::with("card.channel", "basic").await
    }

    /// The same with another setting.
    pub async fn with(key: &'static str, value: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.db").to_str().unwrap().to_owned();
        let flags = vec![
            Flag { flag: "--store", key: "store.path", value: path },
            Flag { flag: "--set", key, value: value.to_owned() },
        ];
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let app = App::open(config, Arc::new(SystemClock), Arc::new(OsRandom)).await.unwrap();
        Self { dir, app }
    }

    /// The file of its database.
    pub fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("jobs.db")
    }

    /// A person has looked into what became of the keys of the first cards.
    pub async fn clear(&self, cards: u16) {
        let journal = self.app.key_journal();
        let clear = move || (0..cards).for_each(|n| drop(journal.clear(&number(n)).unwrap()));
        tokio::task::spawn_blocking(clear).await.unwrap();
    }

    pub async fn run(&self, table: &str, stop_at_refusal: bool) -> Arc<Run> {
        self.run_with(table, stop_at_refusal, &self.app.keepers()).await
    }

    /// A run that asks other keepers than those of the station.
    pub async fn run_with(&self, table: &str, stop_at_refusal: bool, keepers: &Keepers) -> Arc<Run> {
        self.run_of(table, stop_at_refusal, keepers, KeyRings::default()).await
    }

    /// A run with sources of keys.
    pub async fn run_from(&self, table: &str, rings: KeyRings) -> Arc<Run> {
        self.run_of(table, true, &self.app.keepers(), rings).await
    }

    async fn run_of(
        &self,
        table: &str,
        stop_at_refusal: bool,
        keepers: &Keepers,
        rings: KeyRings,
    ) -> Arc<Run> {
        let (batch, report) = Report::of_table(table.as_bytes(), &Columns::default());
        assert!(report.is_sound(), "{report} {:?}", report.problems);
        let work = Work {
            profile: profile(),
            payload: PayloadKind::Cp,
            layout: Layout::default(),
            adm: None,
            rings,
            again: false,
        };
        let run = Run::begin(self.app.card_route(), keepers, work, batch, stop_at_refusal);
        Arc::new(run.await.unwrap())
    }
}

/// A card goes into a bay.
pub async fn insert(run: &Arc<Run>, card: &CardHandle, faults: &[Fault]) -> CardResult {
    insert_scanned(run, card, faults, None).await
}

async fn insert_scanned(
    run: &Arc<Run>,
    card: &CardHandle,
    faults: &[Fault],
    scanned: Option<Iccid>,
) -> CardResult {
    let reader = InProcess::insert(card, "bay 0".parse().unwrap());
    let mut reader = faults.iter().fold(reader, |reader, fault| reader.with_fault(*fault));
    let (run, runtime) = (Arc::clone(run), tokio::runtime::Handle::current());
    let work = move || run.card("bay 0", &mut reader, scanned.as_ref(), &runtime);
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_card_is_in_the_right_bin() {
    let station = Station::new().await;
    let run = station.run(&table(&[(1, RIGHT), (2, WRONG), (4, RIGHT)]), false).await;
    let cards: Vec<CardHandle> = (0..5).map(sample).collect();

    let good = insert(&run, &cards[1], &[]).await;
    assert_eq!((good.ending, good.bin, good.state), (Ending::Done, Bin::Good, Some(State::Delivered)));
    assert_eq!((good.line, good.iccid.as_ref()), (Some(2), Some(&number(1))));
    assert!(good.sha256.is_some_and(|digest| digest.len() == 64) && good.octets.is_some());

    // The same card again: nothing is sent to it but what asks who it is and what it holds.
    let again = insert(&run, &cards[1], &[]).await;
    assert_eq!((again.ending, again.bin, again.job), (Ending::AlreadyDone, Bin::Good, good.job));

    // A card with that number that holds nothing, as after somebody has erased it, is not good for what was done once.
    let next_day = station.run(&table(&[(1, RIGHT)]), false).await;
    let erased = insert(&next_day, &sample(1), &[]).await;
    assert_eq!(
        (erased.ending, erased.bin, erased.line),
        (Ending::Done, Bin::Good, Some(2)),
        "{:?}",
        erased.reason
    );

    let refused = insert(&run, &cards[2], &[]).await;
    assert_eq!((refused.ending, refused.bin), (Ending::Refused, Bin::Bad));
    assert!(refused.reason.is_some_and(|why| why.contains("refused")));
    // Put in again by mistake: the key is not tried a second time.
    let again = insert(&run, &cards[2], &[]).await;
    assert!(again.reason.is_some_and(|why| why.contains("clear-refusal")));

    let stranger = insert(&run, &cards[0], &[]).await;
    assert_eq!((stranger.ending, stranger.bin, stranger.line), (Ending::Skipped, Bin::Bad, None));

    let mute = insert(&run, &cards[4], &[Fault::Mute]).await;
    assert_eq!((mute.ending, mute.iccid), (Ending::Skipped, None));
    let totals = Totals { rows: 3, waiting: 1, done: 1, refused: 1, ..Totals::default() };
    assert_eq!(run.totals(), totals);
    assert!(!run.is_over());
}

/// How many commands a card gets on which everything goes well.
pub async fn commands(run: &Arc<Run>, card: &CardHandle) -> usize {
    let mut reader = InProcess::insert(card, "bay 0".parse().unwrap());
    let (run, runtime) = (Arc::clone(run), tokio::runtime::Handle::current());
    let work = move || (run.card("bay 0", &mut reader, None, &runtime).ending, reader.sent());
    let (ending, sent) = tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!(ending, Ending::Done);
    sent
}

/// Something happens at each command in turn, and the card is put in again. Says how many contacts came to nothing, and how
/// many of them left it open what the card holds.
async fn trouble_at_each(fault: fn(usize) -> Fault) -> (usize, usize) {
    let station = Station::new().await;
    let all = commands(&station.run(&table(&[(0, RIGHT)]), true).await, &sample(0)).await;
    let (mut bad, mut unknown) = (0, 0);
    for (n, at) in (1..).zip(1..=all) {
        let run = station.run(&table(&[(n, RIGHT)]), true).await;
        let card = sample(n);
        let torn = insert(&run, &card, &[fault(at)]).await;
        let told = format!("{:?}: {:?}", fault(at), torn.reason);
        let mended = insert(&run, &card, &[]).await;
        // What was lost may be something that is not needed, or is asked for again.
        if torn.ending == Ending::Done {
            assert_eq!((mended.ending, torn.bin), (Ending::AlreadyDone, Bin::Good), "{told}");
        } else {
            bad += 1;
            unknown += usize::from(torn.ending == Ending::Unknown);
            assert_eq!((torn.bin, torn.sha256), (Bin::Bad, None), "{told}");
            assert_ne!(torn.ending, Ending::Refused, "{told}");
            assert_eq!(mended.ending, Ending::Done, "{told}; then {:?}", mended.reason);
        }
        assert_eq!(mended.bin, Bin::Good, "{told}");
        assert_eq!(run.totals(), Totals { rows: 1, done: 1, ..Totals::default() }, "{told}");
    }
    (bad, unknown)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_card_is_never_called_good_and_is_whole_when_it_comes_again() {
    let (bad, unknown) = trouble_at_each(Fault::CutAfter).await;
    assert!(bad > 20 && unknown > 5, "{bad} cuts, {unknown} of them unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_pulled_before_a_command_is_whole_when_it_comes_again() {
    let (bad, unknown) = trouble_at_each(Fault::CutBefore).await;
    assert!(bad > 20 && unknown > 5, "{bad} cuts, {unknown} of them unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_answer_was_lost_is_whole_when_it_comes_again() {
    let (bad, _) = trouble_at_each(Fault::AnswerLost).await;
    assert!(bad > 20, "{bad} answers were missed");
}

/// What the journal holds is not settled, whoever has left it: such a card has not just failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_cut_off_while_an_earlier_write_is_taken_back_is_unknown() {
    let station = Station::new().await;
    let run = station.run(&table(&[(0, RIGHT)]), true).await;
    let all = commands(&run, &sample(0)).await;
    let torn = || station.app.write_journal().list().unwrap().len();
    let (mut failed_before, mut left) = (0, 0);
    for (n, at) in (1..).zip(1..=all) {
        let run = station.run(&table(&[(n, RIGHT)]), true).await;
        let card = sample(n);
        let mut last = all;
        while torn() == 0 {
            insert(&run, &card, &[Fault::CutBefore(last)]).await;
            last -= 1;
        }
        let again = insert(&run, &card, &[Fault::CutBefore(at)]).await;
        let told = format!("{at}: {:?}: {:?}", again.ending, again.reason);
        if torn() == 1 && again.iccid.is_some() {
            left += 1;
            assert_eq!((again.ending, again.bin), (Ending::Unknown, Bin::Bad), "{told}");
            failed_before += usize::from(again.reason.is_some_and(|why| why.contains("put it in again")));
        }
        assert_eq!(insert(&run, &card, &[]).await.ending, Ending::Done, "{told}");
        assert_eq!(torn(), 0, "{told}");
    }
    assert!(left > 10 && failed_before > 0, "{left}, {failed_before} of them told what to do");
}

/// A row with a name makes one job; one that did not end well does not keep its card from being done.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_a_name_is_done_again_until_it_is_good() {
    let station = Station::new().await;
    let table: String = table(&[(1, RIGHT)])
        .lines()
        .zip(["key", "unit-1"])
        .map(|(line, key)| format!("{line},{key}\n"))
        .collect();
    let run = station.run(&table, true).await;
    let card = sample(1);
    for _ in 0..2 {
        let torn = insert(&run, &card, &[Fault::CutAfter(20)]).await;
        assert_eq!(torn.bin, Bin::Bad, "{:?}", torn.reason);
    }
    let mended = insert(&run, &card, &[]).await;
    assert_eq!(mended.ending, Ending::Done, "{:?}", mended.reason);
    assert_eq!(insert(&run, &card, &[]).await.ending, Ending::AlreadyDone);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_refusal_stops_the_batch() {
    let station = Station::new().await;
    let run = station.run(&table(&[(1, WRONG), (2, RIGHT)]), true).await;
    assert_eq!(insert(&run, &sample(1), &[]).await.ending, Ending::Refused);
    assert!(run.is_over());
    let next = insert(&run, &sample(2), &[]).await;
    assert_eq!(next.ending, Ending::Skipped);
    assert!(next.reason.is_some_and(|why| why.contains("stops the batch")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_number_must_be_the_cards() {
    let station = Station::new().await;
    let run = station.run(&table(&[(1, RIGHT)]), true).await;
    let card = sample(1);
    let other = insert_scanned(&run, &card, &[], Some(number(2))).await;
    assert_eq!(other.ending, Ending::Skipped);
    assert!(other.reason.is_some_and(|why| why.contains("scanned")));
    assert_eq!(insert_scanned(&run, &card, &[], Some(number(1))).await.ending, Ending::Done);
}

/// A SIM tells no counter of its key: it gets the key once where the table attests it, and otherwise never.
#[tokio::test(flavor = "multi_thread")]
async fn a_sim_gets_its_key_where_the_table_attests_it() {
    let sim = |n: u16| {
        let imsi = format!("26201123456{n:03}").parse().unwrap();
        let mut sample = Sample::new(SampleKind::Prepared, number(n), imsi);
        sample.personality = Personality::Sim;
        CardHandle::new(VirtualCard::from_image(sample.image()).unwrap())
    };
    let station = Station::new().await;
    let rows = table(&[(1, RIGHT), (2, RIGHT), (3, WRONG)]);
    let attests = ["allow-once", "", "yes", "yes"];
    let table: String = rows.lines().zip(attests).map(|(row, attest)| format!("{row},{attest}\n")).collect();
    let run = station.run(&table, false).await;
    let cards: Vec<_> = (0..4).map(sim).collect();

    let before = cards[1].changes();
    let unattested = insert(&run, &cards[1], &[]).await;
    assert_eq!((unattested.ending, cards[1].changes()), (Ending::Failed, before), "{:?}", unattested.reason);
    assert!(unattested.reason.is_some_and(|why| why.contains("does not tell how many tries")));
    let attested = insert(&run, &cards[2], &[]).await;
    assert_eq!((attested.ending, attested.bin), (Ending::Done, Bin::Good), "{:?}", attested.reason);
    // Once means once: a wrong key is not tried again.
    assert_eq!(insert(&run, &cards[3], &[]).await.ending, Ending::Refused);
    let again = insert(&run, &cards[3], &[]).await;
    assert!(again.reason.is_some_and(|why| why.contains("clear-refusal")));
}

/// Many bays at once: every row once, whoever is first.
#[tokio::test(flavor = "multi_thread")]
async fn bays_share_one_book() {
    let station = Station::new().await;
    let rows: Vec<(u16, &str)> = (0..10).map(|n| (n, RIGHT)).collect();
    let run = station.run(&table(&rows), true).await;
    let tasks: Vec<_> = (0..10)
        .map(|n| {
            let run = Arc::clone(&run);
            tokio::spawn(async move { insert(&run, &sample(n), &[]).await })
        })
        .collect();
    for task in tasks {
        let result = task.await.unwrap();
        assert_eq!(result.ending, Ending::Done, "{:?}", result.reason);
    }
    assert!(run.is_over());
    assert_eq!(run.totals(), Totals { rows: 10, done: 10, ..Totals::default() });
}
