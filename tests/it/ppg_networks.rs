//! The gateway as a process over networks of others: node-smpp as the SMSC behind it, and an IP network whose modules read
//! what they trust. At its front HTTP that is written by hand.

use std::{
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv6Addr, TcpStream, UdpSocket},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bootgate::{
    app::OsRandom,
    bootstrap::{
        PayloadKind,
        mac::{Sec, sign},
        push,
    },
    ident::{Pin, Token},
    lab::rehearsal::identity,
    phone::{BootstrapResult, Inbox, InboxRefusal, Phone, PushResult, PushTrust, Received},
    wire::{
        wdp::{Datagram, PUSH_PORT, Ports},
        wsp::Push,
    },
};
use serde_json::Value;

use crate::{
    cp_and_dm_trees::{CONSUMER, payloads},
    peers::{Process, program},
    ppg_http::{Answer, exchange, settings},
    ppg_peers::serve_in,
};

const PATIENCE: Duration = Duration::from_secs(15);
const PIN: &str = "0481516";
const RELATED: &str = "Content-Type: multipart/related; boundary=mime; type=\"application/xml\"";
const XML: &str = "Content-Type: application/xml";
/// Who the gateway says that the initiator is.
const ACME: &str = "http://acme.example/pi";

/// A bootstrap that the PIN authenticates: its content type and its octets.
fn bootstrap() -> (String, Vec<u8>) {
    let [payload, _] = payloads(CONSUMER);
    let pin: Pin = PIN.parse().unwrap();
    let signature = sign(PayloadKind::Cp, Sec::UserPin, None, Some(&pin), &payload.octets).unwrap();
    let mac = push(1, &payload, Some(&signature)).presented().unwrap().mac.unwrap();
    (format!("application/vnd.wap.connectivity-wbxml; SEC=1; MAC={mac}"), payload.octets)
}

/// A push message of one address with its content, and with the capabilities of the device where they are given.
fn body(id: &str, attributes: &str, to: &str, content: &(String, Vec<u8>), device: Option<&str>) -> Vec<u8> {
    let head = format!(
        "--mime\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\n\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\n\
         <pap><push-message push-id=\"{id}\" {attributes}><address address-value=\"WAPPUSH={to}@ppg\"/></push-message></pap>\
         \r\n--mime\r\nContent-Type: {}\r\n\r\n",
        content.0
    );
    let device = device.map(|text| format!("\r\n--mime\r\nContent-Type: application/xml\r\n\r\n{text}"));
    let tail = format!("{}\r\n--mime--\r\n", device.unwrap_or_default());
    [head.as_bytes(), &content.1, tail.as_bytes()].concat()
}

fn ask(url: &str, fields: &[&str], body: &[u8]) -> Answer {
    let host = url.trim_start_matches("http://").split('/').next().unwrap();
    exchange(TcpStream::connect(host).unwrap(), fields, body)
}

