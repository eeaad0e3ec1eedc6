//! Arguments that several card actions take.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

use crate::{
    app::{App, KeyRingName, OsRandom, config::Config},
    bootstrap::PayloadKind,
    card::{AdmKeys, FileSystem, Key, KeyError, KeyGuard, KeyId, KeyRings, Plan, ReadAccess},
    cli::{Exit, Failure, Format, Global, config, exit::failure, input, output, secret::SecretSource},
    ident::{AdmKey, Iccid, Pin},
    job::Layout,
    profile::CardCpFile,
    vault::Vault,
    wire::{
        Fid,
        arr::KeyRef,
        pkcs15::{ObjectId, Shape},
    },
};

/// Which reader.
#[derive(Debug, clap::Args)]
pub(super) struct ReaderArgs {
    /// Reader, as `card list` names it, or the beginning of its name where no other begins so.
    #[arg(short, long, value_name = "READER")]
    pub(super) reader: String,
}

/// A PIN that opens files for reading.
#[derive(Debug, clap::Args)]
pub(super) struct PinArgs {
    /// PIN of the card, for files behind it: @FILE, env:NAME or - (prompt). Presented once, and only while its counter
    /// shows enough tries.
    #[arg(long, value_name = "SECRET")]
    pin: Option<SecretSource>,
    /// Which PIN it is.
    #[arg(long, value_name = "REF", default_value = "01", value_parser = key_ref, requires = "pin")]
    pin_ref: KeyRef,
}

impl PinArgs {
    /// Which PIN was given, if one was.
    pub(super) fn id(&self) -> Option<KeyId> {
        self.pin.as_ref().map(|_| self.pin_ref.into())
    }

    /// The PIN as a key, if one was given.
    pub(super) fn key(&self) -> anyhow::Result<Option<Key>> {
        let Some(source) = &self.pin else { return Ok(None) };
        let pin: Pin = source.parse("card PIN")?;
        Key::pin(self.pin_ref, &pin).map(Some).map_err(|e| Failure::because(Exit::Usage, e))
    }
}

/// Administrative keys.
#[derive(Debug, clap::Args)]
pub(super) struct AdmArgs {
    /// Administrative key: @FILE, env:NAME or - (prompt); 4 to 8 characters, or 16 hexadecimal digits. Presented once,
    /// only when the plan needs it and its counter shows enough tries. May be given more than once, for cards that ask
    /// for several.
    #[arg(long, value_name = "SECRET")]
    adm: Vec<SecretSource>,
    /// Which key of the card it is: 0A is ADM1. As often as --adm. Where a card does not say which key it means (compact access
    /// rules), or means another by its access level (SIM, R-UIM) than those at hand, it is the one that is named here.
    #[arg(long, value_name = "REF", value_parser = key_ref)]
    adm_ref: Vec<KeyRef>,
    #[command(flatten)]
    rings: KeyRingArgs,
}

/// Sources of keys.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeyRingArgs {
    /// Where keys of the card come from, asked by its ICCID: csv:FILE, dir:FOLDER (a file ICCID.toml: adm1 = "..."), env:PREFIX
    /// (PREFIX_ICCID_ADM1) or pkcs11:URI. May be given more than once. [[card.key-source]] in the configuration is asked after these.
    #[arg(long, value_name = "SOURCE")]
    keys: Vec<String>,
    /// Attests that a key may be presented once to the card with this number although the card does not tell how many tries are left.
    /// May be given more than once. For ranges of cards see [[card.key-policy]] in the configuration.
    #[arg(long, value_name = "DIGITS", value_parser = super::refusal::iccid)]
    allow_once: Vec<Iccid>,
}

