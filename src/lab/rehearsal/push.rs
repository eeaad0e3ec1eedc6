//! The rehearsal over the air: a program asks for a job, the gateway pushes, an SMSC carries, and the phone, which was
//! switched on without knowing anybody, holds its first session.
//!
//! All of it goes over sockets on loopback: HTTP to the API, SMPP to the virtual SMSC, HTTP to the DM server. What is of the
//! laboratory is the SMSC and the phone's body; its user types the PIN that came by the channel that the profile names.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State as Held, routing::post};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

use super::{Party, Rehearsal, RehearsalError, Stage, recorder::Recorder, report::PushSeen};
use crate::{
    app::{
        App, OsRandom,
        config::{ApiToken, Config, DmUri, Right},
    },
    bearer::{
        References,
        smpp::{Credentials, LinkSettings, SmppLink, SmscAddress, Source},
    },
    bootstrap::PayloadKind,
    http,
    ident::{Imei, JobId, Pin, ServerId, Token},
    job::State,
    lab::smsc::{Behaviour, Received as Submission, VirtualSmsc},
    phone::{BootstrapKind, BootstrapResult, Identity, Inbox, Phone, PushResult, PushTrust, Received},
    profile::{PinChannel, Profile, Subscriber},
    wire::{Syntax, wdp::Segment},
};

/// How long each part may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a short message takes over a scripted network, and a PDU to the SMSC.
const OVER_THE_AIR: Duration = Duration::from_millis(1_800);
const TO_THE_SMSC: Duration = Duration::from_millis(20);
/// From which number messages come.
const SENDER: &str = "9876";

/// What is rehearsed.
#[derive(Debug, Clone)]
pub struct PushPlot {
    /// The profile.
    pub profile: Profile,
    /// The same as it is written: the request for the job brings it along.
    pub profile_toml: String,
    /// What the payload is.
    pub payload: PayloadKind,
    /// The subscriber: IMSI and telephone number.
    pub subscriber: Subscriber,
    /// The phone's number.
    pub imei: Imei,
    /// How the phone writes its messages.
    pub syntax: Syntax,
    /// Makes secrets and times the same in each run.
    pub seed: Option<u64>,
}

/// Runs it. What is shown goes as far as the job went; the error says why not farther.
pub async fn rehearse_push(plot: &PushPlot, config: Config) -> (Rehearsal, Result<(), RehearsalError>) {
    let mut stage = Stage::of(&plot.profile, plot.payload, plot.seed, super::Detail::Runs);
    let done = stage.push(plot, config).await;
    (stage.into_report(plot.seed), done)
}

