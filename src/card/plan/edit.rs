//! Edits of the files that lead to others, EF(ODF) and EF(DODF): only their tail changes, and what stands before it is not
//! touched.

use crate::card::FilePath;

use super::{Operation, Region};

/// How a listing is changed from one of its entries on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// Where the first entry that changes begins.
    pub(super) at: usize,
    /// Where the entries end now.
    pub(super) used: usize,
    /// The entries from there on.
    pub(super) octets: Vec<u8>,
}

impl Edit {
    /// Entries behind those that are there.
    pub(super) fn append(used: usize, octets: Vec<u8>) -> Self {
        Self { at: used, used, octets }
    }

    /// How many octets the listing takes up afterwards.
    pub(super) fn end(&self) -> usize {
        self.at + self.octets.len()
    }

    /// Takes an entry away that is there now. `now` is the whole file.
    pub(super) fn take_out(&self, file: &FilePath, now: &[u8]) -> Option<Operation> {
        let old = *now.get(self.at).filter(|_| self.at < self.used)?;
        Some(Operation::TakeOut { file: file.clone(), at: self.at, old })
    }

    /// Writes all but the first octet, and puts that in place. `now` is the whole file; what stands behind the new end is made FF
    /// up to where the file is padding already.
    pub(super) fn operations(&self, file: &FilePath, now: &[Option<u8>]) -> Option<(Operation, Operation)> {
        let (first, rest) = self.octets.split_first()?;
        let is_padding = |octet: &Option<u8>| matches!(octet, Some(0x00 | 0xFF));
        let old_end = now.iter().rposition(|octet| !is_padding(octet)).map_or(0, |last| last + 1);
        let end = self.end().max(old_end.min(now.len()));
        let mut old: Vec<_> = now.iter().copied().skip(self.at).take(end - self.at).collect();
        // Until the first octet is put in place there is padding where the entry begins.
        let head = match old.first_mut() {
            Some(octet) if self.at < self.used => *octet.insert(0xFF),
            Some(Some(octet @ (0x00 | 0xFF))) => *octet,
            _ => 0xFF,
        };
        let mut new = vec![head];
        new.extend_from_slice(rest);
        new.resize(end - self.at, 0xFF);
        let region = Region { file: file.clone(), at: self.at, old, new };
        let put_in = Operation::PutIn { file: file.clone(), at: self.at, octet: *first };
        Some((Operation::Write(region), put_in))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fid;

    fn known(octets: &[u8]) -> Vec<Option<u8>> {
        octets.iter().copied().map(Some).collect()
    }

    fn parts(edit: &Edit, now: &[Option<u8>]) -> (usize, Vec<u8>, usize, u8) {
        match edit.operations(&FilePath::mf().child(Fid::DODF), now) {
            Some((Operation::Write(region), Operation::PutIn { at, octet, .. })) => {
                (region.at, region.new, at, octet)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_octet_of_an_entry_comes_last() {
        let now = known(&[0xA1, 0x00, 0xFF, 0xFF, 0xFF, 0xFF]);
        let edit = Edit::append(2, vec![0x30, 0x01, 0x05]);
        assert_eq!(parts(&edit, &now), (2, vec![0xFF, 0x01, 0x05], 2, 0x30));
        assert!(edit.take_out(&FilePath::mf(), &[0xA1, 0x00, 0xFF]).is_none());
    }

    #[test]
    fn what_an_interrupted_edit_left_behind_is_cleaned() {
        let now = known(&[0xA1, 0x00, 0xFF, 0x77, 0x77, 0x77, 0xFF]);
        let edit = Edit::append(2, vec![0x30, 0x00]);
        assert_eq!(parts(&edit, &now), (2, vec![0xFF, 0x00, 0xFF, 0xFF], 2, 0x30));
    }

    #[test]
    fn an_entry_that_is_there_is_taken_out_first() {
        let now = known(&[0x30, 0x02, 0x05, 0x05, 0xFF]);
        let edit = Edit { at: 0, used: 4, octets: vec![0xA1, 0x00] };
        let taken = edit.take_out(&FilePath::mf(), &[0x30, 0x02, 0x05, 0x05, 0xFF]);
        assert!(matches!(taken, Some(Operation::TakeOut { at: 0, old: 0x30, .. })));
        assert_eq!(parts(&edit, &now), (0, vec![0xFF, 0x00, 0xFF, 0xFF], 0, 0xA1));
    }
}
