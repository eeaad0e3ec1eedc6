//! The follow-ups of a session against scripted cards, the shared vectors among them.

use super::*;
use crate::{
    card::scripted::Script,
    wire::{
        apdu::StatusClass,
        vectors::{hex, vectors},
    },
};

fn command(octets: &str) -> CommandApdu {
    CommandApdu::decode(&hex(octets)).unwrap()
}

fn run(
    protocol: Protocol,
    sent: &str,
    steps: &[(&str, &str)],
) -> (Result<ResponseApdu, TransportError>, ApduCounts) {
    let mut script = Script::new(protocol, steps);
    let mut session = Session::new(&mut script);
    let answer = session.send(&command(sent));
    let counts = session.counts();
    drop(session);
    assert_eq!(script.left(), 0);
    (answer, counts)
}

#[test]
fn t0_has_five_header_octets_and_no_le_behind_data() {
    let select = "00A40004023F0000";
    let (answer, counts) =
        run(Protocol::T0, select, &[("00A40004023F00", "6103"), ("00C0000003", "0102039000")]);
    assert_eq!(answer.unwrap().data, [1, 2, 3]);
    assert_eq!(counts, ApduCounts { reads: 0, writes: 0, others: 2 });
    let (answer, _) = run(Protocol::T1, select, &[("00A40004023F0000", "0102039000")]);
    assert_eq!(answer.unwrap().data, [1, 2, 3]);
    run(Protocol::T0, "0020000A", &[("0020000A00", "63C3")]).0.unwrap();
    run(Protocol::T1, "0020000A", &[("0020000A", "63C3")]).0.unwrap();
    run(Protocol::T0, "00B0000010", &[("00B0000010", "9000")]).0.unwrap();
}

#[test]
fn the_right_le_is_tried_once() {
    let (answer, counts) =
        run(Protocol::T0, "00B0000000", &[("00B0000000", "6C02"), ("00B0000002", "AABB9000")]);
    assert_eq!(answer.unwrap().data, [0xAA, 0xBB]);
    assert_eq!(counts.reads, 2);
    let (answer, _) = run(Protocol::T0, "00B0000000", &[("00B0000000", "6C00"), ("00B0000000", "6C00")]);
    assert_eq!(answer.unwrap().sw, StatusWord(0x6C00));
}

#[test]
fn a_card_that_gives_an_octet_at_a_time_does_not_keep_its_reader() {
    let steps = vec![("00B0000000", "AA9000"); MAX_EXCHANGES as usize];
    let mut script = Script::new(Protocol::T0, &steps);
    let mut session = Session::new(&mut script);
    for _ in 0..MAX_EXCHANGES {
        session.send(&command("00B0000000")).unwrap();
    }
    let error = session.send(&command("00B0000000")).unwrap_err();
    assert!(
        matches!(&error, TransportError::Reader { why, .. } if why.contains("10000 commands")),
        "{error}"
    );
}

#[test]
fn response_data_comes_in_parts() {
    let steps = [
        ("80F2000010", "6102"),
        ("00C0000002", "01026101"),
        ("00C0000001", "6C03"),
        ("00C0000003", "0304059000"),
    ];
    assert_eq!(run(Protocol::T0, "80F2000010", &steps).0.unwrap().data, [1, 2, 3, 4, 5]);
    // A reader that has done GET RESPONSE itself, and a 2G card.
    assert_eq!(
        run(Protocol::T0, "00A40004023F0000", &[("00A40004023F00", "01029000")]).0.unwrap().data,
        [1, 2]
    );
    let steps = [("A0A40000023F00", "9F01"), ("A0C0000001", "079000")];
    assert_eq!(run(Protocol::T0, "A0A40000023F0000", &steps).0.unwrap().data, [7]);
}

