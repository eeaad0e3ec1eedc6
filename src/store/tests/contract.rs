//! What both stores answer.

use std::sync::Arc;

use super::{Fixed, any, at, delivery, id, new_account, new_job, writes::write};
use crate::{
    card::WriteJournal,
    dm::{AccountId, Accounts, AuthScheme, NonceChange, Register, SpentNonce, Stored},
    ident::{Fingerprint, Iccid, Imei},
    job::{
        Devices, Event, Filter, Job, Jobs, JobsError, NewJob, Reason, Route, State, Step,
        batch::{Claim, Claims},
    },
    store::{Memory, MemoryWrites, Writes},
    vault::{KeySource, Vault},
};

/// Runs the same check on both stores.
macro_rules! both {
    ($name:ident, $check:ident) => {
        mod $name {
            #[tokio::test]
            async fn in_a_file() {
                let dir = tempfile::tempdir().unwrap();
                super::$check(&crate::store::tests::open(&dir.path().join("jobs.db")).await).await;
            }

            #[tokio::test]
            async fn in_memory() {
                super::$check(&crate::store::Memory::new()).await;
            }
        }
    };
}

both!(a_job_goes_its_way, goes_its_way);
both!(a_key_makes_one_job, one_job_per_key);
both!(jobs_are_listed_newest_first, listed);
both!(jobs_are_found_by_card_and_key, found_by_card_and_key);
both!(rows_are_given_to_one_card, claimed);
both!(what_a_job_has_put_on_a_card_is_kept, octets_kept);
both!(accounts_are_found_by_name_and_device, found_by_name_and_device);
both!(a_nonce_is_spent_once, nonce_spent_once);
both!(the_old_account_goes_when_the_new_one_was_used, old_account_goes);
both!(the_old_account_of_a_card_goes, accounts_of_one_card);
both!(an_account_that_nobody_was_given_is_withdrawn, unused_account_withdrawn);
both!(an_inventory_is_replaced, inventory_replaced);

async fn found_by_card_and_key(jobs: &dyn Jobs) {
    let (mine, other) = ("89490200001234567892", "89490200001234567900");
    let card = |digits: &str| Iccid::from_card(digits).unwrap();
    for (n, (iccid, key)) in [(mine, None), (other, Some("k1")), (mine, Some("k2"))].into_iter().enumerate() {
        let new = NewJob { iccid: Some(card(iccid)), ..new_job(key) };
        jobs.create(id(i64::try_from(n).unwrap()), &new, at(0)).await.unwrap();
    }
    let found: Vec<_> = jobs.of_card(&card(mine)).await.unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(found, [id(2), id(0)]);
    assert!(jobs.of_card(&card("89490200001234567926")).await.unwrap().is_empty());
    let ids = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.id).collect::<Vec<_>>();
    let both = [card(mine), card("89490200001234567926"), card(other)];
    assert_eq!(ids(jobs.of_cards(&both).await.unwrap()), [id(2), id(1), id(0)]);
    let keys = ["k1", "k3"].map(|key| key.parse().unwrap());
    assert_eq!(ids(jobs.of_keys(&keys).await.unwrap()), [id(1)]);
    assert!(jobs.of_cards(&[]).await.unwrap().is_empty() && jobs.of_keys(&[]).await.unwrap().is_empty());
    // By the fingerprint of an IMSI, and by nothing where there is none.
    let [one, two] = [print('1'), print('2')];
    for n in 3..5 {
        jobs.create(id(n), &NewJob { imsi: Some(one), ..new_job(None) }, at(n)).await.unwrap();
    }
    assert_eq!(ids(jobs.of_imsis(&[two, one]).await.unwrap()), [id(4), id(3)]);
    assert!(jobs.of_imsis(&[two]).await.unwrap().is_empty() && jobs.of_imsis(&[]).await.unwrap().is_empty());
    assert_eq!(jobs.get(id(3)).await.unwrap().unwrap().job.imsi, Some(one));
    // And by the device.
    let [device, other] = ["490154203237526", "490154203237534"].map(|imei| imei.parse::<Imei>().unwrap());
    for n in 7..9 {
        jobs.create(id(n), &NewJob { imei: Some(device.clone()), ..new_job(None) }, at(n)).await.unwrap();
    }
    assert_eq!(ids(jobs.of_imeis(&[other, device]).await.unwrap()), [id(8), id(7)]);
    assert!(jobs.of_imeis(&[]).await.unwrap().is_empty());
    let keyed = NewJob { imsi: Some(one), ..new_job(Some("k3")) };
    jobs.create(id(5), &keyed, at(5)).await.unwrap();
    let other = NewJob { imsi: Some(two), ..keyed };
    assert!(matches!(jobs.create(id(6), &other, at(6)).await, Err(JobsError::KeyTaken { .. })));
}