impl KeyRingArgs {
    /// Whether any stands on the command line.
    pub(in crate::cli) fn are_given(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Opens them, and those of the configuration.
    pub(in crate::cli) fn open(&self, app: &App) -> anyhow::Result<KeyRings> {
        self.open_with(app.config(), app.vault())
    }

    /// The same where there is no store.
    pub(in crate::cli) fn open_with(&self, config: &Config, vault: &Arc<Vault>) -> anyhow::Result<KeyRings> {
        // Read here and not by the argument parser, which repeats what it does not take.
        let names: Result<Vec<KeyRingName>, String> = self.keys.iter().map(|name| name.parse()).collect();
        let names = names.map_err(|why| Failure::because(Exit::Usage, format!("--keys: {why}")))?;
        for name in &names {
            // One that the configuration names is another affair.
            if let KeyRingName::Table(place) | KeyRingName::Folder(place) = name {
                std::fs::metadata(place).map_err(|error| input::unreadable(place, error))?;
            }
        }
        let rings = App::key_rings_of(config, vault, &names).map_err(failure)?;
        Ok(rings.attesting(self.allow_once.clone()))
    }
}

impl AdmArgs {
    /// The references of the keys, in order.
    fn references(&self) -> anyhow::Result<Vec<KeyRef>> {
        match (self.adm.len(), self.adm_ref.len()) {
            (0 | 1, 0) => Ok(vec![KeyRef::ADM1]),
            (0, 1) => Ok(self.adm_ref.clone()),
            (keys, references) if keys == references => Ok(self.adm_ref.clone()),
            (keys, references) => Err(Failure::because(
                Exit::Usage,
                format!("{keys} --adm and {references} --adm-ref; each key needs its reference"),
            )),
        }
    }

    /// The references that were named.
    pub(super) fn named(&self) -> Vec<KeyRef> {
        self.adm_ref.clone()
    }

    /// What a plan may ask for, with these keys at hand.
    pub(super) fn at_hand(&self, keys: &[Key]) -> AdmKeys {
        AdmKeys::new(&self.adm_ref, keys)
    }

    /// The same for a plan that is only shown: no secret of the command line is read, and nobody asked for one. Sources of keys
    /// are asked; of one that cannot tell, that is said.
    pub(super) fn to_show(&self, card: Option<&Iccid>, global: &Global) -> anyhow::Result<AdmKeys> {
        let config = config::load(global, Vec::new())?;
        let vault = App::vault_of(&config, Arc::new(OsRandom));
        let known = self.rings_with(&config, &vault)?.complete(card, &[]).unwrap_or_else(|error| {
            output::note(&format!("note: the plan is made without sources of keys: {error}"));
            Vec::new()
        });
        let given = self.references()?.into_iter().take(self.adm.len());
        let known = known.iter().filter_map(|key| key.id.reference());
        Ok(AdmKeys::of(&self.adm_ref, given.chain(known)))
    }

    /// Opens the sources of keys.
    pub(super) fn rings(&self, app: &App) -> anyhow::Result<KeyRings> {
        self.rings_with(app.config(), app.vault())
    }

    fn rings_with(&self, config: &Config, vault: &Arc<Vault>) -> anyhow::Result<KeyRings> {
        let rings = self.rings.open_with(config, vault)?;
        Ok(match (self.adm.as_slice(), self.adm_ref.as_slice()) {
            ([], [named]) => rings.meaning(*named),
            _ => rings,
        })
    }

