//! The link against a Kannel that answers as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use zeroize::Zeroizing;

use super::*;
use crate::{
    bearer::{
        Patience, Route, Routes,
        smpp::{Credentials, LinkSettings, SmppLink, SmscAddress, Source},
    },
    ident::Timestamp,
    wire::{pap::Priority, wdp::Ports},
};

const GOOD: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n0:";

/// It is always the same time.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_694_400_000)
    }
}

/// No two draws are the same.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Random for Counted {
    fn fill(&self, out: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        out.iter_mut().zip(n.iter().rev().cycle()).for_each(|(octet, n)| *octet = *n);
    }
}

/// A Kannel that gives these answers, one a request, and then is silent; and what it was asked.
async fn kannel(answers: &[&str]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cgi-bin/sendsms", listener.local_addr().unwrap());
    let answers: Vec<String> = answers.iter().map(|text| (*text).to_owned()).collect();
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let count = AtomicUsize::new(0);
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut octets = [0; 4096];
            let read = stream.read(&mut octets).await.unwrap();
            asked.send(String::from_utf8_lossy(&octets[..read]).into_owned()).unwrap();
            match answers.get(count.fetch_add(1, Ordering::SeqCst)) {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => std::mem::forget(stream),
            }
        }
    });
    (url, requests)
}

fn link(url: &str, window: usize) -> (SendsmsLink, mpsc::Receiver<Event>) {
    link_that(url, window, false)
}

fn link_that(url: &str, window: usize, write_ahead: bool) -> (SendsmsLink, mpsc::Receiver<Event>) {
    let kannel = Sendsms {
        name: "op".into(),
        endpoint: url.parse().unwrap(),
        user: "ota".into(),
        password: Zeroizing::new("secret".into()),
        sender: None,
        smsc: None,
        most_segments: 5,
        patience: Patience::default(),
    };
    let receipts = Some("http://gw/key/receipt/".to_owned());
    let settings = SendsmsSettings { window, capacity: 10, write_ahead, receipts };
    let (events, told) = mpsc::channel(64);
    let (clock, random) = (Arc::new(Noon), Arc::new(Counted::default()));
    (SendsmsLink::start(kannel, settings, Arc::default(), events, clock, random), told)
}

fn dispatch(id: u64, octets: usize) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        destination: Destination::Msisdn("491711234567".parse().unwrap()),
        carriage: Carriage::Datagram(Ports::PUSH),
        octets: vec![7; octets].into(),
        expires: None,
        priority: Priority::Medium,
        reference: None,
    }
}

/// A number that nobody sees is not counted: gateways on one database count for all.
#[tokio::test]
async fn what_goes_in_one_message_takes_no_reference() {
    let (url, _requests) = kannel(&[GOOD; 3]).await;
    let (link, mut told) = link(&url, 1);
    for (id, octets, remembered) in
        [(1, 133, "References(0 destinations)"), (2, 134, "References(1 destinations)")]
    {
        link.send(dispatch(id, octets)).await.unwrap();
        while !told.recv().await.unwrap().closes() {}
        assert_eq!(format!("{:?}", link.shared.references), remembered);
    }
}

/// Text goes as characters, and with a header only where it takes several messages.
#[tokio::test]
async fn text_is_handed_in_as_text() {
    let (url, mut requests) = kannel(&[GOOD; 4]).await;
    let (link, mut told) = link(&url, 1);
    let long = "x".repeat(200);
    for (n, (text, coding, messages)) in
        [("PIN für € 4711", "0", 1), ("Ваш PIN", "2", 1), (&long, "0", 2)].into_iter().enumerate()
    {
        let text =
            Dispatch { carriage: Carriage::Text, octets: text.as_bytes().into(), ..dispatch(n as u64, 0) };
        assert_eq!(link.admit(&text), Ok(messages));
        link.send(text.clone()).await.unwrap();
        for _ in 0..messages {
            let request = requests.recv().await.unwrap().to_ascii_lowercase();
            assert!(request.contains(&format!("x-kannel-coding: {coding}\r\n")), "{request}");
            assert_eq!(request.contains("x-kannel-udh: 050003"), messages > 1, "{request}");
        }
        while !matches!(told.recv().await.unwrap(), Event::Sent { .. }) {}
    }
    link.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn segments_are_handed_in_under_the_names_that_receipts_have() {
    let (url, mut requests) = kannel(&[GOOD; 3]).await;
    let (link, mut told) = link(&url, 4);
    assert_eq!(link.admit(&dispatch(1, 300)), Ok(3));
    assert!(matches!(link.admit(&dispatch(1, 641)), Err(Refusal::TooLong { segments: 6, most: 5, .. })));
    link.send(dispatch(1, 300)).await.unwrap();
    for n in 0..3 {
        let Event::Submitted { segment, message, .. } = told.recv().await.unwrap() else { panic!() };
        let request = requests.recv().await.unwrap();
        assert_eq!((segment, &*message.smsc, message.id.len()), (n, "op", 20));
        let url = format!("http://gw/key/receipt/op.{}?d=%d", message.id);
        assert!(request.contains(&url), "{request}");
    }
    let sent = told.recv().await.unwrap();
    assert_eq!(sent, Event::Sent { id: DispatchId(1), segments: 3, receipts: true });
    let past = Dispatch { expires: Some(Timestamp::from_millis(1)), ..dispatch(2, 9) };
    link.send(past).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), Event::Expired { id: DispatchId(2) });
    link.close(Duration::from_secs(5)).await;
    assert!(link.send(dispatch(3, 9)).await.is_err());
}

