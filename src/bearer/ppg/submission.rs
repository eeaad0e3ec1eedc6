//! What is looked at before a push is taken on.

use std::{collections::BTreeSet, sync::Arc};

use super::{Initiator, Ppg, content};
use crate::{
    bearer::{Bearer, Carriage, Destination, Dispatch, DispatchId, NewDelivery, NewPush, Refusal, Refused},
    ident::Timestamp,
    wire::{
        pap::{
            Address, DeliveryMethod, Priority, PushMessage, QualityOfService, Recipient, StatusCode, Version,
            multipart::Entity,
        },
        wdp::Ports,
    },
};

/// Names of a network of telephone numbers, and of any network, as initiators write them (inferred: the registry was not
/// at hand).
const NETWORKS: &[&str] = &["any", "gsm", "gprs", "umts", "3gpp", "lte", "plmn"];
/// The bearer that reaches telephone numbers, and the one that reaches IP addresses.
const SMS: &[&str] = &["any", "sms"];
const UDP: &[&str] = &["any", "udp", "ip", "gprs", "csd", "packet data"];

impl Ppg {
    /// Checks a push; what is kept of it, or why not.
    pub(super) fn check(
        &self,
        initiator: &Initiator,
        message: &PushMessage,
        content: &Entity<'_>,
        version: Version,
        bearer: &dyn Bearer,
        now: Timestamp,
    ) -> Result<NewPush, Refused> {
        let quality = message.quality_of_service.clone().unwrap_or_default();
        if quality.delivery_method == DeliveryMethod::Confirmed {
            let why = "no bearer here confirms by itself; ask for unconfirmed, and for a result notification";
            return Err(refused(StatusCode::DELIVERY_METHOD_NOT_POSSIBLE, why));
        }
        let (not_before, expires) = times(message, now)?;
        if let Some(url) = &message.ppg_notify_requested_to {
            self.settings().notify.check(url).map_err(|why| refused(StatusCode::FORBIDDEN, &why))?;
        }
        let octets = content::encode(
            &content.fields,
            content.body,
            &initiator.rights,
            self.settings().switches,
            self.next_tid(),
        )?;
        let octets: Arc<[u8]> = octets.octets.into();
        let draft = Draft { octets: &octets, expires, priority: quality.priority, bearer };
        let mut seen = BTreeSet::new();
        let distinct = message.addresses.iter().filter(|address| seen.insert(address.as_str()));
        let deliveries: Vec<NewDelivery> = distinct
            .map(|address| {
                let to = self.destination(initiator, address, &quality, &draft);
                let lane = to.as_ref().map_or_else(|_| Arc::from(""), |(to, _)| bearer.lane(to));
                NewDelivery { address: address.clone(), to, lane }
            })
            .collect();
        // A push that nobody can get is not taken on.
        if let Some(first) = deliveries.iter().find_map(|d| d.to.as_ref().err())
            && deliveries.iter().all(|d| d.to.is_err())
        {
            return Err(first.clone());
        }
        self.spend(initiator, deliveries.len(), now)?;
        Ok(NewPush {
            initiator: initiator.name.clone(),
            push_id: message.push_id.clone(),
            replace: message.replace.clone(),
            received: now,
            not_before,
            expires,
            priority: quality.priority,
            notify: message.ppg_notify_requested_to.clone(),
            version,
            carriage: Carriage::Datagram(Ports::PUSH),
            octets,
            deliveries,
        })
    }

