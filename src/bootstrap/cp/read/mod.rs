//! Document → settings, as a device reads it: unknown types and parameters are skipped, of a parameter that may stand
//! once the first counts, a characteristic that lacks what it must have is not there. What is skipped is named.

mod account;
mod application;
mod network;
mod part;

use crate::{
    bootstrap::{BootstrapError, Settings, kind::Reading},
    profile::{CpVersion, DmOptions},
    wire::prov::ProvDoc,
};

use self::{
    account::account,
    application::application,
    network::{access, bootstrap, nap, proxy, vendor_config},
    part::{Ignored, Part},
};

pub(super) fn settings(document: &ProvDoc) -> Result<Reading, BootstrapError> {
    if let Some(version) = &document.version
        && version.split('.').next() != Some("1")
    {
        return Err(BootstrapError::Version { found: version.clone() });
    }
    let mut n = Ignored::default();
    let mut settings = Settings {
        device: None,
        cp_version: match document.version.as_deref() {
            Some("1.1") => CpVersion::V1_1,
            _ => CpVersion::V1_0,
        },
        dm: DmOptions::default(),
        client_id: None,
        bootstraps: Vec::new(),
        naps: Vec::new(),
        proxies: Vec::new(),
        dm_account: None,
        applications: Vec::new(),
        access: Vec::new(),
        vendor_configs: Vec::new(),
    };
    for (at, c) in document.characteristics.iter().enumerate() {
        let r = Part { c, place: format!("{}[{}]", c.kind, at + 1) };
        match c.kind.as_str() {
            "BOOTSTRAP" => settings.bootstraps.push(bootstrap(&mut n, &r)),
            "CLIENTIDENTITY" if settings.client_id.is_none() => {
                r.known(&mut n, &["CLIENT-ID"], &[]);
                settings.client_id = r.required(&mut n, "CLIENT-ID");
            }
            "ACCESS" => settings.access.extend(access(&mut n, &r)),
            "VENDORCONFIG" => settings.vendor_configs.extend(vendor_config(&mut n, &r)),
            "NAPDEF" => settings.naps.extend(nap(&mut n, &r)),
            "PXLOGICAL" => settings.proxies.extend(proxy(&mut n, &r)),
            "APPLICATION" => match c.value("APPID") {
                Some("w7") if settings.dm_account.is_none() => settings.dm_account = account(&mut n, &r),
                Some("w7") => n.skip(&r.place, "a second DM account"),
                _ => settings.applications.extend(application(&mut n, &r)),
            },
            _ => n.skip(&r.place, "not a part of the settings"),
        }
    }
    Ok(Reading { settings, ignored: n.0 })
}
