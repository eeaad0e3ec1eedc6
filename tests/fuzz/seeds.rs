//! Octets to begin with, made from our own data: payloads, the pushes and short messages that carry them, notifications,
//! and what a card holds.

use std::num::NonZeroU16;

use bootgate::wire::{
    Encode, Fid, Path,
    apdu::{CommandApdu, ResponseApdu},
    arr::{AccessMode, AccessRules, KeyRef, SecurityCondition},
    ef,
    fcp::{Fcp, FileKind, LifeCycle, Order, PinStatus, Security, Sfi},
    mac::Key,
    package0::{Package0, SessionNumber, Trigger},
    pkcs15::{DataObject, DirEntry, ObjectId, OdfEntry, Pkcs15Path, Shape},
    sms::{Address, Dcs, Deliver, Pid, SmsTime, Submit, Tpdu, UserData},
    wdp::{Ports, Reference, Segment, split},
    wsp::{Authentication, Push, Sec},
};

/// What one decoder is given first.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "wbxml" => documents(),
        "xml" => texts(),
        "prov" | "syncml" | "import" => {
            [documents(), texts(), if target == "import" { pushes() } else { vec![] }].concat()
        }
        "card" => card(),
        "script" => scripts(),
        "pap" => pap(),
        "smpp" => smpp(),
        "wsp" => pushes(),
        "wdp" => datagrams().iter().map(|segments| framed(segments)).collect(),
        "sms" => messages(),
        "package0" => vec![notification()],
        "explain" => {
            // The first octet says what they are taken for.
            let found_out = [documents(), pushes(), messages(), card(), vec![notification()]].concat();
            let text = messages().iter().map(|m| hex(m)).collect::<Vec<_>>().join("\n").into_bytes();
            let found_out = [found_out, texts(), pap(), http(), hostile(), smpp()].concat();
            let mut out: Vec<Vec<u8>> = found_out.into_iter().map(|o| [vec![0], o].concat()).collect();
            out.push([vec![1], text].concat());
            out
        }
        _ => Vec::new(),
    }
}

/// The payloads of the example profiles, and documents as the virtual phone reads them.
fn documents() -> Vec<Vec<u8>> {
    let digits = [
        include_str!("../data/bootstrap/consumer-phone.cp.hex"),
        include_str!("../data/bootstrap/consumer-phone.dm.hex"),
        include_str!("../data/bootstrap/iot-module.cp.hex"),
        include_str!("../data/bootstrap/iot-module.dm.hex"),
    ];
    let others = [
        include_bytes!("../data/phone/card-cp.wbxml").to_vec(),
        include_bytes!("../data/phone/card-dm.wbxml").to_vec(),
    ];
    digits.into_iter().map(octets).chain(others).collect()
}