    /// Where an address is, and in how many segments the push goes there.
    fn destination(
        &self,
        initiator: &Initiator,
        address: &Address,
        quality: &QualityOfService,
        draft: &Draft<'_>,
    ) -> Result<(Destination, u8), Refused> {
        let to = match address.recipient() {
            Recipient::Plmn(number) => Destination::Msisdn(number.clone()),
            Recipient::Ipv4(ip) => Destination::Ip((*ip).into()),
            Recipient::Ipv6(ip) => Destination::Ip((*ip).into()),
            Recipient::User(name) => {
                let found = self.settings().users.get(&name.to_lowercase()).cloned();
                let why = "no such user; see [[ppg.user]]";
                found.ok_or_else(|| refused(StatusCode::ADDRESS_NOT_FOUND, why))?
            }
            Recipient::Malformed { why, .. } => {
                return Err(refused(StatusCode::ADDRESS_ERROR, &format!("it is no address: {why}")));
            }
            Recipient::Other { .. } => {
                let why = "addresses of this type are not known; expected PLMN, USER, IPv4 or IPv6";
                return Err(refused(StatusCode::ADDRESS_ERROR, why));
            }
        };
        match &to {
            Destination::Msisdn(number) if !initiator.rights.allows_number(number) => {
                let why = "this initiator may not push to numbers that begin so";
                return Err(refused(StatusCode::FORBIDDEN, why));
            }
            Destination::Ip(_) if !initiator.rights.ip => {
                let why = "this initiator may not push to IP addresses";
                return Err(refused(StatusCode::FORBIDDEN, why));
            }
            _ => {}
        }
        available(quality, &to)?;
        let dispatch = Dispatch {
            id: DispatchId(0),
            destination: to,
            carriage: Carriage::Datagram(Ports::PUSH),
            octets: Arc::clone(draft.octets),
            expires: draft.expires,
            priority: draft.priority,
            reference: None,
        };
        match draft.bearer.admit(&dispatch) {
            Ok(segments) => Ok((dispatch.destination, segments)),
            Err(refusal) => {
                let code = match &refusal {
                    Refusal::TooLong { .. } => StatusCode::TRANSFORMATION_FAILURE,
                    _ => StatusCode::ADDRESS_ERROR,
                };
                Err(refused(code, &refusal.to_string()))
            }
        }
    }
}

/// What all deliveries of a push share, for asking a bearer.
struct Draft<'a> {
    octets: &'a Arc<[u8]>,
    expires: Option<Timestamp>,
    priority: Priority,
    bearer: &'a dyn Bearer,
}

/// From when and until when a push may be sent.
fn times(message: &PushMessage, now: Timestamp) -> Result<(Option<Timestamp>, Option<Timestamp>), Refused> {
    let stamp = |at: Option<jiff::Timestamp>| at.map(|at| Timestamp::from_millis(at.as_millisecond()));
    let (after, before) = (stamp(message.deliver_after), stamp(message.deliver_before));
    let bad = |why| Err(refused(StatusCode::BAD_REQUEST, why));
    match (after, before) {
        (_, Some(before)) if before <= now => bad("deliver-before-timestamp is over already"),
        (Some(after), Some(before)) if after >= before => {
            bad("deliver-after-timestamp is not before deliver-before-timestamp")
        }
        _ => Ok((after, before)),
    }
}

/// Whether the network and the bearer can be had that must be.
fn available(quality: &QualityOfService, to: &Destination) -> Result<(), Refused> {
    let is = |known: &[&str], name: &Option<String>| {
        name.as_ref().is_none_or(|name| known.contains(&name.trim().to_ascii_lowercase().as_str()))
    };
    if quality.network_required && !is(NETWORKS, &quality.network) {
        let why = "the network that is required cannot be had; expected GSM, UMTS, LTE or any";
        return Err(refused(StatusCode::REQUIRED_NETWORK_NOT_AVAILABLE, why));
    }
    let (bearers, why) = match to {
        Destination::Msisdn(_) => {
            (SMS, "the bearer that is required cannot be had: numbers are reached by SMS")
        }
        Destination::Ip(_) => {
            (UDP, "the bearer that is required cannot be had: IP addresses are reached by UDP")
        }
    };
    if quality.bearer_required && !is(bearers, &quality.bearer) {
        return Err(refused(StatusCode::REQUIRED_BEARER_NOT_AVAILABLE, why));
    }
    Ok(())
}

pub(super) fn refused(code: StatusCode, why: &str) -> Refused {
    Refused { code, why: why.to_owned() }
}
