//! Tables that do not name their cards: a row goes to the next card, and stays with it, whatever becomes of the run.

use std::sync::Arc;

use async_trait::async_trait;
use bootgate::{
    ident::{Fingerprint, Iccid, Timestamp},
    job::{
        JobsError,
        batch::{Bin, CardResult, Claim, Claims, Ending, Keepers, Totals},
    },
    lab::reader::Fault,
};

use crate::batch_run::{RIGHT, Station, insert, number, sample};

/// Three rows; the first two have a name.
fn table() -> String {
    format!(
        "imei,adm1,key\n490154203237518,{RIGHT},unit-1\n490154203237526,{RIGHT},unit-2\n490154203237534,{RIGHT},\n"
    )
}

fn said(result: &CardResult) -> (Option<u64>, Ending) {
    (result.line, result.ending)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_ended_goes_on_with_the_rows_that_are_left() {
    let station = Station::new().await;
    let cards: Vec<_> = (0..4).map(sample).collect();
    let first = station.run(&table(), true).await;
    let done = insert(&first, &cards[0], &[]).await;
    assert_eq!(said(&done), (Some(2), Ending::Done), "{:?}", done.reason);
    // Torn in the middle; and then the process is gone, with all that it had in memory.
    let torn = insert(&first, &cards[1], &[Fault::CutAfter(20)]).await;
    assert_eq!((torn.line, torn.bin), (Some(3), Bin::Bad), "{:?}", torn.reason);
    drop(first);

    let second = station.run(&table(), true).await;
    assert_eq!(second.totals(), Totals { rows: 3, before: 1, waiting: 2, ..Totals::default() });
    assert_eq!(second.taken(), 2);
    // A card that is new gets a row that is free, and the others have theirs.
    assert_eq!(said(&insert(&second, &cards[2], &[]).await), (Some(4), Ending::Done));
    let none = insert(&second, &cards[3], &[]).await;
    assert_eq!(said(&none), (None, Ending::Skipped));
    assert!(none.reason.as_ref().is_some_and(|why| why.contains("batch release")), "{none:?}");
    let mended = insert(&second, &cards[1], &[]).await;
    assert_eq!(said(&mended), (Some(3), Ending::Done), "{:?}", mended.reason);
    assert!(second.is_over(), "{:?}", second.totals());
    assert_eq!(said(&insert(&second, &cards[0], &[]).await), (Some(2), Ending::AlreadyDone));
    assert_eq!(second.totals().to_string(), "3 of 3 cards good, 1 done before");

    // A card that is lost: its row is free for another one, and no other row is.
    let (batch, _) = bootgate::job::batch::Report::of_table(table().as_bytes(), &Default::default());
    let keepers = station.app.keepers();
    assert_eq!(keepers.release(&batch, Some(&[number(1), number(9)])).await.unwrap(), 1);
    let third = station.run(&table(), true).await;
    assert_eq!(third.totals(), Totals { rows: 3, before: 2, waiting: 1, ..Totals::default() });
    assert_eq!(said(&insert(&third, &cards[3], &[]).await), (Some(3), Ending::Done));
}

/// Cards that were given the profile by another table: one for a device of this one, one for a device that is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_holds_the_profile_is_good_only_for_a_device_of_the_table() {
    let station = Station::new().await;
    let other = format!("imei,adm1,key\n490154203237526,{RIGHT},x-1\n490154203237542,{RIGHT},x-2\n");
    let cards: Vec<_> = (0..4).map(sample).collect();
    let before = station.run(&other, true).await;
    assert_eq!(said(&insert(&before, &cards[0], &[]).await), (Some(2), Ending::Done));
    assert_eq!(said(&insert(&before, &cards[1], &[]).await), (Some(3), Ending::Done));
    drop(before);

    let run = station.run(&table(), true).await;
    let changes = cards[1].changes();
    let foreign = insert(&run, &cards[1], &[]).await;
    assert_eq!((said(&foreign), foreign.bin), ((None, Ending::Skipped), Bin::Bad));
    assert!(foreign.reason.is_some_and(|why| why.contains("a device that is not in this table")));
    assert_eq!(cards[1].changes(), changes, "the card was touched");
    assert_eq!(said(&insert(&run, &cards[0], &[]).await), (Some(3), Ending::AlreadyDone));
    // No other card gets that row, in this run or the next.
    assert_eq!(said(&insert(&run, &cards[2], &[]).await), (Some(2), Ending::Done));
    assert_eq!(said(&insert(&run, &cards[3], &[]).await), (Some(4), Ending::Done));
    assert!(run.is_over());
    assert_eq!(station.run(&table(), true).await.taken(), 3);
}

/// Two processes with one database and one table.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_share_the_rows() {
    let station = Station::new().await;
    let (left, right) = (station.run(&table(), true).await, station.run(&table(), true).await);
    let cards: Vec<_> = (0..4).map(sample).collect();
    assert_eq!(said(&insert(&left, &cards[0], &[]).await), (Some(2), Ending::Done));
    assert_eq!(said(&insert(&right, &cards[1], &[]).await), (Some(3), Ending::Done));
    // The same card at the other station keeps its row, and is known.
    let torn = insert(&left, &cards[2], &[Fault::CutAfter(20)]).await;
    assert_eq!(torn.line, Some(4));
    assert_eq!(said(&insert(&right, &cards[2], &[]).await), (Some(4), Ending::Done));
    assert_eq!(said(&insert(&left, &cards[3], &[]).await), (None, Ending::Skipped));
}

/// A keeper that cannot write.
struct Full;

#[async_trait]
impl Claims for Full {
    async fn of_rows(&self, _: &[Fingerprint]) -> Result<Vec<Claim>, JobsError> {
        Ok(Vec::new())
    }

    async fn of_claimant(&self, _: &Iccid) -> Result<Vec<Claim>, JobsError> {
        Ok(Vec::new())
    }

    async fn claim(&self, _: &Fingerprint, _: &Iccid, _: Timestamp) -> Result<Claim, JobsError> {
        Err(JobsError::Unavailable { doing: "written", source: "disk full".into() })
    }

    async fn done(&self, _: &Fingerprint, _: Timestamp) -> Result<(), JobsError> {
        Ok(())
    }

    async fn release(&self, _: &[Fingerprint]) -> Result<(), JobsError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_put_down_is_not_given() {
    let station = Station::new().await;
    let keepers = Keepers { claims: Arc::new(Full), ..station.app.keepers() };
    let run = station.run_with(&table(), true, &keepers).await;
    let card = sample(0);
    let before = card.changes();
    let result = insert(&run, &card, &[]).await;
    assert_eq!((said(&result), result.job), ((None, Ending::Skipped), None));
    assert!(result.reason.is_some_and(|why| why.contains("cannot be written")));
    assert_eq!(card.changes(), before, "the card was touched");
    assert_eq!(run.totals(), Totals { rows: 3, waiting: 3, ..Totals::default() });
}
