//! How a gateway behaves.

use std::{collections::BTreeMap, time::Duration};

use crate::bearer::{ClientFiles, Destination, Endpoint, EndpointError};

/// How a gateway behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sender-name` of answers and notifications.
    pub name: String,
    /// `sender-address` of answers and notifications: where initiators reach the gateway.
    pub address: Option<String>,
    /// `TYPE=USER`: names, lower case, and where they are.
    pub users: BTreeMap<String, Destination>,
    /// Header fields that devices do without.
    pub switches: Switches,
    /// What happens to a push of which it is not known whether the network has it.
    pub in_doubt: InDoubt,
    /// How long receipts are waited for, from when the network took all segments, or from when its validity ends.
    pub receipts: Duration,
    /// How long a network that cannot take a push for now is tried, where the push itself says no time.
    pub give_up: Duration,
    /// The shortest and the longest time between two tries.
    pub retry: (Duration, Duration),
    /// Deliveries that are handed out at a time.
    pub batch: usize,
    /// How often it is looked for what another process was sending that has ended.
    pub settle: Duration,
    /// Telling of results.
    pub notify: NotifySettings,
    /// How long pushes are known after they ended.
    pub retention: Duration,
}

/// Header fields that go out when asked for: some devices choke on more than they know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// `Content-Length`.
    pub content_length: bool,
    /// `Encoding-Version`.
    pub encoding_version: bool,
}

/// What happens to a push of which it is not known whether the network has it: it was sent and the answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InDoubt {
    /// It ends as unknown; whoever pushed it decides.
    Hold,
    /// It is sent again. A device may get it twice.
    Resend,
}

/// How results are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifySettings {
    /// Hosts that may be told, lower case, with `:port` where it is not the scheme's own; `*.example.com` for all below.
    /// Empty for none: an initiator must not make the gateway call whom it likes.
    pub hosts: Vec<String>,
    /// Whom is trusted under https, and who the gateway is there.
    pub tls: ClientFiles,
    /// Time for one telling.
    pub timeout: Duration,
    /// How often it is tried.
    pub tries: u32,
    /// The shortest and the longest time between two tries.
    pub retry: (Duration, Duration),
}

impl Default for Settings {
    fn default() -> Self {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        Self {
            name: "bootgate".to_owned(),
            address: None,
            users: BTreeMap::new(),
            switches: Switches::default(),
            in_doubt: InDoubt::Hold,
            receipts: 24 * hour,
            give_up: 24 * hour,
            retry: (Duration::from_secs(5), 15 * minute),
            batch: 256,
            settle: Duration::from_secs(3),
            notify: NotifySettings::default(),
            retention: 7 * 24 * hour,
        }
    }
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            tls: ClientFiles::default(),
            timeout: Duration::from_secs(10),
            tries: 20,
            retry: (Duration::from_secs(5), Duration::from_secs(3600)),
        }
    }
}

impl NotifySettings {
    /// Where that is told, when it may be.
    ///
    /// # Errors
    /// In words, why not.
    pub fn check(&self, url: &str) -> Result<Endpoint, String> {
        // What cannot be done is said at once, not when the result is lost.
        let endpoint: Endpoint = url.parse().map_err(|error| match error {
            EndpointError::Credentials => {
                "ppg-notify-requested-to may not hold a user name or a password".to_owned()
            }
            EndpointError::Form => {
                "ppg-notify-requested-to is not a URL that results are told to; expected http:// or https://"
                    .to_owned()
            }
        })?;
        let with_port = endpoint.authority().to_ascii_lowercase();
        let fits = |allowed: &String| match allowed.strip_prefix('*') {
            Some(end) => with_port.ends_with(end) && with_port.len() > end.len(),
            None => with_port == *allowed,
        };
        if self.hosts.iter().any(fits) {
            Ok(endpoint)
        } else {
            Err("results are not told to that host; see [ppg] notify-hosts".to_owned())
        }
    }
}

/// The time until the next try: it doubles from the first to the second of `bounds`.
pub(super) fn back_off((first, most): (Duration, Duration), tries: u32) -> Duration {
    first.saturating_mul(1 << tries.min(20)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_to_known_hosts_alone() {
        let hosts = ["pi.example", "*.op.example", "127.0.0.1:8080"].map(str::to_owned).to_vec();
        let settings = NotifySettings { hosts, ..Default::default() };
        for good in [
            "http://pi.example/result?x=1",
            "HTTP://PI.example/",
            "http://pi.example:80/",
            "https://pi.example/",
            "https://pi.example:443/",
            "http://a.op.example/",
            "http://127.0.0.1:8080/x",
        ] {
            assert!(settings.check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "pi.example",
            "ftp://pi.example/",
            "https://pi.example:80/",
            "http://pi.example:8080/",
            "http://op.example/",
            "http://.op.example/",
            "http://evil.example/pi.example",
            "http://pi.example@evil.example/",
            "http://user:secret@pi.example/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://pi.example.evil/",
            "http://2130706433:8080/../",
        ] {
            // The last is 127.0.0.1 in another spelling.
            let expected = bad.starts_with("http://2130706433");
            assert_eq!(settings.check(bad).is_ok(), expected, "{bad}");
        }
        assert!(NotifySettings::default().check("http://pi.example/").is_err());
    }

    #[test]
    fn tries_move_apart() {
        let bounds = (Duration::from_secs(5), Duration::from_secs(60));
        let seconds: Vec<u64> = (0..6).map(|tries| back_off(bounds, tries).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
        assert_eq!(back_off(bounds, u32::MAX).as_secs(), 60);
    }
}
