//! What somebody who pushes through `bootgate serve` is told while the push waits, and where it ends without a word.

use std::{path::Path, time::Duration, time::Instant};

use bootgate::lab::smsc::{Behaviour, VirtualSmsc};

use crate::{
    load::serve,
    peers::Process,
    program::{Ran, bootgate_in},
};

const NUMBER: &str = "+491711234567";
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway with one link to a virtual SMSC.
struct Gateway {
    folder: tempfile::TempDir,
    url: String,
    _process: Process,
    _smsc: VirtualSmsc,
    _runtime: tokio::runtime::Runtime,
}

impl Gateway {
    fn new(behaviour: Behaviour, link: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let started = VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), behaviour);
        let (smsc, mut received) = runtime.block_on(started).unwrap();
        runtime.spawn(async move { while received.recv().await.is_some() {} });
        let folder = tempfile::tempdir().unwrap();
        serve::configure(folder.path(), "", smsc.address(), link);
        std::fs::write(folder.path().join("pi.secret"), "secret\n").unwrap();
        std::fs::write(folder.path().join("smsc.secret"), "wrong\n").unwrap();
        std::fs::write(folder.path().join("si"), [2, 5, 0x6A, 0]).unwrap();
        let (process, address) = serve::start(folder.path());
        let url = format!("http://{address}/pap");
        Self { folder, url, _process: process, _smsc: smsc, _runtime: runtime }
    }

    fn push(&self, args: &[&str]) -> Ran {
        let peer = ["--ppg", &self.url, "--ppg-kind", "bootgate", "--user", "pi", "--password", "@pi.secret"];
        bootgate_in(self.folder.path(), &[&["push"], args, &peer].concat())
    }

    fn send(&self, more: &[&str]) -> Ran {
        let push = ["send", "--to", NUMBER, "--push-id", "1@pi", "--file", "si"];
        self.push(&[&push[..], &["--content-type", "application/vnd.wap.sic"], more].concat())
    }

    /// Asks where the push is until that is told.
    fn tells(&self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let ran = self.push(&["status", "1@pi"]);
            if ran.out.contains(wanted) {
                return assert_eq!(ran.exit, 0, "{}", ran.shown());
            }
            assert!(Instant::now() < until, "{wanted}\n{}", ran.shown());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A network without receipts: that it has the push is the last that is ever told. Whoever waits is not kept for `--timeout`,
/// ten minutes here.
#[test]
fn waiting_ends_where_nothing_more_is_told() {
    let gateway = Gateway::new(Behaviour::default(), "receipts = \"no\"");
    let ran = gateway.send(&["--wait"]);
    assert_eq!(ran.exit, 1, "{}", ran.shown());
    assert!(ran.out.contains("state         unknown (1000 OK): the network has it"), "{}", ran.out);
    let said = "not known     whether the device has it; a receipt that comes late still tells `bootgate push status 1@pi`";
    assert!(ran.out.contains(said), "{}", ran.out);
}

#[test]
fn a_push_that_waits_says_for_what() {
    let wrong = Behaviour { account: Some(("us".into(), "Marked".into())), ..Behaviour::default() };
    let gateway = Gateway::new(wrong, "password = \"@smsc.secret\"");
    assert_eq!(gateway.send(&[]).exit, 0);
    gateway.tells(
        "no link to the network stands (main: it refused the bind with 0000000Eh: the password is wrong)",
    );
    let log = std::fs::read_to_string(gateway.folder.path().join("serve.log")).unwrap();
    assert_eq!(log.matches(" WARN ").count(), 1, "{log}");

    let later = Gateway::new(Behaviour::default(), "");
    assert_eq!(later.send(&["--deliver-after", "2099-01-02T03:04:05Z"]).exit, 0);
    later.tells("pending (1001 accepted for processing): it waits until 2099-01-02T03:04:05Z: it was handed in for then");
}

/// Runs the program on a configuration.
fn with(folder: &Path, config: &str, args: &[&str]) -> Ran {
    std::fs::write(folder.join("site.toml"), config).unwrap();
    bootgate_in(folder, &[args, &["--config", "site.toml"]].concat())
}

/// What the configuration says wrong, it is told with its place and 78, whoever meets it.
#[test]
fn mistakes_of_the_configuration_are_78_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let link = "[[ppg.smpp]]\nname = \"lab\"\naddress = \"127.0.0.1:1\"\n";
    let ran = with(folder.path(), &format!("{link}[[ppg.route]]\nover = \"lba\"\n"), &["config", "check"]);
    assert_eq!(ran.exit, 78, "{}", ran.shown());
    assert!(
        ran.err.contains("site.toml:5:8: `ppg.route` leads over \"lba\"") && ran.err.contains(": lab"),
        "{}",
        ran.err
    );

    let gateway = "[[push.gateway]]\nname = \"ours\"\nurl = \"http://127.0.0.1:1/pap\"\nuser = \"a\"\npassword = \"@missing\"\n";
    let status = with(folder.path(), gateway, &["push", "status", "1@pi"]);
    let serve = with(
        folder.path(),
        &format!("{link}system-id = \"a\"\npassword = \"@missing\"\n"),
        &["serve", "--listen", "127.0.0.1:0"],
    );
    for ran in [status, serve] {
        assert!(ran.exit == 78 && ran.err.contains("missing"), "{}", ran.shown());
    }
}

/// Who reads over a shoulder learns no key.
#[test]
fn keys_in_urls_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[push]\nresults = \"http://127.0.0.1:8100/results/Marked0123456789abcdef\"\n[job]\n\
                  pin-webhook = \"https://pins.example/hook/Marked0123456789?key=Marked\"\n";
    for format in ["text", "json"] {
        let ran = with(folder.path(), config, &["config", "show", "--format", format]);
        assert_eq!(ran.exit, 0, "{}", ran.shown());
        assert!(!ran.out.contains("Marked"), "{}", ran.out);
        assert!(ran.out.contains("http://127.0.0.1:8100/results/***"), "{}", ran.out);
        assert!(ran.out.contains("https://pins.example/hook/***?***"), "{}", ran.out);
    }
}
