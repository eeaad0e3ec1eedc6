//! Which administrative key a batch presents: the one that the card asks for, whatever else stands in the row and in which column; and
//! what a single write and a dry run say of it.

use std::{path::Path, process::Stdio};

use bootgate::{
    job::batch::{CardResult, Ending},
    lab::{
        card::VirtualCard,
        image::{KeyImage, Personality, Quirk, Sample, SampleKind},
        reader::CardHandle,
    },
    wire::arr::KeyRef,
};

use crate::{
    batch_over_pcsc::{ADM, CARDS, batch, results},
    batch_run::{RIGHT, Station, device, insert, number},
    peers::pcscd::Pcscd,
};

const WRONG_PIN: &str = "9999";
/// A key that no file asks for; every test card has ADM1 and ADM2.
const OTHER: &str = "otherkey";

/// The n-th card, whose files ask for the key of that reference.
fn card(n: u16, kind: SampleKind, personality: Personality, adm_ref: u8) -> CardHandle {
    let mut sample = Sample::new(kind, number(n), format!("26201123456{n:03}").parse().unwrap());
    (sample.personality, sample.adm_ref) = (personality, KeyRef(adm_ref));
    let mut image = sample.image();
    for other in [KeyRef::ADM1, KeyRef(0x0B)] {
        if image.key_mut(other).is_none() {
            image.keys.push(KeyImage::new(other, *b"otherkey"));
        }
    }
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

fn compact(n: u16) -> CardHandle {
    let mut image = card(n, SampleKind::Prepared, Personality::Uicc, 0x0A).image();
    image.add_quirk(Quirk::CompactRules);
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

/// The counters of PIN2, ADM1 and ADM2.
fn tries(card: &CardHandle) -> [u8; 3] {
    [KeyRef::PIN2, KeyRef::ADM1, KeyRef(0x0B)].map(|key| card.image().key_mut(key).unwrap().tries)
}

/// A row for one card with these columns and values, and leave for cards that tell no counter.
async fn run(station: &Station, n: u16, card: &CardHandle, columns: &str, values: &str) -> CardResult {
    let (iccid, imei) = (number(n), device(n));
    let table = format!("iccid,imei,allow-once,{columns}\n{},{imei},yes,{values}\n", iccid.digits());
    insert(&station.run(&table, true).await, card, &[]).await
}

/// A second PIN that stands in the row is no administrative key, though its number is above that of ADM1; and of two administrative
/// keys the one that the card names is presented.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_presents_the_key_that_the_card_asks_for() {
    let station = Station::new().await;
    let (pin2_first, adm2_first) = (format!("{WRONG_PIN},{RIGHT}"), format!("{OTHER},{RIGHT}"));
    let cases = [
        (card(1, SampleKind::Prepared, Personality::Sim, 0x0A), "pin2,adm1", &pin2_first),
        (card(2, SampleKind::Prepared, Personality::Sim, 0x0A), "adm2,adm1", &adm2_first),
        (card(3, SampleKind::Prepared, Personality::Sim, 0x0B), "adm1,adm2", &adm2_first),
        (card(4, SampleKind::Bare, Personality::Uicc, 0x0A), "adm2,adm1", &adm2_first),
        (card(5, SampleKind::Bare, Personality::Uicc, 0x0A), "pin2,adm1", &pin2_first),
        (card(6, SampleKind::Bare, Personality::Uicc, 0x0B), "adm1,adm2", &adm2_first),
        (compact(7), "pin2,adm1", &pin2_first),
    ];
    for ((card, columns, values), n) in cases.iter().zip(1..) {
        let result = run(&station, n, card, columns, values).await;
        assert_eq!((result.ending, result.reason), (Ending::Done, None), "card {n}, {columns}");
        assert_eq!(tries(card), [3; 3], "card {n}: no try was spent for nothing");
    }
}

/// A file whose rules do not say which PIN opens it: the first PIN of the row is enough, and the second keeps its tries.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_presents_one_pin_where_the_card_does_not_say_which() {
    let station = Station::new().await;
    let mut image = card(1, SampleKind::Pin, Personality::Uicc, 0x0A).image();
    image.add_quirk(Quirk::CompactRules);
    let card = CardHandle::new(VirtualCard::from_image(image).unwrap());
    let result = run(&station, 1, &card, "pin2,pin,adm1", &format!("{WRONG_PIN},1234,{RIGHT}")).await;
    assert_eq!((result.ending, result.reason), (Ending::Done, None));
    assert_eq!(tries(&card), [3; 3]);
}

