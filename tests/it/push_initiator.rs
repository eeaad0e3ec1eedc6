//! `bootgate push` against a gateway of another make: what it is handed, what is made of its answers, and what it is never
//! handed.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use bootgate::{
    bootstrap::{
        PayloadKind,
        mac::{self, Sec},
    },
    wire::pap::{Message, Pap, Strictness, multipart},
};

use super::program::{Ran, bootgate_in};

const NUMBER: &str = "358401234567";
const PIN: &str = "48151623";

/// A gateway in a thread of its own, which answers each request with the next of what it was given and keeps the requests.
struct Gateway {
    url: String,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Gateway {
    fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/pap", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !is_whole(&request) {
                    let mut octets = [0; 4096];
                    let n = stream.read(&mut octets).unwrap();
                    request.extend_from_slice(&octets[..n]);
                }
                // The push id is the initiator's.
                let text = String::from_utf8_lossy(&request).into_owned();
                let push_id = text.split("push-id=\"").nth(1).and_then(|t| t.split('"').next()).unwrap();
                let answer = answer.replace("{push-id}", push_id);
                seen.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap();
    request.len() >= head + 4 + length.parse::<usize>().unwrap()
}

fn body(request: &[u8]) -> &[u8] {
    &request[request.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4..]
}

fn answer(message: &str) -> String {
    let body = format!("<?xml version=\"1.0\"?><pap>{message}</pap>");
    format!(
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + "0123456789abcdefghij@bootgate".len() - "{push-id}".len()
    )
}

fn accepted() -> String {
    answer("<push-response push-id=\"{push-id}\"><response-result code=\"1001\"/></push-response>")
}

fn state(state: &str, code: u16) -> String {
    answer(&format!(
        "<statusquery-response push-id=\"{{push-id}}\"><statusquery-result message-state=\"{state}\" code=\"{code}\"/>\
         </statusquery-response>"
    ))
}

/// Runs the program in a folder with a profile and a PIN.
fn push(args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let ran = bootgate_in(folder.path(), &[&["push"], args].concat());
    assert!(!ran.shown().contains(PIN), "{}", ran.shown());
    ran
}

fn files(folder: &Path) {
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    std::fs::copy(profile, folder.join("acme.toml")).unwrap();
    std::fs::write(folder.join("pin"), format!("{PIN}\n")).unwrap();
    std::fs::write(folder.join("password"), "Marked-password\n").unwrap();
    std::fs::write(folder.join("si.wbxml"), [2, 5, 0x6A, 0]).unwrap();
    std::fs::write(folder.join("cp.xml"), "<wap-provisioningdoc/>").unwrap();
}

const PAYLOAD: [&str; 10] = [
    "--profile",
    "acme.toml",
    "--as",
    "cp",
    "--imei",
    "490154203237518",
    "--sec",
    "userpin",
    "--pin",
    "@pin",
];

fn send(url: &str, more: &[&str]) -> Ran {
    push(&[&["send", "--ppg", url, "--to", NUMBER], &PAYLOAD[..], more].concat())
}

