//! A datagram as submit_sm (SMPP 3.4, section 4.4.1). Every field is set: the codec's defaults are not those of a submission.

use rusmpp::{
    Pdu,
    pdus::SubmitSm,
    tlvs::MessageSubmissionRequestTlvValue as Tlv,
    types::{AnyOctetString, COctetString, EmptyOrFullCOctetString, OctetString},
    values::{
        DataCoding, EsmClass, MessagePayload, MoreMessagesToSend, Npi, PriorityFlag, RegisteredDelivery,
        ReplaceIfPresentFlag, ServiceType, Ton,
    },
};

use super::{Form, LinkSettings, Validity};
use crate::{
    bearer::{Carriage, Destination, Dispatch, Refusal},
    ident::Timestamp,
    wire::{
        Encode,
        pap::Priority,
        smpp,
        wdp::{self, Reference, Segment},
    },
};

/// What one submit_sm carries.
#[derive(Clone)]
pub(super) enum Piece {
    /// A segment.
    Segment(Segment),
    /// All of it.
    Whole,
}

/// The most octets that message_payload takes.
const LONGEST_PAYLOAD: usize = 65_535;

/// In how many short messages a datagram travels over this link.
pub(super) fn count(settings: &LinkSettings, dispatch: &Dispatch) -> Result<u8, Refusal> {
    let Destination::Msisdn(_) = &dispatch.destination else {
        return Err(Refusal::Destination {
            route: settings.name.to_string(),
            kind: dispatch.destination.kind(),
        });
    };
    let most = settings.segment_limit;
    let segments = match dispatch.carriage {
        Carriage::Datagram(ports) => wdp::count(ports, settings.reference, dispatch.octets.len()),
        Carriage::Text => dispatch.text().map_or(0, |text| text.count(settings.reference)),
    };
    match u8::try_from(segments) {
        Ok(segments) if segments <= most && dispatch.octets.len() <= LONGEST_PAYLOAD => Ok(segments),
        _ => Err(Refusal::TooLong {
            route: settings.name.to_string(),
            octets: dispatch.octets.len(),
            segments,
            most,
        }),
    }
}

/// The pieces of a datagram that [`count`] let through.
pub(super) fn pieces(settings: &LinkSettings, dispatch: &Dispatch, reference: Reference) -> Vec<Piece> {
    match settings.form {
        Form::Payload => vec![Piece::Whole],
        Form::Udh | Form::Sar => {
            // Never more than the limit: that was looked at when the dispatch was taken.
            let segments = match dispatch.carriage {
                Carriage::Datagram(ports) => {
                    wdp::split(ports, reference, u8::MAX, &dispatch.octets).unwrap_or_default()
                }
                Carriage::Text => dispatch.text().and_then(|text| text.split(reference)).unwrap_or_default(),
            };
            segments.into_iter().map(Piece::Segment).collect()
        }
    }
}

