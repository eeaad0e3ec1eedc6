//! Elements → messages.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;

use super::{
    Address, BadMessage, CancelMessage, CancelResponse, CancelResult, CapabilitiesQuery,
    CapabilitiesResponse, MAX_ADDRESSES, Message, Pap, ProgressNote, PushId, PushMessage, PushResponse,
    QualityOfService, Replace, ReplaceMethod, ResultNotification, ResultNotificationResponse, StatusCode,
    StatusQuery, StatusResponse, StatusResult, Strictness,
    xml::{self, Element},
};
use crate::wire::DecodeError;

type Read<T> = Result<T, DecodeError>;

pub(super) fn pap(octets: &[u8], strictness: Strictness) -> Read<Pap> {
    let document = xml::read(octets, strictness)?;
    let root = &document.root;
    if root.name != "pap" {
        return Err(invalid(root, "the root element is another; expected pap"));
    }
    let message = root.children.iter().find_map(|e| message(e).transpose());
    let message = message.unwrap_or_else(|| Err(invalid(root, "holds no message that is known")))?;
    let product_name = text(root, "product-name");
    let (version, foreign_version) = match document.version {
        Some(Ok(version)) => (Some(version), None),
        Some(Err(number)) => (None, Some(number)),
        None => (None, None),
    };
    Ok(Pap { version, foreign_version, product_name, message })
}

/// The message that an element is; none when it is no message.
fn message(e: &Element) -> Read<Option<Message>> {
    Ok(Some(match e.name.as_str() {
        "push-message" => Message::Push(push(e)?),
        "push-response" => Message::PushResponse(push_response(e)?),
        "cancel-message" => Message::Cancel(CancelMessage { push_id: push_id(e)?, addresses: addresses(e)? }),
        "cancel-response" => Message::CancelResponse(CancelResponse {
            push_id: push_id(e)?,
            results: some(e, "cancel-result", cancel_result)?,
        }),
        "resultnotification-message" => Message::ResultNotification(result_notification(e)?),
        "resultnotification-response" => Message::ResultNotificationResponse(ResultNotificationResponse {
            push_id: push_id(e)?,
            code: code(e)?,
            desc: text(e, "desc"),
            address: addresses(e)?.into_iter().next(),
        }),
        "statusquery-message" => {
            Message::StatusQuery(StatusQuery { push_id: push_id(e)?, addresses: addresses(e)? })
        }
        "statusquery-response" => Message::StatusResponse(StatusResponse {
            push_id: push_id(e)?,
            results: some(e, "statusquery-result", status_result)?,
        }),
        "ccq-message" => Message::CapabilitiesQuery(CapabilitiesQuery {
            query_id: text(e, "query-id"),
            app_id: text(e, "app-id"),
            address: one_address(e)?,
        }),
        "ccq-response" => Message::CapabilitiesResponse(CapabilitiesResponse {
            query_id: text(e, "query-id"),
            code: code(e)?,
            desc: text(e, "desc"),
            address: addresses(e)?.into_iter().next(),
        }),
        "badmessage-response" => Message::BadMessage(BadMessage {
            code: code(e)?,
            desc: text(e, "desc"),
            fragment: text(e, "bad-message-fragment"),
        }),
        _ => return Ok(None),
    }))
}

fn push(e: &Element) -> Read<PushMessage> {
    let replace = optional::<PushId>(e, "replace-push-id")?;
    let method = optional(e, "replace-method")?.unwrap_or(ReplaceMethod::All);
    let addresses = addresses(e)?;
    if addresses.is_empty() {
        return Err(invalid(e, "has no address; expected at least one"));
    }
    Ok(PushMessage {
        push_id: push_id(e)?,
        replace: replace.map(|push_id| Replace { push_id, method }),
        deliver_before: time(e, "deliver-before-timestamp")?,
        deliver_after: time(e, "deliver-after-timestamp")?,
        source_reference: text(e, "source-reference"),
        progress_notes_requested: flag(e, "progress-notes-requested")?,
        ppg_notify_requested_to: text(e, "ppg-notify-requested-to"),
        addresses,
        quality_of_service: quality_of_service(e)?,
    })
}

fn push_response(e: &Element) -> Read<PushResponse> {
    let result = e.all("response-result").next().ok_or_else(|| invalid(e, "has no response-result"))?;
    let note = |e: &Element| {
        Ok(ProgressNote {
            stage: required::<String>(e, "stage")?,
            note: text(e, "note"),
            time: time(e, "time")?,
        })
    };
    Ok(PushResponse {
        push_id: push_id(e)?,
        sender_address: text(e, "sender-address"),
        sender_name: text(e, "sender-name"),
        reply_time: time(e, "reply-time")?,
        progress: e.all("progress-note").map(note).collect::<Read<_>>()?,
        code: code(result)?,
        desc: text(result, "desc"),
    })
}

