//! `bootgate rehearse`: the main job, every step shown.

mod push;

use std::path::PathBuf;

use super::{
    Exit, Failure, Global,
    card::{
        self,
        args::{ShapeName, key_ref},
    },
    config,
    exit::failure,
    lab::ProtocolName,
    output::{self, ForceArg},
    secret::SecretOrLiteral,
    subscriber::SubscriberArgs,
};
use crate::{
    app::config::KeyRule,
    bootstrap::PayloadKind,
    card::{CardTransport, Key, ReaderError},
    ident::{AdmKey, Iccid, Imei, Imsi, ReaderName},
    job::Layout,
    lab::{
        card::VirtualCard,
        image::{Personality, Quirk, SAMPLE_ICCID, SAMPLE_IMSI, SAMPLE_PIN, Sample, SampleKind, is_sample},
        reader::{CardHandle, InProcess},
        rehearsal::{self, Detail, Keeper, Past, Plot, SAMPLE_IMEI},
    },
    profile::{CardCpFile, Profile, Subscriber},
    wire::{Syntax, arr::KeyRef, pkcs15::Shape},
};

/// The profile that is rehearsed when none is named: the shipped one, so that a first run needs nothing.
const EXAMPLE: &str = include_str!("../../config/profiles/consumer-phone.toml");

const EXAMPLES: &str = "Examples:
  bootgate rehearse                                    the shipped profile on a virtual card
  bootgate rehearse --as dm --seed 1                   the same octets in each run
  bootgate rehearse --profile acme.toml --apdus        every APDU as a step of its own
  bootgate rehearse --route push --as dm               over the air: API, push gateway, SMPP, virtual SMSC and phone
  bootgate rehearse --pcsc 'bay 0 00 00' --adm @adm.key --yes

Exit status 0 only when the device was handed off.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The profile; without it the shipped example of a consumer phone.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// How the payload travels.
    #[arg(long, value_enum, default_value = "card")]
    route: RouteName,
    /// What the payload is: cp or dm.
    #[arg(long = "as", value_name = "KIND", default_value = "cp")]
    kind: PayloadKind,
    /// Over the card in this PC/SC reader (its name, or the beginning of it) instead of a virtual card.
    #[arg(long, value_name = "READER", conflicts_with_all = ["card", "protocol", "bootstrap_size"])]
    pcsc: Option<String>,
    /// Makes secrets and times the same in each run. Not with --pcsc: no predictable secret goes on a card.
    #[arg(long, value_name = "N", conflicts_with = "pcsc", value_parser = seed)]
    seed: Option<u64>,
    /// The card's administrative key: @FILE, env:NAME, - (prompt), or the key itself, which is fit for a virtual card
    /// only. A virtual card's own key is known.
    #[arg(long, value_name = "SECRET")]
    adm: Option<SecretOrLiteral>,
    /// Which key --adm is, in hexadecimal: 0A is ADM1, which it is without this.
    #[arg(long, value_name = "HEX", value_parser = key_ref)]
    adm_ref: Option<KeyRef>,
    /// CHV1 (PIN1) of the card, for files behind it: @FILE, env:NAME, - (prompt), or the PIN itself, which is fit for a virtual
    /// card only. Station and phone present it once each, and only while its counter shows enough tries. A virtual card's
    /// own is known.
    #[arg(long, value_name = "SECRET")]
    card_pin: Option<SecretOrLiteral>,
    /// Writes to the card in the reader although it is not a virtual one.
    #[arg(long, requires = "pcsc")]
    yes: bool,
    /// How entries in EF(DODF) are written.
    #[arg(long, value_enum, value_name = "SHAPE")]
    dodf_shape: Option<ShapeName>,
    /// Which file of the card a provisioning document goes into: bootstrap, config1 or config2. Without it, as [card] of the
    /// profile says, else bootstrap.
    #[arg(long, value_name = "FILE")]
    cp_file: Option<CardCpFile>,
    /// Writes object identifiers in EF(DODF) wrapped twice, a known mistake that some devices look for.
    #[arg(long)]
    double_wrapped_oid: bool,
    /// The virtual card: bare (files are created), prepared (they are there, empty), pin (as prepared, CHV1 needed to read)
    /// or closed (nobody may write it). Without it a UICC is bare, and cards that create no files, or have their application already, are prepared.
    #[arg(long, value_name = "KIND")]
    card: Option<SampleKind>,
    /// What kind of card the virtual one is: uicc, uicc-2g (a UICC that also takes class A0), sim, ruim or token.
    #[arg(long, value_name = "PERSONALITY", default_value = "uicc", conflicts_with = "pcsc")]
    personality: Personality,
    /// A manner in which the virtual card is not one by the book; as often as wanted. `lab quirks` lists them.
    #[arg(long, value_name = "NAME", conflicts_with = "pcsc")]
    quirk: Vec<Quirk>,
    /// The virtual card's protocol.
    #[arg(long, value_enum, default_value = "t0")]
    protocol: ProtocolName,
    /// Saves the virtual card as an image file, for `lab phone` and `lab card`. The job, handed off at the end, and its
    /// account go into the database, so that `serve` knows the device when it comes again. Not with --seed: an image can
    /// become a card.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pcsc", "seed"])]
    save: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
    /// Size of each bootstrap file of a prepared virtual card, in octets.
    #[arg(long, value_name = "N", default_value = "4096", value_parser = clap::value_parser!(u16).range(1..=32767))]
    bootstrap_size: u16,
    #[command(flatten)]
    subscriber: SubscriberArgs,
    /// The phone speaks XML instead of WBXML.
    #[arg(long)]
    xml: bool,
    /// Shows every APDU as a step of its own.
    #[arg(long)]
    apdus: bool,
}

