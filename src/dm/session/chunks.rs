//! Large objects that come in chunks (OMA DM Protocol 1.2, section 7; SyncML RepPro 1.2, `MoreData`).
//!
//! All chunks but the last carry `MoreData`; the first states the whole size in `Meta/Size`. Chunks of one object
//! follow each other without another object between them.

use crate::wire::syncml::{Data, Item, Meta, MoreData, StatusCode};

/// Puts one object at a time together.
#[derive(Clone)]
pub(super) struct Chunks {
    limit: usize,
    partial: Option<Partial>,
}

#[derive(Clone)]
struct Partial {
    uri: String,
    size: usize,
    octets: Vec<u8>,
    /// The kind of what was put together so far.
    text: bool,
    meta: Option<Meta>,
}

/// What an item is.
pub(super) enum Piece {
    /// A whole object, or the last chunk of one: its data and the `Meta` that came with the object's first chunk.
    Whole(Option<Data>, Option<Meta>),
    /// A chunk, with more to come.
    Chunk,
    /// It cannot be taken; the object, if one was begun, is dropped.
    Refused(StatusCode),
}

impl Chunks {
    /// Objects of more than `limit` octets are refused.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, partial: None }
    }

    /// True while an object is not whole.
    pub(super) fn is_waiting(&self) -> bool {
        self.partial.is_some()
    }

    /// Gives up the object that is not whole, when the item at `uri` does not go on with it. True when there was one:
    /// the device has to be told by Alert 1225.
    pub(super) fn interrupted_by(&mut self, uri: &str) -> bool {
        self.partial.take_if(|p| p.uri != uri).is_some()
    }

    /// Takes an item with the `Meta` that holds for it.
    pub(super) fn take(&mut self, uri: &str, item: &Item, meta: Option<&Meta>) -> Piece {
        let more = item.more_data == MoreData::Yes;
        let partial = match (self.partial.take(), more) {
            (None, false) => return Piece::Whole(item.data.clone(), meta.cloned()),
            (Some(partial), _) => partial,
            (None, true) => {
                let Some(size) = meta.and_then(|m| m.size) else {
                    return Piece::Refused(StatusCode(411)); // size required
                };
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                if size > self.limit {
                    return Piece::Refused(StatusCode(413)); // entity too large
                }
                Partial { uri: uri.to_owned(), size, octets: Vec::new(), text: true, meta: meta.cloned() }
            }
        };
        self.append(partial, item, more)
    }

    fn append(&mut self, mut partial: Partial, item: &Item, more: bool) -> Piece {
        match &item.data {
            Some(Data::Text(text)) => partial.octets.extend_from_slice(text.as_bytes()),
            Some(Data::Octets(octets)) => {
                partial.text = false;
                partial.octets.extend_from_slice(octets);
            }
            Some(Data::Element(_)) => return Piece::Refused(StatusCode::BAD_REQUEST),
            None => {}
        }
        let got = partial.octets.len();
        if got > partial.size || (!more && got != partial.size) {
            return Piece::Refused(StatusCode(424)); // size mismatch
        }
        if more {
            self.partial = Some(partial);
            return Piece::Chunk;
        }
        let data = match String::from_utf8(partial.octets) {
            Ok(text) if partial.text => Data::Text(text),
            Ok(text) => Data::Octets(text.into_bytes()),
            Err(error) => Data::Octets(error.into_bytes()),
        };
        Piece::Whole(Some(data), partial.meta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str, more_data: MoreData) -> Item {
        Item { data: Some(Data::Text(text.to_owned())), more_data, ..Item::default() }
    }

    fn sized(size: u64) -> Meta {
        Meta { size: Some(size), ..Meta::default() }
    }

    fn code(piece: Piece) -> u16 {
        match piece {
            Piece::Whole(..) => 200,
            Piece::Chunk => 213,
            Piece::Refused(code) => code.0,
        }
    }

    #[test]
    fn chunks_become_an_object() {
        let mut chunks = Chunks::new(100);
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), Some(&sized(8)))), 213);
        assert!(chunks.is_waiting());
        assert!(!chunks.interrupted_by("./A"));
        assert_eq!(code(chunks.take("./A", &item("def", MoreData::Yes), None)), 213);
        let Piece::Whole(Some(Data::Text(text)), Some(meta)) =
            chunks.take("./A", &item("gh", MoreData::No), None)
        else {
            panic!("not whole");
        };
        assert_eq!((text.as_str(), meta.size), ("abcdefgh", Some(8)));
        assert!(!chunks.is_waiting());
    }

    #[test]
    fn sizes_are_held_to() {
        let mut chunks = Chunks::new(8);
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), None)), 411);
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), Some(&sized(9)))), 413);
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), Some(&sized(u64::MAX)))), 413);
        // Too much, too little.
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), Some(&sized(4)))), 213);
        assert_eq!(code(chunks.take("./A", &item("de", MoreData::Yes), None)), 424);
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), Some(&sized(5)))), 213);
        assert_eq!(code(chunks.take("./A", &item("d", MoreData::No), None)), 424);
        assert!(!chunks.is_waiting());
    }

    #[test]
    fn another_object_interrupts() {
        let mut chunks = Chunks::new(8);
        assert!(!chunks.interrupted_by("./A"));
        assert_eq!(code(chunks.take("./A", &item("abc", MoreData::Yes), Some(&sized(8)))), 213);
        assert!(chunks.interrupted_by("./B"));
        assert_eq!(code(chunks.take("./B", &item("whole", MoreData::No), None)), 200);
    }
}
