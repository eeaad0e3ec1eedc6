//! The initiator against a gateway that does as it is told.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;
use crate::wire::pap::{Address, DeliveryMethod, MessageState, QualityOfService};

/// A gateway that answers one request with `answer`, whatever it is, and gives the request.
async fn gateway(answer: impl Into<Vec<u8>>) -> (Endpoint, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/wappush", listener.local_addr().unwrap()).parse().unwrap();
    let answer = answer.into();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !whole(&request) {
            let mut octets = [0; 4096];
            let n = stream.read(&mut octets).await.unwrap();
            assert!(n > 0, "the request ends early");
            request.extend_from_slice(&octets[..n]);
        }
        stream.write_all(&answer).await.unwrap();
        request
    });
    (endpoint, served)
}

fn whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let text = String::from_utf8(request[..head].to_vec()).unwrap();
    let length = text.lines().find_map(|l| l.strip_prefix("Content-Length: ")).unwrap();
    request.len() == head + 4 + length.parse::<usize>().unwrap()
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn client(endpoint: Endpoint, kind: GatewayKind) -> PapClient {
    PapClient::new(Gateway {
        name: "lab".into(),
        endpoint,
        credentials: Some(Credentials::Basic { user: "foo".into(), password: Zeroizing::new("bar".into()) }),
        capabilities: Capabilities::of(kind),
        patience: Patience { octets: 4096, ..Patience::default() },
    })
}

fn push() -> PushMessage {
    PushMessage {
        push_id: "1@pi".parse().unwrap(),
        replace: None,
        deliver_before: None,
        deliver_after: None,
        source_reference: None,
        progress_notes_requested: false,
        ppg_notify_requested_to: None,
        addresses: vec![Address::plmn("358401234567".parse().unwrap(), "ppg")],
        quality_of_service: None,
    }
}

fn content(parameters: &str) -> Content {
    Content {
        content_type: format!("application/vnd.wap.connectivity-wbxml{parameters}"),
        application: None,
        octets: vec![3, 0x0B, 0x6A, 0, 0x45, b'\r', b'\n'],
    }
}

const SIGNED: &str = "; SEC=1; MAC=4A4B";

fn accepted(push_id: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\"?>\n<pap><push-response push-id=\"{push_id}\"><response-result code =\"1001\"/></push-response></pap>"
    );
    http("202 Accepted", &body)
}

/// The request, octet by octet: some gateways send fields that they do not know on to the device.
#[tokio::test]
async fn a_push_has_the_fields_that_it_must_have_and_no_others() {
    let (endpoint, served) = gateway(accepted("1@pi")).await;
    let authority = endpoint.authority();
    let answer = client(endpoint, GatewayKind::Bootgate).push(&push(), &content(SIGNED)).await.unwrap();
    assert_eq!(answer.code, StatusCode::ACCEPTED);

    let request = served.await.unwrap();
    let head = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let (head, body) = (String::from_utf8(request[..head].to_vec()).unwrap(), &request[head + 4..]);
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /wappush HTTP/1.1"));
    let fields: Vec<(&str, &str)> = lines.map(|l| l.split_once(": ").unwrap()).collect();
    let names: Vec<&str> = fields.iter().map(|(n, _)| *n).collect();
    assert_eq!(names, ["Host", "Content-Type", "Content-Length", "Connection", "Authorization"]);
    assert_eq!(fields[0].1, authority);
    assert_eq!(fields[4].1, "Basic Zm9vOmJhcg==");

    let boundary = multipart::boundary(fields[1].1).unwrap();
    assert!(fields[1].1.contains("type=\"application/xml\""), "{head}");
    let entities = multipart::read(&boundary, body).unwrap();
    assert_eq!(entities.len(), 2);
    let control = Pap::decode(entities[0].body, Strictness::Strict).unwrap();
    assert_eq!(control.message, Message::Push(push()));
    let kept = Some("application/vnd.wap.connectivity-wbxml; SEC=1; MAC=4A4B");
    assert_eq!((entities[1].field("Content-Type"), entities[1].body), (kept, &content("").octets[..]));
}

#[tokio::test]
async fn an_answer_that_is_not_well_formed_is_read() {
    let (endpoint, _served) = gateway(accepted("a&b@pi")).await;
    let push = PushMessage { push_id: "a&b@pi".parse().unwrap(), ..push() };
    assert!(client(endpoint, GatewayKind::Standard).push(&push, &content("")).await.is_ok());
}

