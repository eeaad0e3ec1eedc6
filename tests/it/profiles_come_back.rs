//! A profile that was built and imported again is the profile that it was, but for what the builder and the import name as
//! lost; over random profiles, for every kind of payload. What is compared is what the profile says, not what a payload
//! says: what both builder and reader dropped would be seen.

mod losses;

use bootgate::bootstrap::{PayloadKind, Settings, import::import};
use proptest::prelude::*;

use super::random_profiles::{payload, profiles, settings};

use self::losses::{same_thing, without};

/// What every import of a payload of ours loses: what a payload says of one device, and what only its route says.
const ALWAYS: [&str; 3] =
    ["a nonce is drawn for each device", "security: no SEC", "Target: the message is for one device"];

/// Without the device and its nonces, which is what [`ALWAYS`] names.
fn comparable(mut settings: Settings) -> Settings {
    settings.device = None;
    if let Some(account) = &mut settings.dm_account {
        account.credentials.client.nonce.clear();
        account.credentials.server.nonce.clear();
    }
    settings
}

proptest! {
    #[test]
    fn provisioning_documents_lose_what_is_named(text in profiles()) {
        let document = payload(&text, PayloadKind::Cp);
        let found = import(&document.octets, &"imported".parse().unwrap()).unwrap();
        let wanted = comparable(same_thing(PayloadKind::Cp, without(settings(&text), &document.losses)));
        prop_assert_eq!(comparable(settings(&found.profile)), wanted, "{:?}", found.losses);
        let other: Vec<_> = found.losses.iter().filter(|l| !ALWAYS.iter().any(|a| l.contains(a))).collect();
        prop_assert!(other.is_empty(), "{:?}", other);
    }

    #[test]
    fn dm_bootstraps_lose_what_is_named(text in profiles()) {
        let message = payload(&text, PayloadKind::Dm);
        let found = import(&message.octets, &"imported".parse().unwrap()).unwrap();
        let wanted = comparable(same_thing(PayloadKind::Dm, without(settings(&text), &message.losses)));
        let again = comparable(same_thing(PayloadKind::Dm, settings(&found.profile)));
        prop_assert_eq!(again, wanted, "{:?}", found.losses);
        // A management object has one name for a proxy and its physical proxy.
        let named = "PHYSICAL-PROXY-ID: an id that a profile cannot have, or not twice";
        let known = |l: &&String| l.contains(named) || ALWAYS.iter().any(|a| l.contains(a));
        let other: Vec<_> = found.losses.iter().filter(|l| !known(l)).collect();
        prop_assert!(other.is_empty(), "{:?}", other);
    }
}
