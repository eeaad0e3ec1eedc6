//! A script for each card of a batch, over virtual cards: values and keys from the card's row, every card in the right bin, and no
//! card between old and new when the work goes on after a cut.

use std::{sync::Arc, time::Duration};

use bootgate::{
    card::{BayConfig, Identity, KeyRings},
    ident::ReaderName,
    job::batch::{
        Bin, CardResult, Columns, Ending, Report, Run, ScriptWork, Shift, ShiftNews, Totals, Values,
    },
    lab::{
        card::VirtualCard,
        hall::{Hall, Touch},
        reader::{CardHandle, Fault},
    },
    store::BackupFolder,
    wire::arr::KeyRef,
};

use crate::batch_run::{RIGHT, Station, commands, insert, number, sample};

/// Writes what the row says into the bootstrap file, in two steps, and looks at an octet that a card may have otherwise.
const SCRIPT: &str = "REM bootgate 1\nVAR FIRST hex\nVAR SECOND hex FF\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
    PUT 3F00/7F50/6431 ${FIRST} ${SECOND}\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 B0 00 00 01 [A1] (90 00)\n\
    APD 00 D6 00 04 02 C3 C4 (90 00)\nOUT \"first\" ${FIRST}\nOFF\n";

struct Scripts {
    station: Station,
    folder: tempfile::TempDir,
}

impl Scripts {
    async fn new() -> Self {
        Self { station: Station::new().await, folder: tempfile::tempdir().unwrap() }
    }

    fn work(&self) -> ScriptWork {
        let backups = BackupFolder::new(self.folder.path(), Arc::clone(self.station.app.vault()), false);
        ScriptWork {
            name: "own.scr".into(),
            text: SCRIPT.into(),
            given: Values::new(),
            rings: KeyRings::default(),
            again: false,
            backups: Some(Arc::new(backups)),
            restores: None,
        }
    }

    async fn run(&self, table: &str, go_on: bool) -> Arc<Run> {
        self.run_with(self.work(), table, go_on).await
    }

    async fn run_with(&self, work: ScriptWork, table: &str, go_on: bool) -> Arc<Run> {
        let columns = Columns::default().with_script(ScriptWork::names(SCRIPT.as_bytes()));
        let (batch, mut report) = Report::of_table(table.as_bytes(), &columns);
        report.check_script(&batch, &work);
        assert!(report.is_sound(), "{:?}", report.problems);
        let keepers = self.station.app.keepers();
        let run = Run::begin(self.station.app.card_route(), &keepers, work, batch, !go_on);
        Arc::new(run.await.unwrap())
    }
}

fn table(rows: &[(u16, &str, &str)]) -> String {
    let row = |(n, first, key): &(u16, &str, &str)| format!("{},{first},{key}\n", number(*n).digits());
    format!("iccid,first,adm1\n{}", rows.iter().map(row).collect::<String>())
}

/// The first octets of the file that the script writes.
fn holds(card: &CardHandle) -> Vec<u8> {
    card.reset();
    let selected = card.exchange(&[0x00, 0xA4, 0x08, 0x0C, 0x04, 0x7F, 0x50, 0x64, 0x31]);
    assert_eq!(selected, [0x90, 0x00]);
    card.exchange(&[0x00, 0xB0, 0x00, 0x00, 0x06])[..6].to_vec()
}

const A1: [u8; 6] = [0xA1, 0xB2, 0xFF, 0xFF, 0xC3, 0xC4];

