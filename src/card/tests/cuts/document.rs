//! A real document, small, and what a phone makes of a card that holds it.

#![cfg(test)]

use super::*;
use crate::{
    bootstrap::{PayloadKind, build, resolve},
    lab::slot::PhoneSlot,
    phone::{BootstrapResult, Phone},
    profile::{Profile, Subscriber},
};

/// No more than an account: each octet is written many thousand times.
const PROFILE: &str = r#"
name = "acme-small"
version = 1

[security]
method = "usernetwpin"

[dm]
encoding = "tnds-opaque"

[dm-account]
server-id = "acme.dm"
name = "Acme Device Management"
address = "https://dm.acme.example:443/dm"
client-auth = { type = "DIGEST", name = "{imei}", secret = "generate" }
server-auth = { type = "DIGEST", name = "acme.dm", secret = "generate" }
init = true
"#;

/// A real document for a server: the phone says which it has taken.
pub(in crate::card::tests) fn document(payload: PayloadKind, server: &str) -> Vec<u8> {
    struct Zero;
    impl crate::ident::Random for Zero {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x5A);
        }
    }
    let text = PROFILE.replace("acme.dm", server);
    let subscriber = Subscriber {
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some(iccid()),
        ..Subscriber::default()
    };
    let settings = resolve(&Profile::parse(&text).unwrap(), &subscriber, &Zero).unwrap();
    build(&settings, payload).unwrap().octets
}

/// What a phone goes by that is switched on with the card as it is: the server, or none.
pub(in crate::card::tests) fn phone_sees(card: &CardHandle, at: &str) -> Option<String> {
    let identity = crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap());
    let mut phone = Phone::new(&identity).unwrap();
    let card = card.copy();
    let mut reader = InProcess::insert(&card, bay());
    let mut slot = PhoneSlot::insert(&mut reader).unwrap();
    let report = phone.power_on(Some(&mut slot));
    let accepted = report.files.iter().find_map(|file| match &file.result {
        BootstrapResult::Accepted { accounts, .. } => {
            accounts.first().map(|server| server.as_str().to_owned())
        }
        BootstrapResult::Empty => None,
        // The first octet is FF while the rest is written: this phone looks at what stands behind it, and takes nothing.
        BootstrapResult::Refused { reason, .. }
            if reason.to_string().contains("FF; expected 01, 02 or 03") =>
        {
            None
        }
        other => panic!("{at}: the phone was shown something half done: {other:?}\n{report}"),
    });
    assert!(report.accounts.len() <= 1, "{report}");
    accepted
}
