//! One datagram for one device, or text for who holds it.

use std::{fmt, net::IpAddr, sync::Arc};

use crate::{
    ident::{Msisdn, Timestamp},
    wire::{pap::Priority, sms::ShortText, wdp::Ports},
};

/// The outbox's number for a dispatch. It is never given twice in one outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DispatchId(pub u64);

/// Where a dispatch goes. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A number in a mobile network.
    Msisdn(Msisdn),
    /// An address of an IP network, for modules and labs.
    Ip(IpAddr),
}

/// How octets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// A datagram between WDP ports (WAP-259-WDP).
    Datagram(Ports),
    /// Text that a person reads, in short messages without ports.
    Text,
}

/// One datagram for one device, or text for who holds it.
#[derive(Clone)]
pub struct Dispatch {
    /// What events call it.
    pub id: DispatchId,
    /// The device.
    pub destination: Destination,
    /// How the octets travel.
    pub carriage: Carriage,
    /// The WSP PDU, or the text in UTF-8. Shared between the devices that get the same octets.
    pub octets: Arc<[u8]>,
    /// After this it is worth nothing and is not sent any more; the network is told, too.
    pub expires: Option<Timestamp>,
    /// Which goes first when there is a queue.
    pub priority: Priority,
    /// The reference that its segments carry where it goes in several, as counted for all processes that push to this
    /// device; none where nobody counts.
    pub reference: Option<u16>,
}

impl fmt::Display for DispatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Dispatch {
    /// The text, where it is such.
    pub fn text(&self) -> Option<ShortText> {
        match self.carriage {
            Carriage::Text => Some(ShortText::new(&String::from_utf8_lossy(&self.octets))),
            Carriage::Datagram(_) => None,
        }
    }
}

impl Destination {
    /// What kind of address it is, for errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Msisdn(_) => "telephone numbers",
            Self::Ip(IpAddr::V4(_)) => "IPv4 addresses",
            Self::Ip(IpAddr::V6(_)) => "IPv6 addresses",
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({})", self.kind())
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, destination, carriage: _, octets, expires, priority, reference: _ } = self;
        write!(f, "Dispatch({id}, {destination:?}, {} octets, {priority}, until {expires:?})", octets.len())
    }
}
