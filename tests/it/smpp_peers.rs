//! SMPP with programs of others: node-smpp as the SMSC behind our link, Kannel's bearerbox as the client of our virtual SMSC,
//! tshark as the reader of all that we write.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bootgate::{
    app::{OsRandom, SystemClock},
    bearer::{
        Bearer as _, Carriage, Destination, Dispatch, DispatchId, Event, References,
        smpp::{
            Action, BindMode, Credentials, Form, IdForm, Input, Link, LinkSettings, Now, Pace, SmppLink,
            SmscAddress, Source, Stream, Validity,
        },
    },
    ident::Timestamp,
    lab::smsc::{Behaviour, VirtualSmsc},
    wire::{
        Encode as _,
        pap::Priority,
        wdp::{Ports, Width},
        wsp::Push,
    },
};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::peers::{
    Process, program,
    tshark::{Capture, upper},
};

fn settings(form: Form) -> LinkSettings {
    let credentials = Credentials::new("bootgate", Some("secret".parse().unwrap()), "VMA").unwrap();
    let link = LinkSettings::new("peer", credentials, Source::new("9876", None).unwrap());
    LinkSettings { form, segment_limit: 255, message_mode: 3, more_messages: true, ..link }
}

fn dispatch(id: u64, octets: Vec<u8>) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        destination: Destination::Msisdn("+491711234567".parse().unwrap()),
        carriage: Carriage::Datagram(Ports::PUSH),
        octets: octets.into(),
        expires: Some(Timestamp::from_millis(4_000_000_000_000)),
        priority: Priority::High,
        reference: None,
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The lines of JSON that a process prints.
fn lines(process: &mut Process) -> impl Iterator<Item = Json> + use<> {
    let out = BufReader::new(process.child().stdout.take().unwrap());
    out.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

#[test]
fn node_smpp_gets_what_is_dispatched_and_its_receipts_are_read() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join(".peers/node_modules");
    assert!(modules.join("smpp").exists(), "node-smpp is missing; `make test` installs it");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers/smsc.js");
    let mut command = Command::new(program("node", "nodejs"));
    command.arg(script).env("NODE_PATH", modules).stdout(Stdio::piped());
    let mut smsc = Process::start("node-smpp", &mut command);
    let mut said = lines(&mut smsc);
    let port = said.next().unwrap()["port"].as_u64().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let octets: Vec<u8> = (0..=255).cycle().take(500).collect();
    for form in [Form::Udh, Form::Sar, Form::Payload] {
        runtime.block_on(async {
            let (to, mut events) = mpsc::channel(64);
            let address = SmscAddress {
                address: format!("127.0.0.1:{port}").into(),
                connect_timeout: Duration::from_secs(5),
                tls: None,
            };
            let references = Arc::new(References::default());
            let clock = Arc::new(SystemClock);
            let link = SmppLink::start(settings(form), address, references, to, clock, Arc::new(OsRandom));
            link.send(dispatch(1, octets.clone())).await.unwrap();
            let (mut submitted, mut delivered, mut sent) = (BTreeSet::new(), BTreeSet::new(), None);
            while sent.is_none_or(|count| delivered.len() < count) {
                let event =
                    tokio::time::timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
                match event {
                    Event::Submitted { message, .. } => drop(submitted.insert(message)),
                    Event::Sent { segments, .. } => sent = Some(usize::from(segments)),
                    Event::Receipt(receipt) => drop(delivered.insert(receipt.message.clone())),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(submitted, delivered, "{form:?}");
            link.stop(Duration::from_secs(5)).await;
        });
        let bind = said.next().unwrap();
        assert_eq!((bind["bind"].as_str(), bind["version"].as_u64()), (Some("bind_transceiver"), Some(0x34)));
        assert_eq!(
            (bind["system_id"].as_str(), bind["password"].as_str()),
            (Some("bootgate"), Some("secret"))
        );
        let count = if form == Form::Payload { 1 } else { 4 };
        let messages: Vec<Json> = said.by_ref().take(count).collect();
        let got: String = messages.iter().map(|m| m["message"].as_str().unwrap()).collect();
        assert_eq!(got, hex(&octets), "{form:?}");
        for (n, message) in messages.iter().enumerate() {
            assert_eq!(message["destination"], "491711234567");
            assert_eq!(
                (message["source"].as_str(), message["data_coding"].as_u64()),
                (Some("9876"), Some(4))
            );
            let udh: Vec<&str> =
                message["udh"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
            if form == Form::Udh {
                assert_eq!(message["esm_class"], 0x43);
                assert_eq!(udh[0], "05040b8423f0");
                assert!(
                    udh[1].starts_with("0003") && udh[1].ends_with(&format!("04{:02x}", n + 1)),
                    "{udh:?}"
                );
            } else {
                assert_eq!((message["esm_class"].as_u64(), udh.len()), (Some(3), 0));
                assert_eq!(message["ports"], serde_json::json!([9200, 2948]));
            }
            if form == Form::Sar {
                assert_eq!(
                    (message["sar"][1].as_u64(), message["sar"][2].as_u64()),
                    (Some(4), Some(n as u64 + 1))
                );
            }
        }
    }
}

/// A PDU of an SMSC: a receipt in `deliver_sm`, as text, or in `data_sm`, as parameters.
fn receipt(data_sm: bool, sequence: u8) -> Vec<u8> {
    let addresses = b"\0\x01\x01491711234567\0\0\x009876\0".as_slice();
    let text =
        b"id:m1 sub:001 dlvrd:001 submit date:2611260000 done date:2611260000 stat:DELIVRD err:000 text:";
    let parameters = b"\x00\x1E\x00\x03m1\0\x04\x27\x00\x01\x02".as_slice();
    let body = if data_sm {
        [addresses, &[4, 0, 0], parameters].concat()
    } else {
        let length = u8::try_from(text.len()).unwrap();
        [addresses, &[4, 0, 0, 0, 0, 0, 0, 0, 0, length], text].concat()
    };
    let command: u32 = if data_sm { 0x0000_0103 } else { 0x0000_0005 };
    let length = u32::try_from(16 + body.len()).unwrap();
    [[length, command, 0, sequence.into()].map(u32::to_be_bytes).concat(), body].concat()
}

/// Every PDU that a link writes to an SMSC that takes all.
fn written(settings: LinkSettings, dispatches: Vec<Dispatch>) -> Vec<Vec<u8>> {
    use bootgate::wire::smpp::{Command as Request, CommandStatus, Header};
    let start = Now { elapsed: Duration::ZERO, clock: Timestamp::from_millis(1_795_656_633_042) };
    let hears = settings.mode == BindMode::Transceiver;
    // Either side may say goodbye.
    let sent_away = hears && settings.form == Form::Sar;
    let mut link = Link::new(settings, Arc::new(References::default()), Arc::new(OsRandom), start);
    let (mut pdus, mut now) = (Vec::new(), start);
    let mut waiting = link.on(Input::Tick, now);
    let mut dispatches = dispatches.into_iter();
    let bare = |command: Request, sequence| {
        Header { length: 16, command, status: CommandStatus::OK, sequence }.to_octets()
    };
    // Binds, sends all, is tested when it is silent, is tested itself, hears receipts and an unknown command, says goodbye.
    let mut silences = 0;
    for _ in 0..10_000 {
        let (mut answers, mut kept) = (Vec::new(), Vec::new());
        for action in waiting.drain(..) {
            match action {
                Action::Receipt(_, delivery) => kept.push(delivery),
                Action::Open(at) => answers.push((at, None)),
                Action::Write(at, octets) => {
                    let (mut cut, mut from) = (Stream::default(), 0);
                    cut.push(&octets);
                    while let Some(incoming) = cut.next_pdu().unwrap() {
                        let end = from + incoming.header.length as usize;
                        pdus.push(octets[from..end].to_vec());
                        from = end;
                        if !incoming.header.command.is_response() {
                            answers.push((at, Some(incoming.header)));
                        }
                    }
                }
                _ => {}
            }
        }
        for delivery in kept {
            waiting.extend(link.on(Input::Taken(delivery), now));
        }
        if answers.is_empty() && waiting.is_empty() {
            if let Some(dispatch) = dispatches.next() {
                waiting = link.on(Input::Dispatch(dispatch), now);
            } else if link.has_ended() {
                return pdus;
            } else if silences == 0 {
                silences += 1;
                now.elapsed += Duration::from_secs(30);
                waiting = link.on(Input::Tick, now);
                let mut said = vec![bare(Request(0x0999), 77)];
                if hears {
                    said.extend([bare(Request::ENQUIRE_LINK, 78), receipt(false, 79), receipt(true, 80)]);
                }
                for pdu in said {
                    waiting.extend(link.on(Input::Octets(0, &pdu), now));
                }
            } else if silences == 1 && sent_away {
                silences += 1;
                waiting = link.on(Input::Octets(0, &bare(Request::UNBIND, 81)), now);
            } else {
                waiting = link.on(Input::Stop, now);
            }
        }
        for (at, header) in answers {
            match header {
                None => waiting.extend(link.on(Input::Opened(at), now)),
                Some(header) => {
                    let body: &[u8] = match header.command {
                        Request::SUBMIT_SM => b"m1\0",
                        Request::ENQUIRE_LINK | Request::UNBIND => b"",
                        _ => b"smsc\0",
                    };
                    let length = u32::try_from(Header::OCTETS + body.len()).unwrap();
                    let answer = Header { length, command: header.command.response(), ..header };
                    let mut octets = answer.to_octets();
                    octets.extend_from_slice(body);
                    waiting.extend(link.on(Input::Octets(at, &octets), now));
                }
            }
        }
    }
    panic!("the link does not end");
}

#[test]
fn tshark_reads_every_pdu() {
    let push = |n: usize| Push::notification(1, vec![0x55; n]).to_octets();
    let mut pdus = Vec::new();
    for form in [Form::Udh, Form::Sar, Form::Payload] {
        for reference in [Width::Short, Width::Long] {
            for mode in [BindMode::Transceiver, BindMode::Pair] {
                let pace = Pace { window: 1_000, ..Pace::default() };
                let validity =
                    if reference == Width::Short { Validity::Absolute } else { Validity::Relative };
                let settings = LinkSettings { reference, mode, validity, pace, ..settings(form) };
                let sizes = [30, 127, 128, 133, 700];
                let pushes = sizes.iter().zip(1..).map(|(n, id)| dispatch(id, push(*n)));
                // Text for a person: the default alphabet, UCS-2, and more than one message.
                let texts =
                    ["PIN: 4711".to_owned(), "Ваш PIN: 4711".to_owned(), "x".repeat(400), "я".repeat(100)];
                let texts = texts.into_iter().zip(10..).map(|(text, id)| Dispatch {
                    carriage: Carriage::Text,
                    ..dispatch(id, text.into_bytes())
                });
                pdus.extend(written(settings, pushes.chain(texts).collect()));
            }
        }
    }
    let frames = pdus.iter().map(|pdu| upper("smpp", false, pdu));
    let fields = ["_ws.malformed", "smpp.command_id", "smpp.destination_addr", "smpp.data_coding"];
    let rows = Capture::new(Capture::UPPER, frames).fields(&fields);
    assert_eq!(rows.len(), pdus.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut codings: BTreeMap<String, usize> = BTreeMap::new();
    for (row, pdu) in rows.iter().zip(&pdus) {
        assert_eq!(row.one("_ws.malformed"), "", "{}: {row:?}", hex(pdu));
        assert_eq!(row.one("smpp.command_id"), format!("0x{}", hex(&pdu[4..8])));
        *seen.entry(row.one("smpp.command_id").to_owned()).or_default() += 1;
        if pdu[4..8] == [0, 0, 0, 4] {
            assert_eq!(row.one("smpp.destination_addr"), "491711234567");
            *codings.entry(row.one("smpp.data_coding").to_owned()).or_default() += 1;
        }
    }
    let answers = ["80000000", "80000005", "80000103", "80000015", "80000006"];
    let requests = ["00000001", "00000002", "00000009", "00000004", "00000006", "00000015"];
    for id in requests.into_iter().chain(answers) {
        assert!(seen.contains_key(&format!("0x{id}")), "{id} was never written: {seen:?}");
    }
    assert!(seen["0x00000004"] > 100);
    assert_eq!(codings.keys().collect::<Vec<_>>(), ["0x00", "0x04", "0x08"], "{codings:?}");
}

/// From the PDU to the elements of the document: what an SMSC could see of a bootstrap is what we meant.
#[test]
fn tshark_reads_bootstraps_in_short_messages() {
    use super::{
        against_tshark::walk,
        cp_and_dm_trees::{CONSUMER, payloads},
    };
    let payloads = payloads(CONSUMER);
    let pushes = payloads.iter().map(|payload| bootgate::bootstrap::push(1, payload, None).to_octets());
    let settings = LinkSettings { reference: Width::Long, ..settings(Form::Udh) };
    let pdus = written(settings, pushes.zip(1..).map(|(push, id)| dispatch(id, push)).collect());
    let frames = pdus.iter().map(|pdu| upper("smpp", false, pdu));
    let rows = Capture::new(Capture::UPPER, frames).fields(&[
        "_ws.malformed",
        "smpp.command_id",
        "wsp.pdu_type",
        "wbxml.public_id.known",
        "wbxml.known_tag",
    ]);
    assert!(rows.iter().all(|row| row.one("_ws.malformed").is_empty()), "{rows:?}");
    let whole: Vec<_> = rows.iter().filter(|row| !row.one("wsp.pdu_type").is_empty()).collect();
    assert_eq!(whole.len(), payloads.len(), "{rows:?}");
    for ((row, payload), id) in whole.iter().zip(&payloads).zip(["0x0000000b", "0x00001201"]) {
        let root = bootgate::wire::wbxml::decode(&payload.octets).unwrap().root;
        let mut elements = Vec::new();
        walk(&root, &mut elements, &mut Vec::new());
        assert_eq!((row.one("smpp.command_id"), row.one("wsp.pdu_type")), ("0x00000004", "0x06"));
        assert_eq!(row.one("wbxml.public_id.known"), id);
        assert_eq!(row.all("wbxml.known_tag"), elements);
    }
}

/// What our SMSC says: answers, receipts, and what it does not know.
#[test]
fn tshark_reads_every_pdu_of_our_smsc() {
    use bootgate::wire::smpp::{Command as Request, CommandStatus, Header};
    use std::io::{Read as _, Write as _};
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (smsc, _received) =
        runtime.block_on(VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), Behaviour::default())).unwrap();
    let asked = written(settings(Form::Udh), vec![dispatch(1, vec![0x55; 300])]);
    let of = |command: Request| asked.iter().filter(move |p| p[4..8] == command.0.to_be_bytes());
    let mut stream = std::net::TcpStream::connect(smsc.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let unknown = Header { length: 16, command: Request(0x0999), status: CommandStatus::OK, sequence: 77 };
    for pdu in of(Request::BIND_TRANSCEIVER).chain(of(Request::SUBMIT_SM)).chain(of(Request::ENQUIRE_LINK)) {
        stream.write_all(pdu).unwrap();
    }
    stream.write_all(&unknown.to_octets()).unwrap();
    let submits = of(Request::SUBMIT_SM).count();
    let (mut octets, mut receipts, mut at) = (Vec::new(), 0, 0);
    let mut pdus: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).unwrap();
        octets.extend_from_slice(&piece[..read]);
        while let Some(header) = Header::peek(&octets[at..]).unwrap() {
            let end = at + header.length as usize;
            let Some(pdu) = octets.get(at..end) else { break };
            pdus.push(pdu.to_vec());
            at = end;
            if header.command == Request::DELIVER_SM {
                let answer = Header { length: 17, command: header.command.response(), ..header };
                stream.write_all(&[&answer.to_octets()[..], &[0]].concat()).unwrap();
                receipts += 1;
                if receipts == submits {
                    of(Request::UNBIND).for_each(|pdu| stream.write_all(pdu).unwrap());
                }
            }
        }
        if read == 0 || pdus.last().is_some_and(|p| p[4..8] == [0x80, 0, 0, 6]) {
            break;
        }
    }
    // Binds of the two other kinds, each on a connection of its own.
    let pair = written(LinkSettings { mode: BindMode::Pair, ..settings(Form::Udh) }, Vec::new());
    for bind in [Request::BIND_RECEIVER, Request::BIND_TRANSMITTER] {
        let pdu = pair.iter().find(|p| p[4..8] == bind.0.to_be_bytes()).unwrap();
        let mut stream = std::net::TcpStream::connect(smsc.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(pdu).unwrap();
        let mut answer = vec![0; 16];
        stream.read_exact(&mut answer).unwrap();
        let length = Header::peek(&answer).unwrap().unwrap().length as usize;
        answer.resize(length, 0);
        stream.read_exact(&mut answer[16..]).unwrap();
        pdus.push(answer);
    }
    let frames = pdus.iter().map(|pdu| upper("smpp", false, pdu));
    let rows = Capture::new(Capture::UPPER, frames).fields(&["_ws.malformed", "smpp.command_id"]);
    assert_eq!(rows.len(), pdus.len());
    let mut seen = BTreeSet::new();
    for (row, pdu) in rows.iter().zip(&pdus) {
        assert_eq!(row.one("_ws.malformed"), "", "{}", hex(pdu));
        assert_eq!(row.one("smpp.command_id"), format!("0x{}", hex(&pdu[4..8])));
        seen.insert(hex(&pdu[4..8]));
    }
    let wanted =
        ["00000005", "80000000", "80000001", "80000002", "80000004", "80000006", "80000009", "80000015"];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[test]
fn kannel_sends_over_our_virtual_smsc() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let account = Some(("kannel".to_owned(), "secret".to_owned()));
    let behaviour = Behaviour { account, ..Behaviour::default() };
    let started = runtime.block_on(VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), behaviour));
    let (smsc, mut received) = started.unwrap();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (admin, boxes, sendsms) = (free(), free(), free());
    let port = smsc.address().port();
    let config = format!(
        "group = core\nadmin-port = {admin}\nadmin-password = bar\nstatus-password = foo\nadmin-allow-ip = \"127.0.0.1\"\n\
         smsbox-port = {boxes}\nbox-deny-ip = \"*.*.*.*\"\nbox-allow-ip = \"127.0.0.1\"\n\n\
         group = smsc\nsmsc = smpp\nsmsc-id = LAB\nhost = 127.0.0.1\nport = {port}\ntransceiver-mode = true\n\
         smsc-username = \"kannel\"\nsmsc-password = \"secret\"\nsystem-type = \"VMA\"\naddress-range = \"\"\n\
         enquire-link-interval = 1\nmax-pending-submits = 10\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsmsbox-id = box\nsendsms-port = {sendsms}\n\n\
         group = sendsms-user\nusername = ota\npassword = ota\nmax-messages = 20\nconcatenation = true\n\n\
         group = sms-service\nkeyword = default\ntext = \"none\"\n"
    );
    let file = folder.path().join("kannel.conf");
    std::fs::write(&file, config).unwrap();
    let start = |name: &str| {
        let mut command = Command::new(program(name, "kannel"));
        command.arg("-v").arg("4").arg(&file).current_dir(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Process::start(name, &mut command)
    };
    let mut bearerbox = start("bearerbox");
    super::peers::wait_for("bearerbox", || {
        bearerbox.must_live();
        std::net::TcpStream::connect(("127.0.0.1", boxes)).is_ok()
    });
    let mut smsbox = start("smsbox");
    super::peers::wait_for("smsbox", || {
        smsbox.must_live();
        std::net::TcpStream::connect(("127.0.0.1", sendsms)).is_ok()
    });
    let request = "GET /cgi-bin/sendsms?username=ota&password=ota&from=9876&to=%2B491711234567&coding=1&dlr-mask=31\
         &udh=%06%05%04%0B%84%23%F0&text=%01%06%01%B6 HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", sendsms)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("202"), "{answer}");
    let message = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(15), received.recv()).await.expect("a message").unwrap()
    });
    assert_eq!((message.source.as_str(), message.data_coding), ("9876", 0x04));
    assert!(message.destination.ends_with("491711234567"));
    assert_eq!(message.segments[0].udh.ports(), Some(Ports::PUSH));
    assert_eq!(message.segments[0].data, [0x01, 0x06, 0x01, 0xB6]);
    assert_ne!(message.registered_delivery & 0x01, 0, "a receipt was asked for");
    // Kannel answers the receipt.
    super::peers::wait_for("the answer to the receipt", || smsc.receipts_open() == 0);
}

