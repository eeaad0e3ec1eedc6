//! Data objects among the octets of a journal: recovery holds octets against octets, place by place, and objects have no places.
//!
//! So each object is laid out: its octets with tag and length, then FF, which no tag is; no object is FF alone. Old and new are
//! laid out to one length, and one octet more that is FF in both: an object that is longer than either shows there.

use zeroize::Zeroizing;

use super::Touch;
use crate::{
    card::FilePath,
    wire::{Decode, Reader, tlv::Tlv},
};

/// What the octet behind an object shows that is longer than any that was expected.
const LONGER: u8 = 0x01;

impl Touch {
    /// A data object comes, goes or becomes another. Both with tag and length.
    pub(in crate::card) fn object(file: FilePath, tag: u8, old: Option<&[u8]>, new: Option<&[u8]>) -> Self {
        let length = old.map_or(0, <[u8]>::len).max(new.map_or(0, <[u8]>::len)) + 1;
        let laid_out = |object: Option<&[u8]>| Zeroizing::new(lay_out(object, length));
        Self::Object { file, tag, old: laid_out(old), new: laid_out(new) }
    }
}

/// An object laid out.
pub(in crate::card) fn lay_out(object: Option<&[u8]>, length: usize) -> Vec<u8> {
    let object = object.unwrap_or_default();
    let mut octets: Vec<u8> = object.iter().copied().take(length).collect();
    octets.resize(length, 0xFF);
    if let (Some(last), true) = (octets.last_mut(), object.len() >= length) {
        *last = LONGER;
    }
    octets
}

/// The object that is laid out, with tag and length; none when there is none.
pub(in crate::card) fn object_in(octets: &[u8]) -> Option<Vec<u8>> {
    if matches!(octets.first(), None | Some(0xFF)) {
        return None;
    }
    let mut r = Reader::new(octets);
    Tlv::decode(&mut r).ok()?;
    octets.get(..r.position()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_laid_out_and_found_again() {
        let (short, long) = (&[0x81, 0x01, 0xFF][..], &[0x81, 0x02, 0x01, 0x02][..]);
        let touch = Touch::object(FilePath::mf(), 0x81, Some(short), Some(long));
        let Touch::Object { old, new, .. } = touch else { panic!() };
        assert_eq!(*old, [0x81, 0x01, 0xFF, 0xFF, 0xFF]);
        assert_eq!(*new, [0x81, 0x02, 0x01, 0x02, 0xFF]);
        assert_eq!((object_in(&old).as_deref(), object_in(&new).as_deref()), (Some(short), Some(long)));
        assert_eq!(object_in(&lay_out(None, 5)), None);
        // Longer than any that was expected.
        assert_eq!(lay_out(Some(&[0x81, 0x03, 0x01, 0x02, 0x03]), 5), [0x81, 0x03, 0x01, 0x02, LONGER]);
    }
}
