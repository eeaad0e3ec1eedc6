//! A UICC that knows both classes, in 2G mode: by a switch and by the configuration, single cards and batches.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use bootgate::{
    card::{CardTransport, Protocol, TransportError},
    ident::ReaderName,
    job::batch::Ending,
    lab::{
        card::VirtualCard,
        image::{Personality, Sample, SampleKind},
        reader::{CardHandle, InProcess},
    },
};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::{
    batch_over_pcsc::{ADM, CARDS, batch, results, table},
    batch_run::{RIGHT, Station, device, number},
    peers::pcscd::Pcscd,
};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");

#[test]
fn a_switch_and_the_configuration_put_a_uicc_into_2g_mode() {
    let pcscd = Pcscd::start(1);
    let reader = Pcscd::reader(0);
    let _card = pcscd
        .insert(0, &["--kind", "prepared", "--personality", "uicc-2g", "--iccid", CARDS[0], "--adm", ADM]);
    let card = |class: Option<&str>, args: &[&str]| {
        let mut command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.arg("card").args(args).args(["-r", &reader]).env("ADM", ADM).env_remove("BOOTGATE_CONFIG");
        command.env("BOOTGATE_STORE_PATH", pcscd.folder().join("store.db"));
        command.envs(class.map(|class| ("BOOTGATE_CARD_CLASS", class)));
        let ran = command.stdin(Stdio::null()).output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        (ran.status.code(), text(ran.stdout), text(ran.stderr))
    };
    let kind = |class, more: &[&str]| {
        let (_, out, err) = card(class, &[&["inspect", "--format", "json"], more].concat());
        let seen: Value = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
        assert_eq!(seen["iccid"], CARDS[0]);
        seen["kind"].clone()
    };
    assert_eq!([kind(None, &[]), kind(Some("auto"), &[])], ["UICC", "UICC"]);
    assert_eq!([kind(None, &["--2g"]), kind(Some("2g"), &[])], ["SIM, or UICC in 2G mode"; 2]);

    // In class A0 the counter of the key is not told: nothing is presented without leave.
    let write = ["write", "--profile", PROFILE, "--as", "cp", "--imei", "490154203237518"];
    let write = [&write[..], &["--adm", "env:ADM", "--yes"]].concat();
    let (exit, out, err) = card(None, &[&write[..], &["--2g"]].concat());
    assert!(exit == Some(77) && err.contains("class A0 cannot be asked"), "{out}{err}");
    let policy = "[card]\nclass = \"2g\"\n[[card.key-policy]]\niccid = \"894902\"\nallow = \"once\"\n";
    std::fs::write(pcscd.folder().join("2g.toml"), policy).unwrap();
    let (exit, out, err) = card(None, &[&write[..], &["--config", "2g.toml"]].concat());
    assert!(exit == Some(0) && out.contains("ok: "), "{out}{err}");

    // What was written in one class is read in the other.
    let seen = |more: &[&str]| {
        let (exit, out, err) = card(None, &[&["read", "--as", "cp"], more].concat());
        assert_eq!(exit, Some(0), "{out}{err}");
        out
    };
    let (in_2g, in_3g) = (seen(&["--2g"]), seen(&[]));
    assert!(in_2g == in_3g && in_2g.len() > 100, "{in_2g}{in_3g}");

    // A batch goes the same way.
    table(&pcscd, &[ADM]);
    let ran = batch(&pcscd, &["--2g", "--again"]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    let reason = results(&pcscd)[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("class A0 cannot be asked"), "{reason}");
}

/// Sees the class octets of what goes to a card.
struct Classes(InProcess, Arc<Mutex<Vec<u8>>>);

impl CardTransport for Classes {
    fn reader(&self) -> &ReaderName {
        self.0.reader()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.1.lock().unwrap().push(apdu[0]);
        self.0.exchange(apdu)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

/// From the first command on: a single one of the other class would put the card into its other mode.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_speaks_class_a0_alone_from_the_first_command_on() {
    let station = Station::with("card.class", "2g").await;
    let mut sample = Sample::new(SampleKind::Prepared, number(1), "262011234567890".parse().unwrap());
    sample.personality = Personality::Uicc2g;
    let card = CardHandle::new(VirtualCard::from_image(sample.image()).unwrap());
    let rows = format!("iccid,imei,allow-once,adm1\n{},{},yes,{RIGHT}\n", number(1).digits(), device(1));
    for ending in [Ending::Done, Ending::AlreadyDone] {
        let run = station.run(&rows, true).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut reader = Classes(InProcess::insert(&card, "bay 0".parse().unwrap()), Arc::clone(&seen));
        let work = move || run.card("bay 0", &mut reader, None, &Handle::current());
        let result = tokio::task::spawn_blocking(work).await.unwrap();
        assert_eq!((result.ending, result.reason), (ending, None));
        let seen = seen.lock().unwrap();
        assert!(seen.len() > 5 && seen.iter().all(|class| *class == 0xA0), "{seen:02X?}");
    }
}
