//! Finding out what octets are. First each decoder is asked whether it reads the whole; when none does, the first octets
//! decide what a broken artefact was meant to be.

use crate::wire::{
    Decode, Reader,
    apdu::{CommandApdu, ResponseApdu, StatusWord},
    ef::{decode_iccid, decode_imsi},
    fcp::Fcp,
    infoset::Vocabulary,
    package0::Package0,
    pkcs15::{DirEntry, Dodf, DodfObject, Odf, Reference},
    sms::{Pdu, ServiceCentre, Tpdu},
    tlv, wbxml,
    wdp::{InformationElement, Segment, Udh},
    wsp::Push,
};

use super::{
    Kind, apdu, http, multipart, smpp,
    xml::{self, Root},
};

/// In this order kinds are tried: those with the most to recognise them by come first.
const ORDER: [Kind; 22] = [
    Kind::Http,
    Kind::Multipart,
    Kind::Pap,
    Kind::Smpp,
    Kind::CpXml,
    Kind::DmXml,
    Kind::Xml,
    Kind::Cp,
    Kind::Dm,
    Kind::Wbxml,
    Kind::Fcp,
    Kind::Dir,
    Kind::Dodf,
    Kind::Odf,
    Kind::Iccid,
    Kind::Imsi,
    Kind::Sms,
    Kind::Udh,
    Kind::Wsp,
    Kind::Package0,
    Kind::Apdu,
    Kind::Response,
];

/// What octets are, or what they were meant to be.
pub fn recognise(octets: &[u8]) -> Option<Kind> {
    if envelope(octets).is_some() {
        return None;
    }
    whole(octets).or_else(|| ORDER.into_iter().find(|kind| begins_as(*kind, octets)))
}

/// The protocol of octets that are not explained, where they would be taken for something else.
pub(super) fn envelope(octets: &[u8]) -> Option<&'static str> {
    let length = u32::try_from(octets.len()).unwrap_or(u32::MAX).to_be_bytes();
    match octets {
        // CONNECT of version 1.x with its length (IrOBEX, section 3.3.1).
        [0x80, high, low, 0x10..=0x1F, _, _, _, ..] if [0, 0, *high, *low] == length => {
            Some("this is an OBEX packet, which is not explained yet")
        }
        // The head of a file of libpcap, in either order of octets, with times in micro- or nanoseconds; and of pcapng.
        [0xA1, 0xB2, 0xC3, 0xD4, ..]
        | [0xD4, 0xC3, 0xB2, 0xA1, ..]
        | [0xA1, 0xB2, 0x3C, 0x4D, ..]
        | [0x4D, 0x3C, 0xB2, 0xA1, ..]
        | [0x0A, 0x0D, 0x0D, 0x0A, ..] => Some(
            "this is a capture of packets (pcap); `tshark -r FILE -T fields -e tcp.payload` prints what they carry",
        ),
        _ => None,
    }
}

/// What octets are, when they are that as a whole.
pub(super) fn whole(octets: &[u8]) -> Option<Kind> {
    ORDER.into_iter().find(|kind| is_whole(*kind, octets))
}

/// Whether octets are this as a whole.
pub(super) fn is_whole(kind: Kind, octets: &[u8]) -> bool {
    match kind {
        Kind::Http => http::is_whole(octets),
        Kind::Multipart => multipart::is_whole(octets),
        Kind::Pap => xml::root(octets) == Some(Root::Pap) && xml::is_sound(octets),
        Kind::Smpp => smpp::is_whole(octets),
        Kind::Cp => vocabulary(octets, Vocabulary::Prov) == Some(Vocabulary::Prov),
        Kind::Dm => vocabulary(octets, Vocabulary::SyncMl).is_some_and(|v| v != Vocabulary::Prov),
        Kind::CpXml => xml::root(octets) == Some(Root::Prov) && xml::is_sound(octets),
        Kind::DmXml => xml::root(octets) == Some(Root::SyncMl) && xml::is_sound(octets),
        Kind::Xml => xml::root(octets) == Some(Root::Other) && xml::is_sound(octets),
        // Nothing here reads other documents as a whole; data objects of settings could be anything's.
        Kind::Wbxml | Kind::Settings(_) => false,
        Kind::Fcp => Fcp::decode(octets).is_ok(),
        Kind::Dir => {
            let used = tlv::parse_padded(octets).map_or(0, |p| octets.len() - p.padding);
            DirEntry::decode(octets).is_ok() && is_padding(octets, used)
        }
        Kind::Dodf => Dodf::decode(octets).is_ok_and(|dodf| {
            let any = dodf.entries.iter().any(|e| matches!(e.object, DodfObject::File(_)));
            any && is_padding(octets, dodf.used)
        }),
        Kind::Odf => Odf::decode(octets).is_ok_and(|odf| {
            let files = odf.entries.iter().all(|e| matches!(e.reference, Reference::File(_)));
            files && !odf.entries.is_empty() && is_padding(octets, odf.used)
        }),
        Kind::Iccid => decode_iccid(octets).is_ok_and(|iccid| iccid.digits().starts_with("89")),
        Kind::Imsi => decode_imsi(octets).is_ok_and(|_| octets.len() == crate::wire::ef::IMSI_LENGTH),
        Kind::Sms => Pdu::decode(octets).is_ok_and(|pdu| plausible(&pdu)),
        Kind::Udh => {
            Segment::decode(octets).is_ok_and(|s| s.udh.ports().is_some() || s.udh.concatenation().is_some())
        }
        Kind::Wsp => Push::decode(octets)
            .is_ok_and(|p| p.content_type.media().name().is_some_and(|name| name.contains('/'))),
        Kind::Package0 => Package0::decode(octets)
            .is_ok_and(|p| (10..=20).contains(&p.trigger.version().times_ten()) && p.trigger.future() == 0),
        Kind::Apdu => CommandApdu::decode(octets).is_ok_and(|a| apdu::is_known(a.cla(), a.ins())),
        Kind::Response => ResponseApdu::decode(octets).is_ok_and(|r| {
            let ended = matches!(r.sw.sw1(), 0x61..=0x6F | 0x90..=0x9F);
            ended && (r.data.is_empty() || r.sw.is_ok() || r.sw == StatusWord::END_OF_FILE)
        }),
    }
}

