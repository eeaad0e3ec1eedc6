//! The gateway as a process between processes: `bootgate serve` over `bootgate lab smsc`, and at its front initiators of
//! three makes: `bootgate push`, Kannel's test_ppg, and a PAP client in Python that shares nothing with us.

use std::{
    io::{BufRead as _, BufReader, Lines},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
};

use bootgate::{
    app::OsRandom,
    ident::Token,
    wire::{
        Decode as _, Encode as _, Reader,
        wdp::{Ports, Udh},
        wsp::Push,
    },
};
use serde_json::{Value, json};

use crate::{
    peers::{Process, program},
    ppg_http,
};

/// A virtual SMSC, and a gateway that has a link to it.
pub struct Site {
    pub folder: tempfile::TempDir,
    smsc: Process,
    messages: Lines<BufReader<ChildStdout>>,
    serve: Process,
    /// Where it takes PAP.
    pub url: String,
}

impl Site {
    /// With these lines of `[http]` and `[ppg]`.
    pub fn start(http: &str, ppg: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), http, ppg)
    }

    /// The same in a folder that holds what the lines name.
    pub fn start_in(folder: tempfile::TempDir, http: &str, ppg: &str) -> Self {
        Self::start_over(folder, http, ppg, |smsc| format!("address = \"{smsc}\""))
    }

    /// The same over a link of which `link` says where it goes, given the address of the SMSC.
    pub fn start_over(
        folder: tempfile::TempDir,
        http: &str,
        ppg: &str,
        link: impl FnOnce(&str) -> String,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        command.args([
            "lab",
            "smsc",
            "--listen",
            "127.0.0.1:0",
            "--system-id",
            "acme",
            "--password",
            "hunter2",
        ]);
        let mut smsc = Process::start("lab smsc", command.stdout(Stdio::piped()));
        let mut messages = BufReader::new(smsc.child().stdout.take().unwrap()).lines();
        let said: Value = serde_json::from_str(&messages.next().unwrap().unwrap()).unwrap();
        let link = format!(
            "{ppg}\n[[ppg.smpp]]\nname = \"main\"\n{}\nsystem-id = \"acme\"\npassword = \"@smsc.password\"\nsource = \"9876\"\n",
            link(said["listening"].as_str().unwrap())
        );
        std::fs::write(folder.path().join("smsc.password"), "hunter2\n").unwrap();
        std::fs::write(folder.path().join("site.toml"), ppg_http::settings(http, &link)).unwrap();
        let (serve, url) = serve_in(folder.path());
        Self { folder, smsc, messages, serve, url }
    }

    /// The next message at the SMSC: to whom, and the octets behind its ports, which are those of pushes.
    fn next(&mut self) -> (String, Udh, Vec<u8>) {
        let message: Value = serde_json::from_str(&self.messages.next().unwrap().unwrap()).unwrap();
        assert_eq!(message["source"], "9876");
        let octets = unhex(message["user_data"][0].as_str().unwrap());
        let mut reader = Reader::new(&octets);
        let udh = Udh::decode(&mut reader).unwrap();
        assert_eq!(udh.ports(), Some(Ports::PUSH));
        (message["destination"].as_str().unwrap().to_owned(), udh, reader.rest().to_vec())
    }

    /// What the Python client got for each action.
    pub fn python(&self, actions: &Value, more: &[&str]) -> Vec<Value> {
        self.python_at(&self.url, actions, more)
    }

    /// The same by another name of the gateway's host.
    pub fn python_at(&self, url: &str, actions: &Value, more: &[&str]) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/pap_client.py");
        let mut command = Command::new(program("python3", "python3"));
        command.arg("-B").arg(script).args([url, "pi", "secret", &actions.to_string()]).args(more);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let lines = String::from_utf8(done.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The most memory that the gateway ever had, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serve.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Serves what `site.toml` in that folder says, and tells where it takes PAP.
pub fn serve_in(folder: &Path) -> (Process, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["serve", "--format", "json", "--config"]).arg(folder.join("site.toml"));
    command.env_clear().env("HOME", folder);
    // What the system trusts.
    let trusted = folder.join("ca.pem");
    if trusted.exists() {
        command.env("SSL_CERT_FILE", trusted);
    }
    let mut serve = Process::start("bootgate serve", command.current_dir(folder).stdout(Stdio::piped()));
    let said = serde_json::Deserializer::from_reader(serve.child().stdout.take().unwrap());
    let said: Value = said.into_iter().next().unwrap().unwrap();
    (serve, said["ppg"].as_str().unwrap().to_owned())
}