#[tokio::test(flavor = "multi_thread")]
async fn each_card_gets_what_its_row_says_and_the_rest_go_into_the_bad_bin() {
    let scripts = Scripts::new().await;
    let rows = [(1, "A1B2", RIGHT), (2, "77", RIGHT), (3, "A1", "87654321"), (4, "A1", RIGHT)];
    let run = scripts.run(&table(&rows), true).await;
    let cards: Vec<_> = (0..5).map(sample).collect();
    let before = holds(&cards[2]);

    let good = insert(&run, &cards[1], &[]).await;
    assert_eq!((good.ending, good.bin, good.line), (Ending::Done, Bin::Good, Some(2)), "{:?}", good.reason);
    let done = good.script.as_ref().unwrap();
    assert_eq!((done.changes, done.pending, &*done.outputs[0].value), (3, false, "A1 B2"));
    assert_eq!(holds(&cards[1]), A1);
    let kept = scripts.work().backups.unwrap().kept(&number(1)).unwrap().unwrap();
    assert!(kept.iccid == Some(number(1)) && !kept.saved.is_empty());
    let again = insert(&run, &cards[1], &[]).await;
    assert_eq!((again.ending, again.bin, again.line), (Ending::AlreadyDone, Bin::Good, Some(2)));

    // Another answer than is expected: side by side, and what was changed is known, and taken back at the next contact.
    let other = insert(&run, &cards[2], &[]).await;
    assert_eq!((other.ending, other.bin), (Ending::Unknown, Bin::Bad), "{other:?}");
    assert_eq!(other.expected.as_deref(), Some("A1 (90 00)"));
    assert!(other.seen.as_ref().unwrap().starts_with("77 (90 00)"), "{other:?}");
    assert!(other.reason.as_ref().unwrap().contains("10:1: the card answered data"), "{other:?}");
    assert!(other.script.as_ref().unwrap().pending);
    let line = serde_json::to_value(bootgate::job::batch::WholeResult::from(&other)).unwrap();
    assert_eq!((&line["expected"], &line["changes"]), (&"A1 (90 00)".into(), &1.into()));

    let refused = insert(&run, &cards[3], &[]).await;
    assert_eq!((refused.ending, refused.bin), (Ending::Refused, Bin::Bad), "{refused:?}");
    assert_eq!(insert(&run, &cards[0], &[]).await.ending, Ending::Skipped, "no row");
    assert_eq!(insert(&run, &cards[4], &[]).await.ending, Ending::Done);
    assert_eq!(run.totals(), Totals { rows: 4, done: 2, refused: 1, unknown: 1, ..Totals::default() });

    // Another day, with the row mended: what was done is not waited for, what was left in the middle is taken back and done.
    let rows = [(1, "A1B2", RIGHT), (2, "A1B2", RIGHT), (4, "A1", RIGHT)];
    let next = scripts.run(&table(&rows), true).await;
    assert_eq!(next.totals(), Totals { rows: 3, before: 2, waiting: 1, ..Totals::default() });
    let mended = insert(&next, &cards[2], &[]).await;
    assert_eq!((mended.ending, holds(&cards[2])), (Ending::Done, A1.to_vec()), "{:?}", mended.reason);
    let first = scripts.work().backups.unwrap().kept(&number(2)).unwrap().unwrap();
    let octets = serde_json::to_value(&first).unwrap()["saved"][0]["octets"]["octets"].clone();
    let digits: String = before.iter().take(1).map(|octet| format!("{octet:02X}")).collect();
    assert!(octets.as_str().unwrap().starts_with(&digits), "the first backup holds what was there first");
    // A row that says something else is work anew.
    let changed = scripts.run(&table(&[(1, "A1C5", RIGHT)]), true).await;
    assert_eq!(insert(&changed, &cards[1], &[]).await.ending, Ending::Done);
    assert_eq!(holds(&cards[1])[..2], [0xA1, 0xC5]);
}