/// What waited is lost with the GET RESPONSE that was refused, so the command is sent again, where it changes nothing.
#[test]
fn an_answer_of_256_octets_is_fetched_in_two_where_it_is_refused() {
    let most: &'static str = format!("{}6101", "AA".repeat(255)).leak();
    let steps = [
        ("80CB00800181", "6100"),
        ("00C0000000", "6700"),
        ("80CB00800181", "6100"),
        ("00C00000FF", most),
        ("00C0000001", "BB62F1"),
    ];
    let answer = run(Protocol::T0, "80CB0080018100", &steps).0.unwrap();
    assert_eq!((answer.data.len(), answer.data[255], answer.sw), (256, 0xBB, StatusWord(0x62F1)));
    let steps = [("00D6000001AA", "6100"), ("00C0000000", "6700")];
    assert_eq!(run(Protocol::T0, "00D6000001AA", &steps).0.unwrap().sw, StatusWord::WRONG_LENGTH);
    // Sent again, the next block of a data object would be the one behind it.
    let steps = [("80CB000000", "6100"), ("00C0000000", "6700")];
    assert_eq!(run(Protocol::T0, "80CB000000", &steps).0.unwrap().sw, StatusWord::WRONG_LENGTH);
    // Where nothing waits, a refusal says nothing of lengths.
    let mut script = Script::new(Protocol::T1, &[("00A40004023F0000", "6283"), ("00C0000000", "6700")]);
    let mut session = Session::new(&mut script);
    assert_eq!(session.send(&command("00A40004023F0000")).unwrap().sw, StatusWord(0x6283));
    assert_eq!(session.largest_answer(), LARGEST);
}

#[test]
fn a_warning_keeps_its_status_and_its_data_are_fetched() {
    let steps = [("00A40004023F00", "6283"), ("00C0000000", "6C02"), ("00C0000002", "01029000")];
    let answer = run(Protocol::T0, "00A40004023F0000", &steps).0.unwrap();
    assert_eq!((answer.data, answer.sw), (vec![1, 2], StatusWord(0x6283)));
    // From a card that has every answer fetched, on T=1 too; any other refuses that.
    let steps = [("00A40004023F0000", "6283"), ("00C0000000", "01029000")];
    let answer = run(Protocol::T1, "00A40004023F0000", &steps).0.unwrap();
    assert_eq!((answer.data, answer.sw), (vec![1, 2], StatusWord(0x6283)));
    let steps = [("00A40004023F0000", "6283"), ("00C0000000", "6D00")];
    let answer = run(Protocol::T1, "00A40004023F0000", &steps).0.unwrap();
    assert_eq!((answer.data, answer.sw), (vec![], StatusWord(0x6283)));
    // VERIFY has no answer to fetch.
    run(Protocol::T0, "0020000A083132333435363738", &[("0020000A083132333435363738", "63C2")]).0.unwrap();
}

#[test]
fn endless_response_data_end() {
    let steps: Vec<_> = std::iter::once(("00B0000001", "6101"))
        .chain(std::iter::repeat_n(("00C0000001", "AA6101"), 256))
        .collect();
    assert_eq!(run(Protocol::T0, "00B0000001", &steps).0.unwrap().sw, StatusWord(0x6101));
}

#[test]
fn proactive_commands_are_declined_within_bounds() {
    let fetch = ("801200000B", "D009810301250082028182 9000");
    let decline = "801400000C 810301250082028281830130";
    let steps = [("00D6000001AA", "910B"), fetch, (decline, "910B"), fetch, (decline, "9000")];
    let (answer, counts) = run(Protocol::T0, "00D6000001AA", &steps);
    assert_eq!(answer.unwrap().sw, StatusWord::OK);
    assert_eq!(counts, ApduCounts { reads: 0, writes: 1, others: 4 });
    // For ever, refused, and with nothing that can be read.
    let mut steps = vec![("00D6000001AA", "910B")];
    for _ in 0..16 {
        steps.extend([fetch, (decline, "910B")]);
    }
    assert!(run(Protocol::T0, "00D6000001AA", &steps).0.unwrap().sw.is_ok());
    assert!(
        run(Protocol::T0, "00D6000001AA", &[("00D6000001AA", "910B"), ("801200000B", "6F00")])
            .0
            .unwrap()
            .sw
            .is_ok()
    );
    let steps =
        [("00D6000001AA", "9101"), ("8012000001", "D09000"), ("801400000C 810301000082028281830130", "6F00")];
    assert!(run(Protocol::T0, "00D6000001AA", &steps).0.unwrap().sw.is_ok());
}

