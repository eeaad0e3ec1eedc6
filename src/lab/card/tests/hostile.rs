//! Framing on both protocols, commands that are not there, and octets from strangers.

use proptest::prelude::*;

use super::*;

#[test]
fn the_two_protocols_frame_the_same_card_differently() {
    let (t0, t1) = (&mut card(SampleKind::Prepared), &mut card_t1(SampleKind::Prepared));
    assert_ne!(t0.atr(), t1.atr());
    // Case 1: P3 is part of a T=0 header, and absent from T=1.
    says(t0, "0020000A", "6700");
    says(t0, "0020000A00", "63C3");
    says(t1, "0020000A", "63C3");
    // Case 2: T=0 must name the length, T=1 may leave it to the card.
    for card in [&mut *t0, &mut *t1] {
        says(card, "00A4000C022FE2", "9000");
        says(card, "00B000000B", "6C0A");
        says(card, "00B00000", "6700");
    }
    says(t0, "00B0000000", "6C0A");
    says(t1, "00B0000000", "988812010000400310F0 9000");
    for card in [&mut *t0, &mut *t1] {
        says(card, "00A4000C027F50", "9000");
    }
    // Case 4: T=0 makes the terminal fetch the answer, in parts if it likes; T=1 sends it at once.
    says(t0, "00A40004025031", "6118");
    says(t0, "00C0000019", "6C18");
    says(t0, "00C0000010", "621682024121830250318A01058B032F 6108");
    says(t0, "00C0000008", "0602800200208800 9000");
    says(t1, "00A40004025031 00", "621682024121830250318A01058B032F0602800200208800 9000");
    says(t1, "00A40004025031 05", "6C18");
    says(t1, "00A40004025031", "9000");
    says(t1, "00C0000018", "6D00");
}

#[test]
fn what_is_not_there_is_refused() {
    let card = &mut card(SampleKind::Prepared);
    for (command, sw) in [
        ("", "6700"),
        ("00", "6700"),
        ("00A40004", "6700"),
        ("A0A40000023F00", "6E00"),
        ("80A40004023F00", "6E00"),
        ("01A40004023F00", "6881"),
        ("41A40004023F00", "6881"),
        ("04A40004023F00", "6882"),
        ("0270000001", "6881"),
        ("0070000401", "6A86"),
        ("0070800000", "6A86"),
        ("0070800100", "6881"),
        ("00D70000020000", "6D00"),
        ("FFA40004023F00", "6E00"),
        ("00C0000010", "6985"),
        ("00B0000001", "6986"),
        ("00A4000402 3F00 00 00", "6700"),
        ("00A4000403 3F00", "6700"),
        ("00D6000000", "6986"),
        ("80AA000005 A903800101", "9000"),
    ] {
        says(card, command, sw);
    }
    // What waits is gone with the next command.
    says(card, "00A40004023F00", &format!("61{:02X}", card_fcp_length(SampleKind::Prepared)));
    says(card, "80F2000C00", "9000");
    says(card, "00C0000010", "6985");
}

fn card_fcp_length(kind: SampleKind) -> usize {
    let card = card(kind);
    card.fcp(card.files.mf()).len()
}

fn apdu() -> impl Strategy<Value = Vec<u8>> {
    let ins =
        prop::sample::select(vec![0x04u8, 0x20, 0x44, 0xA4, 0xB0, 0xB2, 0xC0, 0xD6, 0xDC, 0xE0, 0xE4, 0xF2]);
    let p = || prop_oneof![Just(0u8), Just(4u8), Just(8u8), Just(9u8), Just(0x0Cu8), any::<u8>()];
    let fid =
        prop::sample::select(vec![0x3F00u16, 0x7F50, 0x7FD0, 0x5031, 0x6431, 0x2F00, 0x2FE2, 0x7FFF, 0x6F01]);
    let data = prop_oneof![
        fid.prop_map(|fid| fid.to_be_bytes().to_vec()),
        Just(vec![0xA0]),
        Just(hex("621682024121830250308A01058B032F0602800200208800")),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    (
        prop_oneof![Just(0u8), Just(0x80u8)],
        ins,
        p(),
        p(),
        proptest::option::of(data),
        proptest::option::of(any::<u8>()),
    )
        .prop_map(|(cla, ins, p1, p2, data, le)| {
            let mut out = vec![cla, ins, p1, p2];
            if let Some(data) = data {
                out.push(u8::try_from(data.len()).unwrap());
                out.extend(data);
            }
            out.extend(le);
            out
        })
}

proptest! {
    #[test]
    fn no_octets_make_it_panic_or_open(
        octets in proptest::collection::vec(prop_oneof![apdu(), proptest::collection::vec(any::<u8>(), 0..20)], 1..40),
        t0 in any::<bool>(),
    ) {
        let mut card = if t0 { card(SampleKind::Pin) } else { card_t1(SampleKind::Pin) };
        let before = card.image().mf;
        for command in octets {
            let answer = card.exchange(&command);
            prop_assert!((2..=258).contains(&answer.len()));
        }
        // No key was presented, so no file changed.
        prop_assert!(card.image().mf == before);
    }

    #[test]
    fn with_the_key_it_stays_a_card(octets in proptest::collection::vec(apdu(), 1..60), t0 in any::<bool>()) {
        let mut card = if t0 { card(SampleKind::Prepared) } else { card_t1(SampleKind::Prepared) };
        for command in octets {
            card.exchange(&hex("0020000A08 3132333435363738"));
            let answer = card.exchange(&command);
            prop_assert!((2..=258).contains(&answer.len()));
        }
        prop_assert!(VirtualCard::from_image(card.image()).is_ok());
    }
}
