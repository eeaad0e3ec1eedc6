//! What a key's counter shows, asked without spending a try (ETSI TS 102 221, sections 11.1.9 and 11.1.13; 3GPP TS 51.011,
//! section 9.2.1), and the commands that do spend one.

use super::KeyId;
use crate::{
    card::{KeyState, Mode, Session, TransportError, gsm, rights::is_administrative},
    wire::{
        apdu::{CommandApdu, StatusClass, StatusWord},
        arr::KeyRef,
    },
};

/// VERIFY PIN; VERIFY CHV in class A0.
pub(super) const VERIFY: u8 = 0x20;
/// CHANGE PIN: the old value and the new one.
pub(super) const CHANGE: u8 = 0x24;
/// DISABLE PIN.
pub(super) const DISABLE: u8 = 0x26;
/// ENABLE PIN.
pub(super) const ENABLE: u8 = 0x28;
/// UNBLOCK PIN: the PUK, and the new value of the PIN.
pub(super) const UNBLOCK: u8 = 0x2C;

/// CHV2, as class A0 numbers it; a UICC has its second PIN as 81.
const CHV2: KeyRef = KeyRef(0x02);
/// How UNBLOCK CHV in class A0 numbers CHV1 (3GPP TS 51.011, section 9.2.13, remembered).
const PUK1: KeyRef = KeyRef(0x00);

/// What a card tells of a key without being given it.
pub(super) enum Counter {
    /// So many tries.
    Left(u8),
    /// It was presented since the last reset, and the card says that instead of a number.
    Presented,
    /// The PIN is switched off: the tries, where the card tells them all the same, else what it says instead.
    Off(Result<u8, StatusWord>),
    /// None is left.
    Blocked,
    /// The card has no such key.
    NoSuchKey,
    /// It does not tell. What it says instead; none where there is no way to ask.
    Unknown(Option<StatusWord>),
}

/// The one name of a key, whatever class it is presented in: what class A0 numbers as CHV2 is what a UICC calls 81. One key of a
/// card has one entry in the journal.
pub(super) fn named(mode: Mode, key: KeyId) -> KeyId {
    match (mode, key) {
        (Mode::TwoG, KeyId::Key(CHV2)) => KeyId::Key(KeyRef::PIN2),
        (Mode::TwoG, KeyId::Puk(CHV2)) => KeyId::Puk(KeyRef::PIN2),
        (Mode::TwoG, KeyId::Puk(PUK1)) => KeyId::Puk(KeyRef::PIN1),
        _ => key,
    }
}

/// Administrative keys as either class numbers them. Class A0 numbers them by access levels (or as somebody has named them), and
/// class 00 by its references, or as the vendor does (04 to 09, 11): which of these is the same key of the card nothing tells, and so
/// what befell one counts for the other.
pub(super) fn namesakes(mode: Mode, key: KeyId) -> Vec<KeyId> {
    const VENDOR: [u8; 7] = [0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x11];
    const ADM: [u8; 10] = [0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E];
    let KeyId::Key(of) = key else { return Vec::new() };
    let others: Vec<u8> = match mode {
        Mode::TwoG if gsm::is_administrative(of) || is_administrative(of) || VENDOR.contains(&of.0) => {
            ADM.into_iter().chain(VENDOR).collect()
        }
        Mode::ThreeG if is_administrative(of) => VENDOR.to_vec(),
        _ => Vec::new(),
    };
    others.into_iter().map(|other| KeyId::Key(KeyRef(other))).filter(|other| *other != key).collect()
}

/// Whether what is known of a namesake counts in a class. Class 00 has PINs of applications under numbers that class A0 has for
/// administrative keys. Class A0 tells no counter of those: where one was seen, the entry was made in class 00, of another key.
pub(super) fn counts_for(mode: Mode, of_namesake: KeyState) -> bool {
    mode == Mode::TwoG || of_namesake.tries().is_none()
}