/// What runs beside the play.
struct Scenery {
    app: App,
    token: Token,
    address: SocketAddr,
    link: Arc<SmppLink>,
    /// It stops when it is dropped.
    smsc: VirtualSmsc,
    messages: mpsc::Receiver<Submission>,
    pins: mpsc::Receiver<String>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Scenery {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Stage {
    async fn push(&mut self, plot: &PushPlot, config: Config) -> Result<(), RehearsalError> {
        let server_id = plot.profile.dm_account.as_ref().ok_or(RehearsalError::NoAccount)?.server_id.clone();
        let mut scenery = self.scenery(config, &server_id).await?;
        let done = self.bootstrap(plot, &mut scenery, &server_id).await;
        // It says goodbye before its SMSC is gone.
        scenery.link.stop(PATIENCE).await;
        done
    }

    async fn bootstrap(
        &mut self,
        plot: &PushPlot,
        scenery: &mut Scenery,
        server_id: &ServerId,
    ) -> Result<(), RehearsalError> {
        let asked = self.ask(plot, scenery).await?;
        let id: JobId = asked["id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| answer(&asked))?;
        let mut phone =
            Phone::new(&Identity::virtual_phone(plot.imei.clone(), plot.subscriber.imsi.clone()))?;
        let printed = asked["user-pin"].as_str().map(str::to_owned);
        let mut hops = Vec::new();
        let pin_by_sms = plot.profile.pin_channel == Some(PinChannel::Sms)
            && plot.profile.security.is_some_and(|method| method.pin_digits().is_some());
        let user = User { pin: printed, waits: pin_by_sms };
        let received = receive(scenery, &mut phone, user, &mut hops).await;
        self.rehearsal.keep_tree(phone.tree());
        // Scripted time goes on by what all of it takes, and only then the job hears of it: its history must not depend on
        // who was faster.
        record(&self.recorder, &hops);
        scenery.smsc.hold_receipts(false);
        let delivered = reach(&scenery.app, id).await;
        self.rehearsal.job = scenery.app.jobs().get(id).await?;
        let taken = self.taken(plot, received?, &hops)?;
        self.recorder.note(Party::Phone, taken);
        delivered?;
        let receipts = format!("deliver_sm: DELIVRD ×{}", hops.len());
        self.recorder.hop((Party::Smsc, Party::Gateway), receipts, 0, Instant::now(), TO_THE_SMSC);
        self.recorder.note(Party::Gateway, format!("job {}", State::Delivered));
        let address = format!("http://{}{}", scenery.address, scenery.app.config().http.dm_path.as_str());
        let session = self.session(plot.syntax, &mut phone, server_id, &address).await;
        self.rehearsal.keep_tree(phone.tree());
        let record = scenery.app.jobs().get(id).await?;
        let state = record.as_ref().map(|r| r.job.state);
        self.rehearsal.job = record;
        self.handed_off(state, session?)
    }

    /// Service, gateway, SMSC, and a system that is told PINs.
    async fn scenery(&self, config: Config, server_id: &ServerId) -> Result<Scenery, RehearsalError> {
        let loopback = ("127.0.0.1", 0);
        let (told, pins) = mpsc::channel(8);
        let letters = TcpListener::bind(loopback).await?;
        let mut config = config;
        let token = Token::generate(&OsRandom);
        let name = "rehearsal".to_owned();
        config.api.tokens = vec![ApiToken { name, digest: token.digest(), may: Right::Submit }];
        config.job.pin_webhook = format!("http://{}/pins", letters.local_addr()?).parse().ok();
        config.job.pin_webhook_token = None;
        config.dm.server_id = server_id.clone();
        config.dm.uri = DmUri::Auto;
        let letters = tokio::spawn(async move {
            let routes = Router::new().route("/pins", post(letter)).with_state(told);
            let _ = axum::serve(letters, routes).await;
        });

        let app = App::in_memory(config, Arc::clone(&self.clock), Arc::clone(&self.random));
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let (smsc, messages) = VirtualSmsc::start(listen, Behaviour::default()).await?;
        // Until the phone has the push, as the air takes its time.
        smsc.hold_receipts(true);
        let (to, events) = mpsc::channel(1_024);
        let endpoint =
            SmscAddress { address: smsc.address().to_string().into(), connect_timeout: PATIENCE, tls: None };
        let link = Arc::new(SmppLink::start(
            link()?,
            endpoint,
            Arc::new(References::default()),
            to,
            Arc::clone(&self.clock),
            Arc::clone(&self.random),
        ));
        let begin = Instant::now();
        while link.bound() == 0 {
            if begin.elapsed() > PATIENCE {
                return Err(RehearsalError::Silent { who: "the SMSC" });
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (ppg, bearer) = (app.ppg().clone(), Arc::clone(&link));
        let delivering = tokio::spawn(async move {
            ppg.deliver(bearer, events, std::future::pending(), Duration::ZERO).await;
        });
        while !app.ppg().has_route() {
            tokio::task::yield_now().await;
        }
        let listener = TcpListener::bind(loopback).await?;
        let address = listener.local_addr()?;
        let serving = {
            let app = app.clone();
            tokio::spawn(async move { drop(http::serve(listener, app, std::future::pending()).await) })
        };
        Ok(Scenery {
            app,
            token,
            address,
            link,
            smsc,
            messages,
            pins,
            tasks: vec![letters, delivering, serving],
        })
    }

    /// The operator's program asks for the job.
    async fn ask(&mut self, plot: &PushPlot, scenery: &Scenery) -> Result<Value, RehearsalError> {
        let Subscriber { imsi, imei: _, iccid, msisdn } = &plot.subscriber;
        let request = serde_json::json!({
            "key": "rehearsal",
            "profile-toml": plot.profile_toml,
            "route": "push",
            "payload": plot.payload.as_str(),
            "subscriber": {
                "imsi": imsi.as_ref().map(|n| n.digits()),
                "imei": plot.imei.digits(),
                "iccid": iccid.as_ref().map(|n| n.digits()),
                "msisdn": msisdn.as_ref().map(|n| n.digits()),
            },
        });
        let url = format!("http://{}/api/v1/jobs", scenery.address);
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.map_err(super::NetworkError::Unreachable)?;
        let sent =
            client.post(url).bearer_auth(scenery.token.expose()).header("content-type", "application/json");
        let response = sent
            .body(request.to_string())
            .send()
            .await
            .map_err(|e| RehearsalError::Network(super::NetworkError::Unreachable(e.without_url())))?;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let what = format!("POST /api/v1/jobs: {status}");
        if status != 201 {
            self.recorder.note(Party::Gateway, what);
            return Err(answer(&value));
        }
        self.recorder.note(Party::Gateway, format!("{what}, job {}", value["state"].as_str().unwrap_or("?")));
        if let Some(losses) = value["not-carried"].as_array() {
            self.rehearsal.losses = losses.iter().filter_map(|l| l.as_str().map(str::to_owned)).collect();
        }
        Ok(value)
    }

    /// What the phone made of the push.
    fn taken(&mut self, plot: &PushPlot, result: PushResult, hops: &[Hop]) -> Result<String, RehearsalError> {
        let refused = |why: String| Err(RehearsalError::NotTaken { why });
        let (method, pins, bootstrap) = match result {
            PushResult::Authenticated { method, pins, bootstrap } => (Some(method), pins, bootstrap),
            PushResult::Unauthenticated { bootstrap } => (None, 0, bootstrap),
            PushResult::Refused { reason } => return refused(reason.to_string()),
        };
        let BootstrapResult::Accepted { accounts, .. } = bootstrap else {
            return refused(format!("{bootstrap:?}"));
        };
        let kind = match plot.payload {
            PayloadKind::Cp => BootstrapKind::Cp,
            PayloadKind::Dm => BootstrapKind::Dm,
        };
        let method = method.map_or("nothing", |m| m.name(kind)).to_owned();
        let typed = if pins > 0 { " (PIN typed)" } else { "" };
        let accounts = accounts.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
        let channel = plot.profile.pin_channel.unwrap_or(PinChannel::Printed);
        let pushed = hops.iter().filter(|hop| !hop.text);
        self.rehearsal.push = Some(PushSeen {
            method: method.clone(),
            pin_channel: (pins > 0).then_some(channel),
            segments: pushed.clone().count(),
            octets: pushed.map(|hop| hop.segment.data.len()).sum(),
        });
        Ok(format!("proved by {method}{typed}: {accounts}"))
    }
}

/// A short message on its way, when it came, and whether it is text for the user.
struct Hop {
    at: Instant,
    segment: Segment,
    text: bool,
}

/// Who holds the phone.
struct User {
    /// The PIN, once it is known.
    pin: Option<String>,
    /// Whether it comes by a short message: the phone's question stays on its screen until then.
    waits: bool,
}

/// Messages come in until a bootstrap is complete. A push that the user cannot answer for yet waits for the PIN.
async fn receive(
    scenery: &mut Scenery,
    phone: &mut Phone,
    User { mut pin, waits }: User,
    hops: &mut Vec<Hop>,
) -> Result<PushResult, RehearsalError> {
    let mut inbox = Inbox::new(PushTrust::Anybody);
    let (mut unanswered, mut next) = (Vec::new(), VecDeque::new());
    loop {
        let message = match next.pop_front() {
            Some(message) => message,
            None => {
                let came = tokio::time::timeout(PATIENCE, scenery.messages.recv()).await.ok().flatten();
                came.ok_or(RehearsalError::Silent { who: "the gateway" })?
            }
        };
        let pushed = message.segments.iter().any(|segment| segment.udh.ports().is_some());
        if waits && pin.is_none() && pushed {
            unanswered.push(message);
            continue;
        }
        // A PIN that is told elsewhere is there before the push leaves.
        while let Ok(told) = scenery.pins.try_recv() {
            pin = Some(told);
        }
        for segment in &message.segments {
            let Ok(data) = message.user_data(segment) else { continue };
            let mut user = |_| pin.as_ref().and_then(|pin| pin.parse::<Pin>().ok());
            let now = scenery.app.clock().now();
            let received = inbox.short_message(phone, SENDER, &data, now, &mut user);
            let text = matches!(received, Received::Text(_));
            hops.push(Hop { at: Instant::now(), segment: segment.clone(), text });
            match received {
                Received::Text(text) => {
                    pin = text.expose().rsplit_once(' ').map(|(_, pin)| pin.to_owned());
                    next.extend(unanswered.drain(..));
                }
                Received::Bootstrap(result) => return Ok(result),
                Received::Dropped { reason } => {
                    return Err(RehearsalError::NotTaken { why: reason.to_string() });
                }
                _ => {}
            }
        }
    }
}

/// Waits until the network has delivered, as the job sees it.
async fn reach(app: &App, id: JobId) -> Result<(), RehearsalError> {
    let begin = Instant::now();
    loop {
        match app.jobs().get(id).await?.map(|record| record.job.state) {
            Some(State::Delivered | State::HandedOff) => return Ok(()),
            Some(state) if state.is_final() || begin.elapsed() > PATIENCE => {
                return Err(RehearsalError::NotDelivered { state });
            }
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

/// Writes down the way of each short message.
fn record(recorder: &Recorder, hops: &[Hop]) {
    let pushed = hops.iter().filter(|hop| !hop.text).count();
    let mut n = 0;
    for Hop { at, segment, text } in hops {
        n += usize::from(!text);
        let which = if *text { "(PIN)".to_owned() } else { format!("{n}/{pushed}") };
        let octets = segment.udh.length() + segment.data.len();
        let to_smsc = (Party::Gateway, Party::Smsc);
        recorder.hop(to_smsc, format!("submit_sm {which}"), octets, *at, TO_THE_SMSC);
        let to_phone = (Party::Smsc, Party::Phone);
        recorder.hop(to_phone, format!("short message {which}"), octets, *at, OVER_THE_AIR);
    }
}

/// The system of the operator that is told PINs.
async fn letter(Held(told): Held<mpsc::Sender<String>>, Json(body): Json<Value>) {
    if let Some(pin) = body["user-pin"].as_str() {
        let _ = told.send(pin.to_owned()).await;
    }
}

fn answer(problem: &Value) -> RehearsalError {
    let detail = problem["detail"].as_str().unwrap_or("the answer makes no sense");
    RehearsalError::NotAccepted { why: detail.to_owned() }
}

/// The link to the virtual SMSC.
fn link() -> Result<LinkSettings, RehearsalError> {
    let wrong = |_| RehearsalError::Silent { who: "the SMSC" };
    let credentials = Credentials::new("bootgate", None, "").map_err(wrong)?;
    let link = LinkSettings::new("rehearsal", credentials, Source::new(SENDER, None).map_err(wrong)?);
    Ok(link)
}
