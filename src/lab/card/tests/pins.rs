//! PINs and PUKs of a virtual card: new values, on and off, and their counters, in both classes.

use super::*;
use crate::lab::image::Personality;

const OLD: &str = "31323334FFFFFFFF";
const NEW: &str = "37373737FFFFFFFF";
const PUK: &str = "3331343135393236";
const NO_PUK: &str = "3030303030303030";

fn sim() -> VirtualCard {
    let sample = Sample { personality: Personality::Sim, ..sample(SampleKind::Pin) };
    VirtualCard::from_image(sample.image()).unwrap()
}

/// The status of CHV1, its PUK, CHV2 and its PUK.
fn chvs(card: &mut VirtualCard) -> [u8; 4] {
    let answer = card.exchange(&hex("A0F2000016"));
    answer[18..22].try_into().unwrap()
}

#[test]
fn a_uicc_changes_and_unblocks_its_pin() {
    let card = &mut card(SampleKind::Pin);
    says(card, &format!("0024000110 {NEW} {OLD}"), "63C2");
    says(card, &format!("0024000110 {OLD} {NEW}"), "9000");
    card.reset();
    says(card, "0020000100", "63C3");
    for sw in ["63C2", "63C1", "63C0", "6983"] {
        says(card, &format!("0020000108 {OLD}"), sw);
    }
    says(card, &format!("0024000110 {NEW} {OLD}"), "6983");
    says(card, "002C000100", "63CA");
    says(card, &format!("002C000110 {NO_PUK} {OLD}"), "63C9");
    says(card, &format!("002C000110 {PUK} {OLD}"), "9000");
    // It counts as presented, and the PUK has all its tries again.
    says(card, "0020000100", "9000");
    says(card, "002C000100", "63CA");
    for command in ["002400010A 31323334FFFFFFFF3737", "002C000108 3331343135393236"] {
        says(card, command, "6700");
    }
    // ADM1 has no PUK, and key 02 is none of this card's.
    for command in ["002C000A00", "002C000200", "0024000210 31323334FFFFFFFF 37373737FFFFFFFF"] {
        says(card, command, "6A88");
    }
    says(card, &format!("0024010110 {OLD} {NEW}"), "6A86");
}

#[test]
fn a_puk_is_used_up() {
    let card = &mut card(SampleKind::Pin);
    for left in (0..10).rev() {
        says(card, &format!("002C000110 {NO_PUK} {NEW}"), &format!("63C{left:X}"));
    }
    says(card, &format!("002C000110 {PUK} {NEW}"), "6983");
    says(card, "002C000100", "6983");
    says(card, "0020000100", "63C3");
}

#[test]
fn a_pin_goes_off_and_on() {
    let card = &mut card(SampleKind::Pin);
    says(card, &format!("0028000108 {OLD}"), "6985");
    says(card, &format!("0026000108 {NEW}"), "63C2");
    says(card, &format!("0026000108 {OLD}"), "9000");
    says(card, &format!("0026000108 {OLD}"), "6985");
    says(card, &format!("0024000110 {OLD} {NEW}"), "6984");
    card.reset();
    says(card, "0020000100", "6984");
    says(card, &format!("0028000108 {OLD}"), "9000");
    says(card, "0020000100", "9000");
    // Unblocking switches it on, too.
    says(card, &format!("0026000108 {OLD}"), "9000");
    says(card, &format!("002C000110 {PUK} {NEW}"), "9000");
    card.reset();
    says(card, "0020000100", "63C3");
    says(card, "0026000A08 3132333435363738", "6A88");
}

#[test]
fn a_sim_has_the_same_in_its_class() {
    let card = &mut sim();
    assert_eq!(chvs(card), [0x83, 0x8A, 0x83, 0x8A]);
    says(card, &format!("A024000110 {NEW} {OLD}"), "9804");
    says(card, &format!("A02C000010 {NO_PUK} {NEW}"), "9804");
    assert_eq!(chvs(card), [0x82, 0x89, 0x83, 0x8A]);
    says(card, &format!("A024000110 {OLD} {NEW}"), "9000");
    says(card, &format!("A02C000010 {PUK} {OLD}"), "9000");
    assert_eq!(chvs(card), [0x83, 0x8A, 0x83, 0x8A]);
    // The second PIN is 02 here, whatever the card keeps it under.
    says(card, "A020000208 35363738FFFFFFFF", "9000");
    says(card, "A02C000210 3237313832383138 31313131FFFFFFFF", "9000");
    says(card, "A020000208 35363738FFFFFFFF", "9804");
    assert_eq!(chvs(card), [0x83, 0x8A, 0x82, 0x8A]);
    says(card, &format!("A026000108 {OLD}"), "9000");
    says(card, &format!("A026000108 {OLD}"), "9808");
    says(card, "A026000208 31313131FFFFFFFF", "6B00");
    says(card, "A02C000000", "6710");
    says(card, &format!("A02C000110 {PUK} {OLD}"), "6B00");
    for left in (0..10).rev() {
        let sw = if left == 0 { "9840" } else { "9804" };
        says(card, &format!("A02C000010 {NO_PUK} {NEW}"), sw);
    }
    says(card, &format!("A02C000010 {PUK} {NEW}"), "9840");
}

#[test]
fn an_image_keeps_its_puks() {
    let card = &mut card(SampleKind::Pin);
    says(card, &format!("002C000110 {NO_PUK} {NEW}"), "63C9");
    let image: CardImage = serde_json::from_str(&card.image().to_string()).unwrap();
    assert!(image == card.image());
    says(&mut VirtualCard::from_image(image.clone()).unwrap(), "002C000100", "63C9");
    let mut broken = image;
    broken.keys[0].puk.as_mut().unwrap().tries = 11;
    assert!(VirtualCard::from_image(broken).is_err());
    let shown = format!("{:?}", card.image().keys);
    assert!(!shown.contains("3331343135") && !shown.contains("31415926"), "{shown}");
}
