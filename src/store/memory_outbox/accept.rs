//! Keeping new pushes in memory, also in the place of others.

use std::{collections::BTreeSet, sync::Arc};

use super::{Everything, item::Item};
use crate::{
    bearer::{Accepted, Delivery, DispatchId, Doubt, InitiatorName, NewPush, Settled, Standing, State},
    ident::Timestamp,
    wire::pap::{PushId, Recipient, ReplaceMethod, StatusCode},
};

impl Everything {
    /// Keeps a push with its deliveries.
    pub(super) fn accept(&mut self, push: NewPush) -> Accepted {
        let mut only: Option<BTreeSet<Recipient>> = None;
        let mut ended = None;
        if let Some(replace) = &push.replace {
            let old = (push.initiator.clone(), replace.push_id.clone());
            if !self.pushes.contains_key(&old) {
                return Accepted::NothingToReplace;
            }
            if self.pushes.contains_key(&push.key()) {
                return Accepted::Duplicate;
            }
            if replace.method == ReplaceMethod::PendingOnly {
                let waits = self.waiting(&old).map(|item| item.delivery.address.recipient().clone());
                let pending: BTreeSet<Recipient> = waits.collect();
                if !push.deliveries.iter().any(|new| pending.contains(new.address.recipient())) {
                    return Accepted::NothingPending;
                }
                only = Some(pending);
            }
            let end = |item: &mut Item| -> Settled {
                let desc = "replaced by another push".to_owned();
                item.stand(State::Cancelled, StatusCode::OK, desc, push.received);
                item.settled()
            };
            ended = Some(self.waiting(&old).map(end).collect());
        }
        if self.pushes.contains_key(&push.key()) {
            return Accepted::Duplicate;
        }
        let push = Arc::new(push);
        self.pushes.insert(push.key(), Arc::clone(&push));
        for new in &push.deliveries {
            if only.as_ref().is_some_and(|only| !only.contains(new.address.recipient())) {
                continue;
            }
            self.last += 1;
            let id = DispatchId(self.last);
            let (destination, segments, state, code, desc) = match &new.to {
                Ok((to, segments)) => {
                    (Some(to.clone()), *segments, State::Waiting, StatusCode::ACCEPTED, String::new())
                }
                Err(refused) => (None, 0, State::Rejected, refused.code, refused.why.clone()),
            };
            let standing = Standing { state, code, desc, at: push.received };
            let delivery = Delivery { id, address: new.address.clone(), standing, stage: None };
            let due = push.not_before.unwrap_or(push.received).max(push.received);
            let untold = state.is_final() && push.notify.is_some();
            let (push, lane) = (Arc::clone(&push), Arc::clone(&new.lane));
            let item = Item {
                push,
                destination,
                lane,
                segments,
                delivery,
                due,
                tries: 0,
                untold,
                doubt: Doubt::None,
            };
            self.deliveries.insert(id, item);
        }
        ended.map_or(Accepted::Kept, Accepted::Replaced)
    }

    /// Lets those deliveries of a push that wait not be handed out before `until`.
    pub(super) fn set_aside(&mut self, push: &(InitiatorName, PushId), until: Timestamp) {
        self.waiting(push).for_each(|item| item.due = item.due.max(until));
    }

    /// The deliveries of a push that wait.
    fn waiting(&mut self, push: &(InitiatorName, PushId)) -> impl Iterator<Item = &mut Item> {
        let push = self.pushes.get(push).cloned();
        self.deliveries.values_mut().filter(move |item| {
            let waits = item.delivery.standing.state == State::Waiting;
            waits && push.as_ref().is_some_and(|push| Arc::ptr_eq(push, &item.push))
        })
    }
}

impl NewPush {
    /// What tells it from others.
    pub(super) fn key(&self) -> (InitiatorName, PushId) {
        (self.initiator.clone(), self.push_id.clone())
    }
}
