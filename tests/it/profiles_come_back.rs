//! A profile that was built and imported again is the profile that it was, but for what the import names as lost; over
//! random profiles, for every kind of payload.

use bootgate::bootstrap::{PayloadKind, Settings, build, import::import, read};
use proptest::prelude::*;

use super::random_profiles::{payload, profiles, settings};

/// What every import of a payload of ours loses: what a payload says of one device, and what only its route says.
const ALWAYS: [&str; 3] =
    ["a nonce is drawn for each device", "security: no SEC", "Target: the message is for one device"];

/// Without the device and its nonces.
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
    fn provisioning_documents_lose_nothing(text in profiles()) {
        let document = payload(&text, PayloadKind::Cp);
        let found = import(&document.octets, &"imported".parse().unwrap()).unwrap();
        // What the document says, not what the profile says: an empty table says nothing.
        let wanted = comparable(read(PayloadKind::Cp, &document.octets).unwrap());
        prop_assert_eq!(comparable(settings(&found.profile)), wanted, "{:?}", found.losses);
        let other: Vec<_> = found.losses.iter().filter(|l| !ALWAYS.iter().any(|a| l.contains(a))).collect();
        prop_assert!(other.is_empty(), "{:?}", other);
    }

    #[test]
    fn dm_bootstraps_lose_what_is_named(text in profiles()) {
        let message = payload(&text, PayloadKind::Dm);
        let found = import(&message.octets, &"imported".parse().unwrap()).unwrap();
        let again = build(&settings(&found.profile), PayloadKind::Dm).unwrap();
        // What the message itself cannot carry was named when it was built.
        let wanted = comparable(read(PayloadKind::Dm, &message.octets).unwrap());
        prop_assert_eq!(comparable(read(PayloadKind::Dm, &again.octets).unwrap()), wanted, "{:?}", found.losses);
        // Where a message says less than a profile must, the rest is made up, and that is named, too. A management object has
        // one name for a proxy and its physical proxy.
        let named = ["was put there", "PHYSICAL-PROXY-ID: an id that a profile cannot have, or not twice"];
        let made_up = |l: &&String| named.iter().any(|n| l.contains(n)) || ALWAYS.iter().any(|a| l.contains(a));
        let other: Vec<_> = found.losses.iter().filter(|l| !made_up(l)).collect();
        prop_assert!(other.is_empty(), "{:?}", other);
    }
}