#[tokio::test]
async fn a_refusal_is_final_a_lost_answer_unclear_and_one_that_is_away_is_left_alone() {
    let (url, _requests) = kannel(&[GOOD, "HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nno!", ""]).await;
    let (refused, mut told) = link(&url, 1);
    refused.send(dispatch(1, 300)).await.unwrap();
    assert!(matches!(told.recv().await.unwrap(), Event::Submitted { segment: 0, .. }));
    let Event::Failed { failure, .. } = told.recv().await.unwrap() else { panic!() };
    assert!(!failure.is_transient() && failure.to_string().contains("no!"), "{failure}");
    refused.send(dispatch(2, 9)).await.unwrap();
    let lost = told.recv().await.unwrap();
    assert_eq!(lost, Event::Unclear { id: DispatchId(2), in_doubt: 1, segments: 1 });
    // What a proxy says that waited in vain, and a server that broke off. A queue that is full is another matter.
    for status in [500, 502, 504] {
        let answer = format!("HTTP/1.1 {status} Broken\r\nContent-Length: 0\r\n\r\n").leak();
        let (url, mut requests) = kannel(&[answer, GOOD]).await;
        let (broken, mut told) = link(&url, 1);
        broken.send(dispatch(2, 9)).await.unwrap();
        let lost = told.recv().await.unwrap();
        assert_eq!(lost, Event::Unclear { id: DispatchId(2), in_doubt: 1, segments: 1 }, "{status}");
        requests.recv().await.unwrap();
        assert!(requests.try_recv().is_err(), "{status}: it was sent again");
    }
    let (url, _requests) = kannel(&["HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n", GOOD]).await;
    let (full, mut told) = link(&url, 1);
    full.send(dispatch(2, 9)).await.unwrap();
    assert!(matches!(told.recv().await.unwrap(), Event::Submitted { id: DispatchId(2), .. }));
    // Of several the others stay here: no device can read it, so that it can go again.
    let (url, _requests) = kannel(&[GOOD, ""]).await;
    let (broken, mut told) = link(&url, 1);
    broken.send(dispatch(4, 300)).await.unwrap();
    assert!(matches!(told.recv().await.unwrap(), Event::Submitted { segment: 0, of: 3, .. }));
    let Event::Failed { failure, .. } = told.recv().await.unwrap() else { panic!() };
    assert_eq!(failure, Failure::Incomplete { smsc: "op".into(), sent: 2, segments: 3 });
    assert!(failure.is_transient());
    assert_eq!(refused.bound(), 1);

    let (away, mut told) = link("http://127.0.0.1:9/", 1);
    away.send(dispatch(3, 9)).await.unwrap();
    let Event::Failed { failure, .. } = told.recv().await.unwrap() else { panic!() };
    assert!(failure.is_transient(), "{failure}");
    assert_eq!(away.bound(), 0);
}

#[tokio::test]
async fn what_has_not_begun_is_given_back() {
    let (url, mut requests) = kannel(&[]).await;
    let (link, _told) = link(&url, 1);
    link.send(dispatch(1, 9)).await.unwrap();
    requests.recv().await.unwrap();
    link.send(dispatch(2, 9)).await.unwrap();
    assert_eq!((link.withdraw(DispatchId(1)), link.withdraw(DispatchId(2))), (false, true));
    assert_eq!((link.held(), link.has_room()), (0, true));
}

