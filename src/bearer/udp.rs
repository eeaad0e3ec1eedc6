//! WDP over UDP (WAP-259-WDP, section 7.3): one datagram holds one WSP PDU. Nothing is cut, nothing is answered; for modules
//! and laboratories.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::UdpSocket, sync::mpsc};

use super::{Bearer, Carriage, Closed, Destination, Dispatch, DispatchId, Event, Failure, Refusal};
use crate::ident::Clock;

/// The most octets of a datagram that no path with an MTU of 1,500 has to cut: 20 or 40 octets are those of IP, 8 those
/// of UDP.
const ETHERNET: usize = 1_500;

/// Sends datagrams. Each is with the network as soon as it is sent; more is never known.
pub struct UdpRoute {
    name: String,
    /// None where the other has the port for both.
    v4: Option<UdpSocket>,
    /// None on machines without IPv6.
    v6: Option<UdpSocket>,
    events: mpsc::Sender<Event>,
    clock: Arc<dyn Clock>,
}

impl UdpRoute {
    /// Datagrams leave from port `port`, for example 9200; 0 takes a free one. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn open(
        name: &str,
        port: u16,
        events: mpsc::Sender<Event>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        // Where it is for both families by default, the port is taken for the other one then (RFC 3493, section 3.7).
        let v6 = socket(Ipv6Addr::UNSPECIFIED.into(), port).ok();
        let v4 = match socket(Ipv4Addr::UNSPECIFIED.into(), port) {
            Ok(v4) => Some(v4),
            Err(_) if v6.is_some() => None,
            Err(error) => return Err(error),
        };
        Ok(Self { name: name.to_owned(), v4, v6, events, clock })
    }

    async fn post(&self, dispatch: &Dispatch) -> Event {
        let id = dispatch.id;
        if dispatch.expires.is_some_and(|expires| expires <= self.clock.now()) {
            return Event::Expired { id };
        }
        let sent = match dispatch.destination {
            Destination::Ip(ip) => {
                let Carriage::Datagram(ports) = dispatch.carriage else {
                    let failure = Failure::Network("text for a person goes to a telephone number".to_owned());
                    return Event::Failed { id, failure };
                };
                let to = SocketAddr::new(ip, ports.destination());
                match (ip, &self.v4, &self.v6) {
                    (IpAddr::V4(_), Some(socket), _) | (IpAddr::V6(_), _, Some(socket)) => {
                        socket.send_to(&dispatch.octets, to).await
                    }
                    (IpAddr::V4(ip), None, Some(socket)) => {
                        let mapped = SocketAddr::new(ip.to_ipv6_mapped().into(), to.port());
                        socket.send_to(&dispatch.octets, mapped).await
                    }
                    (IpAddr::V4(_), None, None) => Err(io::Error::other("this machine has no IPv4")),
                    (IpAddr::V6(_), _, None) => Err(io::Error::other("this machine has no IPv6")),
                }
            }
            Destination::Msisdn(_) => Err(io::Error::other("a telephone number is no IP address")),
        };
        match sent {
            Ok(_) => Event::Sent { id, segments: 1, receipts: false },
            Err(error) => Event::Failed { id, failure: Failure::Network(error.to_string()) },
        }
    }
}

#[async_trait::async_trait]
impl Bearer for UdpRoute {
    fn name(&self) -> &str {
        &self.name
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        let headers = match dispatch.destination {
            Destination::Ip(IpAddr::V4(_)) => 28,
            Destination::Ip(IpAddr::V6(_)) => 48,
            Destination::Msisdn(_) => {
                return Err(Refusal::Destination {
                    route: self.name.clone(),
                    kind: dispatch.destination.kind(),
                });
            }
        };
        let (octets, most) = (dispatch.octets.len(), ETHERNET - headers);
        if octets > most {
            return Err(Refusal::Datagram { route: self.name.clone(), octets, most });
        }
        Ok(1)
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        // Whoever feeds it may cease to wait; once the datagram has left, that is told.
        let place = self.events.reserve().await.map_err(|_| Closed)?;
        place.send(self.post(&dispatch).await);
        Ok(())
    }

    /// A datagram leaves at once.
    fn withdraw(&self, _: DispatchId) -> bool {
        false
    }
}

fn socket(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(SocketAddr::new(address, port))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

impl std::fmt::Debug for UdpRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UdpRoute({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ident::Timestamp,
        wire::{pap::Priority, wdp::Ports},
    };

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }

    fn dispatch(ip: &str, port: u16, octets: usize) -> Dispatch {
        Dispatch {
            id: DispatchId(7),
            destination: Destination::Ip(ip.parse().unwrap()),
            carriage: Carriage::Datagram(Ports::Wide { destination: port, originator: 9200 }),
            octets: vec![0xA5; octets].into(),
            expires: Some(Timestamp::from_millis(1_000)),
            priority: Priority::Medium,
            reference: None,
        }
    }

    #[tokio::test]
    async fn one_datagram_carries_it_all() {
        let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = device.local_addr().unwrap().port();
        let (to, mut events) = mpsc::channel(4);
        let route = UdpRoute::open("udp", 0, to.clone(), Arc::new(At(999))).unwrap();
        let sent = dispatch("127.0.0.1", port, 1_472);
        assert_eq!(route.admit(&sent), Ok(1));
        route.send(sent.clone()).await.unwrap();
        let mut buffer = [0; 2_000];
        let (got, from) = device.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..got], &*sent.octets);
        assert_eq!(from.port(), route.v4.as_ref().unwrap().local_addr().unwrap().port());
        assert_eq!(
            events.recv().await,
            Some(Event::Sent { id: DispatchId(7), segments: 1, receipts: false })
        );

        let late = UdpRoute::open("udp", 0, to, Arc::new(At(1_000))).unwrap();
        late.send(sent).await.unwrap();
        assert_eq!(events.recv().await, Some(Event::Expired { id: DispatchId(7) }));
    }

    #[tokio::test]
    async fn what_would_be_cut_on_its_way_is_refused() {
        let route = UdpRoute::open("udp", 0, mpsc::channel(1).0, Arc::new(At(0))).unwrap();
        let refused = |ip: &str, octets| route.admit(&dispatch(ip, 2948, octets)).unwrap_err().to_string();
        assert!(refused("192.0.2.7", 1_473).contains("1473 octets"), "{}", refused("192.0.2.7", 1_473));
        assert!(refused("2001:db8::7", 1_453).contains("1452 at most"));
        let number = Dispatch {
            destination: Destination::Msisdn("491711234567".parse().unwrap()),
            ..dispatch("192.0.2.7", 2948, 1)
        };
        assert!(matches!(route.admit(&number), Err(Refusal::Destination { .. })));
    }
}
