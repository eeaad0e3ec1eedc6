//! Windows provisioning XML with a DM account (Microsoft's w7 APPLICATION CSP, BOOTSTRAP CSP and enrolment pages): version
//! 1.1, names in upper case, an APPAUTH of both levels, of which CLIENT must be DIGEST, and no INIT, because enrolment
//! fails on it. Of several ways to the server only the first is kept. Inferred: that further ways of authentication other
//! than BASIC and DIGEST of the client are not read; they are left out and named.
//!
//! Inferred: which of the other characteristics Windows reads. Access points and proxies are kept, because TO-NAPID is
//! documented; other applications, access rules and what is for other vendors are left out and named.

use crate::{
    bootstrap::{BootstrapError, Settings},
    profile::{AccountAuthType, AuthScheme, AuthWay, Link},
};

use super::{Heading, Written, provisioning, without_rules};

const OUTPUT: &str = "Windows provisioning document";
const CARRIES: &str = "no Windows configuration service provider for it is known here";

pub(super) fn write(settings: &Settings, _: &Heading) -> Written {
    let mut left = settings.clone();
    let Some(account) = &mut left.dm_account else {
        let why = "there is no DM account, and this document is made of one; add [dm-account] to the profile";
        return Err(BootstrapError::Unsuited { output: OUTPUT, why });
    };
    if account.credentials.server.scheme != AuthScheme::Digest {
        let why = "Windows takes DIGEST alone at the level CLIENT; set type = \"DIGEST\" in server-auth";
        return Err(BootstrapError::Unsuited { output: OUTPUT, why });
    }
    let mut losses = Vec::new();
    if account.init {
        account.init = false;
        losses.push("dm-account: `init`; enrolment fails on INIT".to_owned());
    }
    if account.connect_via.len() > 1 {
        account.connect_via.truncate(1);
        losses.push("dm-account: all of connect-via but the first".to_owned());
    }
    if let Some(Link::Proxy(_)) = account.connect_via.first() {
        account.connect_via.clear();
        losses.push("dm-account: its way over a proxy; TO-NAPID alone is known to be read".to_owned());
    }
    let kept =
        |way: AuthWay| matches!(way, AuthWay::Client(AccountAuthType::Basic | AccountAuthType::Digest));
    let (left_auth, lost): (Vec<_>, Vec<_>) = account.further_auth.drain(..).partition(|f| kept(f.way));
    account.further_auth = left_auth;
    losses.extend(lost.iter().map(|f| {
        format!(
            "dm-account: its further-auth {}; Windows reads BASIC and DIGEST at APPSRV, DIGEST at CLIENT",
            f.way
        )
    }));
    for parameter in &mut account.parameters {
        parameter.name = parameter.name.to_ascii_uppercase();
    }
    losses.extend(left.applications.drain(..).map(|a| {
        let name = a.name.as_deref().unwrap_or("without a name");
        format!("application {} ({name}): {CARRIES}", a.kind)
    }));
    losses.extend(without_rules(&mut left, CARRIES));
    Ok((provisioning(left), losses))
}
