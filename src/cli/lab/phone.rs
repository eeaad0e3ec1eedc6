//! `bootgate lab phone`: a virtual phone, from power-on with a card to the end of a session.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use crate::{
    app::OsRandom,
    card::CardTransport,
    cli::{
        Exit, Failure, Global, card,
        exit::{Meaning, failure},
        output,
        secret::SecretOrLiteral,
    },
    ident::ServerId,
    lab::{
        card::VirtualCard,
        network::{Call, Network},
        reader::{CardHandle, InProcess},
        rehearsal::{SAMPLE_IMEI, identity},
        slot::PhoneSlot,
    },
    phone::{Outcome, Phone, PowerOnReport},
    wire::Syntax,
};

const EXAMPLES: &str = "Examples:
  bootgate lab phone --image card.json
  bootgate lab phone --pcsc 'bay 0 00 00' --server http://127.0.0.1:8100/dm";

/// A phone that is switched on with a card in it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("card").required(true).args(["pcsc", "image"]))]
pub(in crate::cli) struct PhoneArgs {
    /// The card in this PC/SC reader.
    #[arg(long, value_name = "READER")]
    pcsc: Option<String>,
    /// The card in this image file.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// CHV1 (PIN1) of the card: @FILE, env:NAME, - (prompt), or the PIN itself. It is presented when a file asks for it,
    /// once, and only while the card shows two tries or more.
    #[arg(long, value_name = "SECRET")]
    card_pin: Option<SecretOrLiteral>,
    /// Holds a session, and takes it to the server at this URL, whatever host the account names. Without it the phone
    /// is only switched on.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The account to use, when the card brings more than one.
    #[arg(long, value_name = "ID", requires = "server")]
    server_id: Option<ServerId>,
    /// The phone's number.
    #[arg(long, value_name = "DIGITS", default_value = SAMPLE_IMEI)]
    imei: crate::ident::Imei,
    /// The phone speaks XML instead of WBXML.
    #[arg(long)]
    xml: bool,
}

/// What the phone found, and how its session ended.
#[derive(Serialize)]
struct Shown {
    power_on: PowerOnReport,
    session: Option<Outcome>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.power_on)?;
        self.session.as_ref().map_or(Ok(()), |outcome| writeln!(f, "{outcome}"))
    }
}

pub(super) fn run(args: &PhoneArgs, global: &Global) -> anyhow::Result<Exit> {
    let mut card = connect(args, global)?;
    let mut phone = Phone::new(&identity(&args.imei)).map_err(|e| Failure::because(Exit::Usage, e))?;
    if let Some(pin) = &args.card_pin {
        phone.enter_card_pin(pin.parse("card PIN")?);
    }
    let mut slot = PhoneSlot::insert(&mut *card).map_err(failure)?;
    let power_on = phone.power_on(Some(&mut slot));
    // The reader is free again before the session, which takes its time.
    drop(card);
    let accounts: Vec<ServerId> = phone.accounts().into_iter().map(|a| a.server_id).collect();
    let mut shown = Shown { power_on, session: None };
    let Some(server) = &args.server else {
        output::emit(global.format, &shown)?;
        return Ok(if accounts.is_empty() { Exit::Failed } else { Exit::Ok });
    };
    let Some(server_id) = args.server_id.as_ref().or(accounts.first()) else {
        output::emit(global.format, &shown)?;
        return Err(Failure::because(
            Exit::Failed,
            "the card brought no account, so there is nobody to call",
        ));
    };
    let network = Network::to(server).map_err(failure)?;
    let syntax = if args.xml { Syntax::Xml } else { Syntax::Wbxml };
    let call = Call { server_id, number: 1, syntax, random: &OsRandom };
    let runtime = tokio::runtime::Runtime::new()?;
    let held = runtime.block_on(network.session(&mut phone, call, &mut |_| {}));
    let outcome = held.map_err(failure)?;
    let exit = outcome.end.exit();
    shown.session = Some(outcome);
    output::emit(global.format, &shown)?;
    Ok(exit)
}

fn connect(args: &PhoneArgs, global: &Global) -> anyhow::Result<Box<dyn CardTransport>> {
    match (&args.image, &args.pcsc) {
        (Some(file), _) => {
            let card = VirtualCard::from_image(super::load(file)?)?;
            Ok(Box::new(InProcess::insert(&CardHandle::new(card), "virtual phone".parse()?)))
        }
        (None, reader) => Ok(Box::new(card::connect(reader.as_deref().unwrap_or_default(), global)?)),
    }
}
