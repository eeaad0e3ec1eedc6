//! `[rcs]`: what a configuration document of RCS style says beyond the settings (GSMA RCC.14; only what open servers were
//! seen to send is known here).

use super::walk::{Notes, Section};

/// `VERS` and `TOKEN` of a configuration document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rcs {
    /// `VERS/version`; the profile's own version where none is given. Versions below 1 are states of a service and no
    /// configuration, so none can be built.
    pub version: Option<u32>,
    /// `VERS/validity`: after how many seconds a client asks again.
    pub validity: u32,
    /// `TOKEN/validity`: for how many seconds the token holds that is drawn for each device; without it no TOKEN is
    /// written.
    pub token_validity: Option<u32>,
}

impl Rcs {
    /// 20 days (inferred: documents that were seen ask for days, and no default is known).
    pub const VALIDITY: u32 = 1_728_000;
}

impl Default for Rcs {
    fn default() -> Self {
        Self { version: None, validity: Self::VALIDITY, token_validity: None }
    }
}

/// Keys of `[rcs]`.
pub(super) const KEYS: &[&str] = &["version", "validity", "token-validity"];

const MAX: u32 = 0x7FFF_FFFF;

/// Reads `[rcs]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<Rcs> {
    let version = s.optional("version").map(|v| n.number(&v, 1, MAX));
    let validity = s.optional("validity").map_or(Some(Rcs::VALIDITY), |v| n.number(&v, 1, MAX));
    let token_validity = s.optional("token-validity").map(|v| n.number(&v, 1, MAX));
    Some(Rcs {
        version: version.unwrap_or_default(),
        validity: validity?,
        token_validity: token_validity.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use crate::profile::{Profile, Rcs};

    #[test]
    fn what_is_not_said_has_a_default() {
        let rcs = |text: &str| Profile::parse(&format!("name = \"x\"\nversion = 4\n{text}")).map(|p| p.rcs);
        assert_eq!(rcs(""), Ok(Rcs::default()));
        let all = "[rcs]\nversion = 9\nvalidity = 60\ntoken-validity = 30\n";
        assert_eq!(rcs(all), Ok(Rcs { version: Some(9), validity: 60, token_validity: Some(30) }));
        for bad in ["[rcs]\nversion = 0\n", "[rcs]\nvalidity = -1\n", "[rcs]\ntoken = 3\n"] {
            assert_eq!(rcs(bad).unwrap_err().len(), 1, "{bad}");
        }
    }
}
