//! Messages → text.

use jiff::Timestamp;

use super::{Address, Message, Pap, QualityOfService, Version};

pub(super) fn pap(pap: &Pap) -> String {
    let version = pap.version.unwrap_or(Version::V2_0);
    let mut out = Out(format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE pap PUBLIC \"{}\" \"{}\">\n",
        version.public_id(),
        version.system_id()
    ));
    out.element("pap", |a| a.text("product-name", pap.product_name.as_deref()), |b| message(b, &pap.message));
    out.0.push('\n');
    out.0
}

fn message(out: &mut Out, message: &Message) {
    match message {
        Message::Push(m) => out.element(
            "push-message",
            |a| {
                a.text("push-id", Some(m.push_id.as_str()));
                if let Some(replace) = &m.replace {
                    a.text("replace-push-id", Some(replace.push_id.as_str()));
                    a.text("replace-method", Some(replace.method.as_str()));
                }
                a.time("deliver-before-timestamp", m.deliver_before);
                a.time("deliver-after-timestamp", m.deliver_after);
                a.text("source-reference", m.source_reference.as_deref());
                a.flag("progress-notes-requested", m.progress_notes_requested);
                a.text("ppg-notify-requested-to", m.ppg_notify_requested_to.as_deref());
            },
            |b| {
                addresses(b, &m.addresses);
                quality_of_service(b, m.quality_of_service.as_ref());
            },
        ),
        Message::PushResponse(m) => out.element(
            "push-response",
            |a| {
                a.text("push-id", Some(m.push_id.as_str()));
                a.text("sender-address", m.sender_address.as_deref());
                a.text("sender-name", m.sender_name.as_deref());
                a.time("reply-time", m.reply_time);
            },
            |b| {
                for note in &m.progress {
                    b.empty("progress-note", |a| {
                        a.text("stage", Some(&note.stage));
                        a.text("note", note.note.as_deref());
                        a.time("time", note.time);
                    });
                }
                b.empty("response-result", |a| a.outcome(m.code.0, m.desc.as_deref()));
            },
        ),
        Message::Cancel(m) => {
            out.element(
                "cancel-message",
                |a| a.text("push-id", Some(m.push_id.as_str())),
                |b| {
                    addresses(b, &m.addresses);
                },
            );
        }
        Message::CancelResponse(m) => {
            out.element(
                "cancel-response",
                |a| a.text("push-id", Some(m.push_id.as_str())),
                |b| {
                    for result in &m.results {
                        let head = |a: &mut Attributes<'_>| a.outcome(result.code.0, result.desc.as_deref());
                        b.element("cancel-result", head, |b| addresses(b, &result.addresses));
                    }
                },
            );
        }
        Message::ResultNotification(m) => out.element(
            "resultnotification-message",
            |a| {
                a.text("push-id", Some(m.push_id.as_str()));
                a.text("sender-address", m.sender_address.as_deref());
                a.text("sender-name", m.sender_name.as_deref());
                a.time("received-time", m.received_time);
                a.time("event-time", m.event_time);
                a.text("message-state", Some(m.state.as_str()));
                a.outcome(m.code.0, m.desc.as_deref());
            },
            |b| {
                address(b, &m.address);
                quality_of_service(b, m.quality_of_service.as_ref());
            },
        ),
        Message::ResultNotificationResponse(m) => out.element(
            "resultnotification-response",
            |a| {
                a.text("push-id", Some(m.push_id.as_str()));
                a.outcome(m.code.0, m.desc.as_deref());
            },
            |b| m.address.iter().for_each(|to| address(b, to)),
        ),
        Message::StatusQuery(m) => {
            out.element(
                "statusquery-message",
                |a| a.text("push-id", Some(m.push_id.as_str())),
                |b| {
                    addresses(b, &m.addresses);
                },
            );
        }
        Message::StatusResponse(m) => {
            out.element(
                "statusquery-response",
                |a| a.text("push-id", Some(m.push_id.as_str())),
                |b| {
                    for result in &m.results {
                        let head = |a: &mut Attributes<'_>| {
                            a.time("event-time", result.event_time);
                            a.text("message-state", Some(result.state.as_str()));
                            a.outcome(result.code.0, result.desc.as_deref());
                        };
                        b.element("statusquery-result", head, |b| {
                            addresses(b, &result.addresses);
                            quality_of_service(b, result.quality_of_service.as_ref());
                        });
                    }
                },
            );
        }
        Message::CapabilitiesQuery(m) => out.element(
            "ccq-message",
            |a| {
                a.text("query-id", m.query_id.as_deref());
                a.text("app-id", m.app_id.as_deref());
            },
            |b| address(b, &m.address),
        ),
        Message::CapabilitiesResponse(m) => out.element(
            "ccq-response",
            |a| {
                a.text("query-id", m.query_id.as_deref());
                a.outcome(m.code.0, m.desc.as_deref());
            },
            |b| m.address.iter().for_each(|to| address(b, to)),
        ),
        Message::BadMessage(m) => out.empty("badmessage-response", |a| {
            a.outcome(m.code.0, m.desc.as_deref());
            a.text("bad-message-fragment", m.fragment.as_deref());
        }),
    }
}

fn addresses(out: &mut Out, addresses: &[Address]) {
    addresses.iter().for_each(|to| address(out, to));
}

fn address(out: &mut Out, to: &Address) {
    out.empty("address", |a| a.text("address-value", Some(to.as_str())));
}

fn quality_of_service(out: &mut Out, quality: Option<&QualityOfService>) {
    let Some(q) = quality else { return };
    out.empty("quality-of-service", |a| {
        a.text("priority", Some(q.priority.as_str()));
        a.text("delivery-method", Some(q.delivery_method.as_str()));
        a.text("network", q.network.as_deref());
        a.flag("network-required", q.network_required);
        a.text("bearer", q.bearer.as_deref());
        a.flag("bearer-required", q.bearer_required);
    });
}

/// The text so far.
struct Out(String);

impl Out {
    fn element(&mut self, name: &str, head: impl FnOnce(&mut Attributes<'_>), body: impl FnOnce(&mut Self)) {
        self.0.push('<');
        self.0.push_str(name);
        head(&mut Attributes(&mut self.0));
        self.0.push('>');
        body(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    fn empty(&mut self, name: &str, head: impl FnOnce(&mut Attributes<'_>)) {
        self.0.push('<');
        self.0.push_str(name);
        head(&mut Attributes(&mut self.0));
        self.0.push_str("/>");
    }
}

/// A start tag that is open.
struct Attributes<'a>(&'a mut String);

impl Attributes<'_> {
    fn text(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        for c in value.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // What XML cannot carry, and line ends, which it would make blanks.
                c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => self.0.push(' '),
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn time(&mut self, name: &str, value: Option<Timestamp>) {
        let text = value.map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        self.text(name, text.as_deref());
    }

    fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.text(name, Some("true"));
        }
    }

    fn outcome(&mut self, code: u16, desc: Option<&str>) {
        self.text("code", Some(&code.to_string()));
        self.text("desc", desc);
    }
}
