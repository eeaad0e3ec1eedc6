//! `--to`: whom a push is for.

use std::{fmt, str::FromStr};

use crate::{
    cli::{Exit, Failure},
    wire::pap::Address,
};

/// A telephone number or a client address, as it was typed. It is read later, because errors of the argument parser repeat
/// the value.
#[derive(Clone)]
pub(super) struct Whom(String);

impl FromStr for Whom {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whom(…)")
    }
}

impl Whom {
    /// The address; a number is one at `gateway`.
    pub(super) fn read(&self, gateway: &str) -> anyhow::Result<Address> {
        let usage = |why: String| Failure::because(Exit::Usage, format!("--to: {why}"));
        let text = self.0.trim();
        if text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("WAPPUSH=")) {
            return text.parse().map_err(|e: <Address as FromStr>::Err| usage(e.to_string()));
        }
        let number = text.strip_prefix('+').unwrap_or(text).parse();
        let number = number
            .map_err(|e| usage(format!("{e} (or an address of PAP: WAPPUSH=VALUE/TYPE=KIND@GATEWAY)")))?;
        Ok(Address::plmn(number, gateway))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_an_address_are_read_and_no_error_repeats_them() {
        let read = |text: &str| text.parse::<Whom>().unwrap().read("ppg.example");
        let number = "WAPPUSH=+358401234567/TYPE=PLMN@ppg.example";
        assert_eq!(read("+358401234567").unwrap().as_str(), number);
        assert_eq!(read("358401234567").unwrap().as_str(), number);
        assert_eq!(read("wappush=192.0.2.7/type=IPv4").unwrap().as_str(), "wappush=192.0.2.7/type=IPv4");
        let national = read("0171 1234567".replace(' ', "").as_str()).unwrap_err().to_string();
        assert!(national.contains("country code first"), "{national}");
        let short = read("7").unwrap_err().to_string();
        assert_eq!(short.matches("expected").count(), 1, "{short}");
        for bad in ["", "+35840abc", "WAPPUSH=35840/TYPE=PLMN", "john@example.com"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.starts_with("--to: ") && !error.contains("35840"), "{error}");
        }
    }
}
