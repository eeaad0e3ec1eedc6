//! The user's PIN, which goes another way than the push.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_pin_goes_its_own_way_and_never_with_the_push() {
    for (channel, kind, method) in [
        (PinChannel::Printed, PayloadKind::Cp, "usernetwpin"),
        (PinChannel::Printed, PayloadKind::Cp, "userpinmac"),
        (PinChannel::Webhook, PayloadKind::Dm, "userpin"),
        (PinChannel::Webhook, PayloadKind::Cp, "userpinmac"),
        (PinChannel::Sms, PayloadKind::Cp, "userpin"),
        (PinChannel::Sms, PayloadKind::Dm, "usernetwpin"),
    ] {
        let b = bench();
        b.gateway.say(MessageState::Delivered, "");
        let security = format!("method = \"{method}\"\npin-length = 9\npin-channel = \"{channel}\"");
        let mut asked = job(&security);
        asked.payload = kind;
        let accepted = b.route.accept(&asked).await.unwrap();
        let again = b.route.accept(&asked).await.unwrap();
        let mut stranger = asked.clone();
        stranger.creator = Some("another".into());
        assert!(b.route.accept(&stranger).await.unwrap().pin.is_none(), "told to whoever asked first alone");
        let id = accepted.record.job.id;
        assert!(!again.fresh && again.record.job.id == id);
        b.route.run(id).await.unwrap();
        assert!(
            b.route.accept(&asked).await.unwrap().pin.is_none(),
            "nothing is kept of a job that has ended"
        );

        let pushes = b.gateway.pushes();
        let texts = pushes.iter().filter_map(|p| match &p.content {
            PushContent::Text(text) => text.rsplit_once(": ").map(|(_, pin)| pin.to_owned()),
            PushContent::Push(_) => None,
        });
        let texts: Vec<String> = texts.collect();
        let printed = accepted.pin.as_ref().map(|p| p.expose().to_owned());
        assert_eq!(printed, again.pin.map(|p| p.expose().to_owned()));
        let posted: Vec<String> =
            b.told.0.lock().unwrap().iter().map(|n| n.pin.expose().to_owned()).collect();
        let all: Vec<&String> = printed.iter().chain(&texts).chain(&posted).collect();
        let [pin] = &all[..] else { panic!("{channel}: told {} times", all.len()) };
        assert_eq!(pin.len(), if method == "userpinmac" { 18 } else { 9 });
        let way = match channel {
            PinChannel::Printed => printed.is_some(),
            PinChannel::Webhook => posted.len() == 1,
            PinChannel::Sms => texts.len() == 1,
        };
        assert!(way, "{channel}");
        for push in &pushes {
            let PushContent::Push(entity) = &push.content else { continue };
            let bare = entity.body.windows(9).any(|w| w == &pin.as_bytes()[..9]);
            assert!(!bare && !format!("{:?}", entity.fields).contains(&pin[..9]), "the push holds the PIN");
            assert_eq!(entity.fields[0].1.contains("MAC="), method != "userpinmac");
            assert_eq!(entity.fields.len(), if kind == PayloadKind::Dm { 2 } else { 1 });
        }
        // A short message with the PIN goes when the gateway has the push, and not before.
        let order: Vec<bool> = pushes.iter().map(|p| p.push_id.as_str().ends_with(".pin@bootgate")).collect();
        assert_eq!(order, if channel == PinChannel::Sms { vec![false, true] } else { vec![false] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_cannot_be_told_sends_no_push() {
    let security = "method = \"userpin\"\npin-channel = \"webhook\"";
    let b = bench();
    *b.told.1.lock().unwrap() = vec![PinError::Refused { why: "HTTP 404".into() }];
    let record = b.run(&job(security), &[]).await;
    assert_eq!(states(&record), ["queued", "registered", "prepared", "failed"]);
    assert!(b.gateway.pushes().is_empty());
    // Told again until it is taken; then not once more.
    let b = bench();
    let busy = || PinError::Unavailable { why: "HTTP 503".into() };
    *b.told.1.lock().unwrap() = vec![busy(), busy()];
    b.gateway.say(MessageState::Delivered, "");
    b.run(&job(security), &[]).await;
    assert_eq!(b.told.0.lock().unwrap().len(), 3);
    // Nobody to tell.
    let b = bench();
    let route = PushRoute { pins: None, ..b.route.clone() };
    let refused = route.accept(&job(security)).await.unwrap_err().to_string();
    assert!(refused.contains("`webhook`") && refused.contains("[job] pin-webhook"), "{refused}");
}

/// Links without receipts say at once that nobody can tell: the PIN goes all the same, once.
#[tokio::test(start_paused = true)]
async fn the_pin_goes_where_the_network_tells_nothing() {
    let b = bench();
    b.gateway.say(MessageState::Unknown, "the network has it and tells no more");
    let id = b.route.accept(&job("method = \"userpin\"\npin-channel = \"sms\"")).await.unwrap().record.job.id;
    for _ in 0..8 {
        assert!(matches!(b.route.step(id).await.unwrap(), Progress::On));
    }
    let texts = || b.gateway.pushes().iter().filter(|p| matches!(p.content, PushContent::Text(_))).count();
    assert_eq!((texts(), b.record(id).await.job.state), (1, State::Unknown));
    assert!(b.store.order(id).await.unwrap().unwrap().letter.is_none());
    assert_eq!(*b.gateway.submits.lock().unwrap(), 2);
}

/// Whoever calls a job off, and whoever sees it end badly, takes the PIN back with it.
#[tokio::test(start_paused = true)]
async fn the_pin_of_a_job_that_is_called_off_is_taken_back() {
    let b = bench();
    let asked = job("method = \"userpin\"\npin-channel = \"sms\"");
    let id = b.route.accept(&asked).await.unwrap().record.job.id;
    while b.gateway.pushes().len() < 2 {
        b.route.step(id).await.unwrap();
    }
    assert!(matches!(b.route.call_off(id, "test").await.unwrap(), CallOff::Done(_)));
    let both = [push_id(id).unwrap(), pin_id(id).unwrap()];
    assert_eq!(*b.gateway.cancelled.lock().unwrap(), both);
    // Whoever sees the push before the job is told says the same.
    let says = b.gateway.says.lock().unwrap().clone().unwrap();
    let record = b.record(id).await;
    assert_eq!(record.history.last().unwrap().reason.as_ref().unwrap().as_str(), says.why);
    assert_eq!(says.why, "called off by test");
    // One that the network ends.
    let b = bench();
    let record = b.run(&asked, &[(MessageState::Pending, ""), (MessageState::Expired, "late")]).await;
    assert_eq!(record.job.state, State::Expired);
    assert_eq!(*b.gateway.cancelled.lock().unwrap(), [pin_id(record.job.id).unwrap()]);
}

/// A PIN that no link takes is found out before there is a job; later, the push that would ask for it is taken back.
#[tokio::test(start_paused = true)]
async fn a_pin_that_is_refused_takes_its_push_back() {
    let refused =
        || GatewayError::Refused { code: StatusCode::TRANSFORMATION_FAILURE, why: "no text".into() };
    let asked = job("method = \"userpin\"\npin-channel = \"sms\"");
    let b = bench();
    *b.gateway.text.lock().unwrap() = Some(refused());
    let error = b.route.accept(&asked).await.unwrap_err().to_string();
    assert!(error.contains("no text"), "{error}");
    let b = bench();
    let id = b.route.accept(&asked).await.unwrap().record.job.id;
    *b.gateway.text.lock().unwrap() = Some(refused());
    b.route.run(id).await.unwrap();
    let record = b.record(id).await;
    assert_eq!(record.job.state, State::Failed);
    let why = record.history.last().unwrap().reason.as_ref().unwrap().to_string();
    assert!(why.contains("no text") && why.contains("its push was taken back"), "{why}");
    assert_eq!(b.gateway.cancelled.lock().unwrap()[0], push_id(id).unwrap());
}
