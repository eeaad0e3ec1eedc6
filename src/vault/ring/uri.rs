//! Which token, and which objects on it: a PKCS#11 URI (RFC 7512).

use std::{path::PathBuf, str::FromStr};

/// The label of a key's object, where the URI does not say it.
const LABEL: &str = "{iccid}:{key}";

/// A PKCS#11 URI, as far as it names a place for keys of cards:
/// `pkcs11:token=LABEL;object=TEMPLATE?module-path=FILE&pin-source=SOURCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// `token`: the label of the token. Without it there must be one token only.
    pub token: Option<String>,
    /// `serial`: the serial number of the token.
    pub serial: Option<String>,
    /// `object`: the label of an object, in which `{iccid}` and `{key}` stand for the card and the key (`adm1`). RFC 7512
    /// knows no placeholders: they are ours.
    pub object: String,
    /// `module-path`: the library.
    pub module: PathBuf,
    /// `pin-source`: where the PIN of the token is.
    pub pin: Option<PinSource>,
}

/// Where the PIN of a token is (RFC 7512, section 2.4: `file:`; `env:` is ours).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSource {
    /// The first line of a file.
    File(PathBuf),
    /// A variable.
    Env(String),
}

/// Why a text is no such URI. The text is not repeated: a PIN may stand in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs11UriError {
    /// An attribute that must be there.
    #[error("a PKCS#11 URI needs {0}")]
    Missing(&'static str),
    /// A PIN in the URI.
    #[error(
        "pin-value would stand in files and process lists; give pin-source=file:FILE or pin-source=env:NAME"
    )]
    PinValue,
    /// An attribute.
    #[error(
        "{name} is no attribute of a PKCS#11 URI that names keys of cards; expected token, serial, object, module-path, pin-source"
    )]
    Unknown {
        /// Its name, cut short.
        name: String,
    },
    /// The value of an attribute.
    #[error("{name} of the PKCS#11 URI: {why}")]
    Value {
        /// Which.
        name: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

impl FromStr for Pkcs11Uri {
    type Err = Pkcs11UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("pkcs11:").ok_or(Pkcs11UriError::Missing("pkcs11: at its beginning"))?;
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut uri =
            Self { token: None, serial: None, object: LABEL.to_owned(), module: PathBuf::new(), pin: None };
        let pairs = path.split(';').chain(query.split('&')).filter(|part| !part.is_empty());
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "token" => uri.token = Some(decoded("token", value)?),
                "serial" => uri.serial = Some(decoded("serial", value)?),
                "object" => uri.object = decoded("object", value)?,
                "module-path" => uri.module = decoded("module-path", value)?.into(),
                "pin-source" => uri.pin = Some(pin_source(&decoded("pin-source", value)?)?),
                "pin-value" => return Err(Pkcs11UriError::PinValue),
                // Says what kind the object is, which is seen at the object.
                "type" => {}
                other => {
                    let name = other.chars().take(20).filter(char::is_ascii_graphic).collect();
                    return Err(Pkcs11UriError::Unknown { name });
                }
            }
        }
        if uri.module.as_os_str().is_empty() {
            return Err(Pkcs11UriError::Missing("module-path, the library of the token"));
        }
        if !uri.object.contains("{iccid}") || !uri.object.contains("{key}") {
            let why = "must name both {iccid} and {key}, or one key would be taken for all";
            return Err(Pkcs11UriError::Value { name: "object", why });
        }
        Ok(uri)
    }
}

fn pin_source(text: &str) -> Result<PinSource, Pkcs11UriError> {
    match (text.strip_prefix("file:"), text.strip_prefix("env:")) {
        (Some(file), _) if !file.is_empty() => {
            Ok(PinSource::File(file.strip_prefix("//").unwrap_or(file).into()))
        }
        (_, Some(name)) if !name.is_empty() => Ok(PinSource::Env(name.to_owned())),
        _ => Err(Pkcs11UriError::Value { name: "pin-source", why: "expected file:FILE or env:NAME" }),
    }
}

/// Percent-decoding (RFC 3986, section 2.1).
fn decoded(name: &'static str, text: &str) -> Result<String, Pkcs11UriError> {
    let bad = |why| Pkcs11UriError::Value { name, why };
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(|| bad("ends after a per cent sign"))?;
        let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let octet = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
        octets.push(octet.ok_or_else(|| bad("has a per cent sign without two hexadecimal digits"))?);
        rest = after;
    }
    String::from_utf8(octets).map_err(|_| bad("is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_token_objects_library_and_pin() {
        let text = "pkcs11:token=Card%20keys;object=%7Biccid%7D/{key};type=data?module-path=/lib/x.so&pin-source=file:/run/pin";
        let expected = Pkcs11Uri {
            token: Some("Card keys".into()),
            serial: None,
            object: "{iccid}/{key}".into(),
            module: "/lib/x.so".into(),
            pin: Some(PinSource::File("/run/pin".into())),
        };
        assert_eq!(text.parse(), Ok(expected));
        let least: Pkcs11Uri = "pkcs11:?module-path=x".parse().unwrap();
        assert_eq!((least.object.as_str(), least.pin), (LABEL, None));
    }

    #[test]
    fn what_is_no_uri_is_not_repeated() {
        for (text, why) in [
            ("token=x", "pkcs11: at its beginning"),
            ("pkcs11:token=x", "module-path"),
            ("pkcs11:?module-path=x&pin-value=48151623", "pin-source=file"),
            ("pkcs11:object=48151623?module-path=x", "both {iccid} and {key}"),
            ("pkcs11:token=%4?module-path=x", "per cent"),
            ("pkcs11:token=%zz?module-path=x", "two hexadecimal digits"),
            ("pkcs11:token=%ff?module-path=x", "not UTF-8"),
            ("pkcs11:?module-path=x&pin-source=48151623", "expected file:FILE or env:NAME"),
            ("pkcs11:slot-id=1?module-path=x", "slot-id is no attribute"),
        ] {
            let error = text.parse::<Pkcs11Uri>().unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("48151623"), "{error}");
        }
    }
}
