//! What a key's counter shows, asked without spending a try (ETSI TS 102 221, section 11.1.9; 3GPP TS 51.011, section 9.2.1).

use crate::{
    card::{Mode, Session, TransportError, gsm},
    wire::{
        apdu::{CommandApdu, StatusClass, StatusWord},
        arr::KeyRef,
    },
};

/// What a card tells of a key without being given it.
pub(super) enum Counter {
    Left(u8),
    NotNeeded,
    Blocked,
    NoSuchKey,
    Unknown(Option<StatusWord>),
}

/// VERIFY of a key, still without data.
pub(super) fn verify(key: KeyRef) -> CommandApdu {
    CommandApdu::new(0x00, 0x20, 0x00, key.0)
}

/// The counter as the status of a directory tells it: of CHV1 and CHV2, and of no other key. An empty VERIFY is not sent: class A0
/// has none, and a card might count it.
fn counter_2g(session: &mut Session<'_>, key: KeyRef) -> Result<Counter, TransportError> {
    if !matches!(key.0, 0x01 | 0x02) {
        return Ok(Counter::Unknown(None));
    }
    let Some(directory) = gsm::status(session)? else { return Ok(Counter::Unknown(None)) };
    if key == KeyRef::PIN1 && directory.chv1_is_off() {
        return Ok(Counter::NotNeeded);
    }
    let chv = if key == KeyRef::PIN1 { directory.chv1 } else { directory.chv2 };
    Ok(match (chv.is_initialised(), chv.tries_left()) {
        (false, _) => Counter::NoSuchKey,
        (true, 0) => Counter::Blocked,
        (true, left) => Counter::Left(left),
    })
}

/// Asks for the counter by a VERIFY without data, which costs no try. On T=0 the session gives it P3 = 00.
pub(super) fn counter(session: &mut Session<'_>, key: KeyRef) -> Result<Counter, TransportError> {
    if session.mode() == Mode::TwoG {
        return counter_2g(session, key);
    }
    let sw = session.send_once(&verify(key))?.sw;
    Ok(match sw.class() {
        StatusClass::WrongKey(0) | StatusClass::Blocked => Counter::Blocked,
        StatusClass::WrongKey(left) => Counter::Left(left),
        // Some cards say so while the key is verified (remembered).
        StatusClass::Ok | StatusClass::OkFetch(_) => Counter::NotNeeded,
        StatusClass::Absent => Counter::NoSuchKey,
        // A PIN that is switched off: 6984 or 6985, both seen. It counts as satisfied.
        _ if matches!(sw, StatusWord::NOT_USABLE | StatusWord::CONDITIONS) => Counter::NotNeeded,
        _ => Counter::Unknown(Some(sw)),
    })
}

/// Why a counter is not known, in words.
pub(super) fn told(sw: Option<StatusWord>) -> String {
    sw.map_or("a card of class A0 cannot be asked".into(), |sw| format!("it answered {sw}"))
}