/// The submit_sm of a piece; none when an address does not fit, which the types of numbers rule out.
pub(super) fn submit_sm(
    settings: &LinkSettings,
    dispatch: &Dispatch,
    piece: &Piece,
    last: bool,
    now: Timestamp,
) -> Option<Pdu> {
    let Destination::Msisdn(number) = &dispatch.destination else { return None };
    let mut esm_class = settings.message_mode & 0x03;
    let mut tlvs = Vec::new();
    let text = dispatch.text();
    let data_coding = match &text {
        None => settings.data_coding,
        Some(text) if text.is_default() => smpp::DataCoding::DEFAULT.0,
        Some(_) => smpp::DataCoding::UCS2.0,
    };
    let short_message = match (settings.form, piece) {
        // One message of text needs no header.
        (Form::Udh, Piece::Segment(segment)) if segment.udh.elements().is_empty() => segment.data.clone(),
        (Form::Udh, Piece::Segment(segment)) => {
            esm_class |= 0x40;
            segment.to_octets()
        }
        (_, Piece::Segment(segment)) => {
            tlvs.extend(ports(dispatch.carriage));
            if let Some(part) = segment.udh.concatenation() {
                let reference = match part.reference() {
                    Reference::Short(reference) => u16::from(reference),
                    Reference::Long(reference) => reference,
                };
                tlvs.push(Tlv::SarMsgRefNum(reference));
                tlvs.push(Tlv::SarTotalSegments(part.total()));
                tlvs.push(Tlv::SarSegmentSeqnum(part.sequence()));
            }
            segment.data.clone()
        }
        (_, Piece::Whole) => {
            tlvs.extend(ports(dispatch.carriage));
            let octets = text.map_or_else(|| dispatch.octets.to_vec(), |text| text.octets());
            tlvs.push(Tlv::MessagePayload(MessagePayload::new(AnyOctetString::from_slice(&octets))));
            Vec::new()
        }
    };
    if settings.more_messages && !last {
        tlvs.push(Tlv::MoreMessagesToSend(MoreMessagesToSend::MoreMessagesToFollow));
    }
    let source = &settings.source;
    Some(Pdu::SubmitSm(SubmitSm::new(
        ServiceType::default(),
        Ton::from(source.numbering().ton),
        Npi::from(source.numbering().npi),
        COctetString::from_string(source.address().to_owned()).ok()?,
        Ton::from(settings.destination.ton),
        Npi::from(settings.destination.npi),
        COctetString::from_string(number.digits().to_owned()).ok()?,
        EsmClass::from(esm_class),
        0,
        PriorityFlag::new(match dispatch.priority {
            Priority::High => 1,
            Priority::Medium | Priority::Low => 0,
        }),
        EmptyOrFullCOctetString::empty(),
        validity_period(settings.validity, dispatch.expires, now)?,
        RegisteredDelivery::from(u8::from(settings.receipts)),
        ReplaceIfPresentFlag::DoNotReplace,
        DataCoding::from(data_coding),
        0,
        OctetString::from_vec(short_message).ok()?,
        tlvs,
    )))
}

fn ports(carriage: Carriage) -> Vec<Tlv> {
    match carriage {
        Carriage::Datagram(ports) => {
            vec![Tlv::SourcePort(ports.originator()), Tlv::DestPort(ports.destination())]
        }
        Carriage::Text => Vec::new(),
    }
}

/// `YYMMDDhhmmss000+` in UTC, or `YYMMDDhhmmss000R` from now on (SMPP 3.4, section 7.1.1). A period is rounded down to
/// seconds and at least one; one that does not fit 99 days is left to the SMSC.
fn validity_period(
    validity: Validity,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Option<EmptyOrFullCOctetString<17>> {
    let Some(expires) = expires else { return Some(EmptyOrFullCOctetString::empty()) };
    let text = match validity {
        Validity::Unsaid => None,
        Validity::Absolute => {
            let second = jiff::Timestamp::from_millisecond(expires.as_millis()).ok();
            second.map(|t| jiff::tz::Offset::UTC.to_datetime(t).strftime("%y%m%d%H%M%S000+").to_string())
        }
        Validity::Relative => {
            let seconds = expires.since(now).as_secs().max(1);
            let (days, rest) = (seconds / 86_400, seconds % 86_400);
            let (hours, minutes, seconds) = (rest / 3_600, rest / 60 % 60, rest % 60);
            (days < 100).then(|| format!("0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"))
        }
    };
    match text {
        Some(text) => EmptyOrFullCOctetString::from_string(text).ok(),
        None => Some(EmptyOrFullCOctetString::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_absolute_or_relative() {
        let now = Timestamp::from_millis(1_795_656_633_042);
        let text = |validity, ahead: i64| {
            let expires = Timestamp::from_millis(now.as_millis() + ahead);
            let period = validity_period(validity, Some(expires), now).unwrap();
            String::from_utf8(period.as_ref().to_vec()).unwrap()
        };
        assert_eq!(text(Validity::Absolute, 0), "261126013033000+\0");
        assert_eq!(text(Validity::Relative, 90_061_000), "000001010101000R\0");
        assert_eq!(text(Validity::Relative, 10), "000000000001000R\0");
        assert_eq!(text(Validity::Relative, 100 * 86_400_000), "\0");
        assert_eq!(text(Validity::Unsaid, 1_000), "\0");
        assert_eq!(validity_period(Validity::Absolute, None, now).unwrap().as_ref(), b"\0");
    }
}
