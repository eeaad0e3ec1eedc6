//! `bootgate lab`: virtual parts, each as a process of its own.

mod phone;
mod quirks;
mod smsc;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{
    Exit, Failure, Global,
    card::args::key_ref,
    output::{ForceArg, emit, note},
};
use crate::{
    card::Protocol,
    ident::{AdmKey, Iccid, Imsi},
    lab::{
        card::VirtualCard,
        fault::Fault,
        image::{CardImage, ImageError, Personality, Quirk, SAMPLE_ICCID, SAMPLE_IMSI, Sample, SampleKind},
        line::Line,
        reader::CardHandle,
        vpcd::{self, VpcdError},
    },
    wire::{Fid, arr::KeyRef, ef},
};

/// Actions.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// A virtual card: in a virtual PC/SC reader (vpcd), or as an image file.
    Card(CardArgs),
    /// A virtual phone: starts from a card and holds a session with a DM server.
    Phone(phone::PhoneArgs),
    /// A virtual SMSC: takes short messages over SMPP, and sends receipts.
    Smsc(smsc::SmscArgs),
    /// The quirks that `lab card --quirk` takes.
    Quirks,
}

const EXAMPLES: &str = "Examples:
  bootgate lab card --vpcd 127.0.0.1:35963 --kind prepared
  bootgate lab card --vpcd 127.0.0.1:35963 --image card.json --save
  bootgate lab card --new card.json --personality sim

Keys of a sample card: ADM1 12345678 (or --adm), PIN1 1234, PIN2 5678, PUK1 31415926, PUK2 27182818.";

/// A sample card unless --image names another. Its keys may stand on the command line because they open nothing real.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("place").required(true).args(["vpcd", "new"]))]
pub(super) struct CardArgs {
    /// Puts the card into the vpcd reader that listens there. Ends when vpcd closes the connection; ending the process
    /// pulls the card.
    #[arg(long, value_name = "HOST:PORT")]
    vpcd: Option<String>,
    /// Writes the card as an image file instead.
    #[arg(long, value_name = "FILE")]
    new: Option<PathBuf>,
    /// The card to put in: an image file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["new", "kind", "personality", "iccid", "imsi", "adm", "adm_ref", "protocol", "bootstrap_size", "all_settings_files"])]
    image: Option<PathBuf>,
    /// Saves the card after each change: into FILE, or into the --image file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, requires = "vpcd")]
    save: Option<Option<PathBuf>>,
    #[command(flatten)]
    force: ForceArg,
    /// Sample card: bare (ADM1 may create files), prepared (empty bootstrap files), pin (as prepared, PIN1 needed to
    /// read), closed (nobody may create files).
    #[arg(long, default_value = "bare")]
    kind: SampleKind,
    /// What kind of card the sample is: uicc, uicc-2g (a UICC that also takes class A0), sim, ruim or token. Class A0 has
    /// no CREATE FILE: a SIM takes a bootstrap when it is prepared.
    #[arg(long, value_name = "PERSONALITY", default_value = "uicc")]
    personality: Personality,
    /// Number of the sample card.
    #[arg(long, value_name = "DIGITS", default_value = SAMPLE_ICCID)]
    iccid: Iccid,
    /// Subscriber of the sample card.
    #[arg(long, value_name = "DIGITS", default_value = SAMPLE_IMSI)]
    imsi: Imsi,
    /// ADM1 of the sample card: 4 to 8 characters, or 16 hexadecimal digits. Without it: 12345678.
    #[arg(long, value_name = "KEY")]
    adm: Option<AdmKey>,
    /// Which key that is: 0A is ADM1. A SIM or R-UIM tells 04 to 0E as the access level of its files.
    #[arg(long, value_name = "REF", default_value = "0A", value_parser = key_ref)]
    adm_ref: KeyRef,
    /// Protocol of the sample card.
    #[arg(long, value_enum, default_value = "t0")]
    protocol: ProtocolName,
    /// Size of each bootstrap file of a prepared sample card, in octets.
    #[arg(long, value_name = "N", default_value = "4096", value_parser = clap::value_parser!(u16).range(1..=32767))]
    bootstrap_size: u16,
    /// The USIM of the sample card has all settings files of 3GPP TS 31.102 that bootgate knows, empty; without it, EF(ACL) and
    /// EF(MMSICP) alone.
    #[arg(long)]
    all_settings_files: bool,
    /// A manner in which the card is not one by the book; as often as wanted. `lab quirks` lists them.
    #[arg(long, value_name = "NAME")]
    quirk: Vec<Quirk>,
    /// The same as --quirk fci: answers SELECT with P2=00 by a 6F template, as OpenSC wants it.
    #[arg(long)]
    opensc: bool,
    /// What goes wrong; as often as wanted. cut-before=N and cut-after=N pull the card before or after the N-th command,
    /// pull-in-update=N when it has carried out the N-th UPDATE BINARY, torn-update=N in the middle of the N-th UPDATE;
    /// mute-in-update=N leaves the card in the reader, and it answers no more; answer-lost=N and empty-answer=N lose an answer,
    /// the second with the card, half-answer=N half of it; flipped-answer=N:OCTET turns a bit of that octet round;
    /// memory-trouble=N is 6581; update-says=N:SW answers the N-th UPDATE so, update-not-done=N:SW without carrying it out; mute, or
    /// mute=N from the N-th command on. counter-low=TRIES leaves no key more tries, counter-not-told has the card not tell them.
    #[arg(long, value_name = "FAULT", requires = "vpcd")]
    fault: Vec<Fault>,
    /// Octets a second on the line to the card, as of a real T=0 one: 800 at the rate that every card begins with, about
    /// 18600 at the fastest in use. Without it the line takes no time.
    #[arg(long, value_name = "OCTETS", requires = "vpcd", value_parser = clap::value_parser!(u32).range(1..))]
    speed: Option<u32>,
    /// How long to try to connect, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", requires = "vpcd")]
    wait: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ProtocolName {
    T0,
    T1,
}

impl From<ProtocolName> for Protocol {
    fn from(name: ProtocolName) -> Self {
        match name {
            ProtocolName::T0 => Self::T0,
            ProtocolName::T1 => Self::T1,
        }
    }
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Card(args) => card(args, global),
        Action::Phone(args) => phone::run(&args, global),
        Action::Smsc(args) => smsc::run(&args, global),
        Action::Quirks => {
            emit(global.format, &quirks::List::new())?;
            Ok(Exit::Ok)
        }
    }
}