#[tokio::test]
async fn what_is_no_acceptance_is_none() {
    let refusal = r#"<pap><push-response push-id="1@pi"><response-result code="2007" desc="twice"/></push-response></pap>"#;
    let bad = r#"<pap><badmessage-response code="2000"/></pap>"#;
    let cancelled =
        r#"<pap><cancel-response push-id="1@pi"><cancel-result code="1000"/></cancel-response></pap>"#;
    let long = "x".repeat(5000);
    for (answer, why, in_doubt) in [
        (http("202 Accepted", refusal), "refuses: 2007 duplicate push id (twice)", false),
        (http("202 Accepted", bad), "refuses: 2000 bad request", false),
        (accepted("2@pi"), "answers for another push", true),
        (http("202 Accepted", cancelled), "answers as to a cancellation", true),
        (http("202 Accepted", "<pap>"), "cannot be read", true),
        (http("401 Unauthorized", ""), "does not let us in (HTTP status 401)", false),
        (http("404 Not Found", ""), "HTTP status 404", false),
        (http("502 Bad Gateway", ""), "HTTP status 502", true),
        (http("202 Accepted", &long), "more than 4096 octets", true),
        ("HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n<pap".to_owned(), "was lost", true),
        (String::new(), "was lost", true),
    ] {
        let (endpoint, _served) = gateway(answer).await;
        let error = client(endpoint, GatewayKind::Standard).push(&push(), &content("")).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.is_in_doubt(), in_doubt, "{error}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_has_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = client(endpoint, GatewayKind::Standard).push(&push(), &content("")).await.unwrap_err();
    assert!(!error.is_in_doubt() && error.is_transient(), "{error}");
}

#[tokio::test]
async fn status_and_cancel_are_asked_for() {
    let body = r#"<pap><statusquery-response push-id="1@pi"><statusquery-result message-state="delivered" code="1000"/></statusquery-response></pap>"#;
    let (endpoint, served) = gateway(http("202 Accepted", body)).await;
    let query = StatusQuery { push_id: "1@pi".parse().unwrap(), addresses: Vec::new() };
    let answer = client(endpoint, GatewayKind::Standard).query(query).await.unwrap();
    assert_eq!(answer.results[0].state, MessageState::Delivered);
    let request = String::from_utf8(served.await.unwrap()).unwrap();
    assert!(
        request.contains("Content-Type: application/xml\r\n") && request.contains("<statusquery-message")
    );

    let body = r#"<pap><cancel-response push-id="1@pi"><cancel-result code="2008"/></cancel-response></pap>"#;
    let (endpoint, served) = gateway(http("202 Accepted", body)).await;
    let cancel = CancelMessage { push_id: "1@pi".parse().unwrap(), addresses: Vec::new() };
    let answer = client(endpoint, GatewayKind::Standard).cancel(cancel).await.unwrap();
    assert_eq!(answer.results[0].code, StatusCode::CANCELLATION_NOT_POSSIBLE);
    assert!(String::from_utf8(served.await.unwrap()).unwrap().contains("<cancel-message"));
}

/// Nothing is sent to a gateway that would lose something: nobody listens there.
#[tokio::test]
async fn what_a_gateway_would_lose_is_not_sent() {
    let nowhere: Endpoint = "http://127.0.0.1:9/".parse().unwrap();
    let later = || Some("2030-01-01T00:00:00Z".parse().unwrap());
    let confirmed =
        QualityOfService { delivery_method: DeliveryMethod::Confirmed, ..QualityOfService::default() };
    let two = vec![push().addresses[0].clone(), Address::plmn("358401234568".parse().unwrap(), "ppg")];
    let large = Content { octets: vec![0; 1_300], ..content("") };
    for (push, content, why) in [
        (push(), content(SIGNED), "does not keep SEC and MAC"),
        (PushMessage { addresses: two, ..push() }, content(""), "serves one address of several"),
        (PushMessage { deliver_after: later(), ..push() }, content(""), "never sends"),
        (
            PushMessage { quality_of_service: Some(confirmed), ..push() },
            content(""),
            "takes a confirmed push",
        ),
        (push(), large, "take up to 11 short messages"),
    ] {
        let error = client(nowhere.clone(), GatewayKind::Kannel).push(&push, &content).await.unwrap_err();
        assert!(matches!(error, PapError::Unfit(_)) && error.to_string().contains(why), "{error}");
    }
    let error = client(nowhere.clone(), GatewayKind::Standard).push(&push(), &content(SIGNED)).await;
    assert!(error.unwrap_err().to_string().contains("sendsms"));
    let kannel = client(nowhere, GatewayKind::Kannel);
    let push_id: PushId = "1@pi".parse().unwrap();
    let query = StatusQuery { push_id: push_id.clone(), addresses: Vec::new() };
    assert!(matches!(kannel.query(query).await, Err(PapError::Unfit(_))));
    let cancel = CancelMessage { push_id, addresses: Vec::new() };
    assert!(matches!(kannel.cancel(cancel).await, Err(PapError::Unfit(_))));
}

#[test]
fn an_endpoint_holds_no_credentials_and_shows_no_query() {
    for bad in [
        "ppg.example/wappush",
        "ftp://ppg.example/",
        "http://foo:bar@ppg.example/",
        "http://h/#a",
        "http:///x",
    ] {
        let error = bad.parse::<Endpoint>();
        assert!(error.is_err() || bad == "http:///x", "{bad}");
    }
    let endpoint: Endpoint = "http://ppg.example:18080/wappush?password=bar".parse().unwrap();
    assert_eq!(endpoint.to_string(), "http://ppg.example:18080/wappush?…");
    assert!(!format!("{endpoint:?}").contains("bar"));
}