/// Whether octets begin as this does, so that it is worth to say where they go wrong.
fn begins_as(kind: Kind, octets: &[u8]) -> bool {
    match (kind, octets) {
        (Kind::Http, _) => http::begins(octets),
        (Kind::Multipart, _) => multipart::begins(octets),
        (Kind::Pap, _) => xml::root(octets) == Some(Root::Pap),
        (Kind::Smpp, _) => smpp::begins(octets),
        (Kind::CpXml, _) => xml::root(octets) == Some(Root::Prov),
        (Kind::DmXml, _) => xml::root(octets) == Some(Root::SyncMl),
        (Kind::Xml, _) => xml::root(octets).is_some() && std::str::from_utf8(octets).is_ok(),
        (Kind::Cp, [1..=3, 0x0B, ..]) => true,
        (Kind::Dm, [1..=3, 0xA4, 0x01..=0x03, ..] | [1..=3, 0x9F, 0x51..=0x54, ..]) => true,
        (Kind::Dm, [1..=3, 0x00, 0x00, 0x6A, ..]) => true,
        // Service indication, loading and others, whose charset follows.
        (Kind::Wbxml, [1..=3, 0x02..=0x10, 0x6A | 0x03 | 0x04, ..]) => true,
        (Kind::Fcp, [0x62, length, 0x82 | 0x83 | 0x80 | 0x84, ..]) => *length > 2,
        (Kind::Dir, [0x61, _, 0x4F, ..] | [0x61, _, 0x50, ..]) => true,
        (Kind::Odf, [0xA0..=0xA8, _, 0x30, _, 0x04, ..]) => true,
        (Kind::Dodf, [0x30 | 0xA1, _, 0x30, ..] | [0x30 | 0xA1, 0x81, _, 0x30, ..]) => true,
        (Kind::Iccid, [0x98, ..]) => octets.len() == crate::wire::ef::ICCID_LENGTH,
        (Kind::Imsi, [0x04..=0x08, second, ..]) => {
            octets.len() == crate::wire::ef::IMSI_LENGTH && matches!(second & 0x0F, 1 | 9)
        }
        (
            Kind::Udh,
            [_, 0x05, 0x04, ..] | [_, 0x00, 0x03, ..] | [_, 0x08, 0x04, ..] | [_, 0x04, 0x02, ..],
        ) => true,
        (Kind::Wsp, [_, 0x06 | 0x07, length, first, ..]) => {
            *length > 0 && matches!(first, 0x01..=0x04 | 0x1F | b'a'..=b'z' | 0x80..)
        }
        (Kind::Sms, [0x01..=0x0B, kind, ..]) => kind & 0x80 != 0 && octets.len() > 12,
        (Kind::Sms, [0x00, first, ..]) => matches!(first & 0x03, 0 | 1) && octets.len() > 12,
        (Kind::Sms, [first, ..]) => first & 0x40 != 0 && matches!(first & 0x03, 0 | 1) && octets.len() > 20,
        (Kind::Apdu, [cla, ins, _, _, ..]) => apdu::is_known(*cla, *ins),
        _ => false,
    }
}

/// Which names a document is made of. It may be a file on a card, filled up with FF.
fn vocabulary(octets: &[u8], expected: Vocabulary) -> Option<Vocabulary> {
    let document = wbxml::decode_expecting(tlv::strip_padding(octets), expected).ok()?;
    Some(document.root.vocabulary)
}

/// Whether nothing but padding of one sort stands from `used` on.
fn is_padding(octets: &[u8], used: usize) -> bool {
    let tail = octets.get(used..).unwrap_or(&[]);
    tail.iter().all(|octet| matches!(octet, 0x00 | 0xFF) && Some(octet) == tail.first())
}

/// Octets that could be read as a message need not be one: numbers must be of a type, times must be times.
fn plausible(pdu: &Pdu) -> bool {
    let (address, time) = match &pdu.tpdu {
        Tpdu::Deliver(deliver) => (&deliver.originator, deliver.time.parts().is_some()),
        Tpdu::Submit(submit) => (&submit.destination, true),
    };
    let centre = match &pdu.service_centre {
        ServiceCentre::Address(centre) => !centre.text().is_empty(),
        _ => true,
    };
    address.kind().0 & 0x80 != 0 && time && centre
}

/// A push without its header, or the header alone, is asked for where user data was taken for something else.
pub(super) fn header_of(octets: &[u8]) -> Option<Udh> {
    let mut r = Reader::new(octets);
    let udh = Udh::decode(&mut r).ok()?;
    let known = |e: &InformationElement| {
        matches!(e, InformationElement::Ports(_) | InformationElement::Concatenation(_))
    };
    (!udh.elements().is_empty() && udh.elements().iter().all(known)).then_some(udh)
}

/// Whether octets are data objects of a card, padding aside.
pub(super) fn card_file(octets: &[u8]) -> Option<Kind> {
    let used = tlv::strip_padding(octets);
    [Kind::Cp, Kind::Dm, Kind::Fcp, Kind::Dir, Kind::Dodf, Kind::Odf, Kind::Iccid, Kind::Imsi]
        .into_iter()
        .find(|kind| is_whole(*kind, octets) || is_whole(*kind, used))
}