#[test]
fn a_push_that_waits_says_that_no_link_stands() {
    let folder = tempfile::tempdir().unwrap();
    // A port that nobody listens on.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = Site::start_over(folder, "", "", |_| format!("address = \"{nobody}\""));
    let got = site.python(
        &json!([
            {"do": "push", "id": "w@py", "to": ["491711111111"]},
            {"do": "until", "id": "w@py", "state": "pending"},
            {"do": "push", "id": "long@py", "to": ["491711111111"], "content": "x".repeat(33 * 128)},
        ]),
        &[],
    );
    assert_eq!(got[0]["code"], 1001);
    let result = elements(&got[1], "statusquery-result")[0];
    assert_eq!(
        (&result["message-state"], &result["desc"]),
        (&json!("pending"), &json!("it waits: no link to the network stands"))
    );
    // What no link will ever take is refused at once, with the reason.
    let result = elements(&got[2], "response-result")[0];
    assert_eq!(result["code"], "3006");
    assert!(result["desc"].as_str().unwrap().contains("takes 32 at most"), "{result}");
}

#[test]
fn a_job_that_no_link_takes_is_refused_and_one_that_waits_is_called_off() {
    let token = Token::generate(&OsRandom);
    let api = format!("[[api.token]]\nname = \"pipeline\"\ndigest = \"{}\"\n", token.digest());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let link = |_: &str| format!("address = \"{nobody}\"\nsegment-limit = \"10\"");
    let site = Site::start_over(tempfile::tempdir().unwrap(), &api, "", link);
    let url = site.url.replace("/pap", "/api/v1/jobs");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let post = |url: String, body: String| -> (u16, Value) {
        runtime.block_on(async {
            let post = reqwest::Client::new().post(url).bearer_auth(token.expose());
            let answer = post.header("content-type", "application/json").body(body).send().await.unwrap();
            (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
        })
    };
    let profile = include_str!("../../config/profiles/consumer-phone.toml");
    let ask = |payload: &str| {
        let request = json!({
            "key": payload, "route": "push", "payload": payload,
            "profile-toml": profile.replace("method = \"usernetwpin\"", "method = \"netwpin\""),
            "subscriber": {"imsi": "262011234567890", "imei": "490154203237518", "msisdn": "491711234567"},
        });
        post(url.clone(), request.to_string())
    };
    let (status, problem) = ask("dm");
    assert_eq!(status, 422, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("the route main takes 10 at most"), "{problem}");
    let (status, job) = ask("cp");
    assert_eq!(status, 201, "{job}");
    let cancel = format!("{url}/{}/cancel", job["id"].as_str().unwrap());
    // In the moment between, its push is about to be handed over.
    let mut cancelled = post(cancel.clone(), String::new());
    for _ in 0..200 {
        if cancelled.0 == 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        cancelled = post(cancel.clone(), String::new());
    }
    let (status, job) = cancelled;
    assert_eq!((status, &job["state"]), (200, &json!("cancelled")), "{job}");
    let (status, problem) =
        post(cancel.replace(job["id"].as_str().unwrap(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"), String::new());
    assert_eq!(status, 404, "{problem}");
}

/// Ends a process as an operator does, and gives back its exit status.
fn terminate(process: &mut Process) -> Option<i32> {
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    process.child().wait().unwrap().code()
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn elements<'a>(answer: &'a Value, name: &str) -> Vec<&'a Value> {
    answer["elements"].as_array().unwrap().iter().filter(|e| e["name"] == name).collect()
}

#[test]
fn a_bootstrap_goes_from_push_send_to_the_smsc_and_its_receipts_come_back() {
    let mut site = Site::start("", "");
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["push", "send", "--ppg", &site.url, "--ppg-kind", "bootgate", "--user", "pi"]);
    command.args([
        "--password",
        "env:PI_PASSWORD",
        "--to",
        "+491711234567",
        "--profile",
        profile,
        "--as",
        "cp",
    ]);
    command.args(["--imei", "490154203237518", "--imsi", "262011234567890", "--pin", "env:PIN"]);
    command.args(["--wait", "--format", "json"]).current_dir(site.folder.path());
    let done = command.env("PI_PASSWORD", "secret").env("PIN", "4815").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&report["accepted"], &report["states"][0]["state"]), (&json!(true), &json!("delivered")));
    let (to, first, mut octets) = site.next();
    assert_eq!(to, "491711234567");
    let total = first.concatenation().unwrap().total();
    for n in 2..=total {
        let (_, udh, more) = site.next();
        assert_eq!(udh.concatenation().unwrap().sequence(), n);
        octets.extend(more);
    }
    let push = Push::decode(&octets).unwrap();
    assert_eq!(push.to_octets(), octets);
    assert_eq!(report["content"]["size"], push.body.len());
    assert!(push.presented().is_some(), "SEC and MAC are kept");
    assert_eq!(terminate(&mut site.serve), Some(0));
    assert_eq!(terminate(&mut site.smsc), Some(0));
}

