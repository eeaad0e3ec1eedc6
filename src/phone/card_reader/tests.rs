//! Tests of the reading of cards, on a card that is nothing but these files: it knows SELECT, READ BINARY, READ RECORD
//! and GET RESPONSE, speaks T=0 or T=1, and has the faults of cards in the field.

use std::collections::BTreeMap;

use super::*;
use crate::wire::{Encode, apdu::CommandApdu, vectors};

/// How a card answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::phone) enum Protocol {
    /// Takes no Le behind data, keeps answers for GET RESPONSE, says 6Cxx to a wrong Le.
    T0,
    /// Takes and gives APDUs whole.
    T1,
}

#[derive(Clone)]
enum File {
    Directory { aid: Option<Vec<u8>> },
    Transparent { octets: Vec<u8>, stated: usize, denied: bool },
    Records { records: Vec<Vec<u8>> },
}

/// The card.
#[derive(Clone)]
pub(in crate::phone) struct TestCard {
    files: BTreeMap<Vec<u16>, File>,
    protocol: Protocol,
    directory: Vec<u16>,
    file: Option<Vec<u16>>,
    waiting: Vec<u8>,
    /// How many commands it takes before it is pulled.
    pub(in crate::phone) life: usize,
    /// Answers SELECT without FCP.
    pub(in crate::phone) silent: bool,
    pub(in crate::phone) commands: usize,
}

pub(in crate::phone) const ICCID: [u8; 10] = [0x98, 0x88, 0x12, 0x01, 0x00, 0x00, 0x40, 0x03, 0x10, 0xF0];

impl TestCard {
    /// A card with EF(ICCID), EF(DIR) with a PKCS#15 record, and 7F50 with EF(ODF) that names EF(DODF) 6430.
    pub(in crate::phone) fn new(protocol: Protocol) -> Self {
        let mut card = Self {
            files: BTreeMap::new(),
            protocol,
            directory: vec![0x3F00],
            file: None,
            waiting: Vec::new(),
            life: usize::MAX,
            silent: false,
            commands: 0,
        };
        card.files.insert(vec![0x3F00], File::Directory { aid: None });
        card.put(&[0x3F00, 0x2FE2], &ICCID);
        let record = |text: &str| {
            let mut record = vectors::hex(text);
            record.resize(38, 0xFF);
            record
        };
        let records = vec![
            record("61204F10A0000000871002FF33FFFF8906030100500C47454E45524943205553494D"),
            record("611D4F0CA000000063504B43532D31355007504B43532D313551043F007F50"),
            record(""),
        ];
        card.files.insert(vec![0x3F00, 0x2F00], File::Records { records });
        card.files.insert(vec![0x3F00, 0x7F50], File::Directory { aid: Some(pkcs15::AID.to_vec()) });
        card.put(&[0x3F00, 0x7F50, 0x5031], &vectors::hex("A706300404026430FFFFFFFF"));
        card
    }

    pub(in crate::phone) fn put(&mut self, path: &[u16], octets: &[u8]) -> &mut Self {
        let file = File::Transparent { octets: octets.to_vec(), stated: octets.len(), denied: false };
        self.files.insert(path.to_vec(), file);
        self
    }

    /// A bootstrap in 7F50/6431, announced by EF(DODF).
    pub(in crate::phone) fn with(mut self, entries: &[(ObjectId, u16, &[u8])]) -> Self {
        let mut dodf = Vec::new();
        for (oid, fid, octets) in entries {
            let path = Path::new([Fid(*fid)]);
            pkcs15::DataObject::new(pkcs15::Shape::OidDo, *oid, "Bootstrap", path).encode(&mut dodf);
            let mut octets = octets.to_vec();
            octets.resize(octets.len() + 7, 0xFF);
            self.put(&[0x3F00, 0x7F50, *fid], &octets);
        }
        dodf.resize(dodf.len() + 20, 0xFF);
        self.put(&[0x3F00, 0x7F50, 0x6430], &dodf);
        self
    }

    fn answer(&mut self, command: &CommandApdu) -> Vec<u8> {
        let waiting = std::mem::take(&mut self.waiting);
        match command.ins() {
            0xA4 if self.protocol == Protocol::T0 && command.le().is_some() => vec![0x67, 0x00],
            0xA4 => self.select(command),
            0xC0 => {
                let le = usize::from(command.le().unwrap_or(0));
                let mut out = waiting[..le.min(waiting.len())].to_vec();
                out.extend([0x90, 0x00]);
                out
            }
            0xB0 => self.read_binary(command),
            0xB2 => self.read_record(command),
            _ => vec![0x6D, 0x00],
        }
    }