fn print(digit: char) -> Fingerprint {
    digit.to_string().repeat(32).parse().unwrap()
}

async fn claimed(keeper: &dyn Claims) {
    let card = |digits: &str| Iccid::from_card(digits).unwrap();
    let (mine, other) = (card("89490200001234567898"), card("89490200001234567900"));
    let [one, two, three] = ['1', '2', '3'].map(print);
    assert!(keeper.of_rows(&[one, two]).await.unwrap().is_empty());
    let claim = |row, card: &Iccid, done| Claim { row, card: Some(card.clone()), done };
    for (n, row, asks, has) in [(0, one, &mine, &mine), (1, one, &other, &mine), (2, two, &other, &other)] {
        assert_eq!(keeper.claim(&row, asks, at(n)).await.unwrap(), claim(row, has, None));
    }
    keeper.done(&two, at(3)).await.unwrap();
    assert_eq!(keeper.claim(&two, &mine, at(4)).await.unwrap(), claim(two, &other, Some(at(3))));
    let mut found = keeper.of_rows(&[three, two, one]).await.unwrap();
    found.sort_by_key(|claim| claim.row);
    assert_eq!(found, [claim(one, &mine, None), claim(two, &other, Some(at(3)))]);
    assert_eq!(keeper.of_claimant(&other).await.unwrap(), [claim(two, &other, Some(at(3)))]);
    keeper.release(&[one, three]).await.unwrap();
    assert_eq!(keeper.of_rows(&[one, three]).await.unwrap(), [Claim { row: one, card: None, done: None }]);
    assert_eq!(keeper.claim(&one, &other, at(5)).await.unwrap(), claim(one, &other, None));
    assert!(keeper.of_claimant(&mine).await.unwrap().is_empty());
}

async fn octets_kept(jobs: &dyn Jobs) {
    let (octets, asked) = (Some(print('3')), Some(print('4')));
    let new = NewJob { octets, asked, ..new_job(Some("k")) };
    jobs.create(id(0), &new, at(0)).await.unwrap();
    let job = jobs.get(id(0)).await.unwrap().unwrap().job;
    assert_eq!((job.octets, job.asked), (octets, asked));
    // Secrets are drawn anew for each: the same job is asked for all the same.
    let again = NewJob { octets: Some(print('5')), ..new };
    assert_eq!(jobs.create(id(1), &again, at(1)).await.unwrap().job.octets, octets);
}

