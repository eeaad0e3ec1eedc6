//! What a push travels in: PAP over HTTP, and SMPP.

#![cfg(test)]

use super::*;

const HEAD: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\" [<?wap-pap-ver supported-versions=\"2.0,1.*\"?>]>\n";
const ADDRESS: &str = "<address address-value=\"WAPPUSH=+491711234567/TYPE=PLMN@ppg.example\"/>";

fn pap(message: &str) -> Vec<u8> {
    format!("{HEAD}<pap product-name=\"x\">{message}</pap>").into_bytes()
}

fn messages() -> Vec<(&'static str, String)> {
    let quality = "<quality-of-service priority=\"high\" delivery-method=\"unconfirmed\" network=\"GSM\" network-required=\"true\" bearer=\"SMS\" bearer-required=\"false\"/>";
    vec![
        (
            "<push-message> = p1@pi.example",
            format!("<push-message push-id=\"p1@pi.example\" deliver-before-timestamp=\"2026-01-02T03:04:05Z\" replace-push-id=\"p0@pi.example\" replace-method=\"pending-only\" ppg-notify-requested-to=\"http://pi.example/r\">{ADDRESS}{quality}</push-message>"),
        ),
        (
            "<response-result> = 1001 accepted for processing",
            "<push-response push-id=\"p1\" sender-name=\"x\" reply-time=\"2026-01-02T03:04:05Z\"><progress-note stage=\"1\" note=\"n\" time=\"2026-01-02T03:04:05Z\"/><response-result code =\"1001\" desc=\"ok\"/></push-response>".into(),
        ),
        ("<address> = number +491711234567", format!("<cancel-message push-id=\"p1\">{ADDRESS}</cancel-message>")),
        (
            "<cancel-result> = 2008 cancellation not possible",
            format!("<cancel-response push-id=\"p1\"><cancel-result code=\"2008\">{ADDRESS}</cancel-result></cancel-response>"),
        ),
        ("<statusquery-message> = p1", "<statusquery-message push-id=\"p1\"/>".into()),
        (
            "<statusquery-result> = delivered",
            format!("<statusquery-response push-id=\"p1\"><statusquery-result message-state=\"delivered\" code=\"1000\" event-time=\"2026-01-02T03:04:05Z\">{ADDRESS}</statusquery-result></statusquery-response>"),
        ),
        (
            "code=\"5028\": 5028 device aborted",
            format!("<resultnotification-message push-id=\"p1\" message-state=\"aborted\" code=\"5028\">{ADDRESS}</resultnotification-message>"),
        ),
        (
            "<resultnotification-response> = p1",
            format!("<resultnotification-response push-id=\"p1\" code=\"1000\">{ADDRESS}</resultnotification-response>"),
        ),
        ("<ccq-message> = q1", format!("<ccq-message query-id=\"q1\" app-id=\"7\">{ADDRESS}</ccq-message>")),
        ("code=\"3008\": 3008 capabilities", "<ccq-response query-id=\"q1\" code=\"3008\"/>".into()),
        (
            "<badmessage-response> = 3002 version not supported",
            "<badmessage-response code=\"3002\" bad-message-fragment=\"&lt;pap&gt;\"/>".into(),
        ),
    ]
}

#[test]
fn every_message_of_pap_is_explained() {
    assert_eq!(messages().len(), 11);
    for (wanted, message) in messages() {
        let document = vec![pap(&message)];
        let explanation = sound(wanted, &document, &Options::default());
        assert_eq!(explanation.parts[0].kind, Some(Kind::Pap), "{wanted}");
        assert!(explanation.to_string().contains(wanted), "{wanted}\n{explanation}");
        assert_eq!(problems(&explanation), Vec::<String>::new());
        // By itself, in an answer, and in one that comes in chunks.
        let length = document[0].len();
        let (first, second) = document[0].split_at(40);
        let answer = |fields: String, body: Vec<u8>| {
            vec![
                [
                    format!("HTTP/1.1 202 Accepted\r\nContent-Type: application/xml\r\n{fields}\r\n\r\n")
                        .into_bytes(),
                    body,
                ]
                .concat(),
            ]
        };
        let size = |n: usize| format!("{n:x}\r\n").into_bytes();
        let whole = [&size(length)[..], &document[0], b"\r\n0\r\n\r\n"].concat();
        let cut = [&size(40)[..], first, b"\r\n", &size(length - 40), second, b"\r\n0\r\n\r\n"].concat();
        for (octets, parts) in [
            (answer(format!("Content-Length: {length}"), document[0].clone()), 1),
            (answer("Server: x".into(), document[0].clone()), 1),
            (answer("Transfer-Encoding: chunked".into(), whole), 1),
            (answer("Transfer-Encoding: chunked".into(), cut), 2),
        ] {
            let explanation = sound(wanted, &octets, &Options::default());
            assert_eq!(explanation.parts[0].kind, Some(Kind::Http));
            assert_eq!(explanation.parts.len(), parts, "{explanation}");
            assert!(explanation.to_string().contains(wanted), "{wanted}\n{explanation}");
        }
    }
}