    fn select(&mut self, command: &CommandApdu) -> Vec<u8> {
        let found = if command.p1() == 0x04 {
            self.files.iter().find_map(|(path, file)| match file {
                File::Directory { aid: Some(aid) } if aid == command.data() => Some(path.clone()),
                _ => None,
            })
        } else {
            let fid = u16::from_be_bytes(command.data().try_into().unwrap());
            let below = self.directory.iter().copied().chain([fid]).collect::<Vec<_>>();
            if fid == 0x3F00 { Some(vec![fid]) } else { self.files.contains_key(&below).then_some(below) }
        };
        let Some(path) = found else { return vec![0x6A, 0x82] };
        let fid = *path.last().unwrap();
        let fcp = match &self.files[&path] {
            File::Directory { .. } => Fcp::new(FileKind::Df, Fid(fid)),
            File::Transparent { stated, .. } => {
                Fcp { size: u32::try_from(*stated).ok(), ..Fcp::new(FileKind::Transparent, Fid(fid)) }
            }
            File::Records { records } => {
                let count = u8::try_from(records.len()).ok();
                Fcp::new(FileKind::LinearFixed { record_length: 38, count }, Fid(fid))
            }
        };
        if matches!(self.files[&path], File::Directory { .. }) {
            (self.directory, self.file) = (path, None);
        } else {
            self.file = Some(path);
        }
        let mut out = fcp.to_octets(crate::wire::fcp::Order::Answer);
        match self.protocol {
            _ if self.silent => vec![0x90, 0x00],
            Protocol::T0 => {
                let sw = [0x61, u8::try_from(out.len()).unwrap()];
                self.waiting = out;
                sw.to_vec()
            }
            Protocol::T1 => {
                out.extend([0x90, 0x00]);
                out
            }
        }
    }

    fn read_binary(&self, command: &CommandApdu) -> Vec<u8> {
        let Some(File::Transparent { octets, denied, .. }) = self.file.as_ref().map(|f| &self.files[f])
        else {
            return vec![0x69, 0x86];
        };
        if *denied {
            return vec![0x69, 0x82];
        }
        let offset = usize::from(u16::from_be_bytes([command.p1(), command.p2()]));
        if offset > octets.len() {
            return vec![0x6B, 0x00];
        }
        let wanted = match command.le() {
            Some(0) | None => 256,
            Some(le) => usize::from(le),
        };
        let left = &octets[offset..];
        if self.protocol == Protocol::T0 && wanted > left.len() {
            // At the end of the file this is 6C00, however often it is asked.
            return vec![0x6C, u8::try_from(left.len()).unwrap()];
        }
        let mut out = left[..wanted.min(left.len())].to_vec();
        out.extend([0x90, 0x00]);
        out
    }

    fn read_record(&self, command: &CommandApdu) -> Vec<u8> {
        let Some(File::Records { records }) = self.file.as_ref().map(|f| &self.files[f]) else {
            return vec![0x69, 0x81];
        };
        match records.get(usize::from(command.p1()).wrapping_sub(1)) {
            None => vec![0x6A, 0x83],
            Some(record) if command.le().map(usize::from) != Some(record.len()) => {
                vec![0x6C, u8::try_from(record.len()).unwrap()]
            }
            Some(record) => [record.as_slice(), &[0x90, 0x00]].concat(),
        }
    }
}

impl CardPort for TestCard {
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, PortError> {
        self.commands += 1;
        if self.commands > self.life {
            return Err(PortError::Gone);
        }
        Ok(self.answer(&CommandApdu::decode(apdu).unwrap()))
    }
}

const DOCUMENT: [u8; 300] = {
    let mut octets = [0x42; 300];
    octets[299] = 0x01;
    octets
};

fn good(protocol: Protocol) -> TestCard {
    TestCard::new(protocol).with(&[
        (ObjectId::LWM2M_BOOTSTRAP, 0x6432, b"other"),
        (ObjectId::DM_BOOTSTRAP, 0x6431, &DOCUMENT),
        (ObjectId::CP_CONFIG1, 0x6433, b"\x03\x01"),
    ])
}

fn notes(reading: &Reading) -> Vec<String> {
    reading.notes.iter().map(CardNote::to_string).collect()
}

#[test]
fn bootstraps_are_found_in_the_order_of_the_card_in_both_protocols() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let mut card = good(protocol);
        let reading = read(&mut card, None);
        assert_eq!(reading.iccid.as_ref().map(Iccid::digits), Some("8988211000000430010"));
        assert_eq!(notes(&reading), [""; 0]);
        assert!(reading.cut.is_none());
        let found: Vec<_> =
            reading.files.iter().map(|f| (f.role, f.path.to_string(), f.octets.as_slice())).collect();
        assert_eq!(
            found,
            [
                (FileRole::DmBootstrap, "6431".into(), DOCUMENT.as_slice()),
                (FileRole::CpConfig1, "6433".into(), b"\x03\x01".as_slice())
            ]
        );
        assert_eq!(reading.commands, card.commands);
        assert!(card.commands < 50, "{protocol:?}: {} commands", card.commands);
    }
}

