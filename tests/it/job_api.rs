//! The API that asks for jobs: who may, what is answered, what is never told, and what a restart leaves of it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bootgate::{
    app::{
        App, OsRandom, SystemClock,
        config::{ApiToken, Config, Right},
    },
    http,
    ident::{JobId, Token},
    job::{
        State,
        push::{GatewayError, PushContent, PushEntity, PushGateway, PushOrder, PushStanding},
    },
    wire::pap::{MessageState, PushId, StatusCode},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const IMSI: &str = "262019876598765";
const MSISDN: &str = "491709876543";

/// Takes every push, and says of all of them what it is told to say.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) had: Mutex<BTreeMap<PushId, PushOrder>>,
    pub(super) says: Mutex<MessageState>,
    /// Whether it takes pushes back.
    pub(super) takes_back: AtomicBool,
    /// Why it takes none.
    pub(super) refuses: Mutex<Option<String>>,
}

impl Gateway {
    pub(super) fn saying(state: MessageState) -> Arc<Self> {
        Arc::new(Self {
            had: Mutex::default(),
            says: Mutex::new(state),
            takes_back: AtomicBool::new(false),
            refuses: Mutex::default(),
        })
    }

    /// The documents that were pushed.
    pub(super) fn documents(&self) -> Vec<PushEntity> {
        let had = self.had.lock().unwrap();
        let documents = had.values().filter_map(|order| match &order.content {
            PushContent::Push(entity) => Some(entity.clone()),
            PushContent::Text(_) => None,
        });
        documents.collect()
    }
}

#[async_trait]
impl PushGateway for Gateway {
    fn carries_text(&self) -> bool {
        true
    }

    async fn admit(&self, _: &PushOrder) -> Result<(), GatewayError> {
        match self.refuses.lock().unwrap().clone() {
            Some(why) => Err(GatewayError::Refused { code: StatusCode::TRANSFORMATION_FAILURE, why }),
            None => Ok(()),
        }
    }

    async fn cancel(&self, _: &PushId, _: &str) -> Result<bool, GatewayError> {
        Ok(self.takes_back.load(Ordering::SeqCst))
    }

    async fn submit(&self, order: &PushOrder) -> Result<(), GatewayError> {
        self.had.lock().unwrap().entry(order.push_id.clone()).or_insert_with(|| order.clone());
        Ok(())
    }

    async fn standing(&self, id: &PushId) -> Result<Option<PushStanding>, GatewayError> {
        let state = *self.says.lock().unwrap();
        let had = self.had.lock().unwrap().contains_key(id);
        Ok(had.then(|| PushStanding { state, why: "as told".into() }))
    }

    async fn changed(&self, _: &PushId, seen: &PushStanding) {
        while *self.says.lock().unwrap() == seen.state {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A service with two tokens: one that may ask, one that may look.
struct Service {
    address: SocketAddr,
    client: reqwest::Client,
    submit: Token,
    read: Token,
    gateway: Arc<Gateway>,
}

fn config(submit: &Token, read: &Token) -> Config {
    let mut config = Config::built_in().unwrap();
    let token = |name: &str, token: &Token, may| ApiToken { name: name.into(), digest: token.digest(), may };
    config.api.tokens = vec![token("pipeline", submit, Right::Submit), token("desk", read, Right::Read)];
    config.api.profiles = Some(profiles().to_owned());
    config
}

/// The shipped profiles, in files that are called as they are.
fn profiles() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles");
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            for (file, name) in [("consumer-phone", "acme-consumer"), ("iot-module", "acme-meter")] {
                let to = folder.path().join(format!("{name}.toml"));
                std::fs::copy(shipped.join(format!("{file}.toml")), to).unwrap();
            }
            folder
        })
        .path()
}

async fn serve(app: App) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http::serve(listener, app, std::future::pending()));
    address
}

impl Service {
    async fn start(says: MessageState) -> Self {
        let (submit, read) = (Token::generate(&OsRandom), Token::generate(&OsRandom));
        let gateway = Gateway::saying(says);
        let app = App::in_memory(config(&submit, &read), Arc::new(SystemClock), Arc::new(OsRandom));
        let address = serve(app.with_gateway(gateway.clone())).await;
        Self { address, client: reqwest::Client::new(), submit, read, gateway }
    }

