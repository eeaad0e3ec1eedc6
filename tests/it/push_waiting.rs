//! What somebody who pushes through `bootgate serve` is told while the push waits, and where it ends without a word.

use std::{path::Path, time::Duration, time::Instant};

use bootgate::{
    bearer::smpp::IdForm,
    lab::smsc::{Behaviour, ReceiptForm, Receipts, VirtualSmsc},
    wire::smpp::MessageState,
};

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
        // Somebody of the house.
        let file = folder.path().join("site.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("user = \"pi\"", "user = \"pi\"\nsees-links = \"yes\"")).unwrap();
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
        let own = if more.contains(&"--push-id") { &[][..] } else { &["--push-id", "1@pi"] };
        let push = ["send", "--to", NUMBER, "--file", "si", "--content-type", "application/vnd.wap.sic"];
        self.push(&[&push[..], own, more].concat())
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
    let said = "not known     whether the device has it: its network tells nothing of that";
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

    // Where its time runs out meanwhile, that is its end.
    let ran = gateway.send(&["--push-id", "2@pi", "--deliver-before", "+1s", "--wait"]);
    assert!(ran.exit == 1 && ran.out.contains("state         expired (4000 "), "{}", ran.shown());

    let later = Gateway::new(Behaviour::default(), "");
    assert_eq!(later.send(&["--deliver-after", "2099-01-02T03:04:05Z"]).exit, 0);
    later.tells("pending (1001 accepted for processing): it waits until 2099-01-02T03:04:05.000Z: it was handed in for then");
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

/// What of a push is on its way is told while it is waited for, and to whoever asks.
#[test]
fn progress_is_told_by_short_messages_and_receipts() {
    let receipts = Receipts {
        delay: Duration::from_secs(3_600),
        form: ReceiptForm::Both,
        ids: IdForm::Text,
        state: MessageState::Delivered,
    };
    let gateway = Gateway::new(Behaviour { receipts: Some(receipts), ..Behaviour::default() }, "");
    std::fs::write(gateway.folder.path().join("si"), [7; 300]).unwrap();
    assert_eq!(gateway.send(&[]).exit, 0);
    let way = "pending (1001 accepted for processing): the network has 3 of 3 short messages, 0 of them are delivered";
    gateway.tells(way);
    // The same while it waits, and as JSON at the end.
    let ran = gateway.send(&["--push-id", "2@pi", "--wait", "--timeout", "2s", "--format", "json"]);
    assert_eq!(ran.exit, 1, "{}", ran.shown());
    assert!(ran.err.contains("accepted as 2@pi\n") && ran.err.contains(way), "{}", ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["states"][0]["desc"], way.split_once(": ").unwrap().1);
    assert!(report["unfinished"].as_str().unwrap().starts_with("waited 2 s"), "{report}");
    // On a terminal the last line moves, and is gone in the end.
    let command = format!(
        "{} push send --ppg {} --ppg-kind bootgate --user pi --password @pi.secret --to {NUMBER} --file si --content-type \
         application/vnd.wap.sic --wait --timeout 2s",
        env!("CARGO_BIN_EXE_bootgate"),
        gateway.url
    );
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", &command, "/dev/null"]).current_dir(gateway.folder.path()).env("TERM", "xterm");
    let ran = terminal.env_remove("BOOTGATE_CONFIG").stdin(std::process::Stdio::null()).output().unwrap();
    let shown = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{shown}");
    assert!(shown.contains("\u{1b}[") && shown.contains(" pending: the network has 3 of 3"), "{shown}");
    let last = shown.rsplit('\u{1b}').next().unwrap();
    assert!(last.contains("not known     waited 2 s") && !last.contains(" pending: "), "{shown}");
}

