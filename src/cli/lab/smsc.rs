//! `bootgate lab smsc`: a virtual SMSC, until SIGTERM or SIGINT.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    app::SystemClock,
    bearer::smpp::IdForm,
    cli::{Exit, Failure, Global, output, secret::SecretOrLiteral},
    ident::Clock as _,
    lab::smsc::{Behaviour, Faults, ReceiptForm, Receipts, Received, VirtualSmsc},
    wire::{Encode as _, smpp::MessageState, sms::SmsTime},
};

const EXAMPLES: &str = "Examples:
  bootgate lab smsc --listen 127.0.0.1:2775
  bootgate lab smsc --listen 127.0.0.1:0 --receipts tlv --receipt-delay 2000 --fault throttle=20 --fault lose-answer=50";

/// A virtual SMSC: prints where it listens, then each message that it takes, one JSON object on a line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct SmscArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Who may bind; without it everybody.
    #[arg(long, value_name = "NAME", requires = "password")]
    system_id: Option<String>,
    /// Their password: @FILE, env:NAME, - (prompt), or the password itself.
    #[arg(long, value_name = "SECRET", requires = "system_id")]
    password: Option<SecretOrLiteral>,
    /// How message ids are written in submit responses: text, hex or decimal.
    #[arg(long, value_name = "FORM", default_value = "text")]
    ids: IdForm,
    /// How receipts say what they say: text, tlv or both; or none, for an SMSC without receipts.
    #[arg(long, value_name = "FORM", default_value = "both")]
    receipts: String,
    /// How message ids are written in receipts: text, hex or decimal. Without it as in submit responses.
    #[arg(long, value_name = "FORM")]
    receipt_ids: Option<IdForm>,
    /// What receipts say became of messages, as a word of SMPP: DELIVRD, EXPIRED, UNDELIV, REJECTD ...
    #[arg(long, value_name = "STATE", default_value = "DELIVRD")]
    state: String,
    /// When receipts are sent, in milliseconds after the message.
    #[arg(long, value_name = "N", default_value = "0")]
    receipt_delay: u64,
    /// What goes wrong; as often as wanted: throttle=N, lose-answer=N, duplicate=N (one in N), refuse=N:STATUS, reorder=N
    /// (answers held back, and receipts, and mixed), disconnect=N (at the N-th message of a connection).
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// What chance is drawn from: the same number, the same faults.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
}

pub(super) fn run(args: &SmscArgs, _: &Global) -> anyhow::Result<Exit> {
    let behaviour = behaviour(args)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let started = VirtualSmsc::start(args.listen, behaviour).await;
        let (smsc, mut received) = started.map_err(|e| {
            Failure::because(
                Exit::Unavailable,
                format!("cannot listen on {}: {e}; see --listen", args.listen),
            )
        })?;
        line(&Listening { listening: smsc.address().to_string() })?;
        loop {
            tokio::select! {
                _ = term.recv() => return Ok(Exit::Ok),
                _ = int.recv() => return Ok(Exit::Ok),
                Some(message) = received.recv() => line(&Shown::of(&message))?,
            }
        }
    })
}

/// A JSON object on a line of its own.
fn line(value: &impl Serialize) -> anyhow::Result<()> {
    output::verbatim(&serde_json::to_string(value)?)
}

fn behaviour(args: &SmscArgs) -> anyhow::Result<Behaviour> {
    let usage = |why: String| Failure::because(Exit::Usage, why);
    let faults = args.fault.iter().try_fold(Faults::default(), |faults, text| faults.with(text));
    let account = match (&args.system_id, &args.password) {
        (Some(system_id), Some(password)) => {
            let password: crate::ident::SharedSecret = password.parse("password")?;
            Some((system_id.clone(), password.expose().to_owned()))
        }
        _ => None,
    };
    let receipts = match args.receipts.as_str() {
        "none" => None,
        form => Some(Receipts {
            delay: Duration::from_millis(args.receipt_delay),
            form: form.parse::<ReceiptForm>().map_err(|_| {
                usage(format!("--receipts {form:?} is no form; expected text, tlv, both or none"))
            })?,
            ids: args.receipt_ids.unwrap_or(args.ids),
            state: MessageState::from_word(&args.state).ok_or_else(|| {
                usage(format!(
                    "--state {:?} is no state; expected DELIVRD, EXPIRED, UNDELIV, REJECTD ...",
                    args.state
                ))
            })?,
        }),
    };
    let faults = faults.map_err(|e| usage(e.to_string()))?;
    Ok(Behaviour { account, ids: args.ids, receipts, faults, seed: args.seed })
}

/// The line that says that connections are taken.
#[derive(Serialize)]
struct Listening {
    listening: String,
}

/// A message. It is shown whole: nothing of it is real.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    source: &'a str,
    destination: &'a str,
    esm_class: u8,
    data_coding: u8,
    registered_delivery: u8,
    validity_period: &'a str,
    /// The text, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// User data, header and all, of what goes to the device, where it has a header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user_data: Vec<String>,
    /// What goes to the device, where that has no header: SMS-DELIVER, as a modem shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sms_deliver: Vec<String>,
}

impl<'a> Shown<'a> {
    fn of(message: &'a Received) -> Self {
        let hex = |octets: Vec<u8>| Hex(&octets).to_string();
        let (headed, bare): (Vec<_>, Vec<_>) =
            message.segments.iter().partition(|segment| !segment.udh.elements().is_empty());
        let delivered = if bare.is_empty() { Vec::new() } else { message.delivered(now()) };
        Self {
            id: &message.id,
            source: &message.source,
            destination: &message.destination,
            esm_class: message.esm_class,
            data_coding: message.data_coding,
            registered_delivery: message.registered_delivery,
            validity_period: &message.validity_period,
            text: message.text(),
            user_data: headed.into_iter().map(|segment| hex(segment.to_octets())).collect(),
            sms_deliver: delivered.into_iter().map(hex).collect(),
        }
    }
}

/// The time, as a service centre stamps it.
fn now() -> SmsTime {
    let at = jiff::Timestamp::from_millisecond(SystemClock.now().as_millis()).unwrap_or_default();
    let civil = jiff::tz::Offset::UTC.to_datetime(at);
    let two = |number: i32| u8::try_from(number.rem_euclid(100)).unwrap_or(0);
    let date = [two(civil.year().into()), two(civil.month().into()), two(civil.day().into())];
    let time = [two(civil.hour().into()), two(civil.minute().into()), two(civil.second().into())];
    SmsTime::new(date, time, 0).unwrap_or(SmsTime([0; 7]))
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}
