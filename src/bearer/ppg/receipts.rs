//! Receipts of segments added up to what is known of the delivery.

use crate::{
    bearer::{ReceiptState, State},
    wire::pap::StatusCode,
};

/// What the receipts of a delivery of `segments` segments come to; none while something may still come.
///
/// One segment that is lost loses the whole: the device cannot put it together.
pub fn add_up(receipts: &[ReceiptState], segments: u8) -> Option<(State, StatusCode, String)> {
    let segments = usize::from(segments);
    let lost = receipts.iter().find_map(|receipt| match receipt {
        ReceiptState::Expired => Some((State::Expired, "the SMSC says that its time ran out")),
        ReceiptState::Deleted => Some((State::Undeliverable, "the SMSC says that it was deleted")),
        ReceiptState::Undeliverable => {
            Some((State::Undeliverable, "the SMSC says that it cannot be delivered"))
        }
        ReceiptState::Rejected => Some((State::Undeliverable, "the SMSC says that it was rejected")),
        _ => None,
    });
    if let Some((state, why)) = lost {
        let of = if segments > 1 { " of one of its segments" } else { "" };
        return Some((state, StatusCode::SERVICE_FAILURE, format!("{why}{of}")));
    }
    let ended = receipts.iter().filter(|r| **r != ReceiptState::Enroute).count();
    if segments == 0 || ended < segments {
        return None;
    }
    if receipts.contains(&ReceiptState::Unknown) {
        let why = "the SMSC does not know what became of it".to_owned();
        return Some((State::Unknown, StatusCode::SERVICE_FAILURE, why));
    }
    // `Accepted` is read by a person at the SMSC on behalf of the subscriber, which is as good as delivered.
    Some((State::Delivered, StatusCode::OK, "the device has it, as the SMSC says".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReceiptState::{Accepted, Delivered, Enroute, Expired, Rejected, Unknown};

    #[test]
    fn all_segments_must_arrive() {
        let state = |receipts: &[_], segments| add_up(receipts, segments).map(|(state, ..)| state);
        assert_eq!(state(&[], 1), None);
        assert_eq!(state(&[Delivered], 1), Some(State::Delivered));
        assert_eq!(state(&[Delivered], 2), None);
        assert_eq!(state(&[Delivered, Enroute], 2), None);
        assert_eq!(state(&[Delivered, Accepted], 2), Some(State::Delivered));
        assert_eq!(state(&[Delivered, Unknown], 2), Some(State::Unknown));
        // One lost segment decides at once.
        assert_eq!(state(&[Rejected], 5), Some(State::Undeliverable));
        assert_eq!(state(&[Delivered, Expired], 5), Some(State::Expired));
        assert_eq!(state(&[], 0), None);
    }
}