    async fn post(&self, token: Option<&str>, kind: &str, body: impl Into<String>) -> (u16, Value) {
        let mut request = self.client.post(format!("http://{}/api/v1/jobs", self.address));
        request = request.header("content-type", kind).body(body.into());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        answer(request).await
    }

    async fn ask(&self, request: &Value) -> (u16, Value) {
        self.post(Some(self.submit.expose()), "application/json", request.to_string()).await
    }

    async fn look(&self, id: &str) -> (u16, Value) {
        let url = format!("http://{}/api/v1/jobs/{id}", self.address);
        answer(self.client.get(url).bearer_auth(self.read.expose())).await
    }

    async fn until(&self, id: &str, state: &str) -> Value {
        for _ in 0..400 {
            let (status, job) = self.look(id).await;
            assert_eq!(status, 200, "{job}");
            if job["state"] == state {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the job is not {state}: {:?}", self.look(id).await)
    }
}

/// The status and the body, which is JSON and says of which kind.
async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, if status < 400 { "application/json" } else { "application/problem+json" });
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    let body = response.text().await.unwrap();
    assert!(!body.contains(IMSI) && !body.contains(&IMSI[5..]) && !body.contains(MSISDN), "{body}");
    (status, serde_json::from_str(&body).unwrap())
}

fn request(key: &str) -> Value {
    json!({
        "key": key, "profile": "acme-consumer", "route": "push", "payload": "cp",
        "subscriber": { "imsi": IMSI, "imei": "490154203237518", "msisdn": MSISDN },
    })
}

/// The shipped profile with another way of being authenticated.
fn inline(key: &str, security: &str) -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let mut request = request(key);
    request.as_object_mut().unwrap().remove("profile");
    request["profile-toml"] = text.replace("method = \"usernetwpin\"", security).into();
    request
}

#[tokio::test]
async fn a_job_is_asked_for_once_and_shown_with_its_history() {
    let service = Service::start(MessageState::Pending).await;
    let asked = inline("order-1", "method = \"netwpin\"");
    let (status, job) = service.ask(&asked).await;
    assert_eq!((status, job["key"].as_str()), (201, Some("order-1")), "{job}");
    let id = job["id"].as_str().unwrap();
    let (status, again) = service.ask(&asked).await;
    assert_eq!((status, again["id"].as_str()), (200, Some(id)));
    service.until(id, "delivering").await;
    *service.gateway.says.lock().unwrap() = MessageState::Delivered;
    let job = service.until(id, "delivered").await;
    let states: Vec<&str> =
        job["history"].as_array().unwrap().iter().map(|e| e["to"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "registered", "prepared", "delivering", "delivered"]);
    assert_eq!(
        (job["route"].as_str(), job["attempts"][0]["outcome"].as_str()),
        (Some("push"), Some("delivered"))
    );
    assert_eq!(service.gateway.documents().len(), 1);
    // The same key for something else.
    let (status, problem) = service.ask(&inline("order-1", "method = \"userpin\"")).await;
    assert_eq!((status, problem["job"].as_str()), (409, Some(id)), "{problem}");
    assert_eq!(problem["type"], "urn:bootgate:problem:key-taken");
}