#[test]
fn kannels_own_initiator_pushes_through_our_gateway() {
    let mut site = Site::start("", "");
    let kannel = PathBuf::from("/usr/lib/kannel/test");
    let test_ppg = kannel.join("test_ppg");
    assert!(test_ppg.exists(), "test_ppg is missing: package kannel-extras; `make test` installs it");
    let conf = format!(
        "group = test-ppg\nretries = 2\n\ngroup = configuration\npush-url = {}\npap-file = {}\ncontent-file = {}\n\
         username = pi\npassword = secret\n",
        site.url,
        kannel.join("smstestppg.txt").display(),
        kannel.join("si.txt").display()
    );
    std::fs::write(site.folder.path().join("test.conf"), conf).unwrap();
    let run = || {
        let mut command = Command::new(&test_ppg);
        let done =
            command.args(["-b", "-v", "0", "test.conf"]).current_dir(site.folder.path()).output().unwrap();
        String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
    };
    let said = run();
    assert!(said.contains("1 succeeded, 0 failed"), "{said}");
    // Its push has one name, and the second is the first again.
    let again = run();
    assert!(again.contains("2007"), "{again}");
    let (to, _, mut octets) = site.next();
    assert_eq!(to, "358408201681");
    while !octets.windows(5).any(|w| w == b"</si>") {
        octets.extend(site.next().2);
    }
    let si = std::fs::read(kannel.join("si.txt")).unwrap();
    assert_eq!(Push::decode(&octets).unwrap().body.trim_ascii_end(), si.trim_ascii_end());
    let actions = json!([{"do": "until", "id": "9fjeo39jf084@pi.com", "state": "delivered"}]);
    assert_eq!(site.python(&actions, &[])[0]["elements"][1]["message-state"], "delivered");
}

#[test]
fn a_client_in_python_pushes_asks_cancels_replaces_and_hears() {
    let hear = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut site = Site::start("", &format!("notify-hosts = \"127.0.0.1:{hear}\"\nretry = \"100ms\""));
    let result = format!("http://127.0.0.1:{hear}/told");
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(3600);
    let soon = soon.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (a, b) = ("491711111111", "491722222222");
    let later = json!({"deliver-after-timestamp": soon});
    let actions = json!([
        {"do": "push", "id": "two@py", "to": [a, b], "attributes": {"ppg-notify-requested-to": result}},
        {"do": "push", "id": "two@py", "to": [a]},
        {"do": "heard", "count": 2},
        {"do": "status", "id": "two@py"},
        {"do": "status", "id": "two@py", "to": [b]},
        {"do": "status", "id": "nobody@py"},
        {"do": "push", "id": "mixed@py", "to": [a, "WAPPUSH=nobody/TYPE=USER@ppg"]},
        {"do": "until", "id": "mixed@py", "to": [a], "state": "delivered"},
        {"do": "push", "id": "late@py", "to": [a, b], "attributes": later},
        {"do": "status", "id": "late@py"},
        {"do": "cancel", "id": "late@py", "to": [a]},
        {"do": "cancel", "id": "late@py"},
        {"do": "status", "id": "late@py"},
        {"do": "cancel", "id": "two@py"},
        {"do": "push", "id": "old@py", "to": [a], "attributes": {"deliver-after-timestamp": soon}},
        {"do": "push", "id": "new@py", "to": [a], "content": "<new/>", "attributes": {"replace-push-id": "old@py"}},
        {"do": "until", "id": "new@py", "state": "delivered"},
        {"do": "status", "id": "old@py"},
        {"do": "push", "id": "sure@py", "to": [a], "quality": {"delivery-method": "confirmed"}},
    ]);
    let got = site.python(&actions, &["--hear", &hear.to_string()]);
    let code = |n: usize| (got[n]["root"].as_str().unwrap(), got[n]["code"].as_u64().unwrap());
    let states = |n: usize| -> Vec<&str> {
        let all = elements(&got[n], "statusquery-result").into_iter();
        all.map(|e| e["message-state"].as_str().unwrap()).collect()
    };
    assert_eq!(code(0), ("push-response", 1001));
    assert_eq!(code(1), ("push-response", 2007));
    let heard = got[2]["heard"].as_array().unwrap();
    let mut told: Vec<&str> = heard
        .iter()
        .map(|result| {
            assert_eq!(result["root"], "resultnotification-message");
            assert_eq!(result["elements"][0]["message-state"], "delivered");
            elements(result, "address")[0]["address-value"].as_str().unwrap()
        })
        .collect();
    told.sort_unstable();
    let at = |number: &str| format!("WAPPUSH=+{number}/TYPE=PLMN@ppg.example");
    assert_eq!(told, [at(a), at(b)]);
    assert!(states(3).iter().all(|state| *state == "delivered"), "{}", got[3]);
    assert_eq!((states(4), elements(&got[4], "address").len()), (vec!["delivered"], 1));
    assert_eq!(code(5), ("statusquery-response", 2004));
    assert_eq!(code(6), ("push-response", 1001));
    assert_eq!(states(9), ["pending", "pending"]);
    assert_eq!(code(10), ("cancel-response", 1000));
    // The one for B can be, the one for A was already.
    assert!(elements(&got[11], "cancel-result").iter().any(|r| r["code"] == "1000"), "{}", got[11]);
    assert_eq!(states(12), ["cancelled", "cancelled"]);
    assert_eq!(code(13), ("cancel-response", 2008));
    assert_eq!(code(15), ("push-response", 1001));
    assert_eq!(states(17), ["cancelled"], "{}", got[17]);
    assert_eq!(code(18), ("push-response", 3007));
    // What was cancelled, replaced or refused never left.
    let mut left: Vec<(String, Vec<u8>)> =
        (0..4).map(|_| site.next()).map(|(to, _, octets)| (to, octets)).collect();
    left.sort();
    assert_eq!(terminate(&mut site.serve), Some(0));
    assert_eq!(terminate(&mut site.smsc), Some(0));
    assert!(site.messages.next().is_none(), "more than four messages");
    let body = |octets: &[u8]| Push::decode(octets).unwrap().body;
    let mut bodies: Vec<(&str, Vec<u8>)> =
        left.iter().map(|(to, octets)| (to.as_str(), body(octets))).collect();
    bodies.sort();
    let si = |to| (to, b"<si/>".to_vec());
    assert_eq!(bodies, [(a, b"<new/>".to_vec()), si(a), si(a), si(b)]);
}

