//! `decode(encode(x)) = x` of the small codecs, which have no properties of their own beside them.
#![cfg(test)]

use proptest::{collection::vec, option, prelude::*};

use super::{
    Encode, Fid, Path, Reader,
    apdu::{CommandApdu, ResponseApdu, StatusWord},
    pkcs15::{DirEntry, ObjectClass, ObjectId, Odf, OdfEntry, PathRange, Pkcs15Path, Reference},
    uintvar,
};

fn path() -> impl Strategy<Value = Path> {
    vec(any::<u16>().prop_map(Fid), 1..=Path::MAX_DEPTH).prop_map(Path::new)
}

proptest! {
    #[test]
    fn numbers(value: u32, behind: u8) {
        let mut out = vec![0xA5];
        uintvar::write(value, &mut out);
        out.push(behind);
        let mut r = Reader::new(&out[1..]);
        prop_assert_eq!(uintvar::read(&mut r, "number"), Ok(value));
        prop_assert_eq!(r.rest(), &[behind]);
    }

    #[test]
    fn commands(head: [u8; 4], data in vec(any::<u8>(), 0..=CommandApdu::MAX_DATA), le in option::of(any::<u8>())) {
        let [cla, ins, p1, p2] = head;
        let mut apdu = CommandApdu::new(cla, ins, p1, p2).with_data(&data).unwrap();
        if let Some(le) = le {
            apdu = apdu.with_le(le);
        }
        prop_assert_eq!(CommandApdu::decode(&apdu.to_octets()), Ok(apdu));
    }

    #[test]
    fn responses(data in vec(any::<u8>(), 0..=256), sw: u16) {
        let response = ResponseApdu { data, sw: StatusWord(sw) };
        prop_assert_eq!(ResponseApdu::decode(&response.to_octets()), Ok(response));
    }

    #[test]
    fn paths(path in path()) {
        prop_assert_eq!(Path::from_octets(&path.to_octets()), Ok(path.clone()));
        prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path.clone()));
        prop_assert_eq!(path.fids().first().and_then(|f| Fid::from_octets(&f.octets())), path.fids().first().copied());
    }

    #[test]
    fn directory_entries(
        aid in vec(any::<u8>(), 1..=16), label in option::of("\\PC{0,32}"), path in option::of(path()), padding in 0usize..9,
    ) {
        let entry = DirEntry { aid, label, path };
        let mut record = entry.to_octets();
        record.resize(record.len() + padding, 0xFF);
        prop_assert_eq!(DirEntry::decode(&record), Ok(entry));
    }

    #[test]
    fn directories_of_objects(
        list in vec((0xA0u8..=0xA8, path(), option::of(any::<(u32, u32)>())), 0..4), padding in 0usize..9,
    ) {
        let entry = |(class, path, range): (u8, Path, Option<(u32, u32)>)| OdfEntry {
            class: ObjectClass(class),
            reference: Reference::File(Pkcs15Path {
                path,
                range: range.map(|(index, length)| PathRange { index, length }),
            }),
        };
        let entries: Vec<OdfEntry> = list.into_iter().map(entry).collect();
        let mut file: Vec<u8> = entries.iter().flat_map(Encode::to_octets).collect();
        let used = file.len();
        file.resize(used + padding, 0xFF);
        let odf = Odf::decode(&file).unwrap();
        prop_assert_eq!((odf.used, odf.entries), (used, entries));
    }

    #[test]
    fn object_identifiers(arcs in vec(any::<u32>(), 1..5)) {
        let arcs: String = arcs.iter().map(|a| format!(".{a}")).collect();
        let id: ObjectId = format!("2.23{arcs}").parse().unwrap();
        prop_assert_eq!(ObjectId::from_octets(id.octets()), Ok(id));
    }
}
