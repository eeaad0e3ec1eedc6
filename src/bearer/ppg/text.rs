//! Text for a person: what our own jobs hand in beside pushes. PAP knows no such thing, so no initiator can.

use std::sync::Arc;

use super::{Initiator, Ppg, submission::refused};
use crate::{
    bearer::{Bearer, Carriage, Destination, Dispatch, DispatchId, NewDelivery, NewPush, Refused},
    ident::{Msisdn, Timestamp},
    wire::pap::{Address, Priority, PushId, StatusCode, Version},
};

impl Ppg {
    /// Takes text for who holds the phone of that number: kept sealed, as a push is, and forgotten once it has
    /// come to its end.
    ///
    /// # Errors
    /// [`Refused`]; with 2007 when there is something of that id already.
    pub async fn submit_text(
        &self,
        initiator: &Initiator,
        push_id: PushId,
        to: &Msisdn,
        text: &str,
        expires: Timestamp,
    ) -> Result<(), Refused> {
        let received = self.0.clock.now();
        let (bearer, dispatch, segments) = self.text(to, text, expires)?;
        let lane = bearer.lane(&dispatch.destination);
        let push = NewPush {
            initiator: initiator.name.clone(),
            push_id,
            replace: None,
            received,
            not_before: None,
            expires: Some(expires),
            priority: dispatch.priority,
            notify: None,
            version: Version::V2_0,
            carriage: dispatch.carriage,
            octets: dispatch.octets,
            deliveries: vec![NewDelivery {
                address: Address::plmn(to.clone(), "bootgate"),
                to: Ok((dispatch.destination, segments)),
                lane,
            }],
        };
        self.keep(push).await.map(|_| ())
    }

    /// Whether [`Self::submit_text`] would take it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn admit_text(&self, to: &Msisdn, text: &str, expires: Timestamp) -> Result<(), Refused> {
        self.text(to, text, expires).map(|_| ())
    }

    fn text(
        &self,
        to: &Msisdn,
        text: &str,
        expires: Timestamp,
    ) -> Result<(&Arc<dyn Bearer>, Dispatch, u8), Refused> {
        let Some(bearer) = self.0.bearer.get() else {
            let why = "this gateway has no route yet; try again later";
            return Err(refused(StatusCode::SERVICE_UNAVAILABLE, why));
        };
        if expires <= self.0.clock.now() {
            return Err(refused(StatusCode::BAD_REQUEST, "its time has run out already"));
        }
        let dispatch = Dispatch {
            id: DispatchId(0),
            destination: Destination::Msisdn(to.clone()),
            carriage: Carriage::Text,
            octets: Arc::from(text.as_bytes()),
            expires: Some(expires),
            priority: Priority::Medium,
            reference: None,
        };
        let segments = bearer
            .admit(&dispatch)
            .map_err(|why| refused(StatusCode::TRANSFORMATION_FAILURE, &why.to_string()))?;
        Ok((bearer, dispatch, segments))
    }
}