#[test]
fn strangers_harm_neither_memory_nor_others() {
    let site = Site::start("header-timeout = \"1s\"\nrequest-timeout = \"3s\"", "body-limit = \"2MiB\"");
    let before = site.memory();
    let got = site.python(&json!([{"do": "bad"}]), &[]).remove(0);
    let grown = site.memory().saturating_sub(before);
    for (what, root, code) in [
        ("missing boundary", "badmessage-response", 2000),
        ("missing push-id", "badmessage-response", 2000),
        ("good", "push-response", 1001),
        ("duplicate push-id", "push-response", 2007),
        ("truncated", "badmessage-response", 2000),
        ("no content entity", "badmessage-response", 2000),
        ("billion laughs", "badmessage-response", 2000),
        ("external entity", "badmessage-response", 2000),
        // A DTD is passed over and never fetched.
        ("external dtd", "statusquery-response", 2004),
        ("deep", "badmessage-response", 2000),
        ("10000 addresses", "push-response", 1001),
        ("10001 addresses", "badmessage-response", 2000),
        ("not xml", "badmessage-response", 2000),
        ("entity header bomb", "badmessage-response", 2000),
    ] {
        let answer = &got[what];
        assert_eq!(
            (&answer["http"], &answer["root"], &answer["code"]),
            (&json!(202), &json!(root), &json!(code)),
            "{what}"
        );
    }
    assert_eq!(got["external entity"]["fetched"], false);
    for what in ["wrong auth", "no auth"] {
        assert_eq!(got[what]["http"], 401, "{what}");
    }
    for what in ["many header fields", "long header field"] {
        assert!([0, 400, 431].contains(&got[what]["http"].as_u64().unwrap()), "{what}: {}", got[what]);
    }
    for body in got["100 MB bodies"].as_array().unwrap() {
        assert!(body["pieces"].as_u64().unwrap() < 100, "it was read to its end: {body}");
        assert!([0, 413].contains(&body["http"].as_u64().unwrap()), "{body}");
    }
    assert_eq!(got["slow clients"]["ended"], 51);
    let (count, slowest) =
        (got["meanwhile"]["count"].as_u64().unwrap(), got["meanwhile"]["slowest"].as_f64().unwrap());
    assert!(count > 20 && slowest < 5.0, "{count} others were served, the slowest in {slowest} s");
    // Twenty bodies of two MiB, ten thousand deliveries, and what the allocator keeps of them.
    assert!(grown < 150 * 1024, "{grown} KiB more");
}