#[test]
fn a_busy_toolkit_is_asked_again() {
    let steps = [("00D6000001AA", "9300"), ("00D6000001AA", "9300"), ("00D6000001AA", "9000")];
    assert!(run(Protocol::T1, "00D6000001AA", &steps).0.unwrap().sw.is_ok());
}

#[test]
fn verify_is_sent_once_whatever_comes() {
    for sw in ["6C08", "9300", "6108", "63C1"] {
        let mut script = Script::new(Protocol::T0, &[("0020000A083132333435363738", sw)]);
        let answer = Session::new(&mut script).send_once(&command("0020000A083132333435363738")).unwrap();
        assert_eq!(answer.sw.0.to_be_bytes().to_vec(), hex(sw));
    }
}

#[test]
fn fewer_than_two_octets_are_a_card_that_is_gone() {
    for answer in ["", "90"] {
        let err = run(Protocol::T1, "00B0000001", &[("00B0000001", answer)]).0.unwrap_err();
        assert!(matches!(err, TransportError::CardGone { .. }));
    }
}

#[test]
fn the_trace_shows_lengths_and_no_data() {
    let mut lines = Vec::new();
    let mut script = Script::new(Protocol::T0, &[("0020000A083132333435363738", "63C2"), ("00B0000001", "")]);
    let mut session = Session::new(&mut script);
    session.set_trace(|t| lines.push(t.to_string()));
    session.send(&command("0020000A083132333435363738")).unwrap();
    session.send(&command("00B0000001")).unwrap_err();
    drop(session);
    assert_eq!(
        lines,
        ["VERIFY 00 0A: 8 sent, 0 received, 63C2", "READ BINARY 00 00: 0 sent, 0 received, no answer"]
    );
}

/// Status words of the shared vectors: their class says what a session does with them.
#[test]
fn shared_vectors_of_status_words() {
    let Some(cases) = vectors("card/sw-2g-select.json") else { return };
    assert_eq!(cases.len(), 17);
    let words: Vec<_> = cases.iter().filter(|c| c["id"].as_str().unwrap().starts_with("SW-")).collect();
    assert_eq!(words.len(), 13);
    for case in words {
        let octets = hex(case["hex"].as_str().unwrap());
        let sw = ResponseApdu::decode(&octets).unwrap().sw;
        let (class, value) = match sw.class() {
            StatusClass::Ok => ("ok", None),
            StatusClass::OkFetch(n) => ("ok+fetch", Some(n)),
            StatusClass::GetResponse(n) => ("get_response", Some(n)),
            StatusClass::RetryLe(n) => ("retry_le", Some(n)),
            StatusClass::WrongKey(n) => ("wrong_key", Some(n)),
            StatusClass::Busy => ("busy", None),
            StatusClass::Blocked => ("blocked", None),
            StatusClass::Denied => ("denied", None),
            StatusClass::Absent => ("absent", None),
            StatusClass::Warning => ("warning", None),
            StatusClass::Error => ("error", None),
        };
        let wanted = &case["decoded"];
        assert_eq!(wanted["class"], class, "{}", case["id"]);
        assert_eq!(wanted["value"].as_u64(), value.map(u64::from), "{}", case["id"]);
        assert_eq!(wanted["sw1"], format!("{:02X}", sw.sw1()));
        assert_eq!(wanted["sw2"], format!("{:02X}", sw.sw2()));
    }
}
