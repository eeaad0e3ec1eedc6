//! Settings files, constructed after the card sheet, section 9: no card's own are at hand.

use proptest::prelude::*;

use super::*;
use crate::wire::{Encode, vectors::hex};

fn shown(file: SettingsFile, octets: &str) -> Vec<(String, String)> {
    settings(file, &hex(octets)).unwrap().into_iter().map(|s| (s.name, s.value)).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn access_points_are_counted_and_named() {
    let names = AccessPoints(vec!["internet.acme.example".into(), "mms".into()]);
    let octets = names.to_octets();
    assert_eq!(octets, hex("02 DD16 08696E7465726E6574 0461636D65 076578616D706C65 DD04 036D6D73"));
    assert_eq!(AccessPoints::decode(&octets).unwrap(), names);
    let mut padded = octets.clone();
    padded.resize(64, 0xFF);
    assert_eq!(AccessPoints::decode(&padded).unwrap(), names);
    for bad in ["02DD04036D6D73", "01DE04036D6D73", "01DD04046D6D73", "01DD00", ""] {
        assert!(AccessPoints::decode(&hex(bad)).is_err(), "{bad}");
    }
    for bad in ["a..b", "", &"x".repeat(64), &"abcdefghi.".repeat(11)] {
        assert!(!AccessPoints(vec![bad.to_owned()]).can_be_written(), "{bad}");
    }
    assert!(names.can_be_written());
}

#[test]
fn mms_parameters_stand_alone_or_in_a_template() {
    let plain = "800101 8113687474703A2F2F6D6D732E61636D652E6E6574 8203414243 FFFF";
    let wanted = [
        pair("implementation", "WAP"),
        pair("relay or server", "http://mms.acme.net"),
        pair("interface to the core network", "ABC"),
    ];
    assert_eq!(shown(SettingsFile::MmsIssuer, plain), wanted);
    let enclosed = MmsParameters { enclosed: true, ..MmsParameters::decode(&hex(plain)).unwrap() };
    let octets = enclosed.to_octets();
    assert_eq!(octets[0], 0xAB);
    assert_eq!(MmsParameters::decode(&octets).unwrap(), enclosed);
}

#[test]
fn what_opens_a_key_is_not_shown() {
    let octets = format!("10{}05{}0433363030", "AB".repeat(16), "6140622E63");
    let seen = shown(SettingsFile::Gba, &octets);
    assert_eq!(seen, [pair("RAND", "16 octets"), pair("B-TID", "5 octets"), pair("key lifetime", "3600")]);
}

#[test]
fn texts_and_objects_are_shown() {
    let ims = shown(SettingsFile::Ims, "800100 81053C696D733E");
    assert_eq!(ims, [pair("encoding", "00"), pair("text", "<ims>")]);
    assert_eq!(
        shown(SettingsFile::Nas, "800101 810102 FFFF"),
        [pair("NAS signalling priority", "1"), pair("NMO I behaviour", "2")]
    );
    assert_eq!(shown(SettingsFile::Nas, "82020102"), [pair("object 82", "0102")]);
    assert_eq!(shown(SettingsFile::Xcap, "A003810101"), [pair("object A0", "3 octets")]);
    assert_eq!(shown(SettingsFile::MmsPreferences, "800101 82020000"), [pair("record", "80010182020000")]);
    for file in SettingsFile::ALL {
        assert!(settings(file, &[0xFF; 32]).unwrap().is_empty(), "{file}");
    }
}

#[test]
fn services_are_bits_from_the_lowest() {
    let mut services = [0u8; 15];
    services[4] = 0b100;
    assert!(SettingsFile::AccessPoints.is_served(&services));
    assert!(!SettingsFile::MmsIssuer.is_served(&services) && !SettingsFile::Xcap.is_served(&[0xFF; 14]));
    assert!(SettingsFile::MultiDevice.is_served(&[0xFF; 17]) && SettingsFile::Xcap.is_served(&[0xFF; 15]));
}

#[test]
fn preferences_for_mms_are_fields_of_a_message() {
    let preferences = MmsPreferences {
        name: Some("Standard".into()),
        fields: vec![
            MmsField::SenderVisible(true),
            MmsField::DeliveryReport(true),
            MmsField::ReadReply(false),
            MmsField::Priority(2),
            MmsField::Expiry(86_400),
        ],
    };
    let octets = preferences.to_octets();
    assert_eq!(octets, hex("800101 81085374616E64617264 820F 9481 8680 9081 8F82 8805 8103 015180"));
    assert_eq!(MmsPreferences::decode(&octets).unwrap(), preferences);
    let enclosed = [&[0xA0, u8::try_from(octets.len()).unwrap()][..], &octets, &[0xFF; 4]].concat();
    assert_eq!(MmsPreferences::decode(&enclosed).unwrap(), preferences);
    let seen = settings(SettingsFile::MmsPreferences, &octets).unwrap();
    assert_eq!(seen.last(), Some(&Setting::new("expiry", "86400 s")));
    // Another alphabet; and the shortest number.
    let other = MmsPreferences { name: Some("Ü_1".into()), fields: vec![MmsField::Expiry(0)] };
    assert_eq!(other.to_octets(), hex("800101 8107 80 00DC 005F 0031 8205 8803810100"));
    assert_eq!(MmsPreferences::decode(&other.to_octets()).unwrap(), other);
    for length in 0..octets.len() - 1 {
        assert_ne!(MmsPreferences::decode(&octets[..length]).ok().as_ref(), Some(&preferences), "{length}");
    }
}

#[test]
fn configurations_are_written_as_they_are_read() {
    let parts = Configuration { encoding: 0x01, text: "<ims>" }.parts();
    assert_eq!(parts, [hex("800101"), hex("81053C696D733E")]);
    let content = SettingsContent { file: SettingsFile::Ims, parts };
    assert_eq!(format!("{content:?}"), "SettingsContent(EF(IMSConfigData), [10 octets])");
    let nas = NasConfiguration(NasParameter::ALL.into_iter().map(|parameter| (parameter, 1)).collect());
    let seen = settings(SettingsFile::Nas, &nas.to_octets()).unwrap();
    let names: Vec<_> = NasParameter::ALL.into_iter().map(NasParameter::name).collect();
    assert!(seen.iter().zip(&names).all(|(setting, name)| setting.name == *name && setting.value == "1"));
    assert_eq!(seen.len(), names.len());
}

proptest! {
    #[test]
    fn octets_from_strangers_do_no_harm(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        for file in SettingsFile::ALL {
            let _ = settings(file, &octets);
        }
    }

    #[test]
    fn access_points_come_back(names in proptest::collection::vec("[a-z0-9-]{1,20}(\\.[a-z]{1,20}){0,2}", 0..6)) {
        let names = AccessPoints(names);
        prop_assert!(names.can_be_written());
        prop_assert_eq!(AccessPoints::decode(&names.to_octets()).unwrap(), names);
    }
}
