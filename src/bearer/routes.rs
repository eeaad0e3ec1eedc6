//! Routes: which way goes to which device. All of them together are one [`Bearer`].

use std::{sync::Arc, time::Duration};

use super::{Asking, Bearer, Closed, Destination, Dispatch, DispatchId, Hindrance, Lane, Refusal, UdpRoute};

/// How often links that are down are looked at for what others can carry.
const LOOK: Duration = Duration::from_millis(250);

/// A bearer among others that reach the same devices: it may be down, and what has not left it can go another way.
pub trait Link: Bearer {
    /// How many connections stand that messages can go over; for links without any, whether the other side is there.
    fn bound(&self) -> usize;

    /// Why none stands, as far as that is known.
    fn why_down(&self) -> Option<String> {
        None
    }

    /// How many dispatches it holds.
    fn held(&self) -> usize;

    /// True when a dispatch would not have to wait.
    fn has_room(&self) -> bool;

    /// The dispatches of which nothing has left, and where they go.
    fn whole(&self) -> Vec<(DispatchId, Destination)>;

    /// Takes back a dispatch of which nothing has left, if it is wanted.
    fn take_back(&self, id: DispatchId, wanted: &dyn Fn(&Dispatch) -> bool) -> Option<Dispatch>;
}

/// For numbers that begin so, these links, in this order.
#[derive(Debug, Clone)]
pub struct Route {
    /// The first digits; none for all numbers. The route with the longest that fits counts.
    pub prefix: String,
    /// Which link is preferred, which one comes next when it is down.
    pub links: Vec<Arc<dyn Link>>,
}

/// All routes.
#[derive(Debug)]
pub struct Routes {
    routes: Arc<Vec<Route>>,
    links: Vec<Arc<dyn Link>>,
    udp: Option<UdpRoute>,
    rescue: Option<tokio::task::JoinHandle<()>>,
}

impl Routes {
    /// Routes to numbers, and one to IP addresses. To be called within a tokio runtime.
    pub fn new(mut routes: Vec<Route>, udp: Option<UdpRoute>) -> Self {
        // The longest first: the first that fits is the one.
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        let mut links: Vec<Arc<dyn Link>> = Vec::new();
        for link in routes.iter().flat_map(|route| &route.links) {
            if !links.iter().any(|own| Arc::ptr_eq(own, link)) {
                links.push(Arc::clone(link));
            }
        }
        let routes = Arc::new(routes);
        let several = routes.iter().any(|route| route.links.len() > 1);
        let rescue = several.then(|| tokio::spawn(rescue(Arc::clone(&routes))));
        Self { routes, links, udp, rescue }
    }

    /// The links, each once.
    pub fn links(&self) -> &[Arc<dyn Link>] {
        &self.links
    }

    /// The link that a dispatch to a number goes over now: the first that stands of those that can carry it.
    fn link(&self, dispatch: &Dispatch) -> Option<&Arc<dyn Link>> {
        let all = links(&self.routes, &dispatch.destination).iter();
        let able = || all.clone().filter(move |link| link.admit(dispatch).is_ok());
        able().find(|link| link.bound() > 0).or_else(|| able().next())
    }
}

#[async_trait::async_trait]
impl Bearer for Routes {
    fn name(&self) -> &str {
        "routes"
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        let none =
            || Refusal::Destination { route: "configured here".into(), kind: dispatch.destination.kind() };
        match dispatch.destination {
            Destination::Ip(_) => self.udp.as_ref().ok_or_else(none)?.admit(dispatch),
            Destination::Msisdn(_) => {
                let mut refusal = none();
                for link in links(&self.routes, &dispatch.destination) {
                    match link.admit(dispatch) {
                        Ok(segments) => return Ok(segments),
                        Err(why) => refusal = why,
                    }
                }
                Err(refusal)
            }
        }
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        match dispatch.destination {
            Destination::Ip(_) => self.udp.as_ref().ok_or(Closed)?.send(dispatch).await,
            Destination::Msisdn(_) => {
                let link = self.link(&dispatch).ok_or(Closed)?;
                Arc::clone(link).send(dispatch).await
            }
        }
    }

    fn takes(&self, dispatch: &Dispatch) -> bool {
        self.link(dispatch).is_none_or(|link| link.has_room())
    }

