//! Keys in a PKCS#11 token (OASIS PKCS #11, version 2.40): a hardware security module, or one in software.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    object::{Attribute, AttributeType},
    session::{Session, UserType},
    slot::{Slot, TokenInfo},
    types::AuthPin,
};
use zeroize::Zeroizing;

use super::{PinSource, Pkcs11Uri};
use crate::{
    card::{Key, KeyId, KeyRing, KeyRingError},
    ident::{AdmKey, Iccid},
    vault::short_text,
};

/// A token with an object for each key: CKA_VALUE is the eight octets, or text as a table has it.
pub struct Pkcs11Token {
    uri: Pkcs11Uri,
    /// A session may be used by one thread at a time.
    session: Mutex<Session>,
}

impl Pkcs11Token {
    /// Opens the token and logs in, once: a token counts wrong PINs as a card does.
    ///
    /// # Errors
    /// [`KeyRingError::Unavailable`], and [`KeyRingError::Refused`] when the PIN is wrong or must not be tried.
    pub fn open(uri: &Pkcs11Uri) -> Result<Self, KeyRingError> {
        let ring = || name(uri);
        let unavailable =
            |why: &dyn fmt::Display| KeyRingError::Unavailable { ring: ring(), why: why.to_string() };
        let refused = |why: &str| KeyRingError::Refused { ring: ring(), why: why.to_owned() };

        let module = Pkcs11::new(&uri.module).map_err(|e| unavailable(&e))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(unavailable(&error)),
        }
        let (slot, token) = find(&module, uri).map_err(|why| unavailable(&why))?;
        let session = module.open_ro_session(slot).map_err(|e| unavailable(&e))?;
        if let Some(source) = &uri.pin {
            if token.user_pin_locked() {
                return Err(refused("its PIN is locked"));
            }
            if token.user_pin_final_try() {
                return Err(refused("one try of its PIN is left, which is not used; log in by hand first"));
            }
            let pin = AuthPin::from(pin(source).map_err(|why| unavailable(&why))?.as_str());
            match session.login(UserType::User, Some(&pin)) {
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                    return Err(refused("its PIN is wrong; it is not tried again"));
                }
                Err(Error::Pkcs11(RvError::PinLocked, _)) => return Err(refused("its PIN is locked")),
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(Self { uri: uri.clone(), session: Mutex::new(session) })
    }

    fn unusable(&self, label: &str, why: &str) -> KeyRingError {
        KeyRingError::Unusable { ring: name(&self.uri), why: format!("object {label}: {why}") }
    }

    fn label(&self, card: &Iccid, key: &str) -> String {
        self.uri.object.replace("{iccid}", card.digits()).replace("{key}", key)
    }

    /// The value of the object with a label, if there is one.
    fn value(&self, session: &Session, label: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyRingError> {
        let unavailable = |e: Error| KeyRingError::Unavailable { ring: name(&self.uri), why: e.to_string() };
        let objects =
            session.find_objects(&[Attribute::Label(label.as_bytes().to_vec())]).map_err(unavailable)?;
        let object = match objects[..] {
            [] => return Ok(None),
            [object] => object,
            _ => return Err(self.unusable(label, "there are several with this label")),
        };
        let attributes = session.get_attributes(object, &[AttributeType::Value]).map_err(unavailable)?;
        let value = attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::Value(value) => Some(Zeroizing::new(value)),
            _ => None,
        });
        let sealed = "its value does not leave the token (CKA_SENSITIVE, or not CKA_EXTRACTABLE)";
        value.map(Some).ok_or_else(|| self.unusable(label, sealed))
    }
}

impl KeyRing for Pkcs11Token {
    fn name(&self) -> String {
        name(&self.uri)
    }

    fn place_of(&self, card: &Iccid, key: KeyId) -> String {
        format!("object {} in {}", self.label(card, key.name().unwrap_or("?")), name(&self.uri))
    }

    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = Vec::new();
        for (name, reference) in KeyId::NAMED {
            let label = self.label(card, name);
            let Some(value) = self.value(&session, &label)? else { continue };
            let key = match <[u8; 8]>::try_from(value.as_slice()) {
                // Eight characters are the same eight octets.
                Ok(octets) if name.starts_with("adm") => {
                    Ok(Key::octets(reference, AdmKey::from_octets(octets)))
                }
                _ => std::str::from_utf8(&value)
                    .map_err(|_| "it is neither 8 octets nor text".to_owned())
                    .and_then(|text| Key::read(reference, text)),
            };
            keys.push(key.map_err(|why| self.unusable(&label, &why))?);
        }
        Ok(keys)
    }
}

impl fmt::Debug for Pkcs11Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pkcs11Token").field(&self.uri).finish()
    }
}

fn name(uri: &Pkcs11Uri) -> String {
    match &uri.token {
        Some(token) => format!("PKCS#11 token {token:?}"),
        None => format!("the PKCS#11 token of {}", uri.module.display()),
    }
}

/// The one token that the URI means.
fn find(module: &Pkcs11, uri: &Pkcs11Uri) -> Result<(Slot, TokenInfo), String> {
    let slots = module.get_slots_with_initialized_token().map_err(|e| e.to_string())?;
    let tokens = slots.into_iter().filter_map(|slot| Some((slot, module.get_token_info(slot).ok()?)));
    let mut meant: Vec<(Slot, TokenInfo)> = tokens
        .filter(|(_, token)| uri.token.as_deref().is_none_or(|label| label == token.label()))
        .filter(|(_, token)| uri.serial.as_deref().is_none_or(|serial| serial == token.serial_number()))
        .collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(_), false) => Err("several tokens fit; name one by token= or serial=".to_owned()),
        (None, _) => Err("no such token is there".to_owned()),
    }
}

/// The longest file of a PIN, in octets.
const MAX_PIN_FILE: u64 = 4096;

/// The PIN of the token.
fn pin(source: &PinSource) -> Result<Zeroizing<String>, String> {
    match source {
        PinSource::File(file) => {
            let text = short_text(file, MAX_PIN_FILE);
            let text = text.map_err(|e| format!("its PIN in {}: {e}", file.display()))?;
            Ok(Zeroizing::new(text.lines().next().unwrap_or("").to_owned()))
        }
        PinSource::Env(name) => std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| format!("its PIN: environment variable {name} is not set")),
    }
}
