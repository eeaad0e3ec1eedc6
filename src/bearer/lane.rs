//! Lanes: what a bearer keeps apart, so that a way that is stuck holds up nothing that goes another way.

use std::sync::Arc;

/// A queue of a bearer of its own: that of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// What it is called. Deliveries are kept by it, so it says something that stays, such as the route's prefix.
    pub name: Arc<str>,
    /// How many dispatches it takes now without making anybody wait.
    pub room: usize,
    /// Whether it says [`Leaving`](super::Event::Leaving) and waits for [`leave`](super::Bearer::leave) before anything of
    /// a dispatch leaves. Of what another one was handed, anything may have left.
    pub asks: bool,
}

impl Lane {
    /// The only lane of a bearer that has none.
    pub fn only(room: usize) -> Self {
        Self { name: "".into(), room, asks: false }
    }

    /// The room of a bearer with so many places free: none until a quarter is, so that it is fed many at a time.
    pub fn room(free: usize, places: usize) -> usize {
        if free.saturating_mul(4) >= places { free } else { 0 }
    }
}
