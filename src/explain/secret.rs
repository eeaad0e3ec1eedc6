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

/// Text with the secrets of the URLs in it as `***`: a password before the host, and the values of query parameters with a
/// name for such. None when it holds none.
pub(super) fn in_url(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut hidden = false;
    for (n, word) in text.split(' ').enumerate() {
        if n > 0 {
            out.push(' ');
        }
        let (path, query) = word.split_once('?').map_or((word, None), |(path, query)| (path, Some(query)));
        match path.split_once("://").and_then(|(scheme, rest)| {
            let host = rest.split('/').next().unwrap_or(rest);
            let (user, _) = host.rsplit_once('@')?;
            Some((scheme, rest.get(user.len()..)?))
        }) {
            Some((scheme, behind)) => {
                hidden = true;
                out.push_str(&format!("{scheme}://***{behind}"));
            }
            None => out.push_str(path),
        }
        for (n, parameter) in query.into_iter().flat_map(|q| q.split('&')).enumerate() {
            out.push(if n == 0 { '?' } else { '&' });
            match parameter.split_once('=') {
                Some((name, _)) if is_secret_parameter(name) => {
                    hidden = true;
                    out.push_str(name);
                    out.push_str("=***");
                }
                _ => out.push_str(parameter),
            }
        }
    }
    hidden.then_some(out)
}

/// Names of query parameters that gateways take passwords under.
fn is_secret_parameter(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret(name)
        || matches!(lower.as_str(), "pass" | "pw" | "pwd" | "pin" | "key" | "sig" | "signature" | "auth")
        || lower.ends_with("key")
        || lower.ends_with("pass")
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

    #[test]
    fn secrets_in_urls() {
        for (text, said) in [
            (
                "POST /push?username=foo&password=bar HTTP/1.1",
                "POST /push?username=foo&password=*** HTTP/1.1",
            ),
            ("http://me:you@pi.example/done?id=1", "http://***@pi.example/done?id=1"),
            ("/x?apiKey=1&pin=2&to=3", "/x?apiKey=***&pin=***&to=3"),
        ] {
            assert_eq!(in_url(text).as_deref(), Some(said));
        }
        for text in ["POST /push HTTP/1.1", "http://pi.example/a@b?id=1", "a@b", "is it? yes=no", ""] {
            assert_eq!(in_url(text), None, "{text}");
        }
    }
}
