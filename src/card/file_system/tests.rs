//! The file system against scripted cards: the shared read flows, dialects of SELECT, ends of files.

use serde_json::Value;

use super::*;
use crate::wire::fcp::Order;
use crate::{
    card::{Protocol, scripted::Script},
    wire::{
        apdu::CommandApdu,
        pkcs15::{self, Dodf, DodfObject, Odf},
        vectors::{hex, vectors},
    },
};

/// A scripted card: what is done with it, and whether the script was played to its end.
fn on<T>(
    protocol: Protocol,
    steps: &[(&str, &str)],
    work: impl FnOnce(&mut FileSystem<'_>) -> T,
) -> (T, usize) {
    let mut script = Script::new(protocol, steps);
    let mut fs = FileSystem::new(Session::new(&mut script));
    let done = work(&mut fs);
    drop(fs);
    (done, script.left())
}

fn file(path: &str) -> FilePath {
    FilePath::mf().resolve(&path.parse().unwrap())
}

const ODF_FCP: &str = "621682024121830250318A01058B032F06088002002088009000";

/// The steps of a vector. On T=0 they are written with the Le that a T=0 card never sees.
fn steps(case: &Value) -> Vec<(String, String)> {
    let t0 = case["steps"].as_array().unwrap().iter().any(|s| s["sw"].as_str().unwrap().starts_with("61"));
    let one = |step: &Value| {
        let (sent, answer) = (step["c"].as_str().unwrap(), step["r"].as_str().unwrap());
        let apdu = CommandApdu::decode(&hex(sent)).ok();
        let case_4 = apdu.is_some_and(|a| !a.data().is_empty() && a.le().is_some());
        let sent = if t0 && case_4 { &sent[..sent.len() - 2] } else { sent };
        (sent.to_owned(), answer.to_owned())
    };
    case["steps"].as_array().unwrap().iter().map(one).collect()
}

/// What a card says instead of 9000, and whether it may have changed something all the same.
#[test]
fn only_what_says_that_nothing_was_done_is_believed() {
    let refused =
        |sw| FileError::Refused { doing: "UPDATE BINARY", file: FilePath::mf(), sw: StatusWord(sw) };
    for sw in [0x6400, 0x6700, 0x6982, 0x6985, 0x6A84, 0x6B00, 0x6D00, 0x6E00, 0x9404, 0x9804] {
        assert!(!refused(sw).leaves_doubt(), "{sw:04X}");
    }
    for sw in [0x6200, 0x6300, 0x6500, 0x6581, 0x6F00, 0x9240, 0x6100, 0x1234] {
        assert!(refused(sw).leaves_doubt(), "{sw:04X}");
    }
    let unseen = FileError::NotSeen { file: FilePath::mf(), source: Box::new(refused(0x6A82)) };
    assert!(unseen.leaves_doubt());
}

#[test]
fn shared_vectors_of_read_flows() {
    let Some(cases) = vectors("card/read-flow.json") else { return };
    let mut run = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let owned = steps(case);
        let steps: Vec<_> = owned.iter().map(|(c, r)| (c.as_str(), r.as_str())).collect();
        match id {
            "nrf-success" | "nrf-no-app" => on_a_channel(case, &steps),
            "softsim-t0" => by_aid(case, &steps),
            "N-6C-loop" => {
                let (sw, left) = on(Protocol::T0, &steps, |fs| {
                    let read = CommandApdu::decode(&hex(steps[0].0)).unwrap();
                    fs.session_mut().send(&read).unwrap().sw
                });
                assert_eq!((sw, left), (StatusWord(0x6C00), 1), "the third command is one too many");
            }
            "N-short-eof" => {
                let (read, left) = on(Protocol::T0, &steps, |fs| fs.read_all(&file("5031")));
                assert_eq!(read, Err(FileError::Short { file: file("5031"), got: 8, stated: 32 }));
                assert_eq!(left, 0);
            }
            "N-sel-denied" => {
                let (read, left) = on(Protocol::T0, &steps, |fs| fs.read_all(&file("6430")));
                assert!(read.unwrap_err().is_denied());
                assert_eq!(left, 0);
            }
            other => panic!("{other} is not known here"),
        }
        run.push(id);
    }
    assert_eq!(run.len(), 6);
}

