//! `bootgate serve` as a process of its own: devices come in over HTTP, with right and with wrong credentials; the
//! process is killed and comes back; several processes share one database.
//!
//! The device here is written by hand, message by message as text, so that it shares nothing with the virtual phone.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bootgate::{
    bootstrap::PayloadKind,
    dm::AuthScheme,
    handoff::{Credentials, Nonce, register},
    ident::{JobId, Random, SharedSecret, Timestamp},
    job::{Event, Jobs, NewJob, Route},
    store::Store,
    wire::syncml::auth::{UserDigest, md5},
};
use serde_json::Value;

use crate::peers::Process;

const DEVICE: &str = "IMEI:490154203237518";
const XML: &str = "application/vnd.syncml.dm+xml";

/// A configuration and a database of their own.
struct Site {
    dir: tempfile::TempDir,
}

/// A `bootgate serve`.
struct Serve {
    process: Process,
    address: String,
}

/// A device that knows one account.
struct Device {
    name: String,
    secret: SharedSecret,
    nonce: Vec<u8>,
    session: u32,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// Not random at all, and good enough for names.
struct Numbered(u8);

impl Random for Numbered {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

impl Site {
    fn new() -> Self {
        Self::with("")
    }

    fn with(http: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n{http}\n[dm]\nserver-id = \"acme.dm\"\n[store]\npath = \"jobs.db\"\n"
        );
        std::fs::write(dir.path().join("site.toml"), text).unwrap();
        Self { dir }
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("jobs.db")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        command.args(words).arg("--config").arg(self.dir.path().join("site.toml"));
        command.env_clear().env("HOME", self.dir.path()).current_dir(self.dir.path());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn serve(&self) -> Serve {
        self.serve_telling(Stdio::inherit())
    }

    /// The same, with its log somewhere else.
    fn serve_telling(&self, log: Stdio) -> Serve {
        let mut command = self.command(&["serve"]);
        let mut process = Process::start("bootgate serve", command.stdout(Stdio::piped()).stderr(log));
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        Serve { address: address.unwrap_or_else(|| panic!("said {line:?}")).to_owned(), process }
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--format", "json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn job(&self, id: JobId) -> Value {
        self.json(&["job", "show", &id.to_string()])
    }

    /// Does what a process that writes cards does, as a process of its own (this one), up to `events` events.
    fn bootstrap(&self, number: u8, events: usize) -> (JobId, Device, Store) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let made = runtime.block_on(async {
            let at = Timestamp::from_millis(1_795_656_633_000 + i64::from(number));
            let store = Store::open(&self.database(), Duration::from_secs(10)).await.unwrap();
            let id = JobId::new(at, &Numbered(number));
            let job = NewJob {
                key: None,
                profile: "acme-consumer".parse().unwrap(),
                profile_version: 3,
                server_id: "acme.dm".parse().unwrap(),
                route: Route::Card,
                payload: PayloadKind::Cp,
                imei: Some("490154203237518".parse().unwrap()),
                iccid: Some("89490200001234567892".parse().unwrap()),
                imsi: None,
                asked: None,
                octets: None,
            };
            store.create(id, &job, at).await.unwrap();
            let credentials = |name: &str, kind: u8| Credentials {
                scheme: AuthScheme::Md5,
                name: name.to_owned(),
                secret: SharedSecret::generate(&Numbered(number ^ kind)),
                nonce: Nonce(vec![number ^ kind; 16]),
            };
            let (client, server) = (credentials("490154203237518", 0xC0), credentials("acme.dm", 0x50));
            let device = Some(DEVICE.to_owned());
            let account = register(&store, &job.server_id, device, &client, &server, at).await.unwrap();
            let way = [
                Event::AccountRegistered { account },
                Event::PayloadBuilt,
                Event::DeliveryStarted,
                Event::DeliveryConfirmed,
            ];
            for event in &way[..events] {
                store.tell(id, event, at).await.unwrap();
            }
            let device =
                Device { name: client.name, secret: client.secret, nonce: client.nonce.0, session: 0 };
            (id, device, store)
        });
        // The store's connections must outlive this runtime's end in none of the tests but one.
        runtime.shutdown_background();
        made
    }

