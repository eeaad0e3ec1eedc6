//! What `config show` hides: whatever a URL holds by which its owner lets people in, and most of a digest that a weak password
//! could be guessed from.

use super::toml::Raw;

/// The least letters and digits of a part of a path that count as a key, as that of `[push] results`.
const KEY: usize = 16;
/// How many digits of a digest are shown: enough to tell two apart.
const DIGEST: usize = 8;
const DIGEST_OF: &str = "sha256:";

/// A value as it is shown.
pub(super) fn shown(raw: &Raw) -> Raw {
    match raw {
        Raw::Text(text) => Raw::Text(masked(text)),
        Raw::Tables(tables) => {
            let mut tables = tables.clone();
            for placed in tables.iter_mut().flat_map(|table| table.values_mut()) {
                placed.raw = shown(&placed.raw);
            }
            Raw::Tables(tables)
        }
        other => other.clone(),
    }
}

fn masked(text: &str) -> String {
    if let Some(digits) = text.strip_prefix(DIGEST_OF) {
        let first: String = digits.chars().take(DIGEST).collect();
        return if digits.chars().count() > DIGEST {
            format!("{DIGEST_OF}{first}…")
        } else {
            text.to_owned()
        };
    }
    let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_web(scheme)) else {
        return text.to_owned();
    };
    // A fragment goes to nobody; it is hidden with the query.
    let (address, query) = match rest.find(['?', '#']) {
        Some(at) => (rest.get(..at).unwrap_or(rest), "?***"),
        None => (rest, ""),
    };
    let mut parts = address.split('/');
    let host = parts.next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host.to_owned(), |(_, host)| format!("***@{host}"));
    let path: String =
        parts.map(|part| if is_key(part) { "/***".to_owned() } else { format!("/{part}") }).collect();
    format!("{scheme}://{host}{path}{query}")
}

fn is_web(scheme: &str) -> bool {
    ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme))
}

fn is_key(part: &str) -> bool {
    part.chars().filter(char::is_ascii_alphanumeric).count() >= KEY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_urls_are_hidden_and_all_else_is_shown() {
        for (text, said) in [
            ("http://gw.example:8100/results/0123456789abcdef", "http://gw.example:8100/results/***"),
            (
                "https://hooks.example/T1/B2/Zm9vYmFyYmF6cXV4MTI/x?token=Marked",
                "https://hooks.example/T1/B2/***/x?***",
            ),
            ("HTTPS://u:Marked@h.example/", "HTTPS://***@h.example/"),
            ("http://kannel.example:13013/cgi-bin/sendsms", "http://kannel.example:13013/cgi-bin/sendsms"),
            ("/var/lib/0123456789abcdef0123456789abcdef", "/var/lib/0123456789abcdef0123456789abcdef"),
            ("sha256:5e884898da28047151d0e56f8dc62927", "sha256:5e884898…"),
            ("sha256:5e88", "sha256:5e88"),
            ("", ""),
        ] {
            assert_eq!(masked(text), said);
        }
    }
}