/// Something happens at each command in turn, and the process that had the card is gone; another one goes on. Says how many
/// contacts came to nothing, and how many of them left it open what the card holds.
async fn trouble_at_each(fault: fn(usize) -> Fault) -> (usize, usize) {
    let scripts = Scripts::new().await;
    let all = commands(&scripts.run(&table(&[(0, "A1B2", RIGHT)]), false).await, &sample(0)).await;
    let (mut bad, mut unknown) = (0, 0);
    for (n, at) in (1..).zip(1..=all) {
        let (row, card) = (table(&[(n, "A1B2", RIGHT)]), sample(n));
        let torn = insert(&scripts.run(&row, false).await, &card, &[fault(at)]).await;
        let told = format!("{:?}: {:?}", fault(at), torn.reason);
        let mended = insert(&scripts.run(&row, false).await, &card, &[]).await;
        // What was lost may be something that is not needed, or is asked for again.
        if torn.ending == Ending::Done {
            assert_eq!((mended.ending, torn.bin), (Ending::AlreadyDone, Bin::Good), "{told}");
        } else {
            bad += 1;
            unknown += usize::from(torn.ending == Ending::Unknown);
            assert_eq!(torn.bin, Bin::Bad, "{told}");
            assert_ne!(torn.ending, Ending::Refused, "{told}");
            assert_eq!(mended.ending, Ending::Done, "{told}; then {:?}", mended.reason);
        }
        assert_eq!((mended.bin, holds(&card)), (Bin::Good, A1.to_vec()), "{told}");
    }
    (bad, unknown)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_cut_off_is_never_good_and_whole_when_the_work_goes_on() {
    let (bad, unknown) = trouble_at_each(Fault::CutAfter).await;
    assert!(bad > 15 && unknown > 3, "{bad} cuts, {unknown} of them unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_pulled_before_a_command_is_whole_when_the_work_goes_on() {
    let (bad, unknown) = trouble_at_each(Fault::CutBefore).await;
    assert!(bad > 15 && unknown > 3, "{bad} cuts, {unknown} of them unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_answer_was_lost_is_whole_when_the_work_goes_on() {
    let (bad, _) = trouble_at_each(Fault::AnswerLost).await;
    assert!(bad > 15, "{bad} answers were missed");
}

/// Several bays at once; one card falls silent and comes again.
#[tokio::test(flavor = "multi_thread")]
async fn several_bays_share_a_script_and_a_mute_card_holds_up_none() {
    const CARDS: u16 = 6;
    let scripts = Scripts::new().await;
    let rows: Vec<_> = (0..CARDS).map(|n| (n, "A1B2", RIGHT)).collect();
    let run = scripts.run(&table(&rows), false).await;
    let (hall, runtime) = (Hall::new(), tokio::runtime::Handle::current());
    let bay = |n: u16| -> ReaderName { format!("bay {n:02}").parse().unwrap() };
    (0..CARDS).for_each(|n| hall.plug(&bay(n), Identity::default()));
    let config = BayConfig { watchdog: Duration::from_secs(1), labels: Vec::new(), only: None };
    let mut shift = Shift::begin(Arc::clone(&run), Arc::new(hall.clone()), config, runtime).unwrap();
    let work = move || {
        let cards: Vec<_> = (0..CARDS).map(sample).collect();
        for (n, card) in (0..CARDS).zip(&cards) {
            // In the middle of its changes.
            let touches = if n == 2 { &[Touch::Silent(17)][..] } else { &[] };
            hall.insert(&bay(n), card, touches);
        }
        let first = results(&mut shift, CARDS);
        let bad: Vec<_> = first.iter().filter(|result| result.bin == Bin::Bad).collect();
        assert_eq!(bad.len(), 1, "{first:?}");
        assert_eq!((bad[0].iccid.as_ref(), bad[0].ending), (Some(&number(2)), Ending::Unknown), "{bad:?}");
        hall.insert(&bay(2), &cards[2], &[]);
        assert_eq!(results(&mut shift, 1)[0].ending, Ending::Done);
        assert!(shift.is_over());
        assert!(cards.iter().all(|card| holds(card) == A1));
        assert_eq!(shift.end(Duration::from_secs(10)).len(), 1);
    };
    tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!(run.totals(), Totals { rows: 6, done: 6, ..Totals::default() });
}

fn results(shift: &mut Shift, count: u16) -> Vec<CardResult> {
    let mut results = Vec::new();
    for _ in 0..600 {
        if results.len() == usize::from(count) {
            break;
        }
        let Some(event) = shift.next(Duration::from_millis(50)) else { continue };
        match event.news {
            ShiftNews::CardIn(stay) => shift.work(&event.bay.unwrap(), &stay, None),
            ShiftNews::Ended(result) => results.push(*result),
            _ => {}
        }
    }
    assert_eq!(results.len(), usize::from(count), "{results:?}");
    results
}

/// Without a column for the card, rows go to cards as they come and stay with them.
#[tokio::test(flavor = "multi_thread")]
async fn rows_without_cards_stay_with_theirs() {
    let scripts = Scripts::new().await;
    let table = format!("first,adm1\nA1B2,{RIGHT}\nA1C5,{RIGHT}\n");
    let run = scripts.run(&table, false).await;
    let cards: Vec<_> = (0..3).map(sample).collect();
    let torn = insert(&run, &cards[0], &[Fault::CutAfter(17)]).await;
    assert_eq!((torn.line, torn.bin), (Some(2), Bin::Bad));
    let next = scripts.run(&table, false).await;
    assert_eq!(insert(&next, &cards[1], &[]).await.line, Some(3));
    assert_eq!(insert(&next, &cards[2], &[]).await.ending, Ending::Skipped);
    let mended = insert(&next, &cards[0], &[]).await;
    assert_eq!((mended.line, mended.ending), (Some(2), Ending::Done), "{:?}", mended.reason);
    assert_eq!((holds(&cards[0])[1], holds(&cards[1])[1]), (0xB2, 0xC5));
    let last = scripts.run(&table, false).await;
    assert!(last.is_over(), "{:?}", last.totals());
    assert_eq!(insert(&last, &cards[0], &[]).await.ending, Ending::AlreadyDone);
}

/// That a script came to its end says nothing of a card that was written since, by whatever it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_written_since_is_not_done() {
    let scripts = Scripts::new().await;
    let (row, card) = (table(&[(1, "A1B2", RIGHT)]), sample(1));
    assert_eq!(insert(&scripts.run(&row, false).await, &card, &[]).await.ending, Ending::Done);
    let again = insert(&scripts.run(&row, false).await, &card, &[]).await;
    assert_eq!(again.ending, Ending::AlreadyDone);
    assert!(again.reason.unwrap().contains("was not looked at"), "it is said what that rests on");

    let profile = scripts.station.run(&crate::batch_run::table(&[(1, RIGHT)]), true).await;
    assert_eq!(insert(&profile, &card, &[]).await.ending, Ending::Done);
    assert_ne!(holds(&card), A1);
    let run = scripts.run(&row, false).await;
    assert_eq!(run.totals(), Totals { rows: 1, waiting: 1, ..Totals::default() });
    assert_eq!((insert(&run, &card, &[]).await.ending, holds(&card)), (Ending::Done, A1.to_vec()));

    // Somebody asks for it by name.
    let work = ScriptWork { again: true, ..scripts.work() };
    let anew = scripts.run_with(work, &row, false).await;
    assert_eq!(anew.totals().waiting, 1);
    assert_eq!(insert(&anew, &card, &[]).await.ending, Ending::Done);
}

/// A key that is refused when something was changed already: the card is not known, and the refusal counts all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_counts_whatever_else_came_of_the_card() {
    let scripts = Scripts::new().await;
    let text = SCRIPT.replace("KEY 0A ADM\n", "KEY 0A ADM\nKEY 01 PIN\n").replace(
        "APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n",
        "VER 01\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n",
    );
    let work = ScriptWork { text: text.into(), ..scripts.work() };
    let row = format!("iccid,first,adm1,PIN\n{},A1B2,{RIGHT},9999\n", number(1).digits());
    let run = scripts.run_with(work, &row, false).await;
    let mut image = sample(1).image();
    image.key_mut(KeyRef::PIN1).unwrap().enabled = true;
    let card = CardHandle::new(VirtualCard::from_image(image).unwrap());
    let result = insert(&run, &card, &[]).await;
    assert_eq!((result.ending, result.key_refused), (Ending::Unknown, true), "{result:?}");
    assert_eq!((run.keys_refused(), run.totals().unknown, run.is_over()), (1, 1, true));
}

/// A script may expect that a key is refused, and come to its end: the refusal counts, and stops the batch where that is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_a_script_expects_counts() {
    for go_on in [true, false] {
        let scripts = Scripts::new().await;
        let text = "RST\nCMD 00 20 00 0A 08 39 39 39 39 39 39 39 39 (63 CX)\nOFF\n";
        let work = ScriptWork { text: text.into(), backups: None, ..scripts.work() };
        let rows = format!("iccid\n{}\n{}\n", number(1).digits(), number(2).digits());
        let run = scripts.run_with(work, &rows, go_on).await;
        let result = insert(&run, &sample(1), &[]).await;
        assert_eq!((result.ending, result.key_refused), (Ending::Done, true), "{result:?}");
        assert_eq!((run.keys_refused(), run.is_over()), (1, !go_on), "{go_on}");
    }
}

