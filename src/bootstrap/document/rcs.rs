//! The configuration document that an RCS client fetches over HTTPS (GSMA RCC.14 and RCC.07, as one open server and its
//! clients were seen to use it): version 1.1, `VERS`, `TOKEN`, then APPLICATIONs that name themselves by `AppID`.
//!
//! Seen: the wrapper, `VERS`, `TOKEN`, `AppID`, and a `w7` APPLICATION in the same document. Inferred: that a document holds
//! no connectivity (the client has a connection when it fetches it), so access points, proxies and references to them are
//! left out and named; that other parameters keep the names which the profile gives them. `MSG` asks the user for
//! consent; its parameters are not known here, so it is not written.

use crate::{
    bootstrap::Settings,
    wire::prov::{Characteristic, Item},
};

use super::{Heading, Written, provisioning, without_rules};

const CARRIES: &str = "an RCS document carries applications only";

pub(super) fn write(settings: &Settings, heading: &Heading) -> Written {
    let mut left = settings.clone();
    let mut losses = Vec::new();
    if !left.bootstraps.is_empty() {
        left.bootstraps.clear();
        losses.push(format!("[bootstrap]: {CARRIES}"));
    }
    losses.extend(left.naps.drain(..).map(|n| format!("nap {}: {CARRIES}", n.id)));
    losses.extend(left.proxies.drain(..).map(|p| format!("proxy {}: {CARRIES}", p.id)));
    losses.extend(without_rules(&mut left, CARRIES));
    for application in &mut left.applications {
        if !application.connect_via.is_empty() {
            application.connect_via.clear();
            losses.push(format!("application {}: its connect-via; {CARRIES}", application.kind));
        }
    }
    if let Some(account) = &mut left.dm_account
        && !account.connect_via.is_empty()
    {
        account.connect_via.clear();
        losses.push(format!("dm-account: its connect-via; {CARRIES}"));
    }

    let mut document = provisioning(left);
    for application in &mut document.characteristics {
        spell(application);
    }
    let version = Characteristic::new("VERS")
        .with("version", heading.version.to_string())
        .with("validity", heading.validity.to_string());
    let token = heading.token.as_ref().map(|(token, validity)| {
        Characteristic::new("TOKEN").with("token", token.expose()).with("validity", validity.to_string())
    });
    document.characteristics.splice(0..0, std::iter::once(version).chain(token));
    Ok((document, losses))
}

/// RCS spells APPID `AppID`. A w7 keeps the names of OMA, which DM clients read.
fn spell(application: &mut Characteristic) {
    if application.value("APPID") == Some("w7") {
        return;
    }
    for item in &mut application.items {
        if let Item::Parm(parm) = item
            && parm.name == "APPID"
        {
            parm.name = "AppID".to_owned();
        }
    }
}
