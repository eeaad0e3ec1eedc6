//! Contexts, access points, proxies, access rules and what vendors defined.

use core::net::IpAddr;

use crate::{
    ident::SharedSecret,
    profile::{
        Access, BasicAuth, Bootstrap, NapAddressType, NapAuth, NapDef, NapTuning, ProxyAddressType,
        ProxyAuth, PxLogical, PxPhysical, QosParameter, Validity, VendorConfig,
    },
};

use super::part::{Ignored, Part};

pub(super) fn bootstrap(n: &mut Ignored, r: &Part<'_>) -> Bootstrap {
    r.known(n, &["NAME", "PROVURL", "COUNTRY", "NETWORK", "PROXY-ID", "CONTEXT-ALLOW"], &[]);
    Bootstrap {
        name: r.text("NAME"),
        prov_url: r.text("PROVURL"),
        country: r.text("COUNTRY"),
        networks: r.all(n, "NETWORK"),
        proxies: r.all(n, "PROXY-ID"),
        context_allow: r.parsed(n, "CONTEXT-ALLOW"),
    }
}

pub(super) fn access(n: &mut Ignored, r: &Part<'_>) -> Option<Access> {
    r.known(n, &["RULE", "APPID", "PORTNBR", "DOMAIN", "TO-NAPID", "TO-PROXY"], &[]);
    r.required(n, "RULE")?;
    Some(Access {
        rules: r.all(n, "RULE"),
        app_ids: r.all(n, "APPID"),
        ports: r.all(n, "PORTNBR"),
        domains: r.all(n, "DOMAIN"),
        connect_via: r.links(),
    })
}

pub(super) fn vendor_config(n: &mut Ignored, r: &Part<'_>) -> Option<VendorConfig> {
    r.inner_known(n, &[]);
    Some(VendorConfig { name: r.required(n, "NAME")?, parameters: r.others(&["NAME"]) })
}

const NAP: &[&str] = &[
    "NAPID",
    "NAME",
    "BEARER",
    "NAP-ADDRESS",
    "NAP-ADDRTYPE",
    "INTERNET",
    "DNS-ADDR",
    "LINGER",
    "CALLTYPE",
    "LOCAL-ADDR",
    "LOCAL-ADDRTYPE",
    "LINKSPEED",
    "DNLINKSPEED",
    "MAX-NUM-RETRY",
    "FIRST-RETRY-TIMEOUT",
    "REREG-THRESHOLD",
    "T-BIT",
];

pub(super) fn nap(n: &mut Ignored, r: &Part<'_>) -> Option<NapDef<String>> {
    let qos = QosParameter::ALL.iter().map(|p| p.as_str());
    let known: Vec<&str> = NAP.iter().copied().chain(qos).collect();
    r.known(n, &known, &["NAPAUTHINFO", "VALIDITY"]);
    let auth = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["AUTHTYPE", "AUTHNAME", "AUTHSECRET", "AUTH-ENTITY", "SPI"], &[]);
        let kind = r.required(n, "AUTHTYPE").and_then(|_| r.parsed(n, "AUTHTYPE"))?;
        Some(NapAuth {
            kind,
            name: r.text("AUTHNAME"),
            secret: r.parsed::<SharedSecret>(n, "AUTHSECRET"),
            entities: r.all(n, "AUTH-ENTITY"),
            spi: r.hex(n, "SPI"),
        })
    };
    let validity = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["COUNTRY", "NETWORK", "SID", "SOC", "VALIDUNTIL"], &[]);
        Validity {
            country: r.text("COUNTRY"),
            network: r.text("NETWORK"),
            sid: r.text("SID"),
            soc: r.text("SOC"),
            valid_until: r.text("VALIDUNTIL"),
        }
    };
    let address_type = match r.text("NAP-ADDRTYPE") {
        Some(_) => r.parsed(n, "NAP-ADDRTYPE"),
        None => Some(NapAddressType::E164),
    };
    Some(NapDef {
        id: r.required(n, "NAPID")?,
        name: r.required(n, "NAME")?,
        bearers: r.all(n, "BEARER"),
        address: r.required(n, "NAP-ADDRESS")?,
        address_type: address_type?,
        internet: r.flag("INTERNET"),
        dns: r.all::<IpAddr>(n, "DNS-ADDR"),
        linger: r.parsed(n, "LINGER"),
        tuning: tuning(n, r),
        auth: r.inner("NAPAUTHINFO").iter().filter_map(|r| auth(n, r)).collect(),
        validity: r.inner("VALIDITY").iter().map(|r| validity(n, r)).collect(),
        acl: None,
    })
}