/// A command about a key, by its name, still without data.
pub(super) fn about(mode: Mode, ins: u8, key: KeyId) -> CommandApdu {
    let p2 = match (mode, key) {
        (Mode::TwoG, KeyId::Puk(KeyRef::PIN1)) => PUK1.0,
        (Mode::TwoG, KeyId::Key(KeyRef::PIN2) | KeyId::Puk(KeyRef::PIN2)) => CHV2.0,
        (_, KeyId::Key(of) | KeyId::Puk(of)) => of.0,
    };
    CommandApdu::new(0x00, ins, 0x00, p2)
}

/// The counter as the status of a directory tells it: of CHV1, CHV2 and their PUKs, and of no other key. An empty VERIFY is not
/// sent: class A0 has none, and a card might count it.
fn counter_2g(session: &mut Session<'_>, key: KeyId) -> Result<Counter, TransportError> {
    let (KeyId::Key(of) | KeyId::Puk(of)) = key;
    if !matches!(of, KeyRef::PIN1 | KeyRef::PIN2) {
        return Ok(Counter::Unknown(None));
    }
    let Some(directory) = gsm::status(session)? else { return Ok(Counter::Unknown(None)) };
    let chv = match key {
        KeyId::Key(KeyRef::PIN1) => directory.chv1,
        KeyId::Key(_) => directory.chv2,
        KeyId::Puk(KeyRef::PIN1) => directory.unblock1,
        KeyId::Puk(_) => directory.unblock2,
    };
    let off = key == KeyRef::PIN1 && directory.chv1_is_off();
    Ok(match (chv.is_initialised(), chv.tries_left()) {
        (false, _) => Counter::NoSuchKey,
        (true, left) if off => Counter::Off(Ok(left)),
        (true, 0) => Counter::Blocked,
        (true, left) => Counter::Left(left),
    })
}

/// Asks for the counter by a VERIFY (of a PUK by an UNBLOCK PIN) without data, which costs no try. On T=0 the session gives it
/// P3 = 00.
pub(super) fn counter(session: &mut Session<'_>, key: KeyId) -> Result<Counter, TransportError> {
    if session.mode() == Mode::TwoG {
        return counter_2g(session, key);
    }
    let is_puk = matches!(key, KeyId::Puk(_));
    let ins = if is_puk { UNBLOCK } else { VERIFY };
    let sw = session.send_once(&about(Mode::ThreeG, ins, key))?.sw;
    Ok(match sw.class() {
        StatusClass::WrongKey(0) | StatusClass::Blocked => Counter::Blocked,
        StatusClass::WrongKey(left) => Counter::Left(left),
        StatusClass::Absent => Counter::NoSuchKey,
        // A PUK is neither verified nor switched off: such an answer tells nothing of its tries.
        _ if is_puk => Counter::Unknown(Some(sw)),
        // Some cards say so while the key is verified (remembered).
        StatusClass::Ok | StatusClass::OkFetch(_) => Counter::Presented,
        // A PIN that is switched off: 6984 or 6985, both seen. It counts as satisfied.
        _ if matches!(sw, StatusWord::NOT_USABLE | StatusWord::CONDITIONS) => Counter::Off(Err(sw)),
        _ => Counter::Unknown(Some(sw)),
    })
}

/// The tries that a refusal leaves, where the card tells them: in its answer, or in class A0 in the status of a directory.
pub(super) fn left_after(session: &mut Session<'_>, key: KeyId, sw: StatusWord) -> Option<u8> {
    match sw.class() {
        StatusClass::WrongKey(left) => Some(left),
        StatusClass::Blocked => Some(0),
        _ if session.mode() == Mode::TwoG => match counter_2g(session, key) {
            Ok(Counter::Left(left) | Counter::Off(Ok(left))) => Some(left),
            Ok(Counter::Blocked) => Some(0),
            _ => None,
        },
        _ => None,
    }
}

/// Why a counter is not known, in words.
pub(super) fn told(sw: Option<StatusWord>) -> String {
    sw.map_or("a card of class A0 cannot be asked".into(), |sw| format!("it answered {sw}"))
}