#[test]
fn a_bootstrap_is_handed_in_and_waited_for() {
    let gateway = Gateway::new(vec![accepted(), state("pending", 1001), state("delivered", 1000)]);
    let ran = send(
        &gateway.url,
        &[
            "--ppg-kind",
            "bootgate",
            "--user",
            "acme",
            "--password",
            "@password",
            "--wait",
            "--format",
            "json",
        ],
    );
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    assert!(!ran.shown().contains("Marked"), "{}", ran.shown());
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["states"][0]["state"], "delivered");
    assert_eq!((&report["accepted"], &report["content"]["sec"]), (&true.into(), &"USERPIN".into()));
    for said in ["accepted as ", "pending (1001", "delivered (1000 OK)"] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }

    let requests = gateway.requests();
    assert_eq!(requests.len(), 3);
    // The device can check it with the PIN alone.
    let head = String::from_utf8_lossy(&requests[0]).into_owned();
    let kind = head.lines().find_map(|l| l.strip_prefix("Content-Type: ")).unwrap();
    let entities = multipart::read(&multipart::boundary(kind).unwrap(), body(&requests[0])).unwrap();
    let Message::Push(control) = Pap::decode(entities[0].body, Strictness::Strict).unwrap().message else {
        panic!("not a push")
    };
    assert!(control.addresses[0].as_str().starts_with("WAPPUSH=+358401234567/TYPE=PLMN@127.0.0.1"));
    let content_type = entities[1].field("Content-Type").unwrap();
    let mac = content_type.strip_prefix("application/vnd.wap.connectivity-wbxml; SEC=1; MAC=").unwrap();
    let pin = PIN.parse().unwrap();
    mac::verify(PayloadKind::Cp, Sec::UserPin, None, Some(&pin), entities[1].body, Some(mac)).unwrap();
    assert!(entities[1].field("X-Wap-Application-Id").is_none());
}