/// LOCAL-ADDRTYPE is not asked: the address shows what it is.
fn tuning(n: &mut Ignored, r: &Part<'_>) -> NapTuning {
    let qos = QosParameter::ALL.iter();
    NapTuning {
        call_type: r.parsed(n, "CALLTYPE"),
        local_address: r.parsed(n, "LOCAL-ADDR"),
        link_speed: r.parsed(n, "LINKSPEED"),
        dn_link_speed: r.parsed(n, "DNLINKSPEED"),
        qos: qos.filter_map(|p| r.hex(n, p.as_str()).map(|value| (*p, value))).collect(),
        max_num_retry: r.parsed(n, "MAX-NUM-RETRY"),
        first_retry_timeout: r.parsed(n, "FIRST-RETRY-TIMEOUT"),
        rereg_threshold: r.parsed(n, "REREG-THRESHOLD"),
        t_bit: r.flag("T-BIT"),
    }
}

pub(super) fn proxy(n: &mut Ignored, r: &Part<'_>) -> Option<PxLogical<String>> {
    const PARMS: &[&str] = &[
        "PROXY-ID",
        "NAME",
        "PROXY-PW",
        "PPGAUTH-TYPE",
        "PROXY-PROVIDER-ID",
        "DOMAIN",
        "TRUST",
        "MASTER",
        "STARTPAGE",
        "BASAUTH-ID",
        "BASAUTH-PW",
        "WSP-VERSION",
        "PUSHENABLED",
        "PULLENABLED",
    ];
    r.known(n, PARMS, &["PXAUTHINFO", "PORT", "PXPHYSICAL"]);
    let auth = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["PXAUTH-TYPE", "PXAUTH-ID", "PXAUTH-PW"], &[]);
        let kind = r.required(n, "PXAUTH-TYPE").and_then(|_| r.parsed(n, "PXAUTH-TYPE"))?;
        Some(ProxyAuth { kind, name: r.text("PXAUTH-ID"), secret: r.parsed::<SharedSecret>(n, "PXAUTH-PW") })
    };
    let basic_auth =
        BasicAuth { name: r.text("BASAUTH-ID"), secret: r.parsed::<SharedSecret>(n, "BASAUTH-PW") };
    let id = r.required(n, "PROXY-ID")?;
    let name = r.required(n, "NAME")?;
    let physicals: Vec<_> = r.inner("PXPHYSICAL").iter().filter_map(|r| physical(n, r)).collect();
    if physicals.is_empty() {
        n.skip(&r.place, "has no PXPHYSICAL");
        return None;
    }
    Some(PxLogical {
        id,
        name,
        secret: r.parsed::<SharedSecret>(n, "PROXY-PW"),
        ppg_auth: r.parsed(n, "PPGAUTH-TYPE"),
        provider_id: r.text("PROXY-PROVIDER-ID"),
        domains: r.all(n, "DOMAIN"),
        trust: r.flag("TRUST"),
        master: r.flag("MASTER"),
        start_page: r.text("STARTPAGE"),
        basic_auth: Some(basic_auth).filter(|b| b.name.is_some() || b.secret.is_some()),
        wsp_version: r.text("WSP-VERSION"),
        push: r.switch(n, "PUSHENABLED"),
        pull: r.switch(n, "PULLENABLED"),
        auth: r.inner("PXAUTHINFO").iter().filter_map(|r| auth(n, r)).collect(),
        ports: r.ports(n),
        physical: physicals,
        acl: None,
    })
}

fn physical(n: &mut Ignored, r: &Part<'_>) -> Option<PxPhysical> {
    const PARMS: &[&str] = &[
        "PHYSICAL-PROXY-ID",
        "DOMAIN",
        "PXADDR",
        "PXADDRTYPE",
        "PXADDR-FQDN",
        "WSP-VERSION",
        "PUSHENABLED",
        "PULLENABLED",
        "TO-NAPID",
    ];
    r.known(n, PARMS, &["PORT"]);
    let address_type = match r.text("PXADDRTYPE") {
        Some(_) => r.parsed(n, "PXADDRTYPE"),
        None => Some(ProxyAddressType::Ipv4),
    };
    Some(PxPhysical {
        id: r.required(n, "PHYSICAL-PROXY-ID")?,
        address: r.required(n, "PXADDR")?,
        address_type: address_type?,
        fqdn: r.text("PXADDR-FQDN"),
        domains: r.all(n, "DOMAIN"),
        wsp_version: r.text("WSP-VERSION"),
        push: r.switch(n, "PUSHENABLED"),
        pull: r.switch(n, "PULLENABLED"),
        ports: r.ports(n),
        connect_via: r.links(),
    })
}