/// The same as XML.
fn texts() -> Vec<Vec<u8>> {
    [
        include_str!("../data/bootstrap/consumer-phone.cp.xml"),
        include_str!("../data/bootstrap/consumer-phone.dm.xml"),
        include_str!("../data/bootstrap/iot-module.cp.xml"),
        include_str!("../data/bootstrap/iot-module.dm.xml"),
        include_str!("../data/phone/card-cp.xml"),
        include_str!("../data/phone/card-dm.xml"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn pushes() -> Vec<Vec<u8>> {
    let mut out = vec![Push::notification(1, notification()).to_octets()];
    for (n, document) in documents().into_iter().enumerate() {
        let mac = Key::new(&[b"1234"]).sign(&document);
        for sec in 0..4 {
            let mac = (sec != 3).then_some(mac);
            let authentication = Authentication { sec: Sec(sec), mac };
            let build = if n % 2 == 0 { Push::client_provisioning } else { Push::dm_bootstrap };
            out.push(build(1, Some(&authentication), document.clone()).to_octets());
        }
        out.push(Push::client_provisioning(9, None, document).to_octets());
    }
    out
}

/// Each push as segments, under both forms of the reference.
fn datagrams() -> Vec<Vec<Segment>> {
    let references = [Reference::Short(7), Reference::Long(0x1234)];
    let each = pushes().into_iter().zip(references.into_iter().cycle());
    each.map(|(push, reference)| split(Ports::PUSH, reference, 255, &push).expect("it fits")).collect()
}

/// Segments one after the other, each behind its length.
fn framed(segments: &[Segment]) -> Vec<u8> {
    let octets = segments.iter().map(|s| s.to_octets());
    octets.flat_map(|o| [vec![u8::try_from(o.len()).expect("140 at most")], o].concat()).collect()
}

fn messages() -> Vec<Vec<u8>> {
    let number = Address::international(&"+491711234567".parse().expect("a number"));
    let mut out = Vec::new();
    for segment in datagrams().into_iter().flatten().take(12) {
        let user_data =
            UserData::octets(Dcs::DATA_CLASS_1, Some(segment.udh), segment.data).expect("a segment fits");
        let deliver = Deliver {
            more_messages: false,
            loop_prevention: false,
            status_report: false,
            reply_path: false,
            originator: number.clone(),
            pid: Pid::SHORT_MESSAGE,
            time: SmsTime::new([26, 1, 2], [3, 4, 5], 4).expect("a time"),
            user_data: user_data.clone(),
        };
        out.push(Tpdu::Deliver(deliver).to_octets());
        out.push([vec![0], Tpdu::Submit(Submit::new(number.clone(), user_data)).to_octets()].concat());
    }
    let text = UserData::septets(Dcs(0), None, b"bootstrap".to_vec()).expect("it fits");
    out.push(Tpdu::Submit(Submit::new(number, text)).to_octets());
    out
}

fn notification() -> Vec<u8> {
    let trigger =
        Trigger::new("acme.dm".parse().expect("an id"), SessionNumber(NonZeroU16::new(7).expect("not 0")));
    Package0 { digest: [0x5A; 16], trigger: trigger.expect("a short id") }.to_octets()
}

/// APDUs, answers, and files.
fn card() -> Vec<Vec<u8>> {
    let fids = |list: &[u16]| Path::new(list.iter().map(|f| Fid(*f)));
    let select = CommandApdu::new(0x00, 0xA4, 0x08, 0x04).with_data(&[0x7F, 0x50]).expect("short").with_le(0);
    let mut directory = Fcp::new(FileKind::Df, Fid(0x7F50));
    directory.life_cycle = Some(LifeCycle::ACTIVATED);
    directory.security = Some(Security::ReferencedBySe { arr: Fid::ARR, records: vec![(0, 1), (1, 2)] });
    directory.pin_status = Some(vec![PinStatus { key: KeyRef::PIN1, enabled: true, usage: None }]);
    let mut file = Fcp::new(FileKind::Transparent, Fid(0x4301));
    (file.size, file.sfi) = (Some(700), Sfi::Is(3));
    let rules = AccessRules(vec![
        (AccessMode::Operations(0x01), SecurityCondition::Always),
        (
            AccessMode::Operations(0x1A),
            SecurityCondition::Or(vec![
                SecurityCondition::key(KeyRef::ADM1),
                SecurityCondition::key(KeyRef::PIN1),
            ]),
        ),
    ]);
    let objects = [
        DataObject::new(Shape::OidDo, ObjectId::CP_BOOTSTRAP, "Bootstrap", fids(&[0x3F00, 0x7F50, 0x4301])),
        DataObject::new(Shape::OpaqueDo, ObjectId::DM_BOOTSTRAP, "DM Bootstrap", fids(&[0x4302])),
    ];
    vec![
        select.to_octets(),
        octets("D76F01FF9000"),
        ResponseApdu::decode(&octets("6110")).expect("a status").to_octets(),
        directory.to_octets(Order::Answer),
        file.to_octets(Order::Create),
        rules.to_octets(),
        DirEntry::pkcs15(fids(&[0x3F00, 0x7F50])).to_octets(),
        OdfEntry::data_objects(Pkcs15Path::whole(fids(&[0x3F00, 0x7F50, 0x6430]))).to_octets(),
        objects.iter().flat_map(Encode::to_octets).collect(),
        ef::encode_iccid(&"89490200001234567892".parse().expect("an ICCID")).to_vec(),
        ef::encode_imsi(&"262011234567890".parse().expect("an IMSI")).to_vec(),
    ]
}

/// A push, what a gateway answers, and the body that brings a push with its content.
fn pap() -> Vec<Vec<u8>> {
    let head = "<?xml version=\"1.0\"?>\n<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\n";
    let push = "<pap product-name=\"x\"><push-message push-id=\"1@pi.example\" deliver-before-timestamp=\"2026-01-02T03:04:05Z\" ppg-notify-requested-to=\"http://pi.example/\"><address address-value=\"WAPPUSH=+4917112345/TYPE=PLMN@ppg.example\"/><quality-of-service priority=\"high\" delivery-method=\"unconfirmed\"/></push-message></pap>";
    let answers = [
        "<pap><push-response push-id=\"1@pi.example\" reply-time=\"2026-01-02T03:04:05Z\"><response-result code=\"1001\" desc=\"OK\"/></push-response></pap>",
        "<pap><badmessage-response code=\"2000\" bad-message-fragment=\"&lt;pap&gt;\"/></pap>",
        "<pap><resultnotification-message push-id=\"1\" code=\"1000\" message-state=\"delivered\"><address address-value=\"WAPPUSH=+49171/TYPE=PLMN@p\"/></resultnotification-message></pap>",
        "<pap><statusquery-message push-id=\"1\"/></pap>",
        "<pap><cancel-message push-id=\"1\"/></pap>",
    ];
    let mut out: Vec<Vec<u8>> = answers.iter().map(|answer| format!("{head}{answer}").into_bytes()).collect();
    out.push(format!("{head}{push}").into_bytes());
    out.push(format!("--b42\r\nContent-Type: application/xml\r\n\r\n{head}{push}\r\n--b42\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--b42--\r\n").into_bytes());
    out
}

/// The same over HTTP: a request with its body, and an answer in chunks.
fn http() -> Vec<Vec<u8>> {
    let mut pap = pap();
    let body = pap.pop().expect("the body of a push is last");
    let answer = pap.swap_remove(0);
    let request = format!(
        "POST /push?password=x HTTP/1.1\r\nAuthorization: Basic eA==\r\nContent-Type: multipart/related; boundary=b42\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let response = format!(
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        answer.len()
    );
    vec![
        [request.into_bytes(), body].concat(),
        [response.into_bytes(), answer, b"\r\n0\r\n\r\n".to_vec()].concat(),
    ]
}

/// What is there to do harm: bodies in parts inside each other, and a length that no body has.
fn hostile() -> Vec<Vec<u8>> {
    let nested = (0..12).map(|n| format!("--{n}\nContent-Type:multipart/a;boundary={}\n\n", n + 1));
    let endless = format!("POST /pap HTTP/1.1\r\nContent-Length: {}\r\n\r\nabc", usize::MAX);
    vec![nested.collect::<String>().into_bytes(), endless.into_bytes()]
}

/// A bind, a push in segments by header, a receipt as text and as parameters, and an answer.
fn smpp() -> Vec<Vec<u8>> {
    let pdu = |command: u32, body: Vec<u8>| {
        let length = u32::try_from(16 + body.len()).expect("short");
        [length, command, 0, 7].map(u32::to_be_bytes).concat().into_iter().chain(body).collect::<Vec<u8>>()
    };
    let message = |esm_class: u8, coding: u8, octets: &[u8]| {
        let length = u8::try_from(octets.len()).expect("a short message");
        let head = [
            b"\0\x02\x019876\0\x01\x01491711234567\0".as_slice(),
            &[esm_class, 0, 0, 0, 0, 1, 0, coding, 0, length],
        ];
        [head.concat(), octets.to_vec()].concat()
    };
    let mut out = vec![pdu(0x0000_0009, b"acme\0secret\0\0\x34\0\0\0".to_vec())];
    let segments = datagrams().swap_remove(1);
    out.extend(segments.iter().map(|s| pdu(4, message(0x43, 0xF5, &s.to_octets()))));
    let receipt = message(
        4,
        0,
        b"id:m1 sub:001 dlvrd:001 submit date:2611221236 done date:2611221236 stat:DELIVRD err:000 text:x",
    );
    out.push(pdu(5, [receipt, octets("001E00036D310004270001020423000303000B")].concat()));
    out.push(pdu(0x8000_0004, b"m1\0".to_vec()));
    out.push(out.concat());
    out
}

/// Card scripts: plain, and of the superset.
fn scripts() -> Vec<Vec<u8>> {
    let plain = "REM select\nRST\nINI FF FF\nCMD A0 A4 00 00 02 \\\n 3F 00 (9F XX, 94 04)\nSWI\n(9F XX) :\nCMD A0 C0 00 00 04 [XX 3X 00 01](90 00)\nESW\nOFF\n";
    let own = "REM bootgate 1\nVAR F path 3F00/7F50/6431\nVAR N digits 12\nKEY 0A ADM\nEFF updates ${F} by 0A\nVER 0A\nAPD 00 A4 08 0C lv(path(${F})) (9000)\nPUT ${F} pad(tlv(A0, bcd-swap(luhn(${N}))), 32, 00)\nAST 01 == 01\nOUT \"x\" fid(${F})\n";
    vec![plain.into(), own.into()]
}

fn octets(digits: &str) -> Vec<u8> {
    let digits = digits.trim();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digits"))
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|o| format!("{o:02X}")).collect()
}
