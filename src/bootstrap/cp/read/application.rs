//! Applications other than the DM account.

use crate::{
    ident::SharedSecret,
    profile::{AppAddr, AppAuth, AppId, Application, Resource},
};

use super::part::{Ignored, Part};

pub(super) fn application(n: &mut Ignored, r: &Part<'_>) -> Option<Application<String>> {
    const PARMS: &[&str] =
        &["APPID", "PROVIDER-ID", "NAME", "AACCEPT", "APROTOCOL", "TO-NAPID", "TO-PROXY", "ADDR"];
    const AUTH: &[&str] = &["AAUTHLEVEL", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"];
    let kind = r.required(n, "APPID").and_then(|_| r.parsed::<AppId>(n, "APPID"))?;
    r.inner_known(n, &["APPADDR", "APPAUTH", "RESOURCE"]);
    let server = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["ADDR", "ADDRTYPE"], &["PORT"]);
        let address_type = r.parsed(n, "ADDRTYPE");
        Some(AppAddr { address: r.required(n, "ADDR")?, address_type, ports: r.ports(n) })
    };
    let auth = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, AUTH, &[]);
        app_auth(n, r)
    };
    Some(Application {
        kind,
        provider_id: r.text("PROVIDER-ID"),
        name: r.text("NAME"),
        accept: r.text("AACCEPT"),
        protocol: r.text("APROTOCOL"),
        addresses: r.all(n, "ADDR"),
        connect_via: r.links(),
        parameters: r.others(PARMS),
        servers: r.inner("APPADDR").iter().filter_map(|r| server(n, r)).collect(),
        auth: r.inner("APPAUTH").iter().map(|r| auth(n, r)).collect(),
        resources: r.inner("RESOURCE").iter().filter_map(|r| resource(n, r)).collect(),
    })
}

fn app_auth(n: &mut Ignored, r: &Part<'_>) -> AppAuth<String> {
    AppAuth {
        level: r.parsed(n, "AAUTHLEVEL"),
        scheme: r.text("AAUTHTYPE"),
        name: r.text("AAUTHNAME"),
        secret: r.parsed::<SharedSecret>(n, "AAUTHSECRET"),
        data: r.text("AAUTHDATA"),
    }
}

fn resource(n: &mut Ignored, r: &Part<'_>) -> Option<Resource<String>> {
    const PARMS: &[&str] =
        &["URI", "NAME", "AACCEPT", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA", "STARTPAGE"];
    r.inner_known(n, &[]);
    let has_auth = PARMS.iter().any(|p| p.starts_with("AAUTH") && r.text(p).is_some());
    Some(Resource {
        uri: r.required(n, "URI")?,
        name: r.text("NAME"),
        accept: r.text("AACCEPT"),
        // No level stands in a RESOURCE; one that does is kept among the parameters.
        auth: has_auth.then(|| AppAuth { level: None, ..app_auth(n, r) }),
        start_page: r.flag("STARTPAGE"),
        parameters: r.others(PARMS),
    })
}