/// The status of a push, once it says `wanted`.
fn wait_for(url: &str, credentials: &str, id: &str, wanted: &str) {
    let (until, query) =
        (Instant::now() + PATIENCE, format!("<pap><statusquery-message push-id=\"{id}\"/></pap>"));
    loop {
        let answer = ask(url, &[credentials, XML], query.as_bytes());
        if answer.body.contains(&format!("message-state=\"{wanted}\"")) {
            return;
        }
        assert!(Instant::now() < until, "{}", answer.body);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn node_smpp_gets_what_an_initiator_pushes_to_our_gateway() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join(".peers/node_modules");
    assert!(modules.join("smpp").exists(), "node-smpp is missing; `make test` installs it");
    let mut command = Command::new(program("node", "nodejs"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers/smsc.js")).env("NODE_PATH", modules);
    let mut smsc = Process::start("node-smpp", command.stdout(Stdio::piped()));
    let lines = BufReader::new(smsc.child().stdout.take().unwrap()).lines();
    let mut said = lines.map(|line| -> Value { serde_json::from_str(&line.unwrap()).unwrap() });
    let port = said.next().unwrap()["port"].as_u64().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("smsc.password"), "hunter2\n").unwrap();
    let link = format!(
        "[[ppg.smpp]]\nname = \"node\"\naddress = \"127.0.0.1:{port}\"\nsystem-id = \"acme\"\npassword = \"@smsc.password\"\n\
         source = \"9876\"\n"
    );
    std::fs::write(folder.path().join("site.toml"), settings("", &link)).unwrap();
    let (_serve, url) = serve_in(folder.path());
    let content = bootstrap();
    let basic = "Authorization: Basic cGk6c2VjcmV0";
    let pushed = body("node@pi", "", "+491711234567/TYPE=PLMN", &content, None);
    let answer = ask(&url, &[basic, RELATED], &pushed);
    assert!(answer.body.contains("code=\"1001\""), "{}", answer.body);
    let bind = said.next().unwrap();
    assert_eq!((bind["system_id"].as_str(), bind["password"].as_str()), (Some("acme"), Some("hunter2")));
    let (mut octets, mut total) = (Vec::new(), 1);
    for sequence in 1u8.. {
        let message = said.next().unwrap();
        assert_eq!(
            (message["destination"].as_str(), message["source"].as_str(), message["data_coding"].as_u64()),
            (Some("491711234567"), Some("9876"), Some(4))
        );
        let udh: Vec<&str> = message["udh"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
        assert_eq!(udh[0], "05040b8423f0", "the ports stand in every segment");
        let count = u8::from_str_radix(&udh[1][udh[1].len() - 4..][..2], 16).unwrap();
        assert!(udh[1].ends_with(&format!("{count:02x}{sequence:02x}")), "{udh:?}");
        total = total.max(count);
        let digits = message["message"].as_str().unwrap().as_bytes();
        let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        octets.extend(digits.chunks(2).map(octet));
        if sequence == total {
            break;
        }
    }
    assert!(total > 1);
    let push = Push::decode(&octets).unwrap();
    assert_eq!(push.body, content.1);
    assert!(content.0.ends_with(&push.presented().unwrap().mac.unwrap()), "SEC and MAC are kept");
    // Its receipts, one for each segment, say that all of it is there.
    wait_for(&url, basic, "node@pi", "delivered");
}

/// A module on an IP network.
struct Module {
    socket: UdpSocket,
    gateway: u16,
}

impl Module {
    fn at(address: IpAddr, gateway: u16) -> Self {
        let socket = UdpSocket::bind((address, PUSH_PORT)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, gateway }
    }

    /// What a phone with that trust makes of the next datagram.
    fn reads(&self, trust: PushTrust) -> Received {
        let mut octets = vec![0; 65_536];
        let (length, from) = self.socket.recv_from(&mut octets).unwrap();
        assert_eq!(from.port(), self.gateway);
        octets.truncate(length);
        let mut phone = Phone::new(&identity(&"490154203237518".parse().unwrap())).unwrap();
        let datagram = Datagram { ports: Some(Ports::PUSH), data: octets };
        Inbox::new(trust).datagram(&mut phone, &datagram, &mut |_| Some(PIN.parse().unwrap()))
    }
}

fn is_taken(received: &Received) -> bool {
    matches!(
        received,
        Received::Bootstrap(PushResult::Authenticated { bootstrap: BootstrapResult::Accepted { .. }, .. })
    )
}

/// One initiator with a bearer token, of whom the gateway says who it is, and one with a password, of whom it says nothing:
/// over IPv4 and IPv6, to modules that trust everybody, or some. What a push may say besides (capabilities of the device, a
/// wish for progress notes) is taken, and nothing comes of it.
#[test]
fn modules_on_an_ip_network_read_the_initiators_that_they_trust() {
    let token = Token::generate(&OsRandom);
    let gateway = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let more = format!(
        "[[ppg.initiator]]\nname = \"acme\"\ntoken = \"{}\"\nip = \"yes\"\npush-flag = \"authenticated\"\nuri = \"{ACME}\"\n\
         [[ppg.initiator]]\nname = \"plain\"\nuser = \"plain\"\nip = \"yes\"\n\
         password = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n\
         [[ppg.route]]\nover = \"udp\"\nsource-port = \"{gateway}\"\n",
        token.digest()
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.toml"), settings("", &more)).unwrap();
    let (_serve, url) = serve_in(folder.path());
    let bearer = format!("Authorization: Bearer {}", token.expose());
    let plain = "Authorization: Basic cGxhaW46c2VjcmV0";
    let content = bootstrap();
    let device =
        "<?xml version=\"1.0\"?><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/>";
    // An address of this machine that nobody else listens on.
    let v4: IpAddr = "127.48.29.48".parse().unwrap();
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    for (module, to) in [(v4, format!("{v4}/TYPE=IPv4")), (v6, format!("{v6}/TYPE=IPv6"))] {
        let module = Module::at(module, gateway);
        let mut sent = 0;
        let mut push = |credentials: &str| {
            sent += 1;
            let id = format!("{sent}.{to}").replace(['/', ':', '='], ".");
            let wish = "progress-notes-requested=\"true\"";
            let answer = ask(&url, &[credentials, RELATED], &body(&id, wish, &to, &content, Some(device)));
            assert!(answer.body.contains("code=\"1001\""), "{to}: {}", answer.body);
            assert!(!answer.body.contains("<progress-note"), "{}", answer.body);
            // Nobody answers a datagram.
            wait_for(&url, credentials, &id, "unknown");
        };
        let known = |uri: &str| PushTrust::Initiators(vec![uri.to_owned()]);
        for trust in [PushTrust::Anybody, PushTrust::Authenticated, known(ACME)] {
            push(&bearer);
            let received = module.reads(trust);
            assert!(is_taken(&received), "{to}: {received:?}");
        }
        push(&bearer);
        let dropped = module.reads(known("http://other.example/"));
        let reason = InboxRefusal::Initiator { got: Some(ACME.to_owned()) };
        assert_eq!(dropped, Received::Dropped { reason });
        push(plain);
        let dropped = module.reads(PushTrust::Authenticated);
        assert_eq!(dropped, Received::Dropped { reason: InboxRefusal::Unauthenticated { missing: true } });
        push(plain);
        assert!(is_taken(&module.reads(PushTrust::Anybody)));
    }
    let stranger = format!("Authorization: Bearer {}", Token::generate(&OsRandom).expose());
    let answer = ask(&url, &[&stranger, RELATED], &body("x", "", "127.48.29.48/TYPE=IPv4", &content, None));
    assert_eq!(answer.status, 401);
}
