//! One delivery in memory, and the segments that SMSCs took of it.

use std::sync::Arc;

use crate::{
    bearer::{Delivery, Destination, DispatchId, Doubt, NewPush, ReceiptState, Settled, Standing, State},
    ident::Timestamp,
    wire::pap::StatusCode,
};

pub(super) struct Item {
    pub(super) push: Arc<NewPush>,
    pub(super) destination: Option<Destination>,
    pub(super) lane: Arc<str>,
    pub(super) segments: u8,
    pub(super) delivery: Delivery,
    pub(super) due: Timestamp,
    pub(super) tries: u32,
    pub(super) untold: bool,
    pub(super) doubt: Doubt,
}

/// What is known of a segment by the name that an SMSC gave it.
pub(super) struct Message {
    /// None while a receipt alone has that name.
    pub(super) of: Option<DispatchId>,
    pub(super) receipt: Option<ReceiptState>,
    pub(super) segment: u8,
    /// When the segment left; of a receipt that nobody owns, when it came.
    pub(super) noted: Timestamp,
}

impl Item {
    /// Something of it may leave from now on.
    pub(super) fn leaves(&mut self) {
        if self.doubt == Doubt::Once {
            self.doubt = Doubt::Twice;
        }
    }

    pub(super) fn stand(&mut self, state: State, code: StatusCode, desc: String, at: Timestamp) {
        // What may have arrived is not said to have ended otherwise.
        let (state, code) = match (self.doubt, state) {
            (Doubt::Once | Doubt::Twice, State::Undeliverable | State::Expired | State::Cancelled) => {
                (State::Unknown, StatusCode::SERVICE_FAILURE)
            }
            _ => (state, code),
        };
        let desc = Standing::words(desc, self.doubt);
        self.delivery.standing = Standing { state, code, desc, at };
        if state.is_final() {
            self.due = at;
            self.tries = 0;
            self.untold = self.push.notify.is_some();
        }
    }

    pub(super) fn settled(&self) -> Settled {
        Settled {
            initiator: self.push.initiator.clone(),
            push_id: self.push.push_id.clone(),
            delivery: self.delivery.clone(),
        }
    }
}