/// The flow of a phone on a logical channel: a session adds nothing to it and loses nothing of it.
fn on_a_channel(case: &Value, steps: &[(&str, &str)]) {
    let (answers, left) = on(Protocol::T1, steps, |fs| {
        let send = |(sent, _): &(&str, &str)| {
            fs.session_mut().send(&CommandApdu::decode(&hex(sent)).unwrap()).unwrap()
        };
        steps.iter().map(send).collect::<Vec<_>>()
    });
    assert_eq!(left, 0);
    let wanted = &case["decoded"];
    if wanted["result"] == "application absent" {
        assert_eq!(answers[1].sw.class(), StatusClass::Absent);
        return;
    }
    let dodf_path = Odf::decode(&answers[3].data).unwrap().data_object_files().next().unwrap().to_string();
    assert_eq!(wanted["dodf_path"], dodf_path);
    let dodf = Dodf::decode(&answers[5].data).unwrap();
    let DodfObject::File(object) = &dodf.entries[0].object else { panic!() };
    assert_eq!(wanted["content_path"], object.path.to_string());
    assert_eq!(wanted["oid"], object.oid.unwrap().to_string());
    assert_eq!(wanted["double_wrapped_oid"], dodf.entries[0].double_wrapped_oid);
    assert_eq!(hex(wanted["content"].as_str().unwrap()), answers[7].data);
}

/// The vector leaves out the GET RESPONSE behind its last SELECT, which a session never does; it is put in here.
fn by_aid(case: &Value, steps: &[(&str, &str)]) {
    let mut whole = steps.to_vec();
    whole.insert(6, ("00C0000018", "621682024121830264308A01058B032F06088002007888009000"));
    let ((odf, dodf), left) = on(Protocol::T0, &whole, |fs| {
        let directory = FilePath::application(&pkcs15::AID);
        assert_eq!(fs.parameters(&directory).unwrap().fid, Some(Fid::PKCS15));
        let odf = Odf::decode(&fs.read_all(&directory.child(Fid::ODF)).unwrap()).unwrap();
        let path = directory.resolve(&odf.data_object_files().next().unwrap().path);
        (odf, fs.read_all(&path).unwrap())
    });
    assert_eq!(left, 0);
    let wanted = &case["decoded"];
    assert_eq!(wanted["dodf_path"], odf.data_object_files().next().unwrap().to_string());
    let decoded = Dodf::decode(&dodf).unwrap();
    assert_eq!(dodf[..decoded.used], hex(wanted["content"].as_str().unwrap()));
    let DodfObject::File(object) = &decoded.entries[0].object else { panic!() };
    assert_eq!(wanted["content_path"], object.path.to_string());
    assert_eq!(wanted["oid"], object.oid.unwrap().to_string());
}

#[test]
fn a_selected_file_is_not_selected_again() {
    let read = ("00B0000002", "01029000");
    let steps = [
        ("00A40004025031", "6118"),
        ("00C0000018", ODF_FCP),
        read,
        read,
        ("00D600000109", "9000"),
        ("00A4000C022F00", "9000"),
        ("00A4000C025031", "9000"),
        read,
    ];
    let (_, left) = on(Protocol::T0, &steps, |fs| {
        let odf = file("5031");
        assert_eq!(fs.read(&odf, 0, 2).unwrap(), [1, 2]);
        fs.read(&odf, 0, 2).unwrap();
        fs.write(&odf, 0, &[9]).unwrap();
        fs.open(&file("2F00")).unwrap();
        fs.read(&odf, 0, 2).unwrap();
    });
    assert_eq!(left, 0);
}