    /// The same up to `delivered`, by a process that is gone afterwards.
    fn delivered(&self, number: u8) -> (JobId, Device) {
        let (id, device, _) = self.bootstrap(number, 4);
        (id, device)
    }
}

impl Serve {
    fn send(&self, octets: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(octets).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("answered {answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: bootgate\r\nConnection: close\r\n\r\n").as_bytes())
    }

    fn post(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bootgate\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.send(&[head.as_bytes(), body.as_bytes()].concat())
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let kill = format!("kill -{name} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.process.child().wait().unwrap().code()
    }
}

impl Device {
    /// Opens a session with package 1 and gives back the server's answer. A nonce that it is given is kept.
    fn come_in(&mut self, serve: &Serve) -> Answer {
        self.session += 1;
        self.package_1(serve, 1)
    }

    fn package_1(&mut self, serve: &Serve, msg_id: u32) -> Answer {
        let cred = md5(&UserDigest::new(&self.name, &self.secret), &self.nonce);
        let item = |uri: &str, value: &str| {
            format!("<Item><Source><LocURI>{uri}</LocURI></Source><Data>{value}</Data></Item>")
        };
        let info = [
            item("./DevInfo/DevId", DEVICE),
            item("./DevInfo/Man", "Acme"),
            item("./DevInfo/Mod", "A780"),
            item("./DevInfo/DmV", "1.2"),
            item("./DevInfo/Lang", "en"),
        ];
        let message = format!(
            "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>\
             <SessionID>{}</SessionID><MsgID>{msg_id}</MsgID><Target><LocURI>http://{}/dm</LocURI></Target>\
             <Source><LocURI>{DEVICE}</LocURI><LocName>{}</LocName></Source>\
             <Cred><Meta><Format xmlns=\"syncml:metinf\">b64</Format>\
             <Type xmlns=\"syncml:metinf\">syncml:auth-md5</Type></Meta><Data>{cred}</Data></Cred></SyncHdr>\
             <SyncBody><Alert><CmdID>1</CmdID><Data>1201</Data></Alert>\
             <Replace><CmdID>2</CmdID>{}</Replace><Final/></SyncBody></SyncML>",
            self.session,
            serve.address,
            self.name,
            info.concat(),
        );
        let answer = serve.post("/dm", XML, &message);
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains(&format!("content-type: {XML}")), "{}", answer.head);
        if let Some(nonce) = answer.nonce() {
            self.nonce = nonce;
        }
        answer
    }
}

impl Answer {
    /// The text between `<name…>` and `</name>`, the first time.
    fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        let start = text.find(&format!("<{name}>")).or_else(|| text.find(&format!("<{name} ")))?;
        let inner = &text[start..][text[start..].find('>')? + 1..];
        Some(&inner[..inner.find(&format!("</{name}>"))?])
    }

    /// The code of the Status for our SyncHdr.
    fn header_status(&self) -> &str {
        let mut rest = self.body.as_str();
        while let Some(status) = Self::element(rest, "Status") {
            if Self::element(status, "CmdRef") == Some("0") {
                let data = status.rfind("<Data>").unwrap() + "<Data>".len();
                return &status[data..][..3];
            }
            rest = &rest[rest.find("</Status>").unwrap() + "</Status>".len()..];
        }
        panic!("no Status for SyncHdr")
    }

    fn nonce(&self) -> Option<Vec<u8>> {
        let text = Self::element(Self::element(&self.body, "Chal")?, "NextNonce")?;
        Some(STANDARD.decode(text.trim()).unwrap())
    }
}

fn way(job: &Value) -> Vec<&str> {
    job["history"].as_array().unwrap().iter().map(|e| e["to"].as_str().unwrap()).collect()
}

