//! What both stores answer, and what the file must stand.

use std::{path::Path, time::Duration};

use super::Store;
use crate::{
    dm::{AccountId, AuthScheme, NewAccount, StoredCredential},
    ident::{Clock, Iccid, JobId, Random, Timestamp},
    job::{Event, Filter, NewJob, Route},
};

const BUSY: Duration = Duration::from_secs(20);

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        at(7)
    }
}

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0x5A);
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_656_633_000 + seconds * 1000)
}

fn id(seconds: i64) -> JobId {
    JobId::new(at(seconds), &Fixed)
}

fn new_job(key: Option<&str>) -> NewJob {
    NewJob {
        key: key.map(|k| k.parse().unwrap()),
        profile: "acme-consumer".parse().unwrap(),
        profile_version: 3,
        server_id: "acme.dm".parse().unwrap(),
        route: Route::Card,
        payload: "cp".parse().unwrap(),
        imei: Some("490154203237518".parse().unwrap()),
        // As a card states it: the check digit is wrong.
        iccid: Some(Iccid::from_card("89490200001234567898").unwrap()),
        imsi: None,
        asked: None,
        octets: None,
    }
}

fn new_account(name: &str, device: Option<&str>) -> NewAccount {
    let secret = "OhBehave-marked".parse().unwrap();
    NewAccount {
        server_id: "acme.dm".parse().unwrap(),
        device: device.map(str::to_owned),
        client: StoredCredential::of_client(AuthScheme::Md5, name, &secret, b"\0client"),
        server: StoredCredential::of_server(AuthScheme::Md5, "acme.dm", &secret, b"\xFFserver"),
    }
}

fn delivery(account: i64) -> [Event; 4] {
    [
        Event::AccountRegistered { account: AccountId::new(account) },
        Event::PayloadBuilt,
        Event::DeliveryStarted,
        Event::DeliveryConfirmed,
    ]
}

fn any(limit: u32) -> Filter {
    Filter { states: Vec::new(), limit }
}

async fn open(path: &Path) -> Store {
    Store::open(path, BUSY).await.unwrap()
}

mod contract;
mod file;
mod fingerprints;
mod lanes;
mod outbox;
mod references;
mod writes;
