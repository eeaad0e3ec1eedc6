//! Which values are secrets, by the name that they stand under.

/// Parts of names, in lower case: `AAUTHSECRET`, `PXAUTH-PW`, `AAuthData` (a nonce), `PASSWORD`, `TOKEN`.
const PARTS: [&str; 6] = ["secret", "passw", "-pw", "authdata", "nextnonce", "token"];

/// Whether what stands under this name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
}

/// Whether octets of which nothing is known may hold secrets: enough of them in a row could be read.
pub(super) fn may_hold_secrets(octets: &[u8]) -> bool {
    octets.len() > 16 && octets.split(|o| !(0x20..0x7F).contains(o)).any(|run| run.len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "AAUTHSECRET",
            "AAUTHDATA",
            "AUTHSECRET",
            "PXAUTH-PW",
            "BASAUTH-PW",
            "PROXY-PW",
            "./DMAcc/x/AppAuth/1/AAuthSecret",
            "AAuthData",
            "NextNonce",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["AAUTHNAME", "NAPID", "PXAUTH-ID", "AAuthType", "ADDR", "PXAUTH-TYPE", "AUTHTYPE"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
