//! `bootgate serve` with SMSCs that do not answer: what is in doubt after a kill, what goes on beside a route that is stuck,
//! and what one process settles for another.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use bootgate::{
    app::OsRandom,
    ident::Token,
    lab::smsc::{Behaviour, Faults, VirtualSmsc},
};

use crate::{load::serve, ppg_http};

const BASIC: &str = "Authorization: Basic cGk6c2VjcmV0";
const BOUNDARY: &str = "Content-Type: multipart/related; boundary=mime; type=\"application/xml\"";
const XML: &str = "Content-Type: application/xml";
const PATIENCE: Duration = Duration::from_secs(20);

/// An SMSC that takes everything, and answers nothing where it is `mute`.
struct Smsc {
    smsc: VirtualSmsc,
    _runtime: tokio::runtime::Runtime,
}

impl Smsc {
    fn start(mute: bool) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let faults = Faults { lose_answer: u32::from(mute), ..Faults::default() };
        let behaviour = Behaviour { faults, ..Behaviour::default() };
        let started = VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), behaviour);
        let (smsc, _) = runtime.block_on(started).unwrap();
        Self { smsc, _runtime: runtime }
    }
}

/// Pushes to these numbers.
fn push(address: SocketAddr, id: &str, numbers: std::ops::Range<u64>) {
    push_with(address, id, "", numbers);
}