/// What is begun or taken up in the journal of writes takes from the jobs and the claims of its card that they are done; from those of
/// no other card, and from the job no more that the write is for.
async fn overwritten(keeper: &(impl Jobs + Claims), writes: &dyn WriteJournal) {
    let write = write("89490200001234567892");
    let (card, other) = (write.card.clone(), Iccid::from_card("89490200001234567900").unwrap());
    let rows = ['1', '2'].map(print);
    for (n, (card, row)) in (0..).zip([(&card, rows[0]), (&other, rows[1])]) {
        let done = NewJob { iccid: Some(card.clone()), ..new_job(None) };
        keeper.create(id(n), &done, at(n)).await.unwrap();
        for event in &delivery(n + 1) {
            keeper.tell(id(n), event, at(n)).await.unwrap();
        }
        keeper.claim(&row, card, at(n)).await.unwrap();
        keeper.done(&row, at(n)).await.unwrap();
    }
    // One that is under way, and one of another route.
    let [under_way, pushed] =
        [Route::Card, Route::Push].map(|route| NewJob { route, iccid: Some(card.clone()), ..new_job(None) });
    keeper.create(id(2), &under_way, at(2)).await.unwrap();
    keeper.create(id(3), &pushed, at(3)).await.unwrap();
    for event in &delivery(9) {
        keeper.tell(id(3), event, at(3)).await.unwrap();
    }
    let when = async || {
        let mut jobs = Vec::new();
        for n in 0..4 {
            jobs.push(keeper.get(id(n)).await.unwrap().unwrap().job.overwritten_at);
        }
        let mut claims = keeper.of_rows(&rows).await.unwrap();
        claims.sort_by_key(|claim| claim.row);
        (jobs, claims.iter().map(|claim| claim.done.is_some()).collect::<Vec<_>>())
    };
    assert_eq!(when().await, (vec![None; 4], vec![true, true]));
    let hold = writes.begin(&write).unwrap();
    let overwritten = vec![Some(at(7)), None, None, None];
    assert_eq!(when().await, (overwritten.clone(), vec![false, true]));
    // The script came to its end, and its entry was not closed: whoever takes it up doubts that again.
    keeper.done(&rows[0], at(8)).await.unwrap();
    writes.leave(&hold);
    let hold = writes.take(&card, hold.entry).unwrap();
    assert_eq!(when().await, (overwritten.clone(), vec![false, true]));
    writes.close(&hold).unwrap();
    // It was done by then, and its card is written again.
    for event in &delivery(12) {
        keeper.tell(id(2), event, at(9)).await.unwrap();
    }
    assert_eq!(when().await.0, overwritten);
    writes.begin(&write).unwrap();
    assert_eq!(when().await.0, [Some(at(7)), None, Some(at(7)), None]);
}

#[tokio::test]
async fn a_write_is_told_to_jobs_and_claims_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = super::open(&dir.path().join("jobs.db")).await;
    let vault = Vault::new(KeySource::Made(dir.path().join("key")), Arc::new(Fixed));
    let writes = Writes::new(&store, Arc::new(vault), Arc::new(Fixed));
    overwritten(&store, &writes).await;
}

#[tokio::test]
async fn a_write_is_told_to_jobs_and_claims_in_memory() {
    let memory = Arc::new(Memory::new());
    let writes = MemoryWrites::new(Arc::clone(&memory), Arc::new(Fixed));
    overwritten(&*memory, &writes).await;
}