/// Where a card does not say which of the keys at hand it means, none goes to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_guesses_no_key() {
    let station = Station::new().await;
    let both = format!("{OTHER},{RIGHT}");
    let cases = [
        (card(1, SampleKind::Prepared, Personality::Sim, 0x05), "adm2,adm1", both.as_str()),
        (card(2, SampleKind::Prepared, Personality::Sim, 0x04), "adm1", RIGHT),
        (card(3, SampleKind::Prepared, Personality::Sim, 0x0B), "adm1", RIGHT),
        (compact(4), "adm2,adm1", &both),
    ];
    for ((card, columns, values), n) in cases.iter().zip(1..) {
        let result = run(&station, n, card, columns, values).await;
        assert_eq!(result.ending, Ending::Failed, "card {n}: {:?}", result.reason);
        assert!(result.reason.as_ref().is_some_and(|why| why.contains("--adm-ref")), "{:?}", result.reason);
        assert_eq!((tries(card), card.changes()), ([3; 3], 0), "card {n}");
    }
}

/// `--adm-ref` of a single write and of a batch is what the card is given; a plan says the same key before.
#[test]
fn a_key_that_is_named_is_the_one_that_goes() {
    let pcscd = Pcscd::start(1);
    let command = |args: &[&str]| {
        let mut command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(args).env("ADM", ADM).env("BOOTGATE_STORE_PATH", pcscd.folder().join("store.db"));
        let ran = command.env_remove("BOOTGATE_CONFIG").stdin(Stdio::null()).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(!said.contains(ADM), "{said}");
        (ran.status.code(), said)
    };
    let (reader, profile) = (Pcscd::reader(0), "acme.toml");
    let text = include_str!("../../config/profiles/consumer-phone.toml");
    std::fs::write(pcscd.folder().join(profile), text).unwrap();
    let policy = "[[card.key-policy]]\niccid = \"894902\"\nallow = \"once\"\n";
    std::fs::write(pcscd.folder().join("bootgate.toml"), policy).unwrap();
    let card = |action, more: &[&str]| {
        let job =
            ["card", action, "-r", &reader, "--profile", profile, "--as", "cp", "--config", "bootgate.toml"];
        command(&[&job[..], &["--imei", "490154203237518"], more].concat())
    };
    let sim = |adm_ref| {
        let sample = ["--kind", "prepared", "--personality", "sim", "--iccid", CARDS[0], "--adm", ADM];
        pcscd.insert(0, &[&sample[..], &["--adm-ref", adm_ref]].concat())
    };
    let in_reader = sim("05");
    // Without a word it is 0A, which this card does not ask for.
    let unnamed = ["--adm", "env:ADM"];
    for (action, more) in [("plan", &[][..]), ("write", &["--yes"])] {
        let (exit, said) = card(action, &[&unnamed[..], more].concat());
        assert!(exit == Some(77) && said.contains("access level 5") && said.contains("--adm-ref"), "{said}");
    }
    let named = ["--adm", "env:ADM", "--adm-ref", "05"];
    let (exit, said) = card("plan", &named);
    assert!(exit == Some(0) && said.contains("Key needed: 05"), "{said}");
    let (exit, said) = card("write", &[&named[..], &["--yes"]].concat());
    assert!(exit == Some(0) && said.contains("ok: "), "{said}");
    let erase = ["card", "erase", "-r", &reader, "--config", "bootgate.toml", "--yes"];
    let (exit, said) = command(&[&erase[..], &["--adm", "env:ADM"]].concat());
    assert!(exit == Some(77) && said.contains("access level 5"), "{said}");
    // The same in a batch: no column is called for key 05, so it is the one that is called adm1.
    let table = format!("iccid,imei,allow-once,adm1\n{},490154203237518,yes,{ADM}\n", CARDS[0]);
    std::fs::write(pcscd.folder().join("cards.csv"), &table).unwrap();
    command(&["card", "clear-refusal", "--iccid", CARDS[0]]);
    let ran = batch(&pcscd, &["--adm-ref", "05", "--again"]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.code() == Some(0) && said.contains("line 2 done, "), "{said}");
    pcscd.pull(0, in_reader);

    // A batch over a card whose level is none of its keys: refused, then told.
    let _in_reader = sim("0B");
    let ran = batch(&pcscd, &["--dry-run"]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("access level B"), "{said}");
    let ran = batch(&pcscd, &["--again"]).output().unwrap();
    assert_eq!((ran.status.code(), &results(&pcscd)[1]["ending"]), (Some(1), &"failed".into()));
    // Named, the only key of the row goes as that one, whether the card has it or not: the person has the word.
    let ran = batch(&pcscd, &["--adm-ref", "0A", "--dry-run"]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("Key needed: 0A"), "{said}");
}