#[test]
fn dialects_of_select_are_learnt() {
    // Neither by path nor without an answer: step by step, each with its answer.
    let steps = [
        ("00A40804047F50503100", "6A86"),
        ("00A4000C023F00", "6A86"),
        ("00A40004023F0000", "6204820278219000"),
        ("00A40004027F5000", "62108202782183027F508A01058B032F06019000"),
        ("00A4000402503100", ODF_FCP),
        ("00B0000001", "A79000"),
    ];
    let (read, left) = on(Protocol::T1, &steps, |fs| fs.read(&file("7F50/5031"), 0, 1));
    assert_eq!((read.unwrap(), left), (vec![0xA7], 0));
}

#[test]
fn large_files_are_read_in_blocks_that_the_reader_can_count() {
    let fcp = "621682024121830264318A01058B032F06088002010188009000";
    let block = |n: usize| format!("{}9000", "55".repeat(n));
    let (long, short, rest) = (block(256), block(255), block(2));
    let whole = [("00A4000402643100", fcp), ("00B0000000", &long), ("00B0010001", "AA9000")];
    let small =
        [("00A4000402643100", fcp), ("00B0000000", "6700"), ("00B00000FF", &short), ("00B000FF02", &rest)];
    for steps in [whole.to_vec(), small.to_vec()] {
        let (read, left) = on(Protocol::T1, &steps, |fs| fs.read_all(&file("6431")));
        assert_eq!((read.unwrap().len(), left), (257, 0));
    }
}

#[test]
fn what_lies_behind_the_end_is_not_asked_for() {
    let select = [("00A4000402503100", ODF_FCP)];
    let (read, _) = on(Protocol::T1, &select, |fs| fs.read(&file("5031"), 30, 3));
    assert_eq!(read, Err(FileError::Short { file: file("5031"), got: 32, stated: 33 }));
    let (written, _) = on(Protocol::T1, &select, |fs| fs.write(&file("5031"), 0, &[0; 33]));
    assert!(written.is_err());
    let large = [("00A4000402503100", "621682024121830250318A01058B032F06088002900088009000")];
    let (read, _) = on(Protocol::T1, &large, |fs| fs.read_all(&file("5031")));
    assert!(matches!(read, Err(FileError::TooLarge { max: 0x8000, .. })));
}

#[test]
fn a_file_that_gives_nothing_does_not_loop() {
    let steps = [("00A4000402503100", ODF_FCP), ("00B0000020", "9000")];
    let (read, left) = on(Protocol::T1, &steps, |fs| fs.read_all(&file("5031")));
    assert_eq!((read, left), (Err(FileError::Short { file: file("5031"), got: 0, stated: 32 }), 0));
}

#[test]
fn a_directory_is_created_without_pin_status_where_the_card_wants_none() {
    use crate::wire::fcp::{FileKind, LifeCycle, PinStatus, Security};
    let mut fcp = Fcp::new(FileKind::Df, Fid::PKCS15);
    fcp.aid = Some(pkcs15::AID.to_vec());
    fcp.life_cycle = Some(LifeCycle::ACTIVATED);
    fcp.security = Some(Security::Referenced { arr: Fid::ARR, record: 7 });
    fcp.total_size = Some(2048);
    let without = fcp.clone();
    fcp.pin_status =
        Some(vec![PinStatus { key: crate::wire::arr::KeyRef::ADM1, enabled: true, usage: None }]);
    let create = |fcp: &Fcp| {
        let template = fcp.to_octets(Order::Create);
        let hex: String = template.iter().map(|o| format!("{o:02X}")).collect();
        format!("00E00000{:02X}{hex}", template.len())
    };
    assert_eq!(
        create(&without),
        "00E000002462228202782183027F50840CA000000063504B43532D31358A01058B032F060781020800"
    );
    let (first, second) = (create(&fcp), create(&without));
    let answer = "62308202782183027F50840CA000000063504B43532D31358A01058B032F060781020800C60C900120830101830181\
                  83010A9000";
    let steps = [(first.as_str(), "6A80"), (second.as_str(), "9000"), ("00A40804027F5000", answer)];
    let (created, left) = on(Protocol::T1, &steps, |fs| fs.create(&file("7F50"), &fcp));
    created.unwrap();
    assert_eq!(left, 0);
}