#[test]
fn what_is_wrong_in_pap_is_said() {
    for (message, wanted) in [
        (
            "<push-message push-id=\"\"><address address-value=\"+49171\"/></push-message>",
            "expected WAPPUSH=",
        ),
        ("<statusquery-message push-id=\"1\" x=\"y\"/>", "odd: no attribute of this element"),
        ("<push-note push-id=\"1\"/>", "odd: no element of PAP"),
        (
            "<statusquery-response push-id=\"1\"><statusquery-result message-state=\"gone\" code=\"1000\"/></statusquery-response>",
            "wrong: not a message state",
        ),
        ("<ccq-response code=\"4711\"/>", "odd: no code that is known here"),
        ("<ccq-response code=\"okay\"/>", "wrong: expected a number of four digits"),
        (
            "<push-message push-id=\"1\" deliver-before-timestamp=\"2026-01-02T03:04:05\"/>",
            "wrong: expected UTC",
        ),
        ("<statusquery-message/>", "wrong: "),
    ] {
        let explanation = explain(&[pap(message)], &Options::default()).unwrap();
        check_cover(&explanation, &[]);
        assert!(problems(&explanation).iter().any(|p| p.contains(wanted)), "{message}\n{explanation}");
    }
    // A document type that defines something.
    let bomb =
        b"<!DOCTYPE pap [<!ENTITY a \"b\">]><pap><statusquery-message push-id=\"&a;\"/></pap>".to_vec();
    let refused = unsound("entity", &[bomb], &Options::default());
    assert!(problems(&refused).iter().any(|p| p.contains("defines something")), "{refused}");
}

fn multipart(fields: &str, content: &[u8]) -> Vec<u8> {
    let control = pap(&messages()[0].1);
    let head = b"--b42\r\nContent-Type: application/xml\r\n\r\n".to_vec();
    [
        head,
        control,
        format!("\r\n--b42\r\n{fields}\r\n\r\n").into_bytes(),
        content.to_vec(),
        b"\r\n--b42--\r\n".to_vec(),
    ]
    .concat()
}