fn cancel_result(e: &Element) -> Read<CancelResult> {
    Ok(CancelResult { code: code(e)?, desc: text(e, "desc"), addresses: addresses(e)? })
}

fn status_result(e: &Element) -> Read<StatusResult> {
    Ok(StatusResult {
        state: required(e, "message-state")?,
        code: code(e)?,
        event_time: time(e, "event-time")?,
        desc: text(e, "desc"),
        addresses: addresses(e)?,
        quality_of_service: quality_of_service(e)?,
    })
}

fn result_notification(e: &Element) -> Read<ResultNotification> {
    Ok(ResultNotification {
        push_id: push_id(e)?,
        state: required(e, "message-state")?,
        code: code(e)?,
        sender_address: text(e, "sender-address"),
        sender_name: text(e, "sender-name"),
        received_time: time(e, "received-time")?,
        event_time: time(e, "event-time")?,
        desc: text(e, "desc"),
        address: one_address(e)?,
        quality_of_service: quality_of_service(e)?,
    })
}

fn quality_of_service(e: &Element) -> Read<Option<QualityOfService>> {
    let Some(e) = e.all("quality-of-service").next() else { return Ok(None) };
    let default = QualityOfService::default();
    Ok(Some(QualityOfService {
        priority: optional(e, "priority")?.unwrap_or(default.priority),
        delivery_method: optional(e, "delivery-method")?.unwrap_or(default.delivery_method),
        network: text(e, "network"),
        network_required: flag(e, "network-required")?,
        bearer: text(e, "bearer"),
        bearer_required: flag(e, "bearer-required")?,
    }))
}

/// The elements of that name, of which there must be one.
fn some<T>(e: &Element, name: &str, read: fn(&Element) -> Read<T>) -> Read<Vec<T>> {
    let found: Vec<T> = e.all(name).map(read).collect::<Read<_>>()?;
    if found.is_empty() { Err(invalid(e, &format!("has no {name}"))) } else { Ok(found) }
}

fn addresses(e: &Element) -> Read<Vec<Address>> {
    let found: Vec<&Element> = e.all("address").collect();
    if found.len() > MAX_ADDRESSES {
        let (at, got) = (e.at, found.len());
        return Err(DecodeError::Limit { what: "addresses", at, got, limit: MAX_ADDRESSES });
    }
    let address = |e: &Element| {
        let text: String = required(e, "address-value")?;
        Address::as_it_came(&text).map_err(|why| invalid(e, &format!("address-value: {why}")))
    };
    found.into_iter().map(address).collect()
}

fn one_address(e: &Element) -> Read<Address> {
    addresses(e)?.into_iter().next().ok_or_else(|| invalid(e, "has no address; expected one"))
}

fn push_id(e: &Element) -> Read<PushId> {
    required(e, "push-id")
}

fn code(e: &Element) -> Read<StatusCode> {
    required(e, "code").map(StatusCode)
}

/// An attribute's text; an empty one says nothing.
fn text(e: &Element, name: &str) -> Option<String> {
    e.attribute(name).filter(|v| !v.is_empty()).map(str::to_owned)
}

fn optional<T: FromStr<Err: Display>>(e: &Element, name: &str) -> Read<Option<T>> {
    let value = e.attribute(name).filter(|v| !v.is_empty()).map(str::parse::<T>).transpose();
    value.map_err(|why| invalid(e, &format!("{name}: {why}")))
}

fn required<T: FromStr<Err: Display>>(e: &Element, name: &str) -> Read<T> {
    optional(e, name)?.ok_or_else(|| invalid(e, &format!("has no {name}")))
}

fn flag(e: &Element, name: &str) -> Read<bool> {
    match e.attribute(name).map(str::trim) {
        None | Some("") => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
        Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(invalid(e, &format!("{name}: expected true or false"))),
    }
}

/// A time in UTC, `YYYY-MM-DDThh:mm:ssZ`; the Z must be there.
fn time(e: &Element, name: &str) -> Read<Option<Timestamp>> {
    let Some(value) = e.attribute(name).map(str::trim).filter(|v| !v.is_empty()) else { return Ok(None) };
    let whole = value.len() == "YYYY-MM-DDThh:mm:ssZ".len() && value.ends_with('Z');
    let read = value.parse::<Timestamp>().ok().filter(|_| whole);
    read.map(Some).ok_or_else(|| invalid(e, &format!("{name}: expected UTC as YYYY-MM-DDThh:mm:ssZ")))
}

/// What is wrong with an element. Values are not quoted: they may hold a telephone number.
fn invalid(e: &Element, why: &str) -> DecodeError {
    let known = e.name.len() <= 32 && e.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let name = if known { e.name.as_str() } else { "an element" };
    DecodeError::invalid("PAP document", e.at, format!("{name} {why}"))
}