/// What a gateway told `serve` by itself stands beside what it says when it is asked, which may be that it knows nothing.
#[test]
fn results_that_were_kept_are_told_with_their_source() {
    let gateway = Gateway::new(Behaviour::default(), "");
    let folder = gateway.folder.path();
    let config = "[push]\nresults = \"http://127.0.0.1:1/results/0123456789abcdef\"\nresults-file = \"results.jsonl\"\n";
    std::fs::write(folder.join("cli.toml"), config).unwrap();
    let status = |url: &str, more: &[&str]| {
        let peer = ["--ppg", url, "--user", "pi", "--password", "@pi.secret", "--config", "cli.toml"];
        bootgate_in(folder, &[&["push", "status", "old@pi"], &peer[..], more].concat())
    };
    let ran = status(&gateway.url, &[]);
    assert!(ran.exit == 1 && ran.out.contains("2004 push id not found"), "{}", ran.shown());
    let line = |to: &str, state: &str| {
        format!(
            "{{\"push-id\":\"old@pi\",\"address\":\"WAPPUSH=+{to}/TYPE=PLMN@127.0.0.1\",\"state\":\"{state}\",\"code\":1000,\
             \"desc\":null,\"event-time\":null,\"told-at\":\"2026-01-01T00:00:00Z\"}}\n"
        )
    };
    std::fs::write(folder.join("results.jsonl"), line("491711", "delivered") + &line("491712", "expired"))
        .unwrap();
    let ran = status(&gateway.url, &[]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    for said in [
        "state         unknown (2004 push id not found)",
        "told          delivered (1000 OK), WAPPUSH=+491711/TYPE=PLMN@127.0.0.1; told at 2026-01-01T00:00:00Z, kept in ",
        "told          expired (1000 OK), WAPPUSH=+491712",
    ] {
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
    }
    let ran = status(&gateway.url, &["--to", "+491712", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let kept = &report["kept"];
    assert!(kept["file"].as_str().unwrap().ends_with("results.jsonl"), "{report}");
    assert_eq!(
        (kept["results"].as_array().unwrap().len(), &kept["results"][0]["state"]),
        (1, &"expired".into())
    );
    // The gateway is gone.
    let ran = status("http://127.0.0.1:1/pap", &[]);
    assert!(ran.exit == 0 && ran.out.contains("not asked     "), "{}", ran.shown());
}

/// Examples are what people copy: with the files that they name, they are understood.
#[test]
fn the_examples_of_the_help_work() {
    let folder = tempfile::tempdir().unwrap();
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    std::fs::copy(profile, folder.path().join("acme.toml")).unwrap();
    for (file, text) in
        [("pin", "48151623"), ("pw", "secret"), ("server-secret", "secret"), ("si.wbxml", "x")]
    {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let gateway =
        "[[push.gateway]]\nname = \"operator\"\nurl = \"http://127.0.0.1:1/pap\"\nkind = \"bootgate\"\n";
    std::fs::write(folder.path().join("site.toml"), gateway).unwrap();
    let mut seen = 0;
    for command in [&["push", "send"][..], &["push", "status"], &["push", "cancel"], &["notify", "send"]] {
        let help = bootgate_in(folder.path(), &[command, &["--help"]].concat()).out;
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("{command:?} has none"));
        // Where nobody listens.
        let examples = examples.replace("127.0.0.1:8100", "127.0.0.1:1");
        for example in examples.split("\n  bootgate ").skip(1) {
            let words: Vec<&str> = example.split_whitespace().filter(|word| *word != "\\").collect();
            // That of an account needs one in the database.
            if words.contains(&"--account") {
                continue;
            }
            let is_status = command[1] == "status";
            let dry = (!is_status && !words.contains(&"--dry-run")).then_some("--dry-run");
            let ran = bootgate_in(
                folder.path(),
                &[&["--config", "site.toml"], &words[..], dry.as_slice()].concat(),
            );
            // Nobody listens where a status is asked for.
            assert_eq!(ran.exit, if is_status { 69 } else { 0 }, "{example}\n{}", ran.shown());
            seen += 1;
        }
    }
    assert_eq!(seen, 8);
}
