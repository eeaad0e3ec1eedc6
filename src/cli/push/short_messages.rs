//! A push by Kannel's `sendsms`, as short messages that are made here.

use std::{sync::Arc, time::Duration};

use super::{
    listen::Ear,
    report::SendReport,
    wait::{Segments, for_receipts},
};
use crate::{
    app::{App, OsRandom, SystemClock},
    bearer::{
        Destination, ReferenceCounter, References,
        pap_client::Content,
        sendsms::{Interrupted, Sendsms, Taken},
    },
    cli::{Exit, Failure, Global, config, exit::failure, output},
    ident::{Clock as _, Msisdn},
    wire::{
        Encode as _,
        pap::{PushMessage, Recipient},
        wdp::{Reference, Width},
    },
};

/// Sends `content` to every address, and waits for the receipts where there is an ear and a time for it.
pub(super) async fn send(
    kannel: &Sendsms,
    push: &PushMessage,
    content: &Content,
    ear: Option<Ear>,
    at_most: Option<Duration>,
    count: &Count,
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
        let reference = count.next(to).await?;
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

/// References of datagrams: a phone keeps segments of one reference for a while, and would mix two messages of the same.
#[derive(Default)]
pub(super) struct Count {
    /// All who push from this machine, where there is a database.
    shared: Option<Arc<dyn ReferenceCounter>>,
    own: References,
}

impl Count {
    /// Shared with all who use the database of the configuration, where there is one.
    pub(super) async fn shared(global: &Global) -> anyhow::Result<Self> {
        let config = config::load(global, Vec::new())?;
        let shared = App::reference_counter(&config).await?;
        Ok(Self { shared, own: References::default() })
    }

    async fn next(&self, to: &Msisdn) -> anyhow::Result<u8> {
        let to = Destination::Msisdn(to.clone());
        let first = match self.own.take(&to, Width::Short, None, &OsRandom) {
            Some(own @ Reference::Short(first)) => {
                // It is not given again before the 255 others were, so that nothing has to be held.
                self.own.give_back(&to, own);
                first
            }
            _ => 0,
        };
        match &self.shared {
            Some(shared) => Ok(shared.next(&to, first.into()).await?.to_be_bytes()[1]),
            None => Ok(first),
        }
    }
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