#[test]
fn lab_smsc_prints_what_it_gets_and_ends_when_it_is_told_to() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["lab", "smsc", "--listen", "127.0.0.1:0", "--ids", "hex", "--receipt-ids", "decimal"]);
    command.stdout(Stdio::piped());
    let mut process = Process::start("lab smsc", &mut command);
    let mut said = lines(&mut process);
    let address = said.next().unwrap()["listening"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (to, mut events) = mpsc::channel(64);
        let address =
            SmscAddress { address: address.into(), connect_timeout: Duration::from_secs(5), tls: None };
        let settings =
            LinkSettings { response_ids: IdForm::Hex, receipt_ids: IdForm::Decimal, ..settings(Form::Udh) };
        let references = Arc::new(References::default());
        let link =
            SmppLink::start(settings, address, references, to, Arc::new(SystemClock), Arc::new(OsRandom));
        link.send(dispatch(1, b"hello".to_vec())).await.unwrap();
        let mut ids = Vec::new();
        while ids.len() < 2 {
            match tokio::time::timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap() {
                Event::Submitted { message, .. } => ids.push(message),
                Event::Receipt(receipt) => ids.push(receipt.message.clone()),
                _ => {}
            }
        }
        assert_eq!(ids[0], ids[1], "the same message, written in two ways");
        let text = "Your PIN is 48151623".as_bytes().to_vec();
        link.send(Dispatch { carriage: Carriage::Text, ..dispatch(2, text) }).await.unwrap();
        loop {
            let event = tokio::time::timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
            if matches!(event, Event::Sent { id: DispatchId(2), .. }) {
                break;
            }
        }
        link.stop(Duration::from_secs(5)).await;
    });
    let message = said.next().unwrap();
    assert_eq!(
        (message["destination"].as_str(), message["esm_class"].as_u64()),
        (Some("491711234567"), Some(0x43))
    );
    assert_eq!(message["user_data"][0], format!("0605040B8423F0{}", hex(b"hello").to_uppercase()));
    // The line of a text, pasted as it is.
    let line = said.next().unwrap();
    assert_eq!((&line["text"], line.get("user_data")), (&"Your PIN is 48151623".into(), None));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("line");
    std::fs::write(&file, line.to_string()).unwrap();
    let ran = super::program::bootgate(&["decode", file.to_str().unwrap()]);
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    for wanted in ["short message", "SMS-DELIVER", "9876", "Your PIN is 48151623"] {
        assert!(ran.out.contains(wanted), "{wanted}\n{}", ran.out);
    }
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(process.child().wait().unwrap().success());
}
