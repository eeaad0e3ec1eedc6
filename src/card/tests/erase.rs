//! Erasing: empty files that stay, and are written again.

#![cfg(test)]

use super::*;

#[test]
fn erasing_leaves_empty_files_that_are_written_again() {
    let card = card(SampleKind::Bare, Protocol::T1);
    let (cp, dm) = (file(CP, payload(700, 1)), file(DM, payload(200, 2)));
    write(&card, &[cp.clone(), dm], &options());
    erase(&card);
    assert!(found(&card, CP).is_empty() && found(&card, DM).is_empty());
    for fid in [0x6431, 0x6432] {
        assert!(at_rest(&card, &pkcs15(fid)).iter().all(|octet| *octet == 0xFF));
    }
    assert_eq!(erase(&card), Outcome::Unchanged);
    write(&card, std::slice::from_ref(&cp), &options());
    assert_eq!(found(&card, CP), cp.octets);
    let bare = self::card(SampleKind::Bare, Protocol::T0);
    let mut reader = InProcess::insert(&bare, bay());
    let error = plan_erase(&mut FileSystem::new(Session::new(&mut reader)), &[CP], &options()).unwrap_err();
    assert!(matches!(error, PlanError::NothingToErase));
}