/// The content of a push, its check value with it, as it stands in the body and as base64.
#[test]
fn the_content_of_a_push_is_followed_inwards() {
    use base64::Engine as _;
    let mac = crate::wire::mac::Key::new(&[b"4711"]).sign(&document());
    let kind = format!("Content-Type: application/vnd.wap.connectivity-wbxml; SEC=1; MAC={mac}");
    let plain = multipart(&kind, &document());
    let text = base64::engine::general_purpose::STANDARD.encode(document());
    let coded = multipart(&format!("{kind}\r\nContent-Transfer-Encoding: base64"), text.as_bytes());
    let request = |body: &[u8]| {
        let head = format!(
            "POST /wappush?username=foo&password=Geheimnis HTTP/1.1\r\nHost: ppg\r\nAuthorization: Basic R2VoZWltbmlz\r\nContent-Type: multipart/related; boundary=b42; type=\"application/xml\"\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    for octets in [plain.clone(), coded.clone(), request(&plain), request(&coded)] {
        let pieces = read(&octets, Input::Any).unwrap();
        assert_eq!(pieces, [octets], "it is one piece, as it came");
        let options = |pin: &str| Options { pin: Some(pin.parse().unwrap()), ..Options::default() };
        let good = sound("right PIN", &pieces, &options("4711"));
        assert!(
            matches!(good.authentication, Some(Authentication { verdict: Verdict::Fits { .. }, .. })),
            "{good}"
        );
        assert!(
            good.to_string().contains("PROVIDER-ID: 7sp") || good.to_string().contains("<parm>"),
            "{good}"
        );
        let said = said(&good);
        for secret in ["SecretOne", "Geheimnis", "R2VoZWltbmlz", "5365637265744F6E65", "476568", &text[..16]]
        {
            assert!(!said.contains(secret), "{secret}\n{said}");
        }
        unsound("wrong PIN", &pieces, &options("4712"));
    }
    // Cut anywhere, something is said, and every octet keeps its name.
    let whole = request(&plain);
    for end in (20..whole.len()).step_by(7) {
        let cut = vec![whole[..end].to_vec()];
        let explanation = explain(&cut, &taken_for(Kind::Pap)).unwrap();
        check_cover(&explanation, &cut);
        assert!(!explanation.is_sound() || end > whole.len() - 4, "{end}\n{explanation}");
        let said = said(&explanation);
        assert!(!said.contains("SecretOne") && !said.contains("Geheimnis"), "{end}\n{said}");
    }
}

fn pdu(command: &str, status: u32, body: &str) -> Vec<u8> {
    let body = hex(body);
    let length = u32::try_from(16 + body.len()).unwrap();
    [&length.to_be_bytes()[..], &hex(command), &status.to_be_bytes(), &[0, 0, 0, 7], &body].concat()
}

/// Body of a submit_sm or deliver_sm from 9876 to 491711234567.
fn message(esm_class: u8, coding: u8, octets: &[u8], optional: &str) -> String {
    let digits: String = octets.iter().map(|o| format!("{o:02X}")).collect();
    format!(
        "00 0201 3938373600 0101 34393137313132333435363700 {esm_class:02X} 00 00 00 00 01 00 {coding:02X} 00 {:02X} {digits} {optional}",
        octets.len()
    )
}

#[test]
fn every_pdu_of_smpp_is_explained() {
    let address = "0101 34393100";
    let list = [
        ("00000001", "61636D6500 476568656900 00 34 00 00 00".to_owned(), "system_id = \"acme\""),
        ("00000002", "61636D6500 476568656900 00 34 00 00 00".into(), "interface_version = 3.4"),
        ("00000009", "61636D6500 476568656900 00 34 00 00 00".into(), "password = ***"),
        ("0000000B", "61636D6500 476568656900".into(), "password = ***"),
        ("80000001", "534D534300 0210 0001 34".into(), "value = 3.4"),
        ("80000002", "534D534300".into(), "system_id = \"SMSC\""),
        ("80000009", "534D534300".into(), "system_id = \"SMSC\""),
        ("00000004", message(0, 0, b"hello", ""), "text = \"hello\""),
        ("80000004", "6D3100".into(), "message_id = \"m1\""),
        ("00000005", message(0, 8, &hex("00480069"), ""), "text = \"Hi\""),
        ("80000005", "00".into(), "message_id = \"\""),
        (
            "00000021",
            "00 0201 3938373600 02 01 0101 34393100 02 6C69737400 00 00 00 00 00 00 00 00 00 02 4869".into(),
            "dl_name = \"list\"",
        ),
        (
            "80000021",
            format!("6D3100 01 {address} 0000000B"),
            "error_status_code = the destination address is invalid",
        ),
        ("00000103", format!("00 {address} {address} 00 01 00 0424 0002 4869"), "text = \"Hi\""),
        ("80000103", "6D3100 001D 0003 6F6B00".into(), "value = \"ok\""),
        ("00000003", format!("6D3100 {address}"), "message_id = \"m1\""),
        ("80000003", "6D3100 00 02 00".into(), "message_state = 2: DELIVRD"),
        ("00000008", format!("00 6D3100 {address} {address}"), "message_id = \"m1\""),
        ("80000008", String::new(), "command_id = cancel_sm_resp"),
        (
            "00000007",
            format!("6D3100 {address} 323630313032303330343035303030522B00 00 01 00 02 4869")
                .replace("522B", "52"),
            "text or data",
        ),
        ("80000007", String::new(), "command_id = replace_sm_resp"),
        ("00000102", format!("{address} {address} 0422 0001 00"), "esme_addr = \"491\""),
        ("00000006", String::new(), "command_id = unbind"),
        ("80000006", String::new(), "command_id = unbind_resp"),
        ("00000015", String::new(), "command_id = enquire_link"),
        ("80000015", String::new(), "command_id = enquire_link_resp"),
    ];
    let mut stream = Vec::new();
    for (command, body, wanted) in &list {
        let octets = pdu(command, 0, body);
        let explanation = explain(std::slice::from_ref(&octets), &Options::default()).unwrap();
        check_cover(&explanation, std::slice::from_ref(&octets));
        assert_eq!(explanation.parts[0].kind, Some(Kind::Smpp), "{command}");
        assert!(explanation.to_string().contains(wanted), "{command} {wanted}\n{explanation}");
        if *command != "00000007" {
            assert!(explanation.is_sound(), "{command}\n{explanation}");
        }
        assert!(
            !said(&explanation).contains("4765686569") && !said(&explanation).contains("Gehei"),
            "{explanation}"
        );
        stream.extend(octets.clone());
        for end in 16..octets.len() {
            // As a PDU of its own length, and as one that is cut.
            let mut own = octets[..end].to_vec();
            for _ in 0..2 {
                let pieces = vec![own.clone()];
                let explanation = explain(&pieces, &taken_for(Kind::Smpp)).unwrap();
                check_cover(&explanation, &pieces);
                assert!(!said(&explanation).contains("Gehei"), "{explanation}");
                own[..4].copy_from_slice(&u32::try_from(end).unwrap().to_be_bytes());
            }
        }
    }
    // Every command that has a name.
    let named = (0..=0x2FF).filter(|n| crate::wire::smpp::Command(*n).name().is_some()).count();
    let answers =
        (0..=0x2FF).filter(|n| crate::wire::smpp::Command(0x8000_0000 | n).name().is_some()).count();
    assert_eq!(list.len() + 1, named + answers, "generic_nack is the one left");
    let nack = pdu("80000000", 3, "");
    stream.extend(nack);
    let whole = explain(std::slice::from_ref(&stream), &Options::default()).unwrap();
    check_cover(&whole, &[stream]);
    let pdus = whole.parts[0].spans.iter().filter(|s| s.name == "command_id").count();
    assert_eq!(pdus, 27, "{whole}");
    assert!(whole.to_string().contains("ESME_RINVCMDID"), "{whole}");
}

#[test]
fn receipts_are_read_as_text_and_as_parameters() {
    let text = b"id:m4 sub:001 dlvrd:001 submit date:2611221236 done date:2611221237 stat:DELIVRD err:000 text:id:9 stat:X";
    let octets = pdu(
        "00000005",
        0,
        &message(0x04, 0, text, "001E 0003 6D3400 0427 0001 02 0423 0003 03000B 1401 0001 AA"),
    );
    let explanation = sound("receipt", &[octets], &Options::default());
    let said = explanation.to_string();
    for wanted in [
        "esm_class = delivery receipt",
        "id = \"m4\"",
        "submit date = \"2611221236\"",
        "stat = DELIVRD: the handset has it",
        "text = \"id:9 stat:X\"",
        "receipted_message_id",
        "value = 2: DELIVRD",
        "GSM, error 11",
        "TLV 1401h",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
    let other = explain(&[pdu("00000005", 0, &message(0x04, 0, b"gone", ""))], &Options::default()).unwrap();
    assert!(problems(&other).iter().any(|p| p.contains("the text of a receipt has no id")), "{other}");
}

/// A push in segments: by user data header, and by parameters; in any order, with other PDUs between them.
#[test]
fn a_push_in_segments_is_put_together() {
    use crate::wire::{
        Encode,
        wdp::{Ports, Reference, split},
        wsp::Push,
    };
    let push = Push::client_provisioning(
        1,
        None,
        [hex("030B6A0045C6000155018736000006037737000187070603"), vec![b'x'; 300], hex("00010101")].concat(),
    );
    let parts = split(Ports::PUSH, Reference::Short(7), 255, &push.to_octets()).unwrap();
    assert_eq!(parts.len(), 3);
    let by_header: Vec<Vec<u8>> =
        parts.iter().map(|s| pdu("00000004", 0, &message(0x43, 0xF5, &s.to_octets(), ""))).collect();
    let by_parameters: Vec<Vec<u8>> = (1..)
        .zip(&parts)
        .map(|(n, s)| {
            let optional =
                format!("020A 0002 23F0 020B 0002 0B84 020C 0002 0102 020E 0001 03 020F 0001 {n:02X}");
            pdu("00000004", 0, &message(0x03, 0x04, &s.data, &optional))
        })
        .collect();
    let in_payload = pdu("00000004", 0, &{
        let digits: String = push.to_octets().iter().map(|o| format!("{o:02X}")).collect();
        let optional = format!("020A 0002 23F0 020B 0002 0B84 0424 {:04X} {digits}", push.to_octets().len());
        message(0x03, 0x04, b"", &optional)
    });
    let ack = pdu("80000004", 0, "6D3100");
    for pdus in [&by_header, &by_parameters] {
        let turned = [&pdus[2][..], &ack, &pdus[0], &ack, &pdus[1]].concat();
        let lines: Vec<Vec<u8>> = turned.chunks(50).map(<[u8]>::to_vec).collect();
        for pieces in [vec![turned.clone()], lines] {
            let explanation = sound("segments", &pieces, &Options::default());
            assert_eq!(explanation.parts.len(), 2, "{explanation}");
            assert!(explanation.parts[1].title.starts_with("datagram of 3 segments"), "{explanation}");
            assert!(explanation.to_string().contains("<parm> = APPID: w7"), "{explanation}");
        }
        let missing = unsound("missing", &[[&pdus[2][..], &pdus[0]].concat()], &Options::default());
        assert!(missing.problems[0].text.starts_with("segment 2 of 3"), "{missing}");
        // One alone is not missed.
        sound("one", &pdus[..1], &Options::default());
    }
    let explanation = sound("payload", &[in_payload], &Options::default());
    assert!(explanation.to_string().contains("<parm> = APPID: w7"), "{explanation}");
}

#[test]
fn streams_of_strangers_are_bounded() {
    for (octets, wanted) in [
        ("FFFFFFFF 00000004 00000000 00000001", "a PDU says that it is 4294967295 octets long"),
        ("00000010 00000004 00000000 00000001", "the octets end here"),
        ("00000014 00000099 00000000 00000001 00000000", "no command of SMPP 3.4"),
        ("00000010 00000015 00000000 00000001 0000", "the octets end here"),
    ] {
        let pieces = vec![hex(octets)];
        let explanation = explain(&pieces, &taken_for(Kind::Smpp)).unwrap();
        check_cover(&explanation, &pieces);
        assert!(problems(&explanation).iter().any(|p| p.contains(wanted)), "{octets}\n{explanation}");
    }
    // A length that leads nowhere, many times.
    let many = pdu("00000015", 0, "").repeat(8000);
    let explanation = explain(std::slice::from_ref(&many), &Options::default()).unwrap();
    check_cover(&explanation, &[many]);
}

/// One end of a stream has gone astray: the rest of the header still tells what it was meant to be.
#[test]
fn a_pdu_is_recognised_by_the_rest_of_its_header_when_its_length_cannot_be() {
    for length in ["00000000", "0000000F", "FFFFFFFF"] {
        for rest in ["00000004 00000000 00000001", "80000004 00000058 00000001", "80000000 00000002 00000000"]
        {
            let octets = vec![hex(&format!("{length} {rest} 0102"))];
            let explanation = unsound(length, &octets, &Options::default());
            assert_eq!(explanation.parts[0].kind, Some(Kind::Smpp), "{length} {rest}");
            let said = problems(&explanation);
            assert!(said.iter().any(|p| p.contains("octets long; expected 16 to")), "{said:?}");
            assert!(explanation.to_string().contains("command_status"), "{explanation}");
        }
        // A request that says how it went, numbers that no PDU has, and no command.
        for rest in ["00000004 00000001 00000001", "00000004 00000000 80000000", "00000000 00000000 00000001"]
        {
            assert_ne!(
                recognise(&hex(&format!("{length} {rest} 0102"))),
                Some(Kind::Smpp),
                "{length} {rest}"
            );
        }
    }
}