/// A script changes a PIN before its first file, and is cut off at each command in turn: whoever has the card next takes back what
/// there is of files, and presents no value of the PIN that may be the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_was_changed_before_a_cut_loses_no_try_after_it() {
    let scripts = Scripts::new().await;
    let text = SCRIPT
        .replace("KEY 0A ADM\n", "KEY 0A ADM\nVAR NEW secret digits\nKEY 01 PIN\nEFF keys 01\n")
        .replace("VER 0A\n", "VER 0A\nCHG 01 ${NEW}\n");
    let work = || {
        let mut work = ScriptWork { text: text.clone().into(), ..scripts.work() };
        work.given.set("PIN", "1234");
        work.given.set("NEW", "71727374");
        work
    };
    let card = |n| {
        let mut image = sample(n).image();
        image.key_mut(KeyRef::PIN1).unwrap().enabled = true;
        CardHandle::new(VirtualCard::from_image(image).unwrap())
    };
    let all = commands(&scripts.run_with(work(), &table(&[(0, "A1B2", RIGHT)]), false).await, &card(0)).await;
    let (mut left_to_a_person, mut done) = (0, 0);
    for (n, at) in (1..).zip(1..=all) {
        let (row, card) = (table(&[(n, "A1B2", RIGHT)]), card(n));
        let before = holds(&card);
        let torn = insert(&scripts.run_with(work(), &row, false).await, &card, &[Fault::CutAfter(at)]).await;
        let next = insert(&scripts.run_with(work(), &row, false).await, &card, &[]).await;
        let told = format!("cut at {at}: {:?}; then {:?}", torn.reason, next.reason);
        let mut image = card.image();
        let [pin, adm] = [KeyRef::PIN1, KeyRef::ADM1].map(|key| image.key_mut(key).unwrap().clone());
        assert_eq!((pin.tries, adm.tries), (3, 3), "{told}");
        if next.bin == Bin::Good {
            assert!(pin.value.0.starts_with(b"71727374") && holds(&card) == A1, "{told}");
            done += 1;
        } else {
            assert!(next.reason.as_ref().unwrap().contains("clear-refusal"), "{told}");
            assert_eq!(
                (next.ending, next.key_refused, holds(&card)),
                (Ending::Failed, false, before),
                "{told}"
            );
            left_to_a_person += 1;
        }
    }
    assert!(left_to_a_person > 5 && done > 5, "{left_to_a_person} and {done} of {all}");
}
