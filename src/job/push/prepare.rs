//! Everything about a push job that can go wrong before there is one: from profile and subscriber to the signed push.

use crate::{
    bootstrap::{
        self, BootstrapError, PayloadKind,
        mac::{self, Sec, Signature},
    },
    ident::{Msisdn, Pin, Random, ServerId, Timestamp},
    job::{NewJob, Route, target},
    profile::{PinChannel, SecurityMethod},
};

use super::{Letter, Order, PushEntity, PushJob, PushJobError};

/// Digits of a drawn PIN when the profile does not say how many.
const PIN_DIGITS: usize = 8;
/// The application that a DM bootstrap message is for. (That it goes with it is remembered, not read.)
const DM_CLIENT: &str = "x-wap-application:syncml.dm";

/// A job that can be accepted.
#[derive(Debug)]
pub struct Prepared {
    /// What is kept of it in the open.
    pub new: NewJob,
    /// What is kept of it sealed.
    pub order: Order,
    /// What the profile holds and this kind of payload does not carry.
    pub losses: Vec<String>,
}

/// Fills in the profile, builds and signs the payload, draws secrets and PIN. Nothing unauthenticated comes out, unless
/// the profile asks for method `none` by name.
///
/// # Errors
/// [`PushJobError`].
pub fn prepare(
    job: &PushJob,
    ours: &ServerId,
    random: &dyn Random,
    now: Timestamp,
) -> Result<Prepared, PushJobError> {
    let asked = target::server(&job.profile, ours)?;
    let to: Msisdn = job.subscriber.msisdn.clone().ok_or(PushJobError::NoMsisdn)?;
    let method = job.profile.security.ok_or(PushJobError::NoSecurity)?;
    let settings = bootstrap::resolve(&job.profile, &job.subscriber, random)?;
    let payload = bootstrap::build(&settings, job.payload)?;
    let account = settings.dm_account.as_ref().ok_or(BootstrapError::NoAccount)?;
    let account = target::new_account(&settings, account)?;

    let pin = pin(job, method, random)?;
    let signature = match Sec::from_method(method) {
        Some(sec) => {
            Some(mac::sign(job.payload, sec, job.subscriber.imsi.as_ref(), pin.as_ref(), &payload.octets)?)
        }
        None => None,
    };
    let content_type = match &signature {
        Some(signature) => signature.content_type(),
        None => payload.content_type().to_owned(),
    };
    let mut fields = vec![("Content-Type".to_owned(), content_type)];
    if job.payload == PayloadKind::Dm {
        fields.push(("X-Wap-Application-Id".to_owned(), DM_CLIENT.to_owned()));
    }
    let push = PushEntity { fields, body: payload.octets.into(), unsigned: signature.is_none() };
    let new = NewJob {
        key: job.key.clone(),
        profile: job.profile.name.clone(),
        profile_version: job.profile.version,
        server_id: asked,
        route: Route::Push,
        payload: job.payload,
        imei: job.subscriber.imei.clone(),
        iccid: job.subscriber.iccid.clone(),
        // What jobs keep of it says to which card it went; a push goes to no card.
        imsi: None,
        asked: None,
        octets: None,
    };
    let order = Order {
        to,
        push: Some(push),
        expires: now.plus(job.validity),
        account: Some(account),
        letter: letter(job, signature.as_ref()),
        creator: job.creator.clone(),
        asked: job.asked,
    };
    Ok(Prepared { new, order, losses: payload.losses })
}

/// The PIN that signs: the one that was given, or one that is drawn where the method has one.
fn pin(job: &PushJob, method: SecurityMethod, random: &dyn Random) -> Result<Option<Pin>, PushJobError> {
    match (method.pin_digits(), &job.pin) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(PushJobError::NoPinWanted { method: method.as_str() }),
        (Some(_), Some(given)) => Ok(Some(given.clone())),
        (Some(_), None) => {
            let digits = job.profile.pin_length.unwrap_or(PIN_DIGITS);
            Ok(Some(Pin::generate(random, digits)?))
        }
    }
}

/// What the user has to be told. A PIN that was given is known, but for USERPINMAC, which makes another of it.
fn letter(job: &PushJob, signature: Option<&Signature>) -> Option<Letter> {
    let signature = signature?;
    if job.pin.is_some() && signature.sec != Sec::UserPinMac {
        return None;
    }
    let channel = job.profile.pin_channel.unwrap_or(PinChannel::Printed);
    signature.user_pin.clone().map(|pin| Letter { pin, channel })
}
