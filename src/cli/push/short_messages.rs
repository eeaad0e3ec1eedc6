//! A push by Kannel's `sendsms`, as short messages that are made here.

use std::time::Duration;

use super::{
    listen::Ear,
    report::SendReport,
    wait::{Segments, for_receipts},
};
use crate::{
    app::{OsRandom, SystemClock},
    bearer::{
        pap_client::Content,
        sendsms::{Interrupted, Sendsms, Taken},
    },
    cli::{Exit, Failure, exit::failure, output},
    ident::{Clock as _, Msisdn, Random as _},
    wire::{
        Encode as _,
        pap::{PushMessage, Recipient},
        wdp::Reference,
    },
};

/// Sends `content` to every address, and waits for the receipts where there is an ear and a time for it.
pub(super) async fn send(
    kannel: &Sendsms,
    push: &PushMessage,
    content: &Content,
    ear: Option<Ear>,
    at_most: Option<Duration>,
    report: &mut SendReport,
) -> anyhow::Result<()> {
    let usage = |why: &str| Err(Failure::because(Exit::Usage, why));
    if push.deliver_after.is_some() || push.quality_of_service.is_some() {
        return usage(
            "--deliver-after, --priority and --delivery-method are for a Push Proxy Gateway, which keeps pushes",
        );
    }
    if at_most.is_some() && ear.is_none() && !report.dry_run {
        return usage(
            "--wait: Kannel tells what became of a short message when it is told where; give --listen",
        );
    }
    let numbers: Vec<&Msisdn> = push.addresses.iter().filter_map(|a| number(a.recipient())).collect();
    if numbers.len() < push.addresses.len() {
        return usage("--to: short messages go to telephone numbers only");
    }
    let validity = push.deliver_before.map(|before| {
        let left = before.as_millisecond().saturating_sub(SystemClock.now().as_millis());
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    });
    let mut waiting = Vec::new();
    let mut taken = Taken::Accepted;
    for (address, to) in push.addresses.iter().zip(numbers) {
        // A phone keeps segments of one reference for a while, and would mix two messages of the same.
        let mut reference = [0];
        OsRandom.fill(&mut reference);
        let [reference] = reference;
        let pdu = content.push(reference).map_err(|e| Failure::because(Exit::Usage, e))?.to_octets();
        let segments = kannel
            .split(Reference::Short(reference), &pdu)
            .map_err(|e| Failure::because(Exit::Refused, e))?;
        *report.short_messages.get_or_insert(0) += segments.len();
        if report.dry_run {
            continue;
        }
        let receipts: Vec<(String, String)> =
            segments.iter().filter_map(|_| Some(ear.as_ref()?.for_segment())).collect();
        let url = |n: usize| receipts.get(n).map(|(_, url): &(String, String)| url.clone());
        match kannel.send(to, &segments, validity, url).await {
            Ok(sent) => taken = sent.taken,
            Err(error) => return Err(interrupted(error, report.accepted)),
        }
        report.accepted = true;
        let states = receipts.into_iter().map(|(name, _)| (name, None)).collect();
        waiting.push(Segments { address: address.as_str().to_owned(), states });
    }
    if taken == Taken::Queued {
        report.desc = Some("they wait at the gateway, which has no SMSC at the moment".to_owned());
    }
    if let (Some(at_most), Some(ear)) = (at_most, ear) {
        output::note(&format!("accepted: {} short messages", report.short_messages.unwrap_or(0)));
        for_receipts(ear, waiting, at_most, report).await;
    }
    Ok(())
}

fn number(recipient: &Recipient) -> Option<&Msisdn> {
    match recipient {
        Recipient::Plmn(number) => Some(number),
        _ => None,
    }
}

/// When something went out before, that is the news, whatever the cause.
fn interrupted(error: Interrupted, others: bool) -> anyhow::Error {
    if error.sent == 0 && !others {
        return failure(error.source);
    }
    let before = if others { "; devices before it have theirs" } else { "" };
    Failure::because(Exit::Failed, format!("{error}{before}"))
}