async fn goes_its_way(jobs: &dyn Jobs) {
    let created = jobs.create(id(0), &new_job(None), at(0)).await.unwrap();
    assert!(created.fresh && created.job.state == State::Queued);
    for (n, event) in (1..).zip(&delivery(12)) {
        assert!(matches!(jobs.tell(id(0), event, at(n)).await.unwrap(), Step::To(_)));
    }
    assert_eq!(jobs.of_account(AccountId::new(12)).await.unwrap(), Some(id(0)));
    assert_eq!(jobs.of_account(AccountId::new(13)).await.unwrap(), None);
    assert_eq!(jobs.tell(id(0), &Event::DeliveryConfirmed, at(5)).await.unwrap(), Step::Stay);
    let again = jobs.tell(id(0), &Event::DeliveryStarted, at(5)).await.unwrap_err();
    assert!(matches!(again, JobsError::Illegal { .. }), "{again}");
    assert!(again.to_string().contains("delivered cannot take `started`"), "{again}");
    let session = Event::FirstSession { device: "IMEI:490154203237518".into() };
    assert_eq!(jobs.tell(id(0), &session, at(6)).await.unwrap(), Step::To(State::HandedOff));

    let record = jobs.get(id(0)).await.unwrap().unwrap();
    assert_eq!(record.job.state, State::HandedOff);
    assert_eq!(record.job.account, Some(AccountId::new(12)));
    assert_eq!((record.job.created_at, record.job.changed_at), (at(0), at(6)));
    assert!(record.job.answers(&new_job(None)));
    let way = record.history.iter().map(|e| (e.to.name(), e.at)).collect::<Vec<_>>();
    let names = ["queued", "registered", "prepared", "delivering", "delivered", "handed-off"];
    let times = [0, 1, 2, 3, 4, 6].map(at);
    assert_eq!(way, names.into_iter().zip(times).collect::<Vec<_>>());
    assert_eq!(record.history[1].reason.as_ref().unwrap().as_str(), "account 12");
    assert_eq!(record.history[0].from, None);
    assert!(record.history.windows(2).all(|pair| pair[1].from == Some(pair[0].to)));
    let [attempt] = record.attempts.as_slice() else { panic!("{:?}", record.attempts) };
    assert_eq!((attempt.number, attempt.started_at, attempt.ended_at), (1, at(3), Some(at(4))));
    assert_eq!(attempt.outcome, Some(State::Delivered));

    assert!(jobs.get(id(9)).await.unwrap().is_none());
    let nobody = jobs.tell(id(9), &Event::PayloadBuilt, at(0)).await.unwrap_err();
    assert!(matches!(nobody, JobsError::NotFound { .. }));
    let shown = serde_json::to_value(&record).unwrap();
    assert_eq!(shown["state"], "handed-off");
    assert_eq!(shown["payload"], "cp");
    assert_eq!(shown["account"], 12);
    assert_eq!(shown["history"][5]["reason"], "first session of IMEI:490154203237518");
    jobs.ping().await.unwrap();
}

async fn one_job_per_key(jobs: &dyn Jobs) {
    let first = jobs.create(id(0), &new_job(Some("order 7")), at(0)).await.unwrap();
    let again = jobs.create(id(1), &new_job(Some("order 7")), at(1)).await.unwrap();
    assert!(first.fresh && !again.fresh);
    assert_eq!(again.job, first.job);
    let other = NewJob { payload: "dm".parse().unwrap(), ..new_job(Some("order 7")) };
    let refused = jobs.create(id(2), &other, at(2)).await.unwrap_err();
    assert!(refused.to_string().contains(&id(0).to_string()), "{refused}");
    for n in 3..5 {
        assert!(jobs.create(id(n), &new_job(None), at(n)).await.unwrap().fresh, "no key, no bond");
    }
    assert_eq!(jobs.list(&any(10)).await.unwrap().len(), 3);
}

async fn listed(jobs: &dyn Jobs) {
    for n in 0..5 {
        jobs.create(id(n), &new_job(None), at(n)).await.unwrap();
    }
    let reason = Reason::new("no reader");
    jobs.tell(id(1), &Event::Failed { reason }, at(9)).await.unwrap();
    let ids =
        async |filter: Filter| jobs.list(&filter).await.unwrap().iter().map(|j| j.id).collect::<Vec<_>>();
    assert_eq!(ids(any(3)).await, [4, 3, 2].map(id));
    assert_eq!(ids(Filter { states: vec![State::Failed], limit: 9 }).await, [id(1)]);
    let both = vec![State::Failed, State::Queued];
    assert_eq!(ids(Filter { states: both, limit: 9 }).await, [4, 3, 2, 1, 0].map(id));
    assert!(ids(Filter { states: vec![State::Unknown], limit: 9 }).await.is_empty());
    let failed = jobs.list(&Filter { states: vec![State::Failed], limit: 1 }).await.unwrap();
    assert_eq!(failed[0].reason.as_ref().unwrap().as_str(), "no reader");
}

