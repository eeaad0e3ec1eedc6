//! Where objects are kept, and how their types are called.

/// A place of the management tree that keeps objects of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Accounts (DMAcc, DM Standardized Objects 1.2).
    DmAcc,
    /// Access points. Remembered: the connectivity objects have no fixed place.
    Nap,
    /// Proxies; remembered, as above.
    Proxy,
}

/// The place that objects are delivered to, which keeps nothing: the device puts each where its type belongs.
pub(super) const INBOX: &str = "Inbox";

impl Place {
    pub(super) const ALL: [Self; 3] = [Self::DmAcc, Self::Nap, Self::Proxy];

    /// Its node below the root.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DmAcc => "DMAcc",
            Self::Nap => "NAP",
            Self::Proxy => "Proxy",
        }
    }

    /// The identifier of the management object. That of access points was seen in an implementation, that of proxies is
    /// inferred from it.
    pub(super) fn ddf_name(self) -> &'static str {
        match self {
            Self::DmAcc => "urn:oma:mo:oma-dm-dmacc:1.0",
            Self::Nap => "urn:oma:mo:oma-connmo-nap:1.0",
            Self::Proxy => "urn:oma:mo:oma-connmo-proxy:1.0",
        }
    }

    /// The place of objects of that type, whatever its minor version.
    pub(super) fn of_type(ddf_name: &str) -> Option<Self> {
        // The example of the DM bootstrap specification calls an account so.
        if ddf_name == "org.openmobilealliance/1.0/w7" {
            return Some(Self::DmAcc);
        }
        Self::ALL.into_iter().find(|p| ddf_name.starts_with(p.ddf_name().trim_end_matches('0')))
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}
