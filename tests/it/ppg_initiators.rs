//! `bootgate serve` with two initiators: neither reaches a push of the other, and what they push and who they are stays out of
//! the log.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

use bootgate::{
    app::OsRandom,
    ident::Token,
    lab::smsc::{Behaviour, VirtualSmsc},
    wire::{wdp::Segment, wsp::Push},
};

use crate::{
    load::serve,
    peers::{Process, wait_for},
    ppg_http::{exchange, push_body},
};

/// `pi` with the password `secret`.
const PI: &str = "Authorization: Basic cGk6c2VjcmV0";
/// `acme` with [`PASSWORD`].
const ACME: &str = "Authorization: Basic YWNtZTpNYXJrZWQtcGFzc3dvcmQ=";
const PASSWORD: &str = "Marked-password";
const ACME_IN_SETTINGS: &str = "[[ppg.initiator]]\nname = \"acme\"\nuser = \"acme\"\n\
    password = \"sha256:468b916f69d6a4620f1bb1e886633b2c19df8d91b6f6ef65e86bff503f9c573d\"\n";
const BOUNDARY: &str = "Content-Type: multipart/related; boundary=mime; type=\"application/xml\"";
const XML: &str = "Content-Type: application/xml";
const PIN: &str = "48151623";

fn ask(address: SocketAddr, fields: &[&str], body: &str) -> String {
    exchange(TcpStream::connect(address).unwrap(), fields, body.as_bytes()).body
}

fn push(address: SocketAddr, who: &str, id: &str, attributes: &str) -> String {
    let to = "<address address-value=\"WAPPUSH=+491711234567/TYPE=PLMN@ppg\"/>";
    ask(address, &[who, BOUNDARY], &push_body(id, attributes, to))
}

/// `statusquery` or `cancel`.
fn about(address: SocketAddr, who: &str, what: &str, id: &str) -> String {
    ask(address, &[who, XML], &format!("<pap><{what}-message push-id=\"{id}\"/></pap>"))
}

/// Its push is as one that does not exist to the other, who may call one of its own the same.
#[test]
fn an_initiator_asks_for_cancels_and_replaces_no_push_of_another() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody answers there: all pushes wait.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    serve::configure(folder.path(), "", nobody, ACME_IN_SETTINGS);
    let (_serve, address) = serve::start(folder.path());
    let is_pending = |who: &str, id: &str| {
        let status = about(address, who, "statusquery", id);
        assert!(status.contains("message-state=\"pending\""), "{status}");
    };
    wait_for("a push that is taken", || push(address, PI, "a", "").contains("code=\"1001\""));
    for what in ["statusquery", "cancel"] {
        let answer = about(address, ACME, what, "a");
        assert!(answer.contains("code=\"2004\"") && !answer.contains("491711234567"), "{answer}");
    }
    for method in ["all", "pending-only"] {
        let replace = format!("replace-push-id=\"a\" replace-method=\"{method}\"");
        let answer = push(address, ACME, "new", &replace);
        assert!(answer.contains("code=\"2004\""), "{method}: {answer}");
    }
    is_pending(PI, "a");
    // Of two with the same name each means its own.
    let answer = push(address, ACME, "a", "");
    assert!(answer.contains("code=\"1001\""), "{answer}");
    let answer = about(address, PI, "cancel", "a");
    assert!(answer.contains("code=\"1000\""), "{answer}");
    assert!(about(address, PI, "statusquery", "a").contains("message-state=\"cancelled\""));
    is_pending(ACME, "a");
}

/// The gateway of `folder`, which logs all there is into `trace.log`.
fn start_tracing(folder: &Path) -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["serve", "--config"]).arg(folder.join("site.toml")).current_dir(folder);
    command.env_clear().env("HOME", folder).env("BOOTGATE_LOG", "trace");
    command.stdout(Stdio::piped()).stderr(File::create(folder.join("trace.log")).unwrap());
    let mut process = Process::start("bootgate serve", &mut command);
    let mut line = String::new();
    BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();
    (process, address.parse().unwrap())
}

/// How octets may come out: as digits, and as Rust prints them.
fn forms(octets: &[u8]) -> [String; 3] {
    let list = format!("{octets:?}");
    [
        octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        list.trim_matches(['[', ']']).to_owned(),
        octets.escape_ascii().to_string().to_lowercase(),
    ]
}