#[test]
fn results_may_be_told_to_a_service() {
    let gateway = Gateway::new(vec![accepted()]);
    let to = "https://gw.example/results/0123456789abcdef/result";
    let ran = send(&gateway.url, &["--ppg-kind", "bootgate", "--results-to", to]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    let request = String::from_utf8_lossy(&gateway.requests()[0]).into_owned();
    assert!(request.contains(&format!("ppg-notify-requested-to=\"{to}\"")), "{request}");
}

#[test]
fn only_delivered_is_a_success_of_waiting() {
    for (end, code) in [("expired", 1000), ("undeliverable", 4000), ("aborted", 5000), ("rejected", 2001)] {
        let gateway = Gateway::new(vec![accepted(), state(end, code)]);
        let ran = send(&gateway.url, &["--keeps-authentication", "--wait"]);
        assert_eq!(ran.exit, 1, "{end}: {}", ran.shown());
        assert!(ran.out.contains(&format!("state         {end} ({code}")), "{}", ran.out);
    }
    // Where it stays pending, that is said.
    let gateway = Gateway::new(vec![accepted(), state("pending", 1001)]);
    let ran = send(&gateway.url, &["--ppg-kind", "bootgate", "--wait", "--timeout", "0s"]);
    assert_eq!(ran.exit, 1, "{}", ran.shown());
    assert!(ran.out.contains("waited 0 s, and it has not come to an end"), "{}", ran.out);
    // Accepted is all that is said of what was not waited for.
    let gateway = Gateway::new(vec![accepted()]);
    let ran = send(&gateway.url, &["--ppg-kind", "bootgate"]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    assert!(ran.out.contains("accepted      1001") && !ran.out.contains("delivered"), "{}", ran.out);
}

/// An authenticated bootstrap never goes where its authentication would be lost.
#[test]
fn what_a_gateway_would_lose_is_not_handed_to_it() {
    let gateway = Gateway::new(vec![accepted()]);
    for kind in ["standard", "kannel"] {
        let ran = send(&gateway.url, &["--ppg-kind", kind]);
        assert_eq!(ran.exit, 77, "{}", ran.shown());
        assert!(ran.err.contains("SEC and MAC") && ran.err.contains("sendsms"), "{}", ran.err);
    }
    let kannel = ["--ppg", &gateway.url, "--ppg-kind", "kannel"];
    let si = ["--to", NUMBER, "--file", "si.wbxml", "--content-type", "application/vnd.wap.sic"];
    for (more, why) in [
        (&["--delivery-method", "confirmed"][..], "takes a confirmed push"),
        (&["--deliver-after", "+1h"], "never sends"),
        (&["--to", "358401234568"], "serves one address of several"),
    ] {
        let ran = push(&[&["send"], &kannel[..], &si, more].concat());
        assert_eq!(ran.exit, 77, "{}", ran.shown());
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    for noun in ["status", "cancel"] {
        let ran = push(&[&[noun, "1@pi"], &kannel[..]].concat());
        assert_eq!(ran.exit, 77, "{}", ran.shown());
    }
    let ran = push(&[&["send", "--wait"], &kannel[..], &si].concat());
    assert_eq!(ran.exit, 2, "{}", ran.shown());
    // Nor is what nothing authenticates, unless that was asked for by name.
    let unsigned = ["send", "--ppg", &gateway.url, "--to", NUMBER, "--profile", "acme.toml", "--as", "cp"];
    let imei = ["--imei", "490154203237518"];
    let ran = push(&[&unsigned[..], &imei].concat());
    assert_eq!(ran.exit, 2, "{}", ran.shown());
    let file = ["send", "--ppg", &gateway.url, "--to", NUMBER, "--file", "cp.xml", "--content-type"];
    for (kind, why) in [
        ("text/vnd.wap.connectivity-xml", "without SEC nothing tells"),
        ("text/vnd.wap.connectivity-xml; SEC=1", "without MAC signs nothing"),
        ("application/vnd.syncml.dm+xml; SEC=3", "devices do not check it by SEC=USERPINMAC"),
        ("application/x-wap-prov.browser-settings", "knows no signature"),
    ] {
        let ran = push(&[&file[..], &[kind]].concat());
        assert_eq!(ran.exit, 2, "{}", ran.shown());
        assert!(ran.err.contains(why) && ran.err.contains("--sec none"), "{}", ran.err);
    }
    // Nor with a PIN that others can read.
    let ran = push(&[&unsigned[..], &imei, &["--sec", "userpin", "--pin", "4815162"]].concat());
    assert_eq!(ran.exit, 2, "{}", ran.shown());
    assert!(!ran.shown().contains("4815162"), "{}", ran.shown());
    assert_eq!(gateway.requests().len(), 0);

    let ran = send(&gateway.url, &["--ppg-kind", "bootgate", "--dry-run"]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    assert!(ran.out.contains("dry run: nothing was sent"), "{}", ran.out);
    assert_eq!(gateway.requests().len(), 0);
    let ran = push(&[&unsigned[..], &imei, &["--sec", "none"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    assert_eq!(gateway.requests().len(), 1);
}

#[test]
fn exit_statuses_say_whose_turn_it_is() {
    let refusal = |code: u16| {
        answer(&format!(
            "<push-response push-id=\"{{push-id}}\"><response-result code=\"{code}\"/></push-response>"
        ))
    };
    let http = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    for (answer, exit, why) in [
        (refusal(2001), 77, "refuses: 2001 forbidden"),
        (refusal(2007), 1, "refuses: 2007 duplicate push id"),
        (refusal(4001), 69, "refuses: 4001 service unavailable"),
        (http("401 Unauthorized"), 77, "does not let us in"),
        (http("404 Not Found"), 1, "is the path of its URL right?"),
        // It may have the push: it must not be sent again blindly.
        ("HTTP/1.1 202 Accepted\r\n".to_owned(), 1, "bootgate push status"),
    ] {
        let gateway = Gateway::new(vec![answer]);
        let ran = send(&gateway.url, &["--ppg-kind", "bootgate"]);
        assert_eq!(ran.exit, exit, "{}", ran.shown());
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = send(&format!("http://{gone}/pap"), &["--ppg-kind", "bootgate"]);
    assert_eq!(ran.exit, 69, "{}", ran.shown());
    for url in ["gopher://x/", "http://foo:bar@x/"] {
        let ran = send(url, &[]);
        assert_eq!(ran.exit, 2, "{}", ran.shown());
        assert!(!ran.shown().contains("foo:bar"), "{}", ran.shown());
    }
}

#[test]
fn a_push_is_asked_for_and_cancelled() {
    let gateway = Gateway::new(vec![
        state("pending", 1001).replace("{push-id}", "0123456789abcdefghij@bootgate"),
        answer("<cancel-response push-id=\"{push-id}\"><cancel-result code=\"1000\"/></cancel-response>"),
        answer("<cancel-response push-id=\"{push-id}\"><cancel-result code=\"2008\"/></cancel-response>"),
    ]);
    let id = "0123456789abcdefghij@bootgate";
    let ran = push(&["status", id, "--ppg", &gateway.url]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    assert!(ran.out.contains("state         pending (1001 accepted for processing)"), "{}", ran.out);
    let dry = push(&["cancel", id, "--ppg", &gateway.url, "--dry-run"]);
    assert_eq!((dry.exit, gateway.requests().len()), (0, 1), "{}", dry.shown());
    let ran = push(&["cancel", id, "--ppg", &gateway.url]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    let ran = push(&["cancel", id, "--ppg", &gateway.url, "--to", NUMBER]);
    assert_eq!(ran.exit, 1, "{}", ran.shown());
    assert!(ran.out.contains("not cancelled 2008 cancellation not possible"), "{}", ran.out);
    let last = gateway.requests().pop().unwrap();
    assert!(String::from_utf8(last).unwrap().contains("WAPPUSH=+358401234567/TYPE=PLMN@127.0.0.1"));
}

/// Tells a result, as a gateway does, and gives the answer.
fn tell(url: &str, push_id: &str, number: &str, state: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\"?><pap><resultnotification-message push-id=\"{push_id}\" message-state=\"{state}\" \
         code=\"1000\"><address address-value=\"WAPPUSH=+{number}/TYPE=PLMN@127.0.0.1\"/></resultnotification-message></pap>"
    );
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A gateway of the configuration tells the results by itself, one of them twice.
#[test]
fn results_are_heard_while_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let gateway = Gateway::new([vec![accepted()], vec![state("pending", 1001); 20]].concat());
    let config = format!(
        "[[push.gateway]]\nname = \"operator\"\nurl = \"{}\"\nkind = \"bootgate\"\nuser = \"acme\"\npassword = \"@password\"\n",
        gateway.url
    );
    std::fs::write(folder.path().join("bootgate.toml"), config).unwrap();
    let requests = Arc::clone(&gateway.requests);
    let teller = std::thread::spawn(move || {
        let begin = std::time::Instant::now();
        let request = loop {
            assert!(begin.elapsed().as_secs() < 20, "no push came");
            if let Some(request) = requests.lock().unwrap().first().cloned() {
                break String::from_utf8_lossy(&request).into_owned();
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        assert!(request.contains("Authorization: Basic YWNtZTpNYXJrZWQtcGFzc3dvcmQ="), "{request}");
        let attribute = |name: &str| {
            request.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        let (url, push_id) = (attribute("ppg-notify-requested-to"), attribute("push-id"));
        // Let the first answer to a query come before.
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(tell(&url, "other@pi", NUMBER, "delivered").contains("code=\"2000\""));
        for _ in 0..2 {
            assert!(tell(&url, &push_id, NUMBER, "delivered").contains("code=\"1000\""));
        }
        tell(&url, &push_id, "358401234568", "expired");
    });
    let two = ["--to", NUMBER, "--to", "358401234568", "--wait", "--listen", "127.0.0.1:0"];
    let args = [&["--config", "bootgate.toml", "push", "send"], &PAYLOAD[..], &two].concat();
    let ran = bootgate_in(folder.path(), &args);
    teller.join().unwrap();
    // Not everybody has it.
    assert_eq!(ran.exit, 1, "{}", ran.shown());
    assert!(ran.out.contains("gateway       operator"), "{}", ran.out);
    for (state, number) in [("delivered", NUMBER), ("expired", "358401234568")] {
        let line = format!("state         {state} (1000 OK), WAPPUSH=+{number}/TYPE=PLMN@127.0.0.1");
        assert!(ran.out.contains(&line), "{}", ran.out);
    }
    let ran = bootgate_in(
        folder.path(),
        &["--config", "bootgate.toml", "push", "status", "1@pi", "--gateway", "other"],
    );
    assert!(ran.exit == 2 && ran.err.contains("there is: operator"), "{}", ran.shown());
}

/// A notification goes the same way as a push.
#[test]
fn a_notification_is_sent() {
    let gateway = Gateway::new(vec![accepted(), state("delivered", 1000)]);
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let notify =
        ["notify", "send", "--server-id", "acme.dm", "--secret", "@password", "--zero-nonce", "octets"];
    let way = ["--ppg", &gateway.url, "--to", NUMBER, "--wait", "--session-id", "1A2B"];
    let ran = bootgate_in(folder.path(), &[&notify[..], &way].concat());
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    assert!(ran.out.contains("session       1A2B") && !ran.shown().contains("Marked"), "{}", ran.shown());
    let request = gateway.requests()[0].clone();
    let head = String::from_utf8_lossy(&request).into_owned();
    let kind = head.lines().find_map(|l| l.strip_prefix("Content-Type: ")).unwrap();
    let entities = multipart::read(&multipart::boundary(kind).unwrap(), body(&request)).unwrap();
    assert_eq!(entities[1].field("Content-Type"), Some("application/vnd.syncml.notification"));
    assert_eq!(entities[1].field("X-Wap-Application-Id"), Some("x-wap-application:syncml.dm"));
    // Digest, head with the session, and the server's id (OMA DM Notification 1.2, section 6).
    assert_eq!(&entities[1].body[entities[1].body.len() - 10..], b"\x1A\x2B\x07acme.dm");
}

/// Two runs that share a database count on; without one, each number is drawn.
#[test]
fn references_of_short_messages_are_counted_on_in_the_database() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cgi-bin/sendsms", listener.local_addr().unwrap());
    let (heard, headers) = std::sync::mpsc::channel::<(String, String)>();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut octets = [0; 4096];
                let n = stream.read(&mut octets).unwrap();
                request.extend_from_slice(&octets[..n]);
            }
            let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
            let of = |name: &str| text.split(name).nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
            let _ = heard.send((of("x-kannel-to: "), of("x-kannel-udh: ")));
            let answer =
                "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 11\r\n\r\n0: Accepted";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("bootgate.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let opened = bootgate::store::Store::open(&database, std::time::Duration::from_secs(5));
    runtime.block_on(async { drop(opened.await.unwrap()) });
    std::fs::write(folder.path().join("si"), vec![7; 200]).unwrap();
    let send = || {
        let out = Command::new(env!("CARGO_BIN_EXE_bootgate"))
            .args([
                "push",
                "send",
                "--sendsms",
                &url,
                "--user",
                "ota",
                "--password",
                "env:PW",
                "--file",
                "si",
            ])
            .args(["--content-type", "a/b", "--to", "+491711", "--to", "+491712"])
            .env("PW", "secret")
            .env("BOOTGATE_STORE_PATH", &database)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let sent: Vec<(String, String)> = headers.try_iter().collect();
        assert_eq!(sent.len(), 4, "{sent:?}");
        // Ports, then reference, segments and number: 0B 05 04 0B84 23F0 00 03 rr 02 01.
        let reference = |at: usize| u8::from_str_radix(&sent[at].1[18..20], 16).unwrap();
        assert_eq!((reference(0), reference(2)), (reference(1), reference(3)), "both segments have it");
        (reference(0), reference(2))
    };
    let first = send();
    for n in 1..4u8 {
        assert_eq!(send(), (first.0.wrapping_add(n), first.1.wrapping_add(n)));
    }
    let stored = std::fs::read(&database).unwrap();
    assert!(!stored.windows(6).any(|w| w == b"491711"), "no number is kept");
}
