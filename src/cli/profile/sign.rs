//! How a payload is signed for a push: with which method, and with which PIN.

use serde::Serialize;

use crate::{
    app::OsRandom,
    bootstrap::{
        Payload,
        mac::{self, Sec, Signature},
    },
    cli::{Exit, Failure, secret::SecretOrLiteral},
    ident::{Imsi, Pin},
    profile::{Profile, SecurityMethod, Warning, weaknesses},
};

/// The word in place of a PIN that asks for one to be drawn.
const RANDOM: &str = "random";
/// Digits of a drawn PIN when nobody says how many.
const DIGITS: usize = 8;

/// Arguments about the signature.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SignArgs {
    /// PIN that signs the payload for a push: @FILE, env:NAME or - (prompt), or the word random to have one drawn; where nothing
    /// is sent (`profile build`), the digits themselves, too. With userpinmac, the first half of what the user will enter.
    #[arg(long, value_name = "SECRET")]
    pin: Option<SecretOrLiteral>,
    /// Draws a PIN of so many digits: 4 to 32, for userpinmac 5 to 16. Without it a drawn PIN has what the profile's
    /// pin-length says, or 8.
    #[arg(long, value_name = "N")]
    pin_length: Option<usize>,
    /// Method that signs the payload for a push, in place of the profile's: netwpin, userpin, usernetwpin, userpinmac or
    /// none.
    #[arg(long, value_name = "METHOD")]
    sec: Option<SecurityMethod>,
}

/// What holds where the command line says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct SignDefaults {
    /// The method.
    pub(in crate::cli) method: Option<SecurityMethod>,
    /// Digits of a PIN that is drawn.
    pub(in crate::cli) pin_length: Option<usize>,
}

impl From<&Profile> for SignDefaults {
    fn from(profile: &Profile) -> Self {
        Self { method: profile.security, pin_length: profile.pin_length }
    }
}

impl SignArgs {
    /// The method that was asked for.
    pub(in crate::cli) fn method(&self) -> Option<SecurityMethod> {
        self.sec
    }

    /// True when a PIN stands on the command line itself, where others see it.
    pub(in crate::cli) fn has_literal_pin(&self) -> bool {
        self.pin.as_ref().is_some_and(|pin| pin.is_literal() && !pin.is_literally(RANDOM))
    }

    /// True when a signature was asked for.
    pub(in crate::cli) fn asked(&self) -> bool {
        self.sec.is_some() || self.pin.is_some() || self.pin_length.is_some()
    }
}

/// What a payload is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Purpose {
    /// A card, or whatever the caller makes of it: it need not be signed.
    Any,
    /// An answer over HTTP, as XML, which no MAC is of.
    Fetch,
    /// A push, which is signed unless `none` was asked for by name.
    Push,
}

/// A payload's signature.
pub(in crate::cli) struct Signed {
    /// The signature, or why there is none.
    pub(in crate::cli) signature: Result<Signature, String>,
    /// True when its PIN was drawn here: nobody else knows it.
    pub(in crate::cli) drawn: bool,
    /// What is weak about it.
    pub(in crate::cli) weaknesses: Vec<Weakness>,
}

/// What is weak about a signature.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Weakness {
    /// A stable word for programs.
    code: &'static str,
    /// The risk, and what is better.
    pub(in crate::cli) message: String,
    /// True when the check of the profile said so already.
    #[serde(skip)]
    pub(in crate::cli) told: bool,
}

