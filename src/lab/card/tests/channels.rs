//! Logical channels, against the letter of TS 102 221 and a trace of a phone.

use super::*;
use crate::lab::image::Quirk;

#[test]
fn each_channel_has_its_own_selection_and_all_share_the_keys() {
    for card in [&mut card(SampleKind::Prepared), &mut card_t1(SampleKind::Prepared)] {
        says(card, "0070000001", "01 9000");
        says(card, "0070000001", "02 9000");
        // A channel that is opened from the basic one begins in the MF.
        says(card, "01A4000C022FE2", "9000");
        says(card, "02B0000001", "6986");
        says(card, "02A4080C047F506431", "9000");
        says(card, "01B000000A", "988812010000400310F0 9000");
        // A key that was presented on one counts on all.
        says(card, "0020000A083132333435363738", "9000");
        says(card, "02D6000001AA", "9000");
        says(card, "00B0000001", "6986");
        // From another channel than the basic one, where that one is.
        says(card, "0270000001", "03 9000");
        says(card, "03A4000C026432", "9000");
        says(card, "0070000001", "6A81");
        says(card, "0270800000", "9000");
        says(card, "02B0000001", "6881");
        says(card, "0070800300", "9000");
        says(card, "0070000200", "9000");
        card.reset();
        says(card, "01B0000001", "6881");
    }
}

/// The flow of a phone that a modem's trace shows (card sheet, A.2), with the channel in each class octet.
#[test]
fn the_flow_of_a_phone_on_channel_1() {
    let card = &mut card_t1(SampleKind::Prepared);
    says(card, "0070000001", "01 9000");
    assert!(card.exchange(&hex("01A404040CA000000063504B43532D313500")).ends_with(&[0x90, 0x00]));
    assert!(card.exchange(&hex("01A40804047FFF503100")).ends_with(&[0x90, 0x00]));
    says(card, "01B0000008", "A706300404026430 9000");
    assert!(card.exchange(&hex("01A40804047FFF643000")).ends_with(&[0x90, 0x00]));
    says(card, "01708001", "9000");
    says(card, "01B0000001", "6881");
}

#[test]
fn a_card_without_channels_says_6881() {
    let mut image = sample(SampleKind::Prepared).image();
    image.add_quirk(Quirk::NoChannels);
    let card = &mut VirtualCard::from_image(image).unwrap();
    says(card, "0070000001", "6881");
    says(card, "01B0000001", "6881");
}
