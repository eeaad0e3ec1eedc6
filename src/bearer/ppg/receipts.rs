//! Receipts of segments added up to what is known of the delivery.

use crate::{
    bearer::{ReceiptState, State},
    wire::pap::StatusCode,
};

/// What the receipts of a delivery of `segments` segments come to, each with the number of its segment from 0; none while
/// something may still come.
///
/// One segment that is lost loses the whole: the device cannot put it together. Where segments ended in different ways the
/// worst counts: what cannot be delivered for good, then what ran out of time, then what nobody knows. The first segment
/// that ended so is named.
pub fn add_up(receipts: &[(u8, ReceiptState)], segments: u8) -> Option<(State, StatusCode, String)> {
    let first = |wanted: &[ReceiptState]| {
        receipts.iter().filter(|(_, receipt)| wanted.contains(receipt)).min_by_key(|(segment, _)| *segment)
    };
    let of = |segment: u8| match segments {
        0 | 1 => String::new(),
        _ => format!(" (segment {} of {segments})", u16::from(segment) + 1),
    };
    let failed = |state, why: &str, segment| {
        Some((state, StatusCode::SERVICE_FAILURE, format!("the SMSC says that {why}{}", of(segment))))
    };
    if let Some((segment, receipt)) =
        first(&[ReceiptState::Undeliverable, ReceiptState::Rejected, ReceiptState::Deleted])
    {
        let why = match receipt {
            ReceiptState::Deleted => "it was deleted",
            ReceiptState::Rejected => "it was rejected",
            _ => "it cannot be delivered",
        };
        return failed(State::Undeliverable, why, *segment);
    }
    if let Some((segment, _)) = first(&[ReceiptState::Expired]) {
        return failed(State::Expired, "its time ran out", *segment);
    }
    // What is read by a person at the SMSC on behalf of the subscriber (`Accepted`) is not at the device, and may get there.
    let on_its_way = |receipt| matches!(receipt, ReceiptState::Enroute | ReceiptState::Accepted);
    let ended = receipts.iter().filter(|(_, receipt)| !on_its_way(*receipt)).count();
    if segments == 0 || ended < usize::from(segments) {
        return None;
    }
    if let Some((segment, _)) = first(&[ReceiptState::Unknown]) {
        return failed(State::Unknown, "it does not know what became of it", *segment);
    }
    Some((State::Delivered, StatusCode::OK, "the device has it, as the SMSC says".to_owned()))
}

/// What is said of a delivery whose time for receipts ran out; `accepted` when the last word of the SMSC about some of it was
/// that it had accepted it.
pub fn silence(accepted: bool) -> &'static str {
    if accepted {
        "the SMSC accepted it and never said whether the device has it"
    } else {
        "the network took it and never said what became of it"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReceiptState::{Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Undeliverable, Unknown};

    fn sum(receipts: &[ReceiptState], segments: u8) -> Option<(State, String)> {
        let numbered: Vec<_> = (0..).zip(receipts.iter().copied()).collect();
        // In whatever order they are told.
        let turned: Vec<_> = numbered.iter().rev().copied().collect();
        let said = add_up(&numbered, segments).map(|(state, _, why)| (state, why));
        assert_eq!(said, add_up(&turned, segments).map(|(state, _, why)| (state, why)));
        said
    }

    #[test]
    fn all_segments_must_arrive() {
        let state = |receipts: &[_], segments| sum(receipts, segments).map(|(state, _)| state);
        assert_eq!(state(&[], 1), None);
        assert_eq!(state(&[Delivered], 1), Some(State::Delivered));
        assert_eq!(state(&[Delivered], 2), None);
        assert_eq!(state(&[Delivered, Enroute], 2), None);
        assert_eq!(state(&[Delivered, Accepted], 2), None);
        assert_eq!(state(&[Delivered, Unknown], 2), Some(State::Unknown));
        // One lost segment decides at once.
        assert_eq!(state(&[Rejected], 5), Some(State::Undeliverable));
        assert_eq!(state(&[Delivered, Expired], 5), Some(State::Expired));
        assert_eq!(state(&[], 0), None);
    }

    #[test]
    fn the_worst_end_counts_and_the_first_segment_that_had_it_is_named() {
        for (receipts, state, why) in [
            (
                &[Expired, Undeliverable, Rejected][..],
                State::Undeliverable,
                "it cannot be delivered (segment 2 of 3)",
            ),
            (&[Unknown, Expired, Expired], State::Expired, "its time ran out (segment 2 of 3)"),
            (&[Delivered, Unknown, Unknown], State::Unknown, "what became of it (segment 2 of 3)"),
            (&[Delivered, Delivered, Deleted], State::Undeliverable, "it was deleted (segment 3 of 3)"),
        ] {
            let (got, said) = sum(receipts, 3).unwrap();
            assert!(got == state && said.ends_with(why), "{receipts:?}: {got:?} {said}");
        }
        assert_eq!(sum(&[Rejected], 1).unwrap().1, "the SMSC says that it was rejected");
    }
}