async fn found_by_name_and_device<S: Register + Accounts>(keeper: &S) {
    let device = "IMEI:490154203237518";
    for n in 0..6 {
        keeper.register(&new_account("shared", None), at(n)).await.unwrap();
    }
    let own = keeper.register(&new_account("own", Some(device)), at(6)).await.unwrap();
    for n in 7..12 {
        keeper.register(&new_account("shared", None), at(n)).await.unwrap();
    }
    let found = async |name: Option<&str>, device: &str| {
        keeper.candidates(name, device).await.unwrap().iter().map(|a| a.id.number()).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("own"), "unknown").await, [own.number()]);
    assert_eq!(found(None, device).await, [own.number()]);
    assert_eq!(found(Some("shared"), "unknown").await, [12, 11, 10, 9]);
    assert_eq!(
        found(Some("shared"), device).await,
        [12, 11, 10, own.number()],
        "its own is never crowded out"
    );
    assert!(found(None, "").await.is_empty());
    assert!(found(Some("x' OR '1'='1"), "%").await.is_empty());

    let account = &keeper.candidates(Some("own"), device).await.unwrap()[0];
    assert_eq!(account.server_id.as_str(), "acme.dm");
    assert_eq!(account.device.as_deref(), Some(device));
    assert_eq!(account.client.nonce, b"\0client");
    assert_eq!(account.server.nonce, b"\xFFserver");
    assert_eq!(account.client.scheme, AuthScheme::Md5);
    assert_eq!(account.client.digest.as_stored(), new_account("own", None).client.digest.as_stored());
    assert!(account.client.secret.is_none() && account.inventoried.is_none());
    keeper.inventoried(own, at(20)).await.unwrap();
    assert_eq!(keeper.candidates(None, device).await.unwrap()[0].inventoried, Some(at(20)));
}

async fn nonce_spent_once<S: Register + Accounts>(keeper: &S) {
    let id = keeper.register(&new_account("own", None), at(0)).await.unwrap();
    let spend = |held: &[u8], next: &[u8]| NonceChange {
        client: Some(SpentNonce { held: held.to_vec(), next: next.to_vec() }),
        server: Some(b"s2".to_vec()),
    };
    assert_eq!(keeper.store_nonces(id, &spend(b"wrong", b"c2")).await.unwrap(), Stored::Raced);
    let nonces = async || {
        let account = keeper.candidates(Some("own"), "").await.unwrap().remove(0);
        (account.client.nonce, account.server.nonce)
    };
    assert_eq!(nonces().await, (b"\0client".to_vec(), b"\xFFserver".to_vec()), "all or nothing");
    assert_eq!(keeper.store_nonces(id, &spend(b"\0client", b"c2")).await.unwrap(), Stored::Done);
    assert_eq!(keeper.store_nonces(id, &spend(b"\0client", b"c3")).await.unwrap(), Stored::Raced);
    assert_eq!(nonces().await, (b"c2".to_vec(), b"s2".to_vec()));
    let server_only = NonceChange { client: None, server: Some(b"s3".to_vec()) };
    assert_eq!(keeper.store_nonces(id, &server_only).await.unwrap(), Stored::Done);
    assert_eq!(nonces().await, (b"c2".to_vec(), b"s3".to_vec()));
    assert_eq!(keeper.store_nonces(AccountId::new(99), &server_only).await.unwrap(), Stored::Raced);
}