#[test]
fn the_log_of_pushes_has_no_number_no_payload_and_no_credentials() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let smsc = VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), Behaviour::default());
    let (smsc, mut received) = runtime.block_on(smsc).unwrap();
    let (folder, token) = (tempfile::tempdir().unwrap(), Token::generate(&OsRandom));
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("smsc.password", "Mark-smp\n");
    file("password", &format!("{PASSWORD}\n"));
    file("pin", &format!("{PIN}\n"));
    let more = format!(
        "password = \"@smsc.password\"\n{ACME_IN_SETTINGS}[[ppg.initiator]]\nname = \"bearer\"\ntoken = \"{}\"\n",
        token.digest()
    );
    serve::configure(folder.path(), "", smsc.address(), &more);
    let (mut process, address) = start_tracing(folder.path());

    // A bootstrap, signed with a PIN, which the program itself hands in.
    let bearer = format!("Authorization: Bearer {}", token.expose());
    wait_for("a push that is taken", || push(address, &bearer, "first", "").contains("code=\"1001\""));
    let mut send = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    send.args([
        "push",
        "send",
        "--ppg-kind",
        "bootgate",
        "--user",
        "acme",
        "--password",
        "@password",
        "--wait",
    ])
    .args([
        "--to",
        "491711234567",
        "--as",
        "cp",
        "--imei",
        "490154203237518",
        "--sec",
        "userpin",
        "--pin",
        "@pin",
    ])
    .args(["--profile", concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml")])
    .args(["--timeout", "20s", "--ppg", &format!("http://{address}/pap")])
    .current_dir(folder.path())
    .env_remove("BOOTGATE_CONFIG")
    .env("BOOTGATE_STORE_PATH", folder.path().join("store.db"))
    .env("BOOTGATE_LOG", "trace");
    let sent = send.output().unwrap();
    let initiator = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(sent.status.success(), "{initiator}");
    let mut segments: Vec<Segment> = Vec::new();
    while let Ok(message) = received.try_recv() {
        segments.extend(message.segments);
    }
    // That of the service indication comes first and alone.
    let part = |segment: &Segment| segment.udh.concatenation().map_or(0, |c| c.sequence());
    segments.retain(|segment| part(segment) > 0);
    segments.sort_by_key(part);
    let octets: Vec<u8> = segments.iter().flat_map(|segment| segment.data.clone()).collect();
    let signed = Push::decode(&octets).unwrap();
    let mac = signed.presented().unwrap().mac.expect("it is signed");

    // And what is refused: who it is, what it is, how it is written.
    assert!(ask(address, &["Authorization: Basic YWNtZTpXcm9uZy1wYXNzd29yZA==", XML], "<pap/>").is_empty());
    let unsigned = push_body("no", "", "<address address-value=\"WAPPUSH=+491711234567/TYPE=PLMN@ppg\"/>")
        .replace("text/vnd.wap.si", "text/vnd.wap.connectivity-xml");
    assert!(ask(address, &[ACME, BOUNDARY], &unsigned).contains("code=\"2001\""));
    assert!(
        ask(address, &[ACME, XML], "<pap><Marked-element a=\"491711234567\"/></pap>").contains("code=\"20")
    );
    assert!(about(address, &bearer, "cancel", "first").contains("code=\"2008\""));
    process.kill();

    let log = std::fs::read_to_string(folder.path().join("trace.log")).unwrap();
    for (whose, log, said) in [
        ("the gateway's", log, "Answered a push of acme with 1001"),
        ("the initiator's", initiator, "accepted as "),
    ] {
        assert!(log.contains(said), "{whose} log was not looked through: {log}");
        let log = log.to_lowercase();
        let body = forms(&signed.body[8..24]);
        // Whoever hands a push in is told its number, and no more than that.
        assert!(
            whose == "the initiator's" || !log.contains("711234567"),
            "a number is in {whose} log: {log}"
        );
        let texts = [
            &mac,
            PIN,
            PASSWORD,
            "YWNtZTpNYXJrZWQ",
            "YWNtZTpXcm9uZy",
            "Wrong-password",
            "cGk6c2VjcmV0",
            token.expose(),
            "Mark-smp",
            "<si/>",
            "Marked-element",
        ];
        for text in texts {
            let [digits, list, _] = forms(text.as_bytes());
            for form in [text.to_lowercase(), digits, list] {
                assert!(!log.contains(&form), "{text} is in {whose} log: {log}");
            }
        }
        assert!(
            body.iter().all(|form| !log.contains(form)),
            "octets of the payload are in {whose} log: {log}"
        );
    }
}