/// Signs the payload for a push, or says why not. What was asked for on the command line must work; what the profile
/// alone asks for may lack its key here, because a card needs no signature.
pub(in crate::cli) fn sign(
    args: &SignArgs,
    defaults: SignDefaults,
    imsi: Option<&Imsi>,
    payload: &Payload,
    purpose: Purpose,
) -> anyhow::Result<Signed> {
    if purpose == Purpose::Fetch {
        let why = "SEC and MAC are of WBXML; what is fetched over HTTP is authenticated by the connection";
        return Ok(Signed { signature: Err(why.to_owned()), drawn: false, weaknesses: Vec::new() });
    }
    let required = args.asked() || purpose == Purpose::Push;
    let unsigned = |why: String, weaknesses| {
        if required {
            Err(Failure::because(Exit::Usage, why))
        } else {
            Ok(Signed { signature: Err(why), drawn: false, weaknesses })
        }
    };
    let Some(method) = args.sec.or(defaults.method) else {
        let why =
            "the profile has no [security], so it is for cards only; for a push name a method with --sec";
        return unsigned(why.to_owned(), Vec::new());
    };
    let Some(sec) = Sec::from_method(method) else {
        if args.pin.is_some() || args.pin_length.is_some() {
            return Err(Failure::because(Exit::Usage, "method none signs nothing, and a PIN was asked for"));
        }
        // Asked for by name, here or in the profile, which must say so twice.
        let why = "method none: anybody could forge it".to_owned();
        return Ok(Signed {
            signature: Err(why),
            drawn: false,
            weaknesses: weak(args, defaults, method, None),
        });
    };
    // Not even for a card: whoever has such a profile means to push it one day.
    sec.check_kind(payload.kind).map_err(|error| {
        Failure::because(Exit::Usage, format!("{error}; name another with --sec, or none for a card"))
    })?;
    let (pin, drawn) = pin(args, defaults, sec)?;
    let missing = missing(sec, imsi, pin.as_ref());
    if !missing.is_empty() {
        let weaknesses = weak(args, defaults, method, pin.as_ref());
        return unsigned(
            format!("{sec} needs {}; a card needs no signature", missing.join(" and ")),
            weaknesses,
        );
    }
    let signature = mac::sign(payload.kind, sec, imsi, pin.as_ref(), &payload.octets)
        .map_err(|error| Failure::because(Exit::Usage, error))?;
    let weaknesses = weak(args, defaults, method, pin.as_ref());
    Ok(Signed { signature: Ok(signature), drawn, weaknesses })
}

/// The PIN, and whether it was drawn.
fn pin(args: &SignArgs, defaults: SignDefaults, sec: Sec) -> anyhow::Result<(Option<Pin>, bool)> {
    let usage = |why: String| Failure::because(Exit::Usage, why);
    let Some(allowed) = sec.method().pin_digits() else {
        if args.pin.is_some() || args.pin_length.is_some() {
            // Who gives a PIN believes that it protects something.
            return Err(usage(format!("{sec} has no PIN; --sec usernetwpin takes one besides the IMSI")));
        }
        return Ok((None, false));
    };
    let random = args.pin.as_ref().is_some_and(|pin| pin.is_literally(RANDOM));
    if let Some(given) = args.pin.as_ref().filter(|_| !random) {
        if args.pin_length.is_some() {
            return Err(usage(
                "--pin gives a PIN and --pin-length draws one; expected one of the two".into(),
            ));
        }
        return Ok((Some(given.parse("--pin")?), false));
    }
    if !random && args.pin_length.is_none() && defaults.pin_length.is_none() {
        return Ok((None, false));
    }
    let digits = args.pin_length.or(defaults.pin_length).unwrap_or(DIGITS);
    if !allowed.contains(&digits) {
        let (least, most) = allowed.into_inner();
        return Err(usage(format!("a PIN of {digits} digits is none for {sec}; expected {least} to {most}")));
    }
    let pin = Pin::generate(&OsRandom, digits).map_err(|e| usage(e.to_string()))?;
    Ok((Some(pin), true))
}

/// What a method needs and was not given, with the flags that give it.
fn missing(sec: Sec, imsi: Option<&Imsi>, pin: Option<&Pin>) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if sec.needs_pin() && pin.is_none() {
        missing.push("a PIN (--pin, or --pin random to have one drawn)");
    }
    if sec.needs_imsi() && imsi.is_none() {
        missing.push("the IMSI of the device's card (--imsi)");
    }
    missing
}

fn weak(args: &SignArgs, defaults: SignDefaults, method: SecurityMethod, pin: Option<&Pin>) -> Vec<Weakness> {
    let told: Vec<Warning> = match (args.sec, defaults.method) {
        (None, Some(method)) => weaknesses(method, defaults.pin_length, None),
        _ => Vec::new(),
    };
    let found = weaknesses(method, None, pin).into_iter();
    found.map(|w| Weakness { code: w.code(), message: w.to_string(), told: told.contains(&w) }).collect()
}
