//! Access rules against the shared vectors, and what no vector covers.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::wire::vectors::{hex, vectors};

#[test]
fn shared_vectors() {
    let Some(cases) = vectors("card/arr.json") else { return };
    assert_eq!(cases.len(), 7);
    let mut good = 0;
    for case in &cases {
        let octets = hex(case["hex"].as_str().unwrap());
        let read = AccessRules::decode(&octets);
        if case["expect"] == "error" {
            assert!(read.is_err(), "{}", case["id"]);
            continue;
        }
        good += 1;
        let read = read.unwrap();
        let rules = case["decoded"]["rules"].as_array().unwrap();
        assert_eq!(read.0.len(), rules.len(), "{}", case["id"]);
        for ((mode, condition), rule) in read.0.iter().zip(rules) {
            compare(mode, condition, rule);
        }
        assert_eq!(read.to_octets(), octets, "{}", case["id"]);
        let mut padded = octets.clone();
        padded.resize(60, 0xFF);
        assert_eq!(AccessRules::decode(&padded).unwrap(), read);
    }
    assert_eq!(good, 5);
}

fn compare(mode: &AccessMode, condition: &SecurityCondition, rule: &Value) {
    let (am, value) = match mode {
        AccessMode::Operations(bits) => ("80".to_owned(), vec![*bits]),
        AccessMode::Command { tag, header } => (format!("{tag:02X}"), header.clone()),
        AccessMode::Proprietary(value) => ("9C".to_owned(), value.clone()),
    };
    assert_eq!(rule["am"], am);
    assert_eq!(hex(rule["value"].as_str().unwrap()), value);
    match condition {
        SecurityCondition::Always => assert_eq!(rule["sc"], "always"),
        SecurityCondition::Never => assert_eq!(rule["sc"], "never"),
        SecurityCondition::Key { key, usage } => {
            assert_eq!(rule["sc"], "pin");
            assert_eq!(rule["key_ref"], format!("{:02X}", key.0));
            assert_eq!(rule["usage"], format!("{:02X}", usage.unwrap()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_prefix_is_read_or_refused() {
    let octets = hex("800101A0088303010101A40383010A");
    for end in 0..octets.len() {
        let _ = AccessRules::decode(&octets[..end]);
    }
    assert!(AccessRules::decode(&octets[..octets.len() - 1]).is_err());
}

#[test]
fn conditions_combine() {
    // OR of PIN1 and ADM1, then AND of both, then NOT of PIN1.
    let octets =
        hex("800101A00C A403830101 A40383010A 800102AF0A A403830101 A40383010A 800140A705A403830101");
    assert!(AccessRules::decode(&octets).is_err(), "the length of the OR template runs too far");
    let octets =
        hex("800101A00A A403830101 A40383010A 800102AF0A A403830101 A40383010A 800140A705A403830101");
    let rules = AccessRules::decode(&octets).unwrap();
    assert_eq!(rules.to_octets(), octets);
    let with = |keys: &'static [KeyRef]| move |k: KeyRef| keys.contains(&k);
    let (none, adm, both): (&[KeyRef], &[KeyRef], &[KeyRef]) =
        (&[], &[KeyRef::ADM1], &[KeyRef::ADM1, KeyRef::PIN1]);
    assert!(!rules.allows(Operation::Read, &with(none)));
    assert!(rules.allows(Operation::Read, &with(adm)));
    assert!(!rules.allows(Operation::Update, &with(adm)));
    assert!(rules.allows(Operation::Update, &with(both)));
    assert!(rules.allows(Operation::DeleteSelf, &with(adm)));
    assert!(!rules.allows(Operation::DeleteSelf, &with(both)));
    assert!(!rules.allows(Operation::Activate, &with(both)), "no rule is never");
    assert_eq!(rules.0[1].1.to_string(), "(01 (PIN1) and 0A (ADM1))");
    assert_eq!(rules.0[1].1.keys(), [KeyRef::PIN1, KeyRef::ADM1]);
}

#[test]
fn what_is_not_understood_is_not_a_right() {
    let rules =
        AccessRules::decode(&hex("8001019E0113 800102A7039E0113 800140AF00 800108A40683010A840101")).unwrap();
    for operation in [Operation::Read, Operation::Update, Operation::DeleteSelf, Operation::Deactivate] {
        assert!(!rules.allows(operation, &|_| true), "{operation:?}");
    }
    // The operations of a directory have the bits of those of an EF.
    assert_eq!(Operation::CreateEf.bit(), Operation::Update.bit());
    assert_eq!(Operation::CreateDf.bit(), 0x04);
}

#[test]
fn nesting_is_capped() {
    let mut condition = vec![0x90, 0x00];
    for _ in 0..20 {
        let mut outer = Vec::new();
        tlv::write(0xA0, &condition, &mut outer);
        condition = outer;
    }
    let mut octets = vec![0x80, 1, 1];
    octets.extend(condition);
    assert!(matches!(AccessRules::decode(&octets), Err(DecodeError::Limit { .. })));
}

fn condition() -> impl Strategy<Value = SecurityCondition> {
    let leaf = prop_oneof![
        Just(SecurityCondition::Always),
        Just(SecurityCondition::Never),
        (any::<u8>(), proptest::option::of(any::<u8>()))
            .prop_map(|(key, usage)| SecurityCondition::Key { key: KeyRef(key), usage }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = proptest::collection::vec(inner, 0..3);
        prop_oneof![
            list.clone().prop_map(SecurityCondition::Or),
            list.clone().prop_map(SecurityCondition::And),
            list.prop_map(SecurityCondition::Not)
        ]
    })
}

proptest! {
    #[test]
    fn rules_survive_a_round_trip(rules in proptest::collection::vec((any::<u8>(), condition()), 0..6)) {
        let rules = AccessRules(rules.into_iter().map(|(b, c)| (AccessMode::Operations(b), c)).collect());
        prop_assert_eq!(AccessRules::decode(&rules.to_octets()).unwrap(), rules);
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(rules) = AccessRules::decode(&octets) {
            let _ = rules.allows(Operation::Read, &|_| true);
        }
    }
}