#[test]
fn a_card_that_gives_no_fcp_is_read_to_where_its_files_end() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let mut card = good(protocol);
        card.silent = true;
        let reading = read(&mut card, None);
        assert_eq!(reading.files.len(), 2, "{protocol:?}: {:?}", notes(&reading));
        assert_eq!(reading.files[0].octets.as_slice(), DOCUMENT);
    }
}

#[test]
fn the_application_is_found_without_its_aid_or_without_ef_dir() {
    for (without_aid, without_dir, at) in
        [(true, false, 0x7F50), (false, true, 0x7F50), (true, true, 0x7F50), (true, true, 0x5015)]
    {
        let mut card = good(Protocol::T1);
        if without_dir {
            card.files.remove([0x3F00, 0x2F00].as_slice());
        }
        if without_aid {
            card.files.insert(vec![0x3F00, 0x7F50], File::Directory { aid: None });
        }
        let moved = card.files.iter().map(|(path, file)| {
            let path = path.iter().map(|f| if *f == 0x7F50 { at } else { *f }).collect();
            (path, file.clone())
        });
        card.files = moved.collect();
        let reading = read(&mut card, None);
        assert_eq!(reading.files.len(), 2, "{at:04X} {without_aid} {without_dir}: {:?}", notes(&reading));
    }
    let mut card = TestCard::new(Protocol::T0);
    card.files.retain(|path, _| path.len() < 2 || path[1] != 0x7F50);
    let reading = read(&mut card, None);
    assert_eq!(reading.notes, [CardNote::NoApplication]);
    assert!(reading.iccid.is_some());
}

#[test]
fn a_file_that_needs_a_pin_is_reported_and_no_pin_is_tried() {
    let mut card = good(Protocol::T0);
    let File::Transparent { denied, .. } = card.files.get_mut([0x3F00, 0x7F50, 0x6431].as_slice()).unwrap()
    else {
        panic!()
    };
    *denied = true;
    let reading = read(&mut card, None);
    assert_eq!(
        notes(&reading),
        ["READ BINARY of DM bootstrap 6431: the card answers 6982 (access condition not fulfilled)"]
    );
    assert_eq!(reading.files.len(), 1);
}

#[test]
fn a_file_shorter_than_its_fcp_ends_the_reading_of_it() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let mut card = good(protocol);
        let File::Transparent { stated, .. } =
            card.files.get_mut([0x3F00, 0x7F50, 0x6431].as_slice()).unwrap()
        else {
            panic!()
        };
        *stated = 0x7000;
        let reading = read(&mut card, None);
        assert!(card.commands < 60, "{protocol:?}: {} commands", card.commands);
        assert!(matches!(&reading.notes[..], [CardNote::Short { got: 307, size: 0x7000, .. }]));
        assert_eq!(reading.files[0].octets.as_slice(), DOCUMENT);
    }
}

#[test]
fn a_card_that_is_pulled_ends_the_reading_at_any_command() {
    let mut whole = good(Protocol::T0);
    let commands = read(&mut whole, None).commands;
    for life in 0..commands {
        let mut card = good(Protocol::T0);
        card.life = life;
        let reading = read(&mut card, None);
        assert_eq!(reading.cut, Some(CardError::Port(PortError::Gone)), "after {life}");
    }
}

#[test]
fn absolute_paths_are_followed_and_do_not_mislead_what_comes_after() {
    let mut card = good(Protocol::T1);
    card.put(&[0x3F00, 0x7F50, 0x6435], b"\x02\x01");
    card.put(&[0x3F00, 0x6431], b"decoy\x01");
    let mut dodf = Vec::new();
    let entry = |oid, fids: &[u16]| {
        let path = Path::new(fids.iter().map(|f| Fid(*f)));
        pkcs15::DataObject::new(pkcs15::Shape::OpaqueDo, oid, "x", path)
    };
    entry(ObjectId::DM_BOOTSTRAP, &[0x3F00, 0x7F50, 0x6435]).encode(&mut dodf);
    entry(ObjectId::CP_BOOTSTRAP, &[0x6431]).encode(&mut dodf);
    entry(ObjectId::CP_CONFIG2, &[0x3F00, 0x7F50, 0x6431]).encode(&mut dodf);
    card.put(&[0x3F00, 0x7F50, 0x6430], &dodf);
    let reading = read(&mut card, None);
    let found: Vec<_> = reading.files.iter().map(|f| (f.role, f.octets.len())).collect();
    assert_eq!(found, [(FileRole::DmBootstrap, 2), (FileRole::CpBootstrap, 300)]);
    assert_eq!(notes(&reading), ["EF(DODF) 6430 leads back to 3F00/7F50/6431; not followed"]);
}

