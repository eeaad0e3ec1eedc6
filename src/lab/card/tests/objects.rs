//! RETRIEVE DATA and SET DATA, by the card sheet, section 5.1.

use super::*;

/// A card with the USIM's EF(IMSConfigData) selected, and ADM1 presented.
fn ims(protocol: Protocol) -> VirtualCard {
    let mut sample = sample(SampleKind::Prepared);
    (sample.protocol, sample.all_settings) = (protocol, true);
    let mut card = VirtualCard::from_image(sample.image()).unwrap();
    says(&mut card, "0020000A083132333435363738", "9000");
    says(&mut card, "00A4080C047FD06FF8", "9000");
    card
}

#[test]
fn an_object_is_set_replaced_listed_and_deleted() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let card = &mut ims(protocol);
        let get = |card: &mut VirtualCard, tag: &str, object: &str| {
            let le = if protocol == Protocol::T1 { "00" } else { "" };
            let ask = format!("80CB008001{tag}{le}");
            match (protocol, object.len()) {
                (Protocol::T0, n) if n > 4 => {
                    let length = n / 2;
                    says(card, &ask, &format!("61{length:02X}"));
                    says(card, &format!("00C00000{length:02X}"), &format!("{object}9000"));
                }
                (_, 4) => says(card, &ask, object),
                _ => says(card, &ask, &format!("{object}9000")),
            }
        };
        get(card, "81", "6A88");

        says(card, "80DB008005810341", "6700");
        says(card, "80DB0080058103414243", "9000");
        get(card, "81", "8103414243");
        says(card, "80DB00800381015A", "9000");
        says(card, "80DB008003800100", "9000");
        get(card, "81", "81015A");
        get(card, "5C", "5C028081");
        says(card, "80DB00800181", "9000");
        says(card, "80DB00800181", "6A88");
        get(card, "5C", "5C0180");
        // Tags that are none, lengths that do not fit, parameters and files that are wrong.
        for (command, sw) in [
            ("80DB0080035C0100", "6A80"),
            ("80DB0080031F0100", "6A80"),
            ("80DB008004810101FF", "6A80"),
            ("80DB00800281", "6700"),
            ("80DB0180038101FF", "6A86"),
            ("80DB0040038101FF", "6A86"),
            ("80DB0000024142", "6985"),
            ("80CB000000", "6985"),
            ("80DB0080048182 0801", "6A84"),
        ] {
            says(card, command, sw);
        }
        says(card, "00B0000000", "6981");
        says(card, "00A4080C047FD06F57", "9000");
        says(card, "80DB0080038101FF", "6981");
    }
}

#[test]
fn an_object_of_several_blocks_replaces_with_its_last_one() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let card = &mut ims(protocol);
        says(card, "80DB00800381015A", "9000");
        let first = format!("80DB0080FF81820200{}", "41".repeat(251));
        let next = format!("80DB0000FF{}", "42".repeat(255));
        says(card, &first, "63F1");
        assert_eq!(card.changes(), 1);
        says(card, &next, "63F1");
        says(card, "80DB000006434343434343", "9000");
        assert_eq!(card.changes(), 2);
        // In parts, and what is asked for too much is corrected.
        let le = if protocol == Protocol::T1 { "00" } else { "" };
        let answer = card.exchange(&hex(&format!("80CB00800181{le}")));
        assert!(answer.ends_with(&[0x62, 0xF1]));
        if protocol == Protocol::T0 {
            assert_eq!(card.exchange(&hex("00C0000000")).len(), 258);
        } else {
            assert_eq!(answer.len(), 258);
        }
        assert_eq!(card.exchange(&hex("80CB000000")).len(), 258);
        let rest = if protocol == Protocol::T1 { "80CB000000" } else { "80CB000004" };
        if protocol == Protocol::T0 {
            says(card, "80CB000000", "6C04");
        }
        says(card, rest, "43434343 9000");
        says(card, rest, "6985");
        // Anything in between ends it, and what was there stays; so does a reset.
        says(card, &first, "63F1");
        says(card, "00A4080C047FD06FF8", "9000");
        says(card, &next, "6985");
        says(card, &first, "63F1");
        card.reset();
        says(card, "00A4080C047FD06FF8", "9000");
        says(card, &first, "6982");
        assert_eq!(card.changes(), 2);
        let image = card.image();
        let again = serde_json::from_value(serde_json::to_value(&image).unwrap()).unwrap();
        assert!(image == again);
    }
}