/// Routes that can be rehearsed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RouteName {
    /// A smart card.
    Card,
    /// The air: API, push gateway, SMPP, a virtual SMSC and phone.
    Push,
}

pub(super) fn run(args: Args, global: &Global) -> anyhow::Result<Exit> {
    if let RouteName::Push = args.route {
        return push::run(&args, global);
    }
    args.force.check(args.save.as_deref())?;
    let config = config::load(global, Vec::new())?;
    let given = args.subscriber.read()?;
    let imei: Imei = given.imei.clone().map_or_else(|| SAMPLE_IMEI.parse(), Ok)?;
    let mut plot = Plot {
        profile: profile(&args)?,
        payload: args.kind,
        // The phone knows its own number; with --pcsc an ICCID that was given must be the card's.
        subscriber: given.clone(),
        layout: Layout {
            shape: args.dodf_shape.map(Shape::from),
            double_wrapped_oid: args.double_wrapped_oid,
            cp_file: args.cp_file,
            ..Layout::default()
        },
        keys: Vec::new(),
        adm: args.adm_ref.into_iter().collect(),
        card_pin: args.card_pin.as_ref().map(|pin| pin.parse("card PIN")).transpose()?,
        past: if args.pcsc.is_some() { Past::Unknown } else { Past::None },
        imei,
        syntax: if args.xml { Syntax::Xml } else { Syntax::Wbxml },
        detail: if args.apdus { Detail::Apdus } else { Detail::Runs },
        seed: args.seed,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let mut saved = Ok(());
    let (shown, done) = match &args.pcsc {
        None => {
            let mut sample = sample(&args, &given)?;
            // bootgate makes no settings files: a card for a profile that fills some has them.
            sample.all_settings = !plot.profile.card.settings.is_empty();
            plot.subscriber.imsi = Some(sample.imsi.clone());
            plot.keys = vec![Key::adm(KeyRef::ADM1, sample.adm.clone())];
            if let Some(adm) = adm(&args)? {
                plot.keys = vec![Key::adm(args.adm_ref.unwrap_or(KeyRef::ADM1), adm)];
            }
            if sample.kind == SampleKind::Pin && plot.card_pin.is_none() {
                plot.card_pin = Some(SAMPLE_PIN.parse()?);
            }
            plot.keys.extend(card_pin(&plot)?);
            let mut image = sample.image();
            args.quirk.iter().for_each(|quirk| image.add_quirk(*quirk));
            let card = VirtualCard::from_image(image).map_err(|e| Failure::because(Exit::Failed, e))?;
            let card = CardHandle::new(card);
            // Before anything happens: what cannot be kept is not made.
            let save = || args.save.as_ref().map_or(Ok(()), |file| card.image().save(file));
            save()?;
            let reader: ReaderName = "virtual reader".parse()?;
            let mut connect = || -> Result<Box<dyn CardTransport>, ReaderError> {
                Ok(Box::new(InProcess::insert(&card, reader.clone())))
            };
            let mut config = config;
            // A SIM does not tell the counter of its key; the key of this one is known.
            config.card.key_policies.push(KeyRule::for_card(&sample.iccid));
            let keeper = if args.save.is_some() { Keeper::Database(config) } else { Keeper::Memory(config) };
            let rehearsed = runtime.block_on(rehearsal::rehearse(&plot, keeper, &mut connect));
            saved = save();
            rehearsed
        }
        Some(reader) => {
            let watchdog = config.card.watchdog;
            let connected = card::connect_within(reader, watchdog).map_err(failure)?;
            let virtual_card = is_sample(connected.atr());
            drop(connected);
            if !virtual_card && !args.yes {
                let why =
                    format!("the card in {reader} is not a virtual one and would be written; say --yes");
                return Err(Failure::because(Exit::Refused, why));
            }
            plot.keys = match adm(&args)? {
                Some(adm) => vec![Key::adm(args.adm_ref.unwrap_or(KeyRef::ADM1), adm)],
                // Only a card that says it is one of ours is given the key that all of ours have.
                None if virtual_card => vec![Key::adm(KeyRef::ADM1, sample(&args, &given)?.adm)],
                None => Vec::new(),
            };
            plot.keys.extend(card_pin(&plot)?);
            let mut connect = || -> Result<Box<dyn CardTransport>, ReaderError> {
                Ok(Box::new(card::connect_within(reader, watchdog)?))
            };
            runtime.block_on(rehearsal::rehearse(&plot, Keeper::Database(config), &mut connect))
        }
    };
    // A server that is closing its last connection is not waited for.
    runtime.shutdown_background();
    output::emit(global.format, &shown)?;
    done.map_err(failure)?;
    saved?;
    Ok(Exit::Ok)
}

fn profile(args: &Args) -> anyhow::Result<Profile> {
    match &args.profile {
        Some(file) => super::profile::load(file),
        None => Profile::parse(EXAMPLE)
            .map_err(|_| Failure::because(Exit::Config, "the shipped profile is damaged")),
    }
}

fn sample(args: &Args, given: &Subscriber) -> anyhow::Result<Sample> {
    let iccid = given.iccid.clone().map_or_else(|| Iccid::from_card(SAMPLE_ICCID), Ok)?;
    let imsi: Imsi = given.imsi.clone().map_or_else(|| SAMPLE_IMSI.parse(), Ok)?;
    let usual = match args.personality {
        Personality::Uicc | Personality::Uicc2g => SampleKind::Bare,
        Personality::Sim | Personality::Ruim | Personality::Token => SampleKind::Prepared,
    };
    let kind = args.card.unwrap_or(usual);
    let mut sample = Sample::new(kind, iccid, imsi);
    sample.personality = args.personality;
    sample.protocol = args.protocol.into();
    Ok(sample.with_bootstrap_size(args.bootstrap_size))
}

/// CHV1 as the station presents it.
fn card_pin(plot: &Plot) -> anyhow::Result<Option<Key>> {
    let pin = plot.card_pin.as_ref().map(|pin| Key::pin(KeyRef::PIN1, pin)).transpose();
    pin.map_err(|e| Failure::because(Exit::Usage, e))
}

/// The key that was given. A literal is taken here: rehearsals are mostly on virtual cards.
fn adm(args: &Args) -> anyhow::Result<Option<AdmKey>> {
    args.adm.as_ref().map(|adm| adm.parse("ADM key")).transpose()
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}
