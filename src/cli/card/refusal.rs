//! `bootgate card clear-refusal`: a person has found out why a card refused a key.

use std::fmt;

use serde::Serialize;

use super::{connect, failure, file_system, open_existing_app};
use crate::{
    card::KeyId,
    cli::{Exit, Global, output},
    ident::Iccid,
};

const EXAMPLES: &str = "Examples:
  bootgate card clear-refusal --iccid 89001010000000000018
  bootgate card clear-refusal -r 'bay 0 00 00'";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("card").required(true).args(["iccid", "reader"]))]
pub(in crate::cli) struct Args {
    /// Number of the card.
    #[arg(long, value_name = "DIGITS", value_parser = iccid)]
    iccid: Option<Iccid>,
    /// Or the reader that the card is in.
    #[arg(short, long, value_name = "READER")]
    reader: Option<String>,
}

/// As a card states it: the check digit is not asked for, because not every card has one.
pub(in crate::cli) fn iccid(text: &str) -> Result<Iccid, String> {
    Iccid::from_card(text).map_err(|e| e.to_string())
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let card = match (&args.iccid, &args.reader) {
        (Some(iccid), _) => iccid.clone(),
        (None, reader) => {
            let mut card = connect(reader.as_deref().unwrap_or_default(), global)?;
            file_system(&mut card, global)?.iccid().map_err(failure)?
        }
    };
    let forgotten = open_existing_app(global)?.key_journal().clear(&card)?;
    let keys = forgotten
        .into_iter()
        .map(|(key, state)| Forgotten { key: named(key), was: state.to_string() })
        .collect();
    output::emit(global.format, &Cleared { card, keys })?;
    Ok(Exit::Ok)
}

/// A key by its two digits, as `--adm-ref` takes them.
fn named(key: KeyId) -> String {
    match key {
        KeyId::Key(key) => format!("{:02X}", key.0),
        KeyId::Puk(pin) => format!("PUK of {:02X}", pin.0),
    }
}

#[derive(Serialize)]
struct Cleared {
    card: Iccid,
    keys: Vec<Forgotten>,
}

#[derive(Serialize)]
struct Forgotten {
    key: String,
    was: String,
}

impl fmt::Display for Cleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keys.is_empty() {
            return write!(f, "no key of card {} was ever presented, or all were cleared", self.card);
        }
        write!(f, "card {}: keys may be presented again", self.card)?;
        self.keys.iter().try_for_each(|Forgotten { key, was }| write!(f, "\n  key {key}, was: {was}"))
    }
}