/// The same with attributes.
fn push_with(address: SocketAddr, id: &str, attributes: &str, numbers: std::ops::Range<u64>) {
    let to = |n| format!("<address address-value=\"WAPPUSH=+{n}/TYPE=PLMN@ppg\"/>");
    let body = ppg_http::push_body(id, attributes, &numbers.map(to).collect::<String>());
    let until = Instant::now() + PATIENCE;
    loop {
        let stream = TcpStream::connect(address).unwrap();
        let answer = ppg_http::exchange(stream, &[BASIC, BOUNDARY], body.as_bytes()).body;
        if answer.contains("code=\"1001\"") {
            return;
        }
        assert!(answer.contains("code=\"4001\"") && Instant::now() < until, "{answer}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How many addresses of a push are in which state.
fn states(address: SocketAddr, id: &str) -> BTreeMap<String, usize> {
    let query = format!("<pap><statusquery-message push-id=\"{id}\"/></pap>");
    let answer =
        ppg_http::exchange(TcpStream::connect(address).unwrap(), &[BASIC, XML], query.as_bytes()).body;
    let mut states = BTreeMap::new();
    for part in answer.split("message-state=\"").skip(1) {
        *states.entry(part.split('"').next().unwrap().to_owned()).or_default() += 1;
    }
    states
}

fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_kill_leaves_no_more_in_doubt_than_the_window_holds() {
    let (dir, smsc) = (tempfile::tempdir().unwrap(), Smsc::start(true));
    serve::configure(dir.path(), "in-doubt = \"hold\"", smsc.smsc.address(), "window = \"7\"");
    let (mut process, address) = serve::start(dir.path());
    push(address, "many", 491_711_000_000..491_711_000_300);
    wait_for("a full window at the SMSC", || smsc.smsc.taken() == 7);
    process.kill();
    let (_second, address) = serve::start(dir.path());
    wait_for("the first window and another", || smsc.smsc.taken() == 14);
    let states = states(address, "many");
    assert_eq!((states["unknown"], states["pending"]), (7, 293), "{states:?}");
}

/// The first process knows of seven that they may have left; the second one has an SMSC that counts what it sends.
#[test]
fn what_is_in_doubt_after_a_kill_is_held_or_sent_a_second_time_as_configured() {
    for (policy, again) in [("hold", 0), ("resend", 7)] {
        let (dir, mute, live) = (tempfile::tempdir().unwrap(), Smsc::start(true), Smsc::start(false));
        let policy = format!("in-doubt = \"{policy}\"");
        serve::configure(dir.path(), &policy, mute.smsc.address(), "window = \"7\"");
        let (mut process, address) = serve::start(dir.path());
        push(address, "many", 491_711_000_000..491_711_000_030);
        wait_for("a full window at the first SMSC", || mute.smsc.taken() == 7);
        process.kill();
        serve::configure(dir.path(), &policy, live.smsc.address(), "window = \"7\"");
        let (_second, address) = serve::start(dir.path());
        wait_for("the end of all", || !states(address, "many").contains_key("pending"));
        let states = states(address, "many");
        let count = |state: &str| states.get(state).copied().unwrap_or_default();
        assert_eq!((count("delivered"), count("unknown")), (23 + again, 7 - again), "{policy}: {states:?}");
        assert_eq!(live.smsc.taken(), 23 + again as u64, "{policy}: nothing else is sent again");
    }
}

#[test]
fn a_route_that_is_stuck_holds_up_no_other() {
    let (dir, dead, live) = (tempfile::tempdir().unwrap(), Smsc::start(true), Smsc::start(false));
    let link = format!(
        "capacity = \"20\"\nresponse-timeout = \"10min\"\n[[ppg.smpp]]\nname = \"live\"\naddress = \"{}\"\n\
         capacity = \"20\"\n[[ppg.route]]\nover = \"main\"\n[[ppg.route]]\nprefix = \"4930\"\nover = \"live\"",
        live.smsc.address()
    );
    serve::configure(dir.path(), "durability = \"kill\"", dead.smsc.address(), &link);
    let (_process, address) = serve::start(dir.path());
    push(address, "dead", 491_711_000_000..491_711_001_000);
    wait_for("a full window at the dead one", || dead.smsc.taken() == 10);
    push(address, "live", 493_000_000_000..493_000_000_300);
    wait_for("all of the live route", || states(address, "live").get("delivered") == Some(&300));
    assert_eq!(states(address, "dead")["pending"], 1_000);
}

#[test]
fn what_another_process_was_sending_is_settled_by_one_that_lives() {
    let (dir, smsc) = (tempfile::tempdir().unwrap(), Smsc::start(true));
    serve::configure(dir.path(), "in-doubt = \"hold\"", smsc.smsc.address(), "window = \"5\"");
    let start = |folder: &Path| serve::start(folder);
    let (mut one, first) = start(dir.path());
    push(first, "many", 491_711_000_000..491_711_000_005);
    wait_for("all of it at the SMSC", || smsc.smsc.taken() == 5);
    let (_two, second) = start(dir.path());
    push(second, "other", 491_712_000_000..491_712_000_001);
    wait_for("one more at the SMSC", || smsc.smsc.taken() == 6);
    assert_eq!(states(second, "many")["pending"], 5, "its process lives");
    one.kill();
    wait_for("what the first one was sending", || states(second, "many").get("unknown") == Some(&5));
}

/// Another process cancels, as `job cancel` does: what the first one holds and has not sent is taken back by it; what has left
/// is not.
#[test]
fn what_one_process_holds_another_one_calls_back() {
    let (dir, smsc) = (tempfile::tempdir().unwrap(), Smsc::start(true));
    let link = "window = \"5\"\nresponse-timeout = \"10min\"";
    serve::configure(dir.path(), "in-doubt = \"hold\"", smsc.smsc.address(), link);
    let (_one, first) = serve::start(dir.path());
    push(first, "many", 491_711_000_000..491_711_000_025);
    wait_for("a full window at the SMSC", || smsc.smsc.taken() == 5);
    // It has a link of its own, and nothing to send.
    let (_two, second) = serve::start(dir.path());
    let cancel = b"<pap><cancel-message push-id=\"many\"/></pap>";
    let stream = TcpStream::connect(second).unwrap();
    let answer = ppg_http::exchange(stream, &[BASIC, XML], cancel).body;
    let results: Vec<(usize, &str)> = answer
        .split("<cancel-result ")
        .skip(1)
        .map(|part| (part.matches("<address ").count(), part.split('"').nth(1).unwrap()))
        .collect();
    assert_eq!(results, [(20, "1000"), (5, "2008")], "{answer}");
    let states = states(first, "many");
    assert_eq!((states["cancelled"], states["pending"]), (20, 5), "{states:?}");
    assert_eq!(smsc.smsc.taken(), 5, "nothing else has left");
}

/// The same for a push that takes the place of another: no device gets both, and each that has not got the old one gets the new
/// one. What has left of the old one stays.
#[test]
fn what_one_process_holds_is_replaced_by_a_push_to_another_one() {
    let (dir, mute, live) = (tempfile::tempdir().unwrap(), Smsc::start(true), Smsc::start(false));
    let link = "window = \"5\"\nresponse-timeout = \"10min\"";
    serve::configure(dir.path(), "in-doubt = \"hold\"", mute.smsc.address(), link);
    let (_one, first) = serve::start(dir.path());
    push(first, "old", 491_711_000_000..491_711_000_025);
    wait_for("a full window at the SMSC", || mute.smsc.taken() == 5);
    serve::configure(dir.path(), "in-doubt = \"hold\"", live.smsc.address(), link);
    let (_two, second) = serve::start(dir.path());
    let replace = "replace-push-id=\"old\" replace-method=\"pending-only\"";
    push_with(second, "new", replace, 491_711_000_000..491_711_000_025);
    let old = states(first, "old");
    assert_eq!((old["cancelled"], old["pending"]), (20, 5), "{old:?}");
    let all = |states: BTreeMap<String, usize>| states.values().sum::<usize>();
    assert_eq!(all(states(second, "new")), 20);
    // Both processes send of it: the first one has no window left.
    assert_eq!(mute.smsc.taken(), 5, "nothing else of the old one has left");
}

/// The gateway is killed while it tells a result: the next one tells it, word for word, and the third one knows that it was told.
#[test]
fn a_result_that_a_kill_cuts_off_is_told_by_the_next_gateway() {
    let (dir, smsc) = (tempfile::tempdir().unwrap(), Smsc::start(false));
    let initiator = TcpListener::bind("127.0.0.1:0").unwrap();
    initiator.set_nonblocking(true).unwrap();
    let host = initiator.local_addr().unwrap();
    serve::configure(dir.path(), &format!("notify-hosts = \"{host}\""), smsc.smsc.address(), "");
    let told = || {
        let mut heard = None;
        wait_for("a result", || {
            heard = initiator.accept().ok();
            heard.is_some()
        });
        let (mut stream, _) = heard.unwrap();
        stream.set_nonblocking(false).unwrap();
        let request = ppg_http::read_request(&mut stream);
        let body = request.split_once("\r\n\r\n").unwrap().1.to_owned();
        (stream, body)
    };
    let (mut process, address) = serve::start(dir.path());
    let attributes = format!("ppg-notify-requested-to=\"http://{host}/result\"");
    push_with(address, "a", &attributes, 491_711_000_000..491_711_000_001);
    let (unanswered, first) = told();
    assert!(first.contains("message-state=\"delivered\""), "{first}");
    process.kill();
    drop(unanswered);
    let (mut process, address) = serve::start(dir.path());
    let (mut stream, second) = told();
    assert_eq!(second, first);
    stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    // By the time that another one is told it is written down that this one was.
    push_with(address, "b", &attributes, 491_711_000_001..491_711_000_002);
    let (unanswered, other) = told();
    assert!(other.contains("push-id=\"b\""), "{other}");
    process.kill();
    drop(unanswered);
    let (_process, _) = serve::start(dir.path());
    assert_eq!(told().1, other, "the first one is not told again");
}

/// `job cancel` beside the gateway that has the job in hand.
#[test]
fn a_job_is_called_off_while_a_gateway_holds_it() {
    let (dir, smsc) = (tempfile::tempdir().unwrap(), Smsc::start(true));
    let token = Token::generate(&OsRandom);
    let link = format!(
        "window = \"5\"\nresponse-timeout = \"10min\"\n[api]\nprofiles = \"profiles\"\n[[api.token]]\nname = \"pipeline\"\n\
         digest = \"{}\"\nmay = \"submit\"",
        token.digest()
    );
    serve::configure(dir.path(), "", smsc.smsc.address(), &link);
    let profiles = dir.path().join("profiles");
    std::fs::create_dir(&profiles).unwrap();
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    std::fs::copy(shipped, profiles.join("acme-consumer.toml")).unwrap();
    let (_process, address) = serve::start(dir.path());
    let bearer = format!("Authorization: Bearer {}", token.expose());
    let ask = |key: &str| {
        let body = serde_json::json!({
            "key": key, "profile": "acme-consumer", "route": "push", "payload": "cp",
            "subscriber": {"imsi": "262011234567890", "imei": "490154203237518", "msisdn": "+491711234567"}
        })
        .to_string();
        let head = format!(
            "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let answer = ppg_http::read_answer(stream);
        assert_eq!(answer.status, 201, "{}", answer.body);
        let job: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        job["id"].as_str().unwrap().to_owned()
    };
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        command.args(args).args(["--config", "site.toml"]).current_dir(dir.path()).env_clear();
        let done = command.env("HOME", dir.path()).output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let is = |job: &str, state: &str| run(&["job", "show", job]).1.contains(state);
    // The first one fills the window of the link; the second one waits in the link for its place.
    let first = ask("first");
    wait_for("a full window at the SMSC", || smsc.smsc.taken() == 5);
    let second = ask("second");
    wait_for("the second one at its gateway", || is(&second, "delivering"));
    std::thread::sleep(Duration::from_millis(200));
    let late = run(&["job", "cancel", &first]);
    assert_eq!(late.0, 1, "{}", late.1);
    assert!(late.1.contains("its push has left, or is about to"), "{}", late.1);
    let done = run(&["job", "cancel", &second]);
    assert_eq!(done.0, 0, "{}", done.1);
    assert!(is(&second, "cancelled") && !is(&first, "cancelled"));
    assert_eq!(smsc.smsc.taken(), 5, "nothing of the second one has left");
}