#[test]
fn it_says_that_it_is_well_and_stops_when_told() {
    let site = Site::new();
    let mut serve = site.serve();
    let health = serve.get("/healthz");
    assert_eq!((health.status, health.body.as_str()), (200, "{\"status\":\"ok\"}"));
    assert_eq!(serve.get("/").status, 404);
    assert_eq!(serve.get("/dm").status, 405);
    assert_eq!(serve.post("/dm", "text/plain", "hello").status, 415);
    assert_eq!(serve.post("/dm", XML, "hello").status, 400);
    assert_eq!(serve.post("/dm", XML, &"x".repeat(65_537)).status, 413);
    assert_eq!(serve.post("/dm", XML, &"x".repeat(16_385)).status, 413);
    assert_eq!(serve.get("/healthz").status, 200);
    // A connection that is only held open does not hold up the end.
    let _idle = TcpStream::connect(&serve.address).unwrap();
    let begin = Instant::now();
    assert_eq!(serve.signal("TERM"), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(TcpStream::connect(&serve.address).is_err());
    assert_eq!(site.serve().signal("INT"), Some(0));
}

#[test]
fn results_of_other_gateways_are_taken_where_the_configuration_says() {
    let site = Site::with(
        "[push]\nresults = \"https://gw.example/results/0123456789abcdef\"\nresults-file = \"told.jsonl\"",
    );
    let serve = site.serve();
    let result = "<pap><resultnotification-message push-id=\"1@pi\" message-state=\"delivered\" code=\"1000\">\
         <address address-value=\"WAPPUSH=+358401234567/TYPE=PLMN@x\"/></resultnotification-message></pap>";
    for _ in 0..2 {
        let answer = serve.post("/results/0123456789abcdef/result", "application/xml", result);
        assert_eq!(answer.status, 202);
        assert!(
            answer.body.contains("<resultnotification-response push-id=\"1@pi\" code=\"1000\">"),
            "{}",
            answer.body
        );
    }
    let told = std::fs::read_to_string(site.dir.path().join("told.jsonl")).unwrap();
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "told twice, kept once: {told}");
    assert_eq!((&lines[0]["push-id"], &lines[0]["state"]), (&"1@pi".into(), &"delivered".into()));
    // Who does not know the key, and receipts of links that are not there.
    assert_eq!(serve.post("/results/0123456789abcdee/result", "application/xml", result).status, 404);
    assert_eq!(serve.get("/results/0123456789abcdef/receipt/op.0123456789abcdef0123?d=1").status, 404);
    assert_eq!(
        Site::new().serve().post("/results/0123456789abcdef/result", "application/xml", result).status,
        404
    );
}

#[test]
fn where_it_listens_is_said_as_json_too() {
    let site = Site::new();
    let mut serve = site.command(&["serve", "--format", "json"]);
    let mut process = Process::start("bootgate serve", serve.stdout(Stdio::piped()));
    let mut out = BufReader::new(process.child().stdout.take().unwrap());
    let said: Value = serde_json::Deserializer::from_reader(&mut out).into_iter().next().unwrap().unwrap();
    let address = said["listening"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    assert_eq!(Serve { process, address }.get("/healthz").status, 200);
}

#[test]
fn a_peer_that_dawdles_is_cut_off() {
    let site = Site::with("header-timeout = \"300ms\"\nrequest-timeout = \"600ms\"\n");
    let serve = site.serve();
    let mut dawdler = TcpStream::connect(&serve.address).unwrap();
    dawdler.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    dawdler.write_all(b"POST /dm HTTP/1.1\r\nHo").unwrap();
    let mut answer = Vec::new();
    dawdler.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
    drop(dawdler);
    // The same in the middle of a body.
    let half = format!(
        "POST /dm HTTP/1.1\r\nHost: b\r\nConnection: close\r\nContent-Type: {XML}\r\nContent-Length: 9\r\n\r\n<Sy"
    );
    assert_eq!(serve.send(half.as_bytes()).status, 408);
}

#[test]
fn a_connection_too_many_waits_for_its_turn() {
    let site = Site::with("header-timeout = \"500ms\"\nmax-connections = 1\n");
    let serve = site.serve();
    let begin = Instant::now();
    let _silent = TcpStream::connect(&serve.address).unwrap();
    assert_eq!(serve.get("/healthz").status, 200);
    assert!(begin.elapsed() >= Duration::from_millis(400), "it had to wait: {:?}", begin.elapsed());
}

#[test]
fn it_is_not_well_while_its_store_is_not() {
    let site = Site::new();
    let serve = site.serve();
    let rename = |statement: &'static str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(site.database());
            let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
            sqlx::query(statement).execute(&mut conn).await.unwrap();
        });
    };
    rename("ALTER TABLE job RENAME TO lost");
    let health = serve.get("/healthz");
    assert_eq!((health.status, health.body.as_str()), (503, "{\"status\":\"store-unavailable\"}"));
    rename("ALTER TABLE lost RENAME TO job");
    assert_eq!(serve.get("/healthz").status, 200);
}