    /// The keys that were given. A prompt asks for them now.
    pub(super) fn keys(&self) -> anyhow::Result<Vec<Key>> {
        let references = self.references()?;
        let read = |(source, reference): (&SecretSource, KeyRef)| {
            let key: AdmKey = source.parse(&format!("key {reference}"))?;
            Ok(Key::adm(reference, key))
        };
        self.adm.iter().zip(references).map(read).collect()
    }
}

/// How bootstrap files are laid out.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LayoutArgs {
    /// Shape of the entry in EF(DODF). Without it, an entry that exists keeps its shape and a new one is oid, which is
    /// what cards in the field have.
    #[arg(long, value_enum, value_name = "SHAPE")]
    dodf_shape: Option<ShapeName>,
    /// Who may read bootstrap files that are created. Files that exist keep their access conditions. Without it, as `[card]` of
    /// the profile says, else everybody.
    #[arg(long, value_enum, value_name = "WHO")]
    read_access: Option<ReadAccessName>,
    /// Identifier of a bootstrap file that is created. Without it, as `[card]` of the profile says, else 6431 or the next free
    /// one.
    #[arg(long, value_name = "FID")]
    content_fid: Option<Fid>,
    /// Which file a provisioning document goes into: bootstrap, config1 or config2. Without it, as `[card]` of the profile says,
    /// else bootstrap.
    #[arg(long, value_name = "FILE")]
    cp_file: Option<CardCpFile>,
    /// Identifier of the PKCS#15 directory when it is created. Without it, as `[card]` of the profile says, else 7F50.
    #[arg(long, value_name = "FID")]
    directory_fid: Option<Fid>,
    /// Identifier of an EF(DODF) that is created. Without it, as `[card]` of the profile says, else 6430.
    #[arg(long, value_name = "FID")]
    dodf_fid: Option<Fid>,
    /// Writes object identifiers wrapped twice, a known mistake that some devices look for.
    #[arg(long)]
    double_wrapped_oid: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(in crate::cli) enum ShapeName {
    /// oidDO, as real cards have them.
    Oid,
    /// opaqueDO, as the text words it.
    Opaque,
}

impl From<ShapeName> for Shape {
    fn from(name: ShapeName) -> Self {
        match name {
            ShapeName::Oid => Self::OidDo,
            ShapeName::Opaque => Self::OpaqueDo,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ReadAccessName {
    Always,
    Pin,
}

impl LayoutArgs {
    /// What was said; the rest is for the profile to say.
    pub(in crate::cli) fn layout(&self) -> Layout {
        Layout {
            shape: self.dodf_shape.map(Shape::from),
            read: self.read_access.map(|access| match access {
                ReadAccessName::Always => ReadAccess::Always,
                ReadAccessName::Pin => ReadAccess::Pin,
            }),
            content_fid: self.content_fid,
            directory_fid: self.directory_fid,
            dodf_fid: self.dodf_fid,
            double_wrapped_oid: self.double_wrapped_oid,
            cp_file: self.cp_file,
        }
    }
}

/// Keys and consent, for what changes a card.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArgs {
    #[command(flatten)]
    pub(super) adm: AdmArgs,
    #[command(flatten)]
    pub(super) pin: PinArgs,
    #[command(flatten)]
    pub(super) consent: ConsentArgs,
}

impl ChangeArgs {
    /// The keys that were given. They are asked for before the card is touched: nobody has to hurry at the prompt.
    pub(super) fn keys(&self) -> anyhow::Result<Vec<Key>> {
        let mut keys = self.adm.keys()?;
        keys.extend(self.pin.key()?);
        Ok(keys)
    }

    /// Does something that reads a card, with the PINs that it asks for: the one that stands on the command line, as actions do that
    /// only read; one that a source of keys holds when somebody agrees, and never under `--dry-run`.
    pub(super) fn with_pins<T>(
        &self,
        fs: &mut FileSystem<'_>,
        keys: &[Key],
        guard: &KeyGuard<'_>,
        work: impl FnMut(&mut FileSystem<'_>) -> T,
    ) -> anyhow::Result<T> {
        let given = self.pin.id();
        let held: Vec<Key> =
            keys.iter().filter(|key| !self.consent.dry_run || given == Some(key.id)).cloned().collect();
        let agreed = |card: &Iccid, pin| given == Some(pin) || self.consent.agrees_to_pin(card, pin);
        match guard.with_agreed_pins(fs, &held, agreed, work) {
            Err(KeyError::NotAgreed { .. }) if !self.consent.can_ask() => Err(ConsentArgs::missing()),
            done => done.map_err(failure),
        }
    }
}

/// Whether to go on without asking.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ConsentArgs {
    /// Shows the plan and changes nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Goes on without asking.
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

impl ConsentArgs {
    /// Whether somebody is there to be asked.
    pub(in crate::cli) fn can_ask(&self) -> bool {
        self.yes || std::io::stdin().is_terminal()
    }

    /// Asks on the terminal, unless `--yes` has answered.
    pub(in crate::cli) fn ask(&self, question: &str) -> bool {
        if self.yes {
            return true;
        }
        let mut err = std::io::stderr().lock();
        let asked = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
        asked.is_ok() && input::line().is_some_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Asks before a PIN is presented that nobody has typed.
    pub(super) fn agrees_to_pin(&self, card: &Iccid, pin: KeyId) -> bool {
        let question = format!("Card {card} does not let itself be looked at without PIN {pin}. Present it?");
        self.can_ask() && self.ask(&question)
    }

    /// Shows a plan and asks whether it is carried out. The exit status when it is not: it was only to be shown, or somebody
    /// said no.
    pub(super) fn agree(&self, global: &Global, plan: &Plan, question: &str) -> anyhow::Result<Option<Exit>> {
        if self.dry_run {
            output::emit(global.format, plan)?;
            return Ok(Some(Exit::Ok));
        }
        if global.format == Format::Text {
            output::text(&plan.to_string())?;
        }
        if plan.is_unchanged() {
            return Ok(None);
        }
        if !self.can_ask() {
            return Err(Self::missing());
        }
        if self.ask(question) {
            return Ok(None);
        }
        output::note("nothing was changed");
        Ok(Some(Exit::Failed))
    }

    /// The failure of an action that would have to ask and cannot.
    pub(in crate::cli) fn missing() -> anyhow::Error {
        Failure::because(
            Exit::Usage,
            "this changes the card; give --yes, or run it on a terminal to be asked",
        )
    }
}

/// The objects that a kind of payload, or every kind, is read from: a device takes the first that holds one.
pub(super) fn objects_to_read(kind: Option<PayloadKind>) -> Vec<ObjectId> {
    let mut all = objects(kind);
    if let Some(at) = all.iter().position(|oid| *oid == ObjectId::CP_BOOTSTRAP) {
        all.splice(at + 1..at + 1, [ObjectId::CP_CONFIG1, ObjectId::CP_CONFIG2]);
    }
    all
}

/// The objects that a kind of payload, or every kind, stands for.
pub(super) fn objects(kind: Option<PayloadKind>) -> Vec<ObjectId> {
    match kind {
        Some(kind) => vec![kind.oid()],
        None => PayloadKind::ALL.iter().map(|kind| kind.oid()).collect(),
    }
}

/// A key reference: two hexadecimal digits.
pub(in crate::cli) fn key_ref(text: &str) -> Result<KeyRef, String> {
    let digits = Some(text).filter(|t| t.len() == 2 && t.bytes().all(|b| b.is_ascii_hexdigit()));
    digits
        .and_then(|t| u8::from_str_radix(t, 16).ok())
        .map(KeyRef)
        .ok_or_else(|| "a key is named by two hexadecimal digits, as 0A for ADM1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_two_digits() {
        assert_eq!(key_ref("0a"), Ok(KeyRef::ADM1));
        for bad in ["", "A", "00A", "+A", "ADM1"] {
            assert!(key_ref(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_key_has_its_reference() {
        let adm = || SecretSource::Env("BOOTGATE_NO_SUCH_KEY".into());
        let args = |keys: usize, refs: &[u8]| AdmArgs {
            adm: vec![adm(); keys],
            adm_ref: refs.iter().copied().map(KeyRef).collect(),
            rings: KeyRingArgs { keys: Vec::new(), allow_once: Vec::new() },
        };
        assert_eq!(args(1, &[]).references().unwrap(), [KeyRef::ADM1]);
        assert_eq!(args(2, &[0x0A, 0x0C]).references().unwrap(), [KeyRef::ADM1, KeyRef::ADM3]);
        assert!(args(2, &[]).references().is_err() && args(1, &[1, 2]).references().is_err());
        assert_eq!((args(0, &[]).named(), args(0, &[0x0C]).named()), (vec![], vec![KeyRef::ADM3]));
    }
}