#[tokio::test]
async fn a_pin_that_is_printed_is_told_to_whoever_asked_and_nowhere_else() {
    let service = Service::start(MessageState::Pending).await;
    let asked = inline("letter", "method = \"userpin\"\npin-length = 9\npin-channel = \"printed\"");
    let (_, job) = service.ask(&asked).await;
    let pin = job["user-pin"].as_str().unwrap().to_owned();
    assert!(pin.len() == 9 && pin.bytes().all(|b| b.is_ascii_digit()));
    // The answer was lost: asked again it is the same.
    assert_eq!(service.ask(&asked).await.1["user-pin"], pin.as_str());
    let id = job["id"].as_str().unwrap();
    assert!(!service.until(id, "delivering").await.to_string().contains(&pin));
    for entity in service.gateway.documents() {
        assert!(!entity.body.windows(9).any(|w| w == pin.as_bytes()) && !entity.fields[0].1.contains(&pin));
    }
    *service.gateway.says.lock().unwrap() = MessageState::Delivered;
    service.until(id, "delivered").await;
    // The job's order is closed a moment after its state.
    let mut left = 100;
    while service.ask(&asked).await.1.get("user-pin").is_some() {
        left -= 1;
        assert!(left > 0, "the PIN is still told");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_answered_as_a_problem() {
    let service = Service::start(MessageState::Pending).await;
    let good = request("k").to_string();
    let submit = Some(service.submit.expose());
    let json = "application/json";
    let without = |member: &str| {
        let mut request = request("k");
        request["subscriber"].as_object_mut().unwrap().remove(member);
        request.to_string()
    };
    let digest = service.submit.digest().to_string();
    for (token, kind, body, status, said) in [
        (None, json, good.clone(), 401, "no token; expected Authorization: Bearer"),
        (Some("bgt_wrong"), json, good.clone(), 401, "the token is not known"),
        (Some(&*digest), json, good.clone(), 401, "the token is not known"),
        (Some(service.read.expose()), json, good.clone(), 403, "may = \"submit\""),
        (submit, "text/plain", good.clone(), 415, "expected application/json"),
        (submit, json, "x".repeat(70_000), 413, "65536 octets"),
        (submit, json, good.replace("\"imsi\":", "\"imsi\""), 400, "not JSON"),
        (submit, json, good.replace("imsi", "imssi"), 400, "did you mean `imsi`?"),
        (submit, json, good.replace("cp", "xml"), 422, "payload: not as expected; expected cp or dm"),
        (submit, json, good.replace("acme-consumer", "nobody"), 422, "there is no profile nobody here"),
        (submit, json, without("msisdn"), 422, "a push needs the telephone number"),
        (submit, json, without("imsi"), 422, "USERNETWPIN needs the IMSI"),
        (submit, json, good.replace(IMSI, &format!("{IMSI}x")), 422, "subscriber.imsi: IMSI has a character"),
        (submit, json, good.replace("acme-consumer", "acme-meter"), 422, "server `acme.iot`"),
    ] {
        let (got, problem) = service.post(token, kind, body).await;
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(got, status, "{detail}");
        assert!(detail.contains(said), "{detail}, not {said}");
        assert_eq!(problem["status"], status);
    }
    assert!(service.gateway.documents().is_empty());
    for id in ["no", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "..%2f..%2fhealthz"] {
        assert_eq!(service.look(id).await.0, 404, "{id}");
    }
    let url = format!("http://{}/api/v1/jobs", service.address);
    assert_eq!(answer(service.client.delete(&url)).await.0, 405);
    let read = |query: &str| service.client.get(format!("{url}?{query}")).bearer_auth(service.read.expose());
    for (query, said) in [
        ("state=lost", "handed-off"),
        ("limit=0", "1 to 1000"),
        ("limit=x", "1 to 1000"),
        ("x=y", "state and limit"),
    ] {
        let (status, problem) = answer(read(query)).await;
        assert!(status == 400 && problem["detail"].as_str().unwrap().contains(said), "{query}: {problem}");
    }
    assert_eq!(answer(service.client.get(url.replace("jobs", "cards"))).await.0, 404);
}

#[tokio::test]
async fn a_service_without_a_gateway_says_so() {
    let (submit, read) = (Token::generate(&OsRandom), Token::generate(&OsRandom));
    let app = App::in_memory(config(&submit, &read), Arc::new(SystemClock), Arc::new(OsRandom));
    let url = format!("http://{}/api/v1/jobs", serve(app).await);
    let post = reqwest::Client::new().post(url).header("content-type", "application/json");
    let (status, problem) = answer(post.bearer_auth(submit.expose()).body(request("k").to_string())).await;
    assert_eq!(
        (status, problem["type"].as_str()),
        (503, Some("urn:bootgate:problem:no-gateway")),
        "{problem}"
    );
}

/// A job that a process leaves behind goes on in the next one, and its PIN and push are the same.
#[tokio::test]
async fn a_restart_loses_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let (submit, read) = (Token::generate(&OsRandom), Token::generate(&OsRandom));
    let mut config = config(&submit, &read);
    config.store.path = folder.path().join("bootgate.db");
    let gateway = Gateway::saying(MessageState::Pending);
    let open = || async {
        let app = App::open(config.clone(), Arc::new(SystemClock), Arc::new(OsRandom)).await.unwrap();
        app.with_gateway(gateway.clone())
    };
    let job =
        |app: &App| app.read_request(inline("k", "method = \"userpin\"").to_string().as_bytes(), "pipeline");

    // On a runtime of its own, which ends with all that runs on it.
    let (first, second) = std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let accepted = runtime.block_on(async {
                let app = open().await;
                let accepted = app.push(&job(&app).unwrap()).await.unwrap();
                // Nothing has been done for it yet: the runtime has this one thread.
                accepted
            });
            (accepted.record.job.id, accepted.pin.unwrap().expose().to_owned())
        };
        let first = scope.spawn(run).join().unwrap();
        let second = scope.spawn(run).join().unwrap();
        (first, second)
    });
    assert_eq!(first, second, "the same job, and the same PIN");
    let id: JobId = first.0;
    let text = std::fs::read(&config.store.path).unwrap();
    for secret in [IMSI, MSISDN, &first.1] {
        assert!(!text.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} is in the database");
    }

    let app = open().await;
    app.recover().await.unwrap();
    assert_eq!(app.resume_pushes().await.unwrap(), [id]);
    assert_eq!(app.resume_pushes().await.unwrap(), [], "one process works on it");
    let reach = |wanted: State| {
        let app = app.clone();
        async move {
            for _ in 0..400 {
                let job = app.jobs().get(id).await.unwrap().unwrap().job;
                if job.state == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            panic!("the job does not become {wanted}")
        }
    };
    reach(State::Delivering).await;
    // A push that its gateway knows is not one of which nobody knows.
    assert!(app.recover().await.unwrap().is_empty());
    *gateway.says.lock().unwrap() = MessageState::Delivered;
    reach(State::Delivered).await;
    assert_eq!(gateway.documents().len(), 1);
}

