//! Settings of a USIM that tell whose they are, and what a phone makes of a card that holds them.

#![cfg(test)]

use super::{kind::Filled, *};
use crate::{
    lab::slot::PhoneSlot,
    phone::usim_settings,
    wire::{
        Encode,
        usim::{AccessPoints, Configuration, MmsField, MmsPreferences, SettingsContent, SettingsFile},
    },
};

/// What stands behind the name of the server in a document, so that it takes three blocks.
const FILLING: usize = 600;

/// Settings for a server.
pub(super) fn content(file: Filled, server: &str) -> SettingsContent {
    match file {
        Filled::Octets => {
            let names = AccessPoints(vec![format!("internet.{server}"), format!("mms.{server}")]);
            SettingsContent::octets(SettingsFile::AccessPoints, names.to_octets())
        }
        Filled::Records => {
            let parts = [1, 2].map(|level| preferences(server, level).to_octets()).to_vec();
            SettingsContent { file: SettingsFile::MmsPreferences, parts }
        }
        Filled::Objects => {
            let text = document(server);
            let parts = Configuration { encoding: 0, text: &text }.parts();
            SettingsContent { file: SettingsFile::Ims, parts }
        }
    }
}

/// So long that half of a record ends among its fields.
fn preferences(server: &str, level: u8) -> MmsPreferences {
    let fields = vec![
        MmsField::SenderVisible(true),
        MmsField::DeliveryReport(level == 2),
        MmsField::ReadReply(true),
        MmsField::Priority(level),
        MmsField::Expiry(259_200),
    ];
    MmsPreferences { name: Some(server.to_owned()), fields }
}

fn document(server: &str) -> String {
    // No two servers have the same octets behind their names.
    let filling = server.chars().cycle().take(FILLING).collect::<String>();
    format!("<MgmtTree><!--{server}{filling}--></MgmtTree>")
}

/// Whose settings a phone takes that is switched on with the card as it is; it takes all of them, or none.
pub(super) fn settings_seen(card: &CardHandle, file: Filled, at: &str) -> Option<String> {
    let card = card.copy();
    let mut reader = InProcess::insert(&card, bay());
    let mut slot = PhoneSlot::insert(&mut reader).unwrap();
    let seen = usim_settings(&mut slot).unwrap();
    match file {
        Filled::Octets => {
            let server = seen.access_points.first()?.strip_prefix("internet.")?.to_owned();
            assert_eq!(seen.access_points, [format!("internet.{server}"), format!("mms.{server}")], "{at}");
            Some(server)
        }
        Filled::Records => {
            // Each record is there or not by itself: the first tells.
            for record in &seen.mms_preferences {
                let whole = [OLD, NEW]
                    .iter()
                    .any(|server| [1, 2].iter().any(|level| *record == preferences(server, *level)));
                assert!(whole, "{at}: the phone was shown something half done: {record:?}");
            }
            seen.mms_preferences.first()?.name.clone()
        }
        Filled::Objects => {
            let text = seen.ims?;
            let server = [OLD, NEW].into_iter().find(|server| text == document(server));
            assert!(server.is_some(), "{at}: the phone was shown something half done: {text}");
            server.map(str::to_owned)
        }
    }
}
