//! The text of a delivery receipt (SMPP 3.4, appendix B): vendor specific by the letter, the same nearly everywhere.
//!
//! ```text
//! id:m4 sub:001 dlvrd:001 submit date:2611221236 done date:2611221236 stat:DELIVRD err:000 text:...
//! ```

use super::MessageState;

/// What counts of a receipt's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptText {
    /// The message, as the SMSC writes it here: perhaps in decimal where its submit response was hexadecimal.
    pub id: String,
    /// What became of it.
    pub state: MessageState,
    /// The network's error code where it is a number.
    pub error: Option<u32>,
}

/// Text that is no receipt. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text of a receipt has no {0}; expected `id:... stat:DELIVRD ...`")]
pub struct ReceiptTextError(&'static str);

impl ReceiptText {
    /// The most octets of an id: those of `message_id`.
    pub const LONGEST_ID: usize = 64;

    /// Reads a receipt. Case of the keys and order do not count, unknown keys are passed over; a key counts where it is
    /// seen first, since the text of the message stands at the end and may hold anything.
    ///
    /// # Errors
    /// [`ReceiptTextError`] when there is no id or no state.
    pub fn parse(text: &str) -> Result<Self, ReceiptTextError> {
        let id = value(text, "id").filter(|id| id.len() <= Self::LONGEST_ID).ok_or(ReceiptTextError("id"))?;
        let state = value(text, "stat").and_then(MessageState::from_word).ok_or(ReceiptTextError("state"))?;
        let error = value(text, "err").and_then(|digits| digits.parse().ok());
        Ok(Self { id: id.to_owned(), state, error })
    }
}

/// The value of a key: what stands behind `key:` up to the next white space. None when it is empty.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or("");
        let here = before.is_whitespace()
            && rest.get(..key.len()).is_some_and(|own| own.eq_ignore_ascii_case(key))
            && rest.get(key.len()..).is_some_and(|r| r.starts_with(':'));
        if here {
            let value = rest.get(key.len() + 1..).unwrap_or("").trim_start_matches(' ');
            return value.split(|c: char| c.is_whitespace() || c == '\0').next().filter(|v| !v.is_empty());
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, MessageState, Option<u32>) {
        let receipt = ReceiptText::parse(text).unwrap();
        (receipt.id, receipt.state, receipt.error)
    }

    #[test]
    fn receipts_are_read_as_they_are_in_the_field() {
        use MessageState::{Delivered, Expired, Undeliverable};
        for (text, wanted) in [
            (
                "id:m4 sub:001 dlvrd:001 submit date:2611221236 done date:2611221236 stat:DELIVRD err:000 text:hello",
                ("m4", Delivered, Some(0)),
            ),
            ("id:0123456789 stat:UNDELIV err:27", ("0123456789", Undeliverable, Some(27))),
            ("ID:AB12 Stat:expired Err:0x1F text:id:9 stat:DELIVRD", ("AB12", Expired, None)),
            ("id: 77 sub:001 stat: DELIVRD", ("77", Delivered, None)),
            ("stat:DELIVRD\r\nid:7\0", ("7", Delivered, None)),
        ] {
            let (id, state, error) = read(text);
            assert_eq!((id.as_str(), state, error), wanted, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_receipt_is_said_to_be_none() {
        for (text, what) in [
            ("", "id"),
            ("hello", "id"),
            ("id:", "id"),
            ("id:7", "state"),
            ("id:7 stat:WHAT", "state"),
            ("stat:DELIVRD", "id"),
            ("grid:7 stat:DELIVRD", "id"),
        ] {
            assert_eq!(ReceiptText::parse(text), Err(ReceiptTextError(what)), "{text}");
        }
        let long = format!("id:{} stat:DELIVRD", "9".repeat(65));
        assert_eq!(ReceiptText::parse(&long), Err(ReceiptTextError("id")));
    }

    #[test]
    fn every_cut_is_read_or_refused() {
        let text = "id:ü1 sub:001 stat:DELIVRD err:000 text:é";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let whole = end >= text.find("DELIV").unwrap() + 5;
            assert_eq!(ReceiptText::parse(&text[..end]).is_ok(), whole, "{end}");
        }
    }
}