#[test]
fn wrong_credentials_get_a_fresh_challenge_and_hand_nothing_off() {
    let site = Site::new();
    let (job, device) = site.delivered(1);
    let log = tempfile::NamedTempFile::new().unwrap();
    let serve = site.serve_telling(log.reopen().unwrap().into());
    let mut wrong = Device { secret: "not the secret".parse().unwrap(), ..device };
    let mut nonces = vec![wrong.nonce.clone()];
    let first = wrong.come_in(&serve);
    assert_eq!(first.header_status(), "401");
    nonces.push(first.nonce().expect("a challenge"));
    assert!(Answer::element(&first.body, "Get").is_none(), "nothing is asked of a stranger");
    // Again, with the fresh nonce: still the wrong secret.
    let second = wrong.package_1(&serve, 2);
    assert_eq!(second.header_status(), "401");
    // And in a new session.
    let third = wrong.come_in(&serve);
    assert_eq!(third.header_status(), "401");
    nonces.push(third.nonce().expect("a challenge"));
    for (n, nonce) in nonces.iter().enumerate() {
        assert!(nonce.len() >= 16, "128 bits or more");
        assert!(!nonces[..n].contains(nonce), "each challenge is fresh");
    }
    let shown = site.job(job);
    assert_eq!(shown["state"], "delivered");
    assert_eq!(way(&shown), ["queued", "registered", "prepared", "delivering", "delivered"]);
    // Whoever looks after the server sees it without asking for more log.
    drop(serve);
    let log = std::fs::read_to_string(log.path()).unwrap();
    let told = log.lines().filter(|line| line.contains("WARN") && line.contains("were refused")).count();
    assert!(told == 3 && log.contains(DEVICE), "{log}");
    assert!(!log.contains("not the secret"), "{log}");
}

#[test]
fn the_first_session_hands_the_device_off() {
    let site = Site::new();
    let serve = site.serve();
    // Registered by another process while this one already serves.
    let (job, mut device) = site.delivered(2);
    let answer = device.come_in(&serve);
    assert_eq!(answer.header_status(), "212");
    assert!(Answer::element(&answer.body, "Get").is_some(), "the first session asks what the device is");
    let shown = site.job(job);
    assert_eq!(shown["state"], "handed-off");
    assert_eq!(way(&shown), ["queued", "registered", "prepared", "delivering", "delivered", "handed-off"]);
    assert_eq!(shown["reason"], format!("first session of {DEVICE}"));
    assert!(shown["changed_at"].as_str().unwrap().ends_with('Z'));
    // The second session is no news. Its nonce is the one that the first gave it.
    assert_eq!(device.come_in(&serve).header_status(), "212");
    assert_eq!(site.job(job), shown);
    let text = String::from_utf8(site.run(&["job", "show", &job.to_string()]).stdout).unwrap();
    assert!(text.contains("handed-off  first session of IMEI:490154203237518"), "{text}");
}

#[test]
fn a_message_that_was_recorded_opens_no_session() {
    let site = Site::new();
    let (_, device) = site.delivered(3);
    let serve = site.serve();
    let spent = device.nonce.clone();
    let mut device = device;
    assert_eq!(device.come_in(&serve).header_status(), "212");
    device.nonce = spent;
    assert_eq!(device.come_in(&serve).header_status(), "401");
    // It was given a fresh nonce, and it does know the secret.
    assert_eq!(device.package_1(&serve, 2).header_status(), "212");
}

