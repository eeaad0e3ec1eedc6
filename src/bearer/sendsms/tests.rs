//! Requests as Kannel reads them, and what is made of its answers.

use super::*;
use crate::wire::wdp::USER_DATA;

fn sendsms() -> Sendsms {
    Sendsms {
        name: "kannel".into(),
        endpoint: "http://127.0.0.1:13013/cgi-bin/sendsms".parse().unwrap(),
        user: "ota".into(),
        password: Zeroizing::new("Marked-password".into()),
        sender: Some("9876".into()),
        smsc: None,
        most_segments: 5,
        patience: Patience::default(),
    }
}

#[test]
fn each_segment_is_one_request_with_its_header() {
    let push: Vec<u8> = (0..=255).cycle().take(300).collect();
    let segments = sendsms().split(Reference::Short(0x2A), &push).unwrap();
    assert_eq!(segments.len(), 3);
    let to: Msisdn = "358401234567".parse().unwrap();
    let mut seen = Vec::new();
    for (n, segment) in segments.iter().enumerate() {
        let url = format!("http://127.0.0.1:9/r/{n}?d=%d");
        let validity = Some(Duration::from_secs(61));
        let submission = Submission { to: &to, segment, coding: Coding::Data, validity, receipt: Some(&url) };
        let fields = sendsms().fields(&submission).unwrap();
        let field = |name: &str| {
            let found = fields.iter().find(|(n, _)| n.as_str() == name);
            found.map(|(_, v)| v.to_str().unwrap().to_owned())
        };
        let udh = format!("0B05040B8423F000032A03{:02X}", n + 1);
        assert_eq!(field("x-kannel-udh"), Some(udh));
        for (name, value) in [
            ("x-kannel-to", "+358401234567"),
            ("x-kannel-from", "9876"),
            ("x-kannel-coding", "1"),
            ("x-kannel-validity", "2"),
            ("x-kannel-dlr-mask", "31"),
            ("x-kannel-dlr-url", &url),
            ("x-kannel-password", "Marked-password"),
        ] {
            assert_eq!(field(name).as_deref(), Some(value));
        }
        assert_eq!(field("x-kannel-smsc"), None);
        assert!(segment.to_octets().len() <= USER_DATA);
        // Neither numbers nor passwords come out of what is logged.
        let shown = format!("{fields:?} {submission:?} {:?}", sendsms());
        assert!(!shown.contains("4012345") && !shown.contains("Marked"), "{shown}");
        seen.extend_from_slice(&segment.data);
    }
    assert_eq!(seen, push);
    assert!(sendsms().split(Reference::Short(1), &[0; 641]).is_err());
    assert_eq!(sendsms().split(Reference::Short(1), &[0; 640]).unwrap().len(), 5);
}

#[test]
fn words_of_a_refusal_hold_no_number() {
    assert_eq!(words(b"0: Accepted for delivery"), "0: Accepted for delivery");
    assert_eq!(words(b"no route to +358401234567\r\n"), "no route to +358*********");
    assert!(words(&[b'x'; 5000]).len() == MAX_WORDS && !words(b"a\x1b[31mb").contains('\u{1b}'));
}

#[test]
fn receipts_are_understood() {
    assert_eq!(receipt_state(1), Some(ReceiptState::Delivered));
    assert_eq!(receipt_state(16), Some(ReceiptState::Rejected));
    assert_eq!([0, 3, 9, 255].map(receipt_state), [None; 4]);
}

#[test]
fn a_field_is_one_line() {
    let bad = Sendsms { sender: Some("9876\r\nX-Kannel-To: +1".into()), ..sendsms() };
    let segment = &bad.split(Reference::Short(1), &[1]).unwrap()[0];
    let to = "358401234567".parse().unwrap();
    let submission = Submission { to: &to, segment, coding: Coding::Data, validity: None, receipt: None };
    assert!(matches!(bad.fields(&submission), Err(PostError::Field { name }) if name == FROM));
}