    /// One for each link that some route prefers, by its name; and one without a name for IP addresses and for what no route
    /// reaches any more.
    fn lanes(&self) -> Vec<Lane> {
        let mut lanes: Vec<Lane> = Vec::new();
        let mut over: Vec<&Arc<dyn Link>> = Vec::new();
        for route in self.routes.iter() {
            let Some(preferred) = route.links.first() else { continue };
            // The one that would be sent over now.
            let link = route.links.iter().find(|link| link.bound() > 0).unwrap_or(preferred);
            let of = |link: &dyn Link| link.lanes().into_iter().next().unwrap_or_else(|| Lane::only(0));
            let (room, asks) = (of(&**link).room, route.links.iter().all(|link| of(&**link).asks));
            match lanes.iter_mut().find(|lane| *lane.name == *preferred.name()) {
                Some(lane) => (lane.room, lane.asks) = (lane.room.min(room), lane.asks && asks),
                None => {
                    lanes.push(Lane { name: preferred.name().into(), room, asks });
                    over.push(link);
                }
            }
        }
        // Lanes that lead over the same link share its room.
        for (lane, link) in lanes.iter_mut().zip(&over) {
            let sharing = over.iter().filter(|other| Arc::ptr_eq(other, link)).count();
            lane.room = lane.room.div_ceil(sharing.max(1));
        }
        // What nothing reaches need not be looked for at each bit of room while all links are full.
        if self.udp.is_some() || lanes.is_empty() || lanes.iter().any(|lane| lane.room > 0) {
            lanes.push(Lane::only(usize::MAX));
        }
        lanes
    }

    fn lane(&self, to: &Destination) -> Arc<str> {
        links(&self.routes, to).first().map_or("", |link| link.name()).into()
    }

    fn leave(&self, asked: &[Asking]) {
        // Each knows its own questions.
        self.links.iter().for_each(|link| link.leave(asked));
    }

    fn withdraw(&self, id: DispatchId) -> bool {
        self.links.iter().any(|link| link.withdraw(id))
    }

    fn hindrance(&self, to: &Destination) -> Option<Hindrance> {
        let Destination::Msisdn(_) = to else { return None };
        let links = links(&self.routes, to);
        if links.is_empty() {
            let what = "no route of this gateway reaches its number";
            return Some(Hindrance { what, links: Vec::new() });
        }
        if links.iter().any(|link| link.bound() > 0) {
            return None;
        }
        let links: Vec<&dyn Link> = links.iter().map(|link| &**link).collect();
        Some(nothing_stands(&links))
    }

    async fn close(&self, grace: Duration) {
        if let Some(rescue) = &self.rescue {
            rescue.abort();
        }
        futures_util::future::join_all(self.links.iter().map(|link| link.close(grace))).await;
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        if let Some(rescue) = &self.rescue {
            rescue.abort();
        }
    }
}

/// What keeps a dispatch while none of its links stands.
pub(super) fn nothing_stands(links: &[&dyn Link]) -> Hindrance {
    let each = links.iter().map(|link| match link.why_down() {
        Some(why) => format!("{}: {why}", link.name()),
        None => link.name().to_owned(),
    });
    Hindrance { what: "no link to the network stands", links: each.collect() }
}

/// The links to a number, the preferred one first.
fn links<'a>(routes: &'a [Route], destination: &Destination) -> &'a [Arc<dyn Link>] {
    let Destination::Msisdn(number) = destination else { return &[] };
    let route = routes.iter().find(|route| number.digits().starts_with(&route.prefix));
    route.map_or(&[], |route| &route.links)
}

/// Takes back from links that are down what has not begun, and gives it to the next ones that stand.
async fn rescue(routes: Arc<Vec<Route>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        for route in routes.iter() {
            for down in route.links.iter().filter(|link| link.bound() == 0 && link.held() > 0) {
                for (id, destination) in down.whole() {
                    // A link may serve several routes.
                    let others = links(&routes, &destination);
                    let up = others.iter().find(|link| link.bound() > 0 && link.has_room());
                    let Some(up) = up else { continue };
                    if let Some(dispatch) = down.take_back(id, &|dispatch| up.admit(dispatch).is_ok()) {
                        // It has room; only a link that is being closed says no, and then everything ends.
                        let _ = up.send(dispatch).await;
                    }
                }
            }
        }
    }
}