#[test]
fn a_killed_server_comes_back_with_its_jobs() {
    let site = Site::new();
    let mut serve = site.serve();
    let jobs = (10..15).map(|n| site.delivered(n)).collect::<Vec<_>>();
    let before = site.json(&["job", "list"]);
    assert_eq!(before["jobs"].as_array().unwrap().len(), 5);
    serve.process.kill();
    assert!(TcpStream::connect(&serve.address).is_err());
    assert_eq!(site.json(&["job", "list"]), before);

    let serve = site.serve();
    assert_eq!(site.json(&["job", "list"]), before);
    let (last, mut device) = jobs.into_iter().next_back().unwrap();
    assert_eq!(device.come_in(&serve).header_status(), "212");
    assert_eq!(site.job(last)["state"], "handed-off");
    let left = site.json(&["job", "list", "--state", "delivered"]);
    assert_eq!(left["jobs"].as_array().unwrap().len(), 4);
    let newest = site.json(&["job", "list", "--limit", "1"]);
    assert_eq!(newest["jobs"][0]["id"], last.to_string());
}

#[test]
fn a_session_survives_no_kill_but_what_was_answered_does() {
    let site = Site::new();
    let (job, mut device) = site.delivered(20);
    let mut serve = site.serve();
    assert_eq!(device.come_in(&serve).header_status(), "212");
    serve.process.kill();
    let serve = site.serve();
    assert_eq!(site.job(job)["state"], "handed-off");
    assert_eq!(device.come_in(&serve).header_status(), "212", "the nonce that was given out holds");
}

#[test]
fn two_servers_share_one_database() {
    let site = Site::new();
    let (one, two) = (site.serve(), site.serve());
    assert_ne!(one.address, two.address);
    let (job, mut device) = site.delivered(30);
    assert_eq!(device.come_in(&two).header_status(), "212");
    assert_eq!(site.job(job)["state"], "handed-off");
    assert_eq!(device.come_in(&one).header_status(), "212", "the other server knows the new nonce");
    assert_eq!((one.get("/healthz").status, two.get("/healthz").status), (200, 200));
}

#[test]
fn a_delivery_whose_process_is_gone_becomes_unknown_at_the_next_start() {
    let site = Site::new();
    let (job, mut device, store) = site.bootstrap(40, 3);
    let first = site.serve();
    assert_eq!(site.job(job)["state"], "delivering", "its process lives");
    drop(store);
    assert_eq!(site.job(job)["state"], "delivering", "looking changes nothing");
    let second = site.serve();
    let shown = site.job(job);
    assert_eq!(shown["state"], "unknown");
    assert!(shown["reason"].as_str().unwrap().contains("ended before it could tell"), "{shown}");
    // It had arrived after all.
    assert_eq!(device.come_in(&second).header_status(), "212");
    assert_eq!(way(&site.job(job))[3..], ["delivering", "unknown", "handed-off"]);
    drop(first);
}

#[test]
fn what_is_wrong_is_said_with_its_exit_status() {
    let site = Site::new();
    let said = |words: &[&str], code: i32, expected: &str| {
        let output = site.run(words);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {stderr}");
        assert!(stderr.contains(expected), "{words:?}: {stderr}");
        assert!(output.stdout.is_empty());
    };
    let serve = site.serve();
    said(&["serve", "--listen", &serve.address], 69, "cannot listen on");
    said(&["serve", "--listen", "localhost"], 2, "--listen: `http.listen` is not an address and port");
    said(&["job", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 1, "there is no job 01ARZ3NDEKTSV4RRFFQ69G5FAV");
    said(&["job", "show", "nonsense"], 2, "job id");
    said(&["job", "cancel", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 1, "there is no job 01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let (by_card, _) = site.delivered(50);
    said(&["job", "cancel", &by_card.to_string()], 1, "it goes another way than over the air");
    said(&["job", "list", "--state", "lost"], 2, "handed-off");
    said(&["job", "list", "--limit", "0"], 2, "limit");
    std::fs::write(site.dir.path().join("site.toml"), "[http]\nlisen = \"127.0.0.1:0\"\n").unwrap();
    said(&["serve"], 78, "site.toml:2:1: unknown key `lisen`; did you mean `listen`?");
    said(&["config", "check"], 78, "did you mean `listen`?");
    std::fs::write(site.dir.path().join("site.toml"), "[store]\npath = \"site.toml\"\n").unwrap();
    said(&["job", "list"], 1, "is not a database of bootgate; it was left as it is");
    assert_eq!(
        std::fs::read_to_string(site.dir.path().join("site.toml")).unwrap(),
        "[store]\npath = \"site.toml\"\n"
    );
}
