//! A link to an SMSC as one among several that reach the same devices.

use super::SmppLink;
use crate::bearer::{Destination, Dispatch, DispatchId, Link};

impl Link for SmppLink {
    fn bound(&self) -> usize {
        Self::bound(self)
    }

    fn why_down(&self) -> Option<String> {
        self.trouble()
    }

    fn held(&self) -> usize {
        Self::held(self)
    }

    fn has_room(&self) -> bool {
        Self::has_room(self)
    }

    fn whole(&self) -> Vec<(DispatchId, Destination)> {
        Self::whole(self)
    }

    fn take_back(&self, id: DispatchId, wanted: &dyn Fn(&Dispatch) -> bool) -> Option<Dispatch> {
        Self::take_back(self, id, wanted)
    }
}
