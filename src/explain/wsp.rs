//! WSP pushes (WAP-230, sections 8.2.4 and 8.4).

mod headers;
mod mms;

use crate::wire::{
    infoset::Vocabulary,
    wsp::{MediaCode, Push},
};

use self::headers::{Headers, Media};
use super::{
    Found, Options, Problem, authentication, package0,
    scribe::{Mark, Scribe, Stopped},
    secret, wbxml, xml,
};

const PDU: &str = "WAP-230 8.2.4.1";

pub(super) fn explain(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    let tid = w.octet("transaction identifier", "WAP-230 8.2.1")?;
    w.says(format!("{tid:02X}"));
    let kind = w.octet("PDU type", "WAP-230 8.2.1")?;
    match kind {
        0x06 => w.says("Push"),
        0x07 => {
            w.says("ConfirmedPush");
            w.odd("without a session there is nobody to confirm to");
        }
        _ => w.wrong("expected 06 (Push) or 07 (ConfirmedPush)"),
    }
    let length = w.uintvar("headers length", PDU)?;
    let mut headers = Headers::default();
    w.region(usize::try_from(length).unwrap_or(usize::MAX), "headers", PDU, |w| {
        headers::explain(w, &mut headers)
    });
    let body = w.rest();
    if let Some((mark, said)) =
        headers.content_length.filter(|(_, said)| u64::try_from(body.len()) != Ok(*said))
    {
        w.judge(mark, Problem::wrong(format!("says {said} octets; the body has {}", body.len())));
    }
    self::body(w, &headers, options, found)?;
    let push = Push::decode(octets);
    if let Ok(push) = &push {
        signature(w, &headers, push, options, found);
    }
    w.cross_check(base, push);
    Ok(())
}

/// The content of a push that is none yet: an entity whose content type stands at `mark`, and `push`, which a gateway makes
/// of it.
pub(super) fn entity(
    w: &mut Scribe<'_>,
    media: &str,
    mark: Mark,
    push: &Push,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let headers = Headers {
        media: Some(Media::Text(media.to_owned())),
        media_mark: Some(mark),
        sec: Some(mark),
        mac: Some(mark),
        ..Headers::default()
    };
    body(w, &headers, options, found)?;
    signature(w, &headers, push, options, found);
    Ok(())
}

fn body(w: &mut Scribe<'_>, headers: &Headers, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let Some(media) = &headers.media else { return Ok(()) };
    let length = w.rest().len();
    let name = media.name().unwrap_or("content").to_owned();
    w.region(length, format!("body: {name}"), PDU, |w| {
        if media.is(MediaCode::CONNECTIVITY_WBXML) {
            if let Some(mark) = headers.application {
                w.judge(mark, Problem::odd("no operator sends this header with a provisioning document, and one device refuses any"));
            }
            return wbxml::explain(w, Some(Vocabulary::Prov));
        }
        if media.is(MediaCode::SYNCML_DM_WBXML) {
            return wbxml::explain(w, Some(Vocabulary::SyncMl));
        }
        if media.is(MediaCode::SYNCML_NOTIFICATION) {
            return package0::explain(w, options, found);
        }
        if media.name() == Some("application/vnd.wap.mms-message") {
            return mms::explain(w);
        }
        if wbxml::begins_document(w.rest()) {
            return wbxml::explain(w, None);
        }
        if xml::root(w.rest()).is_some() {
            return xml::explain(w, None);
        }
        let octets = w.take_rest("content", "");
        if !octets.is_empty() {
            let mark = w.last();
            if secret::may_hold_secrets(octets) {
                w.hide_octets(mark);
            }
            w.says(format!("{} octets of {name}, which is not explained here", octets.len()));
        }
        Ok(())
    });
    Ok(())
}

/// Checks SEC and MAC of a bootstrap.
fn signature(w: &mut Scribe<'_>, headers: &Headers, push: &Push, options: &Options, found: &mut Found) {
    let media = push.content_type.media();
    let form = if media.is(MediaCode::CONNECTIVITY_WBXML) {
        authentication::Bootstrap::Cp
    } else if media.is(MediaCode::SYNCML_DM_WBXML) {
        authentication::Bootstrap::Dm
    } else {
        return;
    };
    let Some(presented) = push.presented() else {
        let why = "neither SEC nor MAC: most devices drop such a bootstrap, and those that do not should";
        if let Some(mark) = headers.media_mark {
            w.judge(mark, Problem::odd(why));
        }
        return;
    };
    if let Some(mark) = headers.sec.filter(|_| headers.short_form) {
        let why = "the content type has a short length; one device reads SEC only behind 1F";
        w.judge(mark, Problem::odd(why));
    }
    let report = authentication::check(form, &presented, &push.body, options);
    if let Some(mark) = headers.mac.or(headers.sec).filter(|_| report.verdict.is_bad()) {
        w.judge(mark, Problem::wrong(report.verdict.to_string()));
    }
    found.authentication = Some(report);
}