async fn old_account_goes<S: Register + Accounts>(keeper: &S) {
    let (device, other) = ("IMEI:490154203237518", "IMEI:990000862471854");
    let old = keeper.register(&new_account("a", Some(device)), at(0)).await.unwrap();
    keeper.register(&new_account("b", Some(other)), at(0)).await.unwrap();
    keeper.register(&new_account("c", None), at(0)).await.unwrap();
    let new = keeper.register(&new_account("a", Some(device)), at(1)).await.unwrap();
    let newest = keeper.register(&new_account("a", Some(device)), at(2)).await.unwrap();
    let ids = async |name: &str| {
        keeper.candidates(Some(name), "").await.unwrap().iter().map(|a| a.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("a").await, [newest, new, old], "all are accepted until the new one was used");
    keeper.used(new, at(3)).await.unwrap();
    assert_eq!(ids("a").await, [newest, new], "the older goes, the one that is still pending stays");
    assert_eq!((ids("b").await.len(), ids("c").await.len()), (1, 1), "other devices keep theirs");
    keeper.used(newest, at(4)).await.unwrap();
    keeper.used(newest, at(5)).await.unwrap();
    assert_eq!(ids("a").await, [newest]);
    keeper.used(old, at(6)).await.unwrap();
    assert_eq!(ids("a").await, [newest], "an account that is gone takes nothing with it");
}

async fn unused_account_withdrawn<S: Register + Accounts>(keeper: &S) {
    let ids =
        async || keeper.candidates(Some("a"), "").await.unwrap().iter().map(|a| a.id).collect::<Vec<_>>();
    let used = keeper.register(&new_account("a", None), at(0)).await.unwrap();
    let unused = keeper.register(&new_account("a", None), at(1)).await.unwrap();
    keeper.used(used, at(2)).await.unwrap();
    assert_eq!(ids().await, [unused, used]);
    keeper.withdraw(unused).await.unwrap();
    keeper.withdraw(used).await.unwrap();
    keeper.withdraw(AccountId::new(99)).await.unwrap();
    assert_eq!(ids().await, [used], "what a device has used stays");
    let next = keeper.register(&new_account("a", None), at(3)).await.unwrap();
    assert_ne!(next, unused, "a number is never given twice");
}

async fn accounts_of_one_card<S: Jobs + Register + Accounts>(keeper: &S) {
    // Written before the device is known, so the accounts name none; and twice on the same card.
    let mut accounts = Vec::new();
    for n in 0..3 {
        let account = keeper.register(&new_account("shared", None), at(n)).await.unwrap();
        let mut job = new_job(None);
        if n == 0 {
            job.iccid = Some("89490200001234567892".parse().unwrap());
        }
        keeper.create(id(n), &job, at(n)).await.unwrap();
        keeper.tell(id(n), &Event::AccountRegistered { account }, at(n)).await.unwrap();
        accounts.push(account);
    }
    keeper.used(accounts[2], at(9)).await.unwrap();
    let left = keeper.candidates(Some("shared"), "").await.unwrap();
    let left = left.iter().map(|a| a.id).collect::<Vec<_>>();
    assert_eq!(left, [accounts[2], accounts[0]], "that of another card stays");
}

async fn inventory_replaced(devices: &dyn Devices) {
    let device = "IMEI:490154203237518";
    assert!(devices.device(device).await.unwrap().is_none());
    let nodes = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(u, v)| ((*u).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
    };
    let first = nodes(&[("./DevInfo/Mod", "One"), ("./DevInfo/Man", "Acme"), ("./DevInfo/Man", "Acme Ltd")]);
    devices.keep_inventory(device, &first, at(1)).await.unwrap();
    let kept = devices.device(device).await.unwrap().unwrap();
    assert_eq!(kept.nodes, nodes(&[("./DevInfo/Man", "Acme Ltd"), ("./DevInfo/Mod", "One")]));
    devices.keep_inventory(device, &nodes(&[("./DevInfo/Mod", "Two")]), at(2)).await.unwrap();
    let kept = devices.device(device).await.unwrap().unwrap();
    assert_eq!((kept.seen_at, kept.nodes), (at(2), nodes(&[("./DevInfo/Mod", "Two")])));
}
