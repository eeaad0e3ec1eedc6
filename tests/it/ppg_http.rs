//! The Push Proxy Gateway over real HTTP, spoken to by a client that is written by hand: what it answers, what reaches the
//! bearer, what is told to the initiator, and what strangers may send without harm.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, mpsc as std_mpsc},
    time::{Duration, Instant},
};

use bootgate::{
    app::{
        App, OsRandom, SystemClock,
        config::{Config, FileSource, Sources},
    },
    bearer::{Bearer, Closed, Dispatch, DispatchId, Event, MessageId, Receipt, ReceiptState, Refusal, Taken},
    http,
    ident::{Clock, Timestamp},
};
use tokio::sync::mpsc;

/// `pi` with the password `secret`, as HTTP Basic.
const BASIC: &str = "Authorization: Basic cGk6c2VjcmV0";
const BOUNDARY: &str = "Content-Type: multipart/related; boundary=mime; type=\"application/xml\"";
const XML: &str = "Content-Type: application/xml";
const PATIENCE: Duration = Duration::from_secs(20);

/// A bearer whose dispatches the test sees.
#[derive(Debug)]
struct Watched(Mutex<std_mpsc::Sender<Dispatch>>);

#[async_trait::async_trait]
impl Bearer for Watched {
    fn name(&self) -> &str {
        "watched"
    }

    fn admit(&self, _: &Dispatch) -> Result<u8, Refusal> {
        Ok(1)
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        self.0.lock().unwrap().send(dispatch).map_err(|_| Closed)
    }

    fn withdraw(&self, _: DispatchId) -> bool {
        false
    }
}

/// A gateway that runs in this process, on a file.
pub struct Gateway {
    runtime: tokio::runtime::Runtime,
    pub address: SocketAddr,
    dispatches: std_mpsc::Receiver<Dispatch>,
    events: mpsc::Sender<Event>,
    _dir: tempfile::TempDir,
}

pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Gateway {
    /// With these lines of `[http]` and `[ppg]`.
    fn start(http: &str, ppg: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (seen, dispatches) = std_mpsc::channel();
        let (events, told) = mpsc::channel(64);
        let address = runtime.block_on(async {
            let app = App::open(config(dir.path(), http, ppg), Arc::new(SystemClock), Arc::new(OsRandom));
            let app = app.await.unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let gateway = app.ppg().clone();
            let bearer = Arc::new(Watched(Mutex::new(seen)));
            tokio::spawn(async move {
                gateway.deliver(bearer, told, std::future::pending(), Duration::ZERO).await;
            });
            tokio::spawn(http::serve(listener, app, std::future::pending()));
            address
        });
        Self { runtime, address, dispatches, events, _dir: dir }
    }

    /// Pushes until the gateway has its bearer.
    fn ready(self) -> Self {
        let until = Instant::now() + PATIENCE;
        while self.push("ready", "").body.contains("4001") {
            assert!(Instant::now() < until, "the gateway never took a push");
        }
        self.next();
        self
    }

    fn ask(&self, fields: &[&str], body: &[u8]) -> Answer {
        exchange(TcpStream::connect(self.address).unwrap(), fields, body)
    }

    /// A push of a service indication to one number.
    fn push(&self, id: &str, attributes: &str) -> Answer {
        self.ask(&[BASIC, BOUNDARY], push_body(id, attributes, &one_address()).as_bytes())
    }

    fn next(&self) -> Dispatch {
        self.dispatches.recv_timeout(PATIENCE).unwrap()
    }

    fn tell(&self, event: Event) {
        self.runtime.block_on(self.events.send(event)).unwrap();
    }

    /// The status of a push, once it says `wanted`.
    fn wait_for(&self, id: &str, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        let query = format!("<pap><statusquery-message push-id=\"{id}\"/></pap>");
        loop {
            let answer = self.ask(&[BASIC, XML], query.as_bytes());
            if answer.body.contains(wanted) {
                return;
            }
            assert!(Instant::now() < until, "{}", answer.body);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub fn config(dir: &Path, http: &str, ppg: &str) -> Config {
    let path = dir.join("site.toml");
    std::fs::write(&path, settings(http, ppg)).unwrap();
    let sources = Sources { file: FileSource::Named(path), home: Some(dir.to_owned()), ..Default::default() };
    Config::load(&sources).unwrap_or_else(|e| panic!("{e}"))
}

pub fn settings(http: &str, ppg: &str) -> String {
    format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n{http}\n[store]\npath = \"jobs.db\"\n[ppg]\n{ppg}\n[[ppg.initiator]]\nname = \"pi\"\n\
         user = \"pi\"\npassword = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n"
    )
}

pub fn one_address() -> String {
    "<address address-value=\"WAPPUSH=+491711234567/TYPE=PLMN@ppg\"/>".to_owned()
}

pub fn push_body(id: &str, attributes: &str, addresses: &str) -> String {
    format!(
        "--mime\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\n\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\n\
         <pap><push-message push-id=\"{id}\" {attributes}>{addresses}</push-message></pap>\r\n\
         --mime\r\nContent-Type: text/vnd.wap.si\r\n\r\n<si/>\r\n--mime--\r\n"
    )
}

/// One request and its answer. A connection that is closed early is an answer of status 0.
pub fn exchange(mut stream: impl Read + Write, fields: &[&str], body: &[u8]) -> Answer {
    let mut request =
        format!("POST /pap HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    fields.iter().for_each(|field| request.push_str(&format!("{field}\r\n")));
    request.push_str("\r\n");
    // The other side may have closed already.
    let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(body));
    read_answer(stream)
}

pub fn read_answer(mut stream: impl Read) -> Answer {
    let mut octets = Vec::new();
    let _ = stream.read_to_end(&mut octets);
    let text = String::from_utf8_lossy(&octets).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    Answer { status, body: body.to_owned() }
}

#[test]
fn a_push_is_accepted_delivered_and_told() {
    let initiator = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = initiator.local_addr().unwrap();
    let gateway = Gateway::start("", &format!("notify-hosts = \"{host}\"\nretry = \"1ms\"")).ready();
    let answer = gateway.push("a@pi", &format!("ppg-notify-requested-to=\"http://{host}/result\""));
    assert_eq!(answer.status, 202);
    for part in [
        "PAP 1.0",
        "<push-response push-id=\"a@pi\"",
        "code=\"1001\"",
        "sender-name=\"bootgate\"",
        "reply-time=\"20",
    ] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    let dispatch = gateway.next();
    assert_eq!(&dispatch.octets[1..], b"\x06\x01\xAD<si/>");
    assert!(gateway.push("a@pi", "").body.contains("code=\"2007\""));
    gateway.wait_for("a@pi", "message-state=\"pending\"");
    let cancel = gateway.ask(&[BASIC, XML], b"<pap><cancel-message push-id=\"a@pi\"/></pap>");
    assert!(cancel.body.contains("<cancel-result code=\"2008\""), "{}", cancel.body);

    let message = MessageId { smsc: "lab".into(), id: "m1".into() };
    gateway.tell(Event::Submitted {
        id: dispatch.id,
        segment: 0,
        message: message.clone(),
        of: 1,
        left: Timestamp::from_millis(0),
    });
    gateway.tell(Event::Sent { id: dispatch.id, segments: 1, receipts: true });
    gateway.tell(Event::Receipt(Receipt {
        message,
        state: ReceiptState::Delivered,
        network_error: None,
        at: SystemClock.now(),
        taken: Taken::default(),
    }));
    gateway.wait_for("a@pi", "message-state=\"delivered\"");

    // The initiator does not take the result at first: it comes again, word for word.
    let mut told = Vec::new();
    for status in ["500 No", "202 Accepted"] {
        let (mut stream, _) = initiator.accept().unwrap();
        let request = read_request(&mut stream);
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        told.push(request);
    }
    let bodies: Vec<&str> = told.iter().map(|t| t.split_once("\r\n\r\n").unwrap().1).collect();
    assert_eq!(bodies[0], bodies[1]);
    assert!(told[0].starts_with("POST /result HTTP/1.1\r\n"));
    for part in [
        "<resultnotification-message push-id=\"a@pi\"",
        "message-state=\"delivered\"",
        "code=\"1000\"",
        "+491711234567/TYPE=PLMN@ppg",
        "PAP 1.0",
    ] {
        assert!(bodies[0].contains(part), "{part}: {}", bodies[0]);
    }
    // Once taken it is not told again.
    initiator.set_nonblocking(true).unwrap();
    assert!(gateway.push("b", "").body.contains("1001"));
    gateway.next();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(initiator.accept().map(drop).unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// One request, head and body.
pub fn read_request(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&octets).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| {
                l.to_ascii_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let read = stream.read(&mut part).unwrap();
        assert_ne!(read, 0, "the request ended early: {text}");
        octets.extend_from_slice(&part[..read]);
    }
}

#[test]
fn bodies_of_all_connections_together_have_a_limit() {
    let gateway = Gateway::start("max-connections = 200", "body-limit = \"1MiB\"").ready();
    // All but the last octet of as much as one request may have, over more connections than there is room for.
    let part = vec![b'x'; 1024 * 1024 - 1];
    let hold = || {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        let head = format!(
            "POST /pap HTTP/1.1\r\nHost: x\r\n{BASIC}\r\n{BOUNDARY}\r\nContent-Length: 1048576\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // One that is refused may be closed before all is read.
        let _ = stream.write_all(&part);
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        stream
    };
    let waits = |stream: &mut TcpStream| {
        let mut answer = [0; 12];
        match stream.read(&mut answer) {
            Ok(read) => {
                assert!(read == 0 || answer == *b"HTTP/1.1 503");
                false
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    };
    let mut open: Vec<TcpStream> = (0..40).map(|_| hold()).collect();
    let until = Instant::now() + PATIENCE;
    // Those that grow at the same time may all be refused; then others find room. Once it is full a small one finds none
    // either, and is told so.
    for n in 0.. {
        open.retain_mut(waits);
        if open.len() <= 32 && gateway.push(&format!("small{n}"), "").status == 503 {
            break;
        }
        assert!(Instant::now() < until, "{} bodies are held, and there is room", open.len());
        if open.len() <= 32 {
            open.push(hold());
        }
    }
    drop(open);
    let until = Instant::now() + PATIENCE;
    while !gateway.push("small", "").body.contains("1001") {
        assert!(Instant::now() < until, "the room was never given back");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn strangers_get_an_answer_or_a_closed_connection_and_others_are_served() {
    let gateway =
        Gateway::start("header-timeout = \"300ms\"\nrequest-timeout = \"2s\"", "body-limit = \"2MiB\"")
            .ready();
    let good = push_body("x", "", &one_address());
    let laughs: String = (0..9)
        .map(|n| {
            format!("<!ENTITY a{} \"&a{n};&a{n};&a{n};&a{n};&a{n};&a{n};&a{n};&a{n};&a{n};&a{n};\">", n + 1)
        })
        .collect();
    let laughs =
        format!("<!DOCTYPE pap [<!ENTITY a0 \"ha\">{laughs}]><pap><cancel-message push-id=\"&a9;\"/></pap>");
    let external = "<!DOCTYPE pap [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><pap><cancel-message push-id=\"&x;\"/></pap>";
    let fields: String = (0..70).map(|n| format!("X-{n}: y\r\n")).collect();
    let bomb = good.replace("Content-Type: text", &format!("{fields}Content-Type: text"));
    let long =
        good.replace("Content-Type: text", &format!("X: {}\r\nContent-Type: text", "y".repeat(20_000)));
    let no_id = good.replace("push-id=\"x\"", "");
    let many = |count: usize| -> String {
        let address = |n| format!("<address address-value=\"WAPPUSH=+49{n:09}/TYPE=PLMN@p\"/>");
        (0..count).map(address).collect()
    };
    let too_many = push_body("many", "", &many(10_001));
    let cut = &good[..good.len() - 12];
    let foreign = good.replace("DTD PAP 1.0", "DTD PAP 9.9");
    for (what, kind, body, code) in [
        ("no boundary", "Content-Type: multipart/related; type=\"application/xml\"", good.as_str(), 2000),
        ("no push-id", BOUNDARY, no_id.as_str(), 2000),
        ("truncated", BOUNDARY, cut, 2000),
        ("empty", BOUNDARY, "", 2000),
        ("not XML", XML, "<pap><<<", 2000),
        ("billion laughs", XML, laughs.as_str(), 2000),
        ("external entity", XML, external, 2000),
        ("many fields of an entity", BOUNDARY, bomb.as_str(), 2000),
        ("a long field of an entity", BOUNDARY, long.as_str(), 2000),
        ("10,001 addresses", BOUNDARY, too_many.as_str(), 2000),
        ("another kind", "Content-Type: text/html", good.as_str(), 2000),
        ("another version", BOUNDARY, foreign.as_str(), 3002),
    ] {
        let answer = gateway.ask(&[BASIC, kind], body.as_bytes());
        assert_eq!(answer.status, 202, "{what}");
        assert!(answer.body.contains("<badmessage-response "), "{what}: {}", answer.body);
        assert!(answer.body.contains(&format!("code=\"{code}\"")), "{what}: {}", answer.body);
        assert!(!answer.body.contains("49171"), "{what} quotes a number");
    }
    for wrong in [
        "X: y",
        "Authorization: Basic cGk6d3Jvbmc=",
        "Authorization: Basic %",
        "Authorization: Bearer secret",
    ] {
        assert_eq!(gateway.ask(&[wrong, BOUNDARY], good.as_bytes()).status, 401, "{wrong}");
    }
    // Ten thousand addresses are as many as one push may have.
    let most = push_body("most", "", &many(10_000));
    let answer = gateway.ask(&[BASIC, BOUNDARY], most.as_bytes());
    assert!(answer.body.contains("code=\"1001\""), "{}", answer.body);
    (0..10_000).for_each(|_| drop(gateway.next()));
    // A hundred MiB, as fast as they are taken: not read to the end.
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    write!(
        stream,
        "POST /pap HTTP/1.1\r\nHost: x\r\n{BASIC}\r\n{BOUNDARY}\r\nContent-Length: 104857600\r\n\r\n"
    )
    .unwrap();
    let part = vec![b'x'; 1024 * 1024];
    let sent = (0..100).take_while(|_| stream.write_all(&part).is_ok()).count();
    assert!(sent < 100, "all of it was read");
    // A header without end, fields of it and octets of one.
    let header = "X: y\r\n".repeat(10_000);
    let many_fields = gateway.ask(&[BASIC, header.trim_end(), BOUNDARY], good.as_bytes());
    assert!(matches!(many_fields.status, 0 | 400 | 431), "{}", many_fields.status);
    let long_field = format!("X: {}", "y".repeat(1024 * 1024));
    let long_field = gateway.ask(&[BASIC, &long_field], good.as_bytes());
    assert!(matches!(long_field.status, 0 | 400 | 431), "{}", long_field.status);
    // Slow ones: one in its header, one in its body; somebody else is served meanwhile.
    let mut in_header = TcpStream::connect(gateway.address).unwrap();
    in_header.write_all(b"POST /pap HTTP/1.1\r\nHost").unwrap();
    let mut in_body = TcpStream::connect(gateway.address).unwrap();
    write!(
        in_body,
        "POST /pap HTTP/1.1\r\nHost: x\r\n{BASIC}\r\n{BOUNDARY}\r\nContent-Length: 500\r\n\r\n--"
    )
    .unwrap();
    assert!(gateway.push("meanwhile", "").body.contains("code=\"1001\""));
    gateway.next();
    for (stream, status) in [(in_header, [0, 408]), (in_body, [0, 408])] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(status.contains(&read_answer(stream).status));
    }
    assert!(gateway.push("after", "").body.contains("code=\"1001\""));
    assert!(gateway.push("after", "").body.contains("code=\"2007\""));
}

#[test]
fn strangers_who_read_no_answer_do_not_keep_their_places() {
    let gateway =
        Gateway::start("max-connections = 2\nrequest-timeout = \"1s\"", "body-limit = \"1MiB\"").ready();
    let many = "POST /pap HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".repeat(1000);
    let deaf: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(gateway.address).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            // Until the other side stops reading, because what it has written is not read.
            while stream.write_all(many.as_bytes()).is_ok() {}
            stream
        })
        .collect();
    assert!(gateway.push("meanwhile", "").body.contains("code=\"1001\""));
    drop(deaf);
}