#[test]
fn everything_has_a_limit() {
    let mut card = TestCard::new(Protocol::T1);
    let odf: Vec<u8> = (0..40u8).flat_map(|n| vectors::hex(&format!("A7063004040260{n:02X}"))).collect();
    card.put(&[0x3F00, 0x7F50, 0x5031], &odf);
    let reading = read(&mut card, None);
    assert!(reading.notes.contains(&CardNote::TooMany { what: "EF(DODF) in EF(ODF)", limit: 8 }));
    assert_eq!(reading.notes.len(), 1 + 8);

    let entries: Vec<(ObjectId, u16, &[u8])> =
        (0..20).map(|n| (ObjectId::DM_BOOTSTRAP, 0x6500 + n, b"\x01".as_slice())).collect();
    let reading = read(&mut TestCard::new(Protocol::T1).with(&entries), None);
    assert_eq!(reading.files.len(), 8);
    assert_eq!(reading.notes, [CardNote::TooMany { what: "bootstrap files", limit: 8 }]);

    /// Says 61FF for ever.
    struct Endless(usize);
    impl CardPort for Endless {
        fn exchange(&mut self, _: &[u8]) -> Result<Vec<u8>, PortError> {
            self.0 += 1;
            Ok(vec![0x61, 0xFF])
        }
    }
    let mut endless = Endless(0);
    let reading = read(&mut endless, None);
    assert!(endless.0 <= Contact::MAX_COMMANDS && reading.files.is_empty(), "{}", endless.0);
}

#[test]
fn garbage_is_reported_and_never_fatal() {
    /// Answers everything with octets that mean nothing.
    struct Noise(u64);
    impl CardPort for Noise {
        fn exchange(&mut self, _: &[u8]) -> Result<Vec<u8>, PortError> {
            let mut octets = Vec::new();
            for _ in 0..self.0 % 40 {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                octets.push(u8::try_from(self.0 >> 56).unwrap());
            }
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            octets.extend(if self.0 & 0x100 == 0 { [0x90, 0x00] } else { [0x6A, 0x82] });
            Ok(octets)
        }
    }
    for seed in 0..200 {
        read(&mut Noise(seed), None);
    }
    // Every cut of a good EF(ODF) and EF(DODF).
    let whole = good(Protocol::T1);
    for fid in [0x5031, 0x6430] {
        let path = [0x3F00, 0x7F50, fid];
        let File::Transparent { octets, .. } = &whole.files[path.as_slice()] else { panic!() };
        let used = tlv::strip_padding(octets).len();
        for end in 0..used {
            let mut card = whole.clone();
            card.put(&path, &octets[..end]);
            let reading = read(&mut card, None);
            assert!(reading.files.len() < 2, "{fid:04X} cut to {end}");
        }
    }
}

/// The shared EF(ODF) and EF(DODF), each put on a card.
#[test]
fn the_shared_directories_are_walked_or_refused() {
    let Some(cases) = vectors::vectors("card/odf-dodf.json") else { return };
    assert_eq!(cases.len(), 21);
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let octets = vectors::hex(case["hex"].as_str().unwrap());
        let mut card = TestCard::new(Protocol::T0);
        for fid in [0x4200, 0x6431, 0x6432] {
            card.put(&[0x3F00, 0x7F50, fid], &[&[0x03, 0x01], [0xFF; 30].as_slice()].concat());
        }
        let is_odf = case["file"] == "ODF";
        card.put(&[0x3F00, 0x7F50, if is_odf { 0x5031 } else { 0x6430 }], &octets);
        if is_odf {
            for fid in [0x4404, 0x4407, 0x5207, 0x6430] {
                card.put(
                    &[0x3F00, 0x7F50, fid],
                    &vectors::hex("A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026431"),
                );
            }
        }
        let reading = read(&mut card, None);
        let oid = case["decoded"]["entries"].as_array().and_then(|e| e.last()).map(|e| e["oid"].clone());
        let ours =
            is_odf || oid.is_some_and(|o| o == "2.23.43.5.1" || o == "2.23.43.5.2" || o == "2.23.43.7.1");
        let (files, notes) = (reading.files.len(), notes(&reading));
        match case["expect"].as_str().unwrap() {
            "ok" if ours => assert_eq!(files, 1, "{id}: {notes:?}"),
            "ok" => assert_eq!((files, notes.len()), (0, 0), "{id}: {notes:?}"),
            _ if id == "N-odf-ff" => assert_eq!(files, 0, "{id}"),
            _ => assert!(files == 0 && notes.len() == 1, "{id}: {notes:?}"),
        }
    }
}