#[tokio::test]
async fn jobs_are_listed_and_called_off() {
    let service = Service::start(MessageState::Pending).await;
    let url = format!("http://{}/api/v1/jobs", service.address);
    let list = |query: &'static str| {
        answer(service.client.get(format!("{url}{query}")).bearer_auth(service.read.expose()))
    };
    assert_eq!(list("").await, (200, json!({"jobs": []})));
    assert_eq!(answer(service.client.get(&url)).await.0, 401);
    let (_, first) = service.ask(&inline("one", "method = \"netwpin\"")).await;
    let (_, second) = service.ask(&inline("two", "method = \"netwpin\"")).await;
    let (first, second) = (first["id"].as_str().unwrap(), second["id"].as_str().unwrap());
    service.until(first, "delivering").await;
    service.until(second, "delivering").await;
    let ids = |answer: &Value| -> Vec<String> {
        answer["jobs"].as_array().unwrap().iter().map(|j| j["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&list("").await.1), [second, first]);
    assert_eq!(ids(&list("?limit=1").await.1), [second]);
    assert_eq!(ids(&list("?state=delivering,failed").await.1).len(), 2);
    assert!(ids(&list("?state=failed").await.1).is_empty());
    // Who may read may not call off; a push that its gateway does not take back goes on.
    let cancel = |id: &str, token: &Token| {
        answer(service.client.post(format!("{url}/{id}/cancel")).bearer_auth(token.expose()))
    };
    assert_eq!(cancel(first, &service.read).await.0, 403);
    let (status, problem) = cancel(first, &service.submit).await;
    assert_eq!((status, problem["type"].as_str()), (409, Some("urn:bootgate:problem:too-late")), "{problem}");
    service.gateway.takes_back.store(true, Ordering::SeqCst);
    let (status, job) = cancel(first, &service.submit).await;
    assert_eq!((status, job["state"].as_str()), (200, Some("cancelled")), "{job}");
    assert!(job["history"].to_string().contains("called off by"), "{job}");
    // Again it is the same; the other one went on.
    assert_eq!(cancel(first, &service.submit).await.1["state"], "cancelled");
    *service.gateway.says.lock().unwrap() = MessageState::Delivered;
    service.until(second, "delivered").await;
    assert_eq!(cancel(second, &service.submit).await.0, 409);
    assert_eq!(ids(&list("?state=cancelled").await.1), [first]);
    assert_eq!(cancel("01ARZ3NDEKTSV4RRFFQ69G5FAV", &service.submit).await.0, 404);
}

#[tokio::test]
async fn a_push_that_the_gateway_never_takes_makes_no_job() {
    let service = Service::start(MessageState::Pending).await;
    *service.gateway.refuses.lock().unwrap() = Some("needs 300 short messages".to_owned());
    let (status, problem) = service.ask(&inline("long", "method = \"netwpin\"")).await;
    assert_eq!(status, 422, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("needs 300 short messages"), "{problem}");
    *service.gateway.refuses.lock().unwrap() = None;
    assert_eq!(service.ask(&inline("long", "method = \"netwpin\"")).await.0, 201, "the key is free");
}