fn card(args: CardArgs, global: &Global) -> anyhow::Result<Exit> {
    let mut image = match &args.image {
        Some(file) => load(file)?,
        None => args.sample(),
    };
    let fci = args.opensc.then_some(Quirk::Fci);
    args.quirk.iter().copied().chain(fci).for_each(|quirk| image.add_quirk(quirk));
    if let Some(file) = &args.new {
        args.force.check(Some(file))?;
        image.save(file)?;
        emit(global.format, &Written { file: file.display().to_string(), iccid: iccid(&image) })?;
        return Ok(Exit::Ok);
    }
    let Some(address) = &args.vpcd else { return Ok(Exit::Usage) };
    // The image that was put in may change; another file may not be lost.
    let chosen = args.save.clone().flatten().filter(|file| args.image.as_ref() != Some(file));
    let save = match (args.save, args.image) {
        (None, _) => None,
        (Some(Some(file)), _) | (Some(None), Some(file)) => Some(file),
        (Some(None), None) => {
            let why = "--save without a file saves into the --image file, and there is none; name one";
            return Err(Failure::because(Exit::Usage, why));
        }
    };
    args.force.check(chosen.as_deref())?;
    let mut line = args.fault.iter().fold(Line::default(), |line, fault| line.with_fault(*fault));
    if let Some(rate) = args.speed {
        line = line.with_speed(rate);
    }
    let name = iccid(&image).map_or("without ICCID".to_owned(), |iccid| iccid.to_string());
    let card = VirtualCard::from_image(image)?;
    let card = CardHandle::new(card);
    let mut keep = |card: &CardHandle| save.as_ref().map_or(Ok(()), |file| card.image().save(file));
    keep(&card)?;
    let stream = vpcd::connect(address, Duration::from_secs(args.wait))
        .map_err(|e| Failure::because(Exit::Unavailable, e))?;
    note(&format!("Card {name} is offered to the virtual reader at {address}"));
    vpcd::run(&card, stream, line, &mut keep).map_err(|e| match e {
        VpcdError::Broken(_) => Failure::because(Exit::Unavailable, e),
        other => other.into(),
    })?;
    Ok(Exit::Ok)
}

/// A card out of an image file.
fn load(file: &Path) -> anyhow::Result<CardImage> {
    CardImage::load(file).map_err(|error| match error {
        ImageError::File { .. } => Failure::because(Exit::Usage, error),
        other => other.into(),
    })
}

impl CardArgs {
    fn sample(&self) -> CardImage {
        let mut sample = Sample::new(self.kind, self.iccid.clone(), self.imsi.clone());
        if let Some(adm) = &self.adm {
            sample.adm = adm.clone();
        }
        sample.adm_ref = self.adm_ref;
        sample.personality = self.personality;
        sample.protocol = self.protocol.into();
        sample.all_settings = self.all_settings_files;
        sample.with_bootstrap_size(self.bootstrap_size).image()
    }
}

/// The number in EF(ICCID) of an image.
fn iccid(image: &CardImage) -> Option<Iccid> {
    ef::decode_iccid(image.mf.find(&[Fid::ICCID])?.content()?).ok()
}

/// An image file was written.
#[derive(serde::Serialize)]
struct Written {
    file: String,
    iccid: Option<Iccid>,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.iccid {
            Some(iccid) => write!(f, "{}: card {iccid}", self.file),
            None => write!(f, "{}: card without ICCID", self.file),
        }
    }
}