/// Of what the operator never heard of, nothing is in doubt after a kill.
#[tokio::test]
async fn nothing_leaves_before_it_is_written_down_and_a_window_asks_at_a_time() {
    let (url, mut requests) = kannel(&[GOOD; 3]).await;
    let (link, mut told) = link_that(&url, 2, true);
    assert!(link.lanes()[0].asks);
    for id in 1..=3 {
        link.send(dispatch(id, 9)).await.unwrap();
    }
    let [Some(Event::Leaving(one)), Some(Event::Leaving(two))] = [told.recv().await, told.recv().await]
    else {
        panic!("it does not ask")
    };
    assert_eq!((link.held(), told.try_recv().is_err(), requests.try_recv().is_err()), (1, true, true));
    // Word for a question of another link.
    link.leave(&[Asking::new(one.id)]);
    tokio::task::yield_now().await;
    assert!(requests.try_recv().is_err());
    link.leave(&[two]);
    assert!(matches!(told.recv().await, Some(Event::Submitted { id, .. }) if id == two.id));
    assert!(matches!(told.recv().await, Some(Event::Sent { id, .. }) if id == two.id));
    assert!(matches!(told.recv().await, Some(Event::Leaving(third)) if third.id == DispatchId(3)));
    requests.try_recv().unwrap();
    // The two that may not leave hold up no end, and do not leave any more.
    link.close(Duration::from_secs(60)).await;
    link.leave(&[one]);
    assert!(requests.try_recv().is_err() && told.try_recv().is_err());
}

/// A link to an SMSC that is not there.
fn main() -> SmppLink {
    let (to, _nobody) = mpsc::channel(64);
    let credentials = Credentials::new("us", None, "").unwrap();
    let settings = LinkSettings::new("main", credentials, Source::new("9876", None).unwrap());
    let nobody = SmscAddress { address: "127.0.0.1:9".into(), connect_timeout: PAUSE, tls: None };
    let (clock, random) = (Arc::new(Noon), Arc::new(Counted::default()));
    SmppLink::start(settings, nobody, Arc::default(), to, clock, random)
}

/// Two routes that lead over one link share its room, and what no route reaches has a lane in which it is found.
#[tokio::test]
async fn routes_share_a_link_and_say_what_none_of_them_reaches() {
    let (url, _requests) = kannel(&[]).await;
    let (op, _told) = link(&url, 1);
    let op = Arc::new(op);
    let away = Arc::new(main());
    let route = |prefix: &str, links: Vec<Arc<dyn Link>>| Route { prefix: prefix.into(), links };
    let routes = Routes::new(vec![route("49", vec![away, op.clone()]), route("43", vec![op.clone()])], None);
    let room: Vec<usize> = routes.lanes().iter().map(|lane| lane.room).collect();
    assert_eq!(room, [5, 5, usize::MAX]);
    assert_eq!(&*routes.lanes()[2].name, "");
    assert!(routes.takes(&dispatch(1, 9)));
    op.shared.places.forget_permits(10);
    assert!(!routes.takes(&dispatch(1, 9)));
    assert_eq!(routes.lanes().len(), 2, "nothing is claimed while all links are full");
    let nowhere = Destination::Msisdn("1202".parse().unwrap());
    assert_eq!(&*routes.lane(&nowhere), "");
    assert!(routes.admit(&Dispatch { destination: nowhere.clone(), ..dispatch(1, 9) }).is_err());
    assert!(routes.hindrance(&nowhere).unwrap().what.contains("no route"));
}

#[tokio::test]
async fn it_carries_for_an_smsc_that_is_down() {
    let (url, _requests) = kannel(&[GOOD]).await;
    let (op, mut told) = link(&url, 1);
    let main = Arc::new(main());
    let number = Destination::Msisdn("491711234567".parse().unwrap());
    let alone = Routes::new(vec![Route { prefix: String::new(), links: vec![main.clone()] }], None);
    let hindrance = alone.hindrance(&number).unwrap();
    assert_eq!(hindrance.says(true), "it waits: no link to the network stands (main)");
    let both = Routes::new(vec![Route { prefix: String::new(), links: vec![main, Arc::new(op)] }], None);
    assert_eq!(both.hindrance(&number), None);
    both.send(dispatch(1, 9)).await.unwrap();
    assert!(matches!(told.recv().await.unwrap(), Event::Submitted { .. }));
    let sent = told.recv().await.unwrap();
    assert_eq!(sent, Event::Sent { id: DispatchId(1), segments: 1, receipts: true });
}
