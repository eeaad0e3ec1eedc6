//! From accepted to where the gateway says that the push ended.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_push_is_delivered_when_all_receipts_say_so() {
    let b = bench();
    let record = b.run(&job("method = \"netwpin\""), &[(MessageState::Delivered, "")]).await;
    assert_eq!(states(&record), ["queued", "registered", "prepared", "delivering", "delivered"]);
    assert_eq!(record.attempts.len(), 1);
    let pushes = b.gateway.pushes();
    let [push] = &pushes[..] else { panic!("{pushes:?}") };
    assert_eq!(push.push_id, push_id(record.job.id).unwrap());
    assert_eq!(push.expires, b.clock.now().plus(Duration::from_secs(3600)));
    let PushContent::Push(entity) = &push.content else { panic!("{push:?}") };
    assert!(entity.fields[0].1.starts_with("application/vnd.wap.connectivity-wbxml; SEC=0; MAC="));
    // Nothing is left of what was sealed, and nothing shows it.
    let order = b.store.order(record.job.id).await.unwrap().unwrap();
    assert!(order.push.is_none() && order.account.is_none() && order.letter.is_none());
    assert!(!format!("{push:?} {order:?} {record:?}").contains("1711234567"));
    // The device comes in.
    let event = Event::FirstSession { device: "IMEI:490154203237518".into() };
    b.store.tell(record.job.id, &event, b.clock.now()).await.unwrap();
    assert_eq!(b.record(record.job.id).await.job.state, State::HandedOff);
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_says_in_the_end_is_where_the_job_stands() {
    for (says, end, reason) in [
        (
            &[(MessageState::Undeliverable, "no such subscriber")][..],
            "failed",
            "undeliverable: no such subscriber",
        ),
        (&[(MessageState::Rejected, "address")], "failed", "rejected: address"),
        (&[(MessageState::Cancelled, "by hand")], "cancelled", "called off: by hand"),
        (&[(MessageState::Cancelled, "called off by anna")], "cancelled", "called off by anna"),
        (&[(MessageState::Expired, "validity")], "expired", "validity"),
        (&[(MessageState::Unknown, "answer lost"), (MessageState::Delivered, "")], "delivered", ""),
        (&[(MessageState::Unknown, "answer lost"), (MessageState::Expired, "late")], "expired", "late"),
    ] {
        let b = bench();
        let record = b.run(&job("method = \"netwpin\""), says).await;
        let last = record.history.last().unwrap();
        assert_eq!(last.to.name(), end);
        let said = last.reason.as_ref().map_or("", Reason::as_str);
        assert!(said.ends_with(reason) && said.matches("called off").count() < 2, "{last:?}");
        assert_eq!(states(&record).contains(&"unknown"), says.len() == 2);
        // Credentials that nobody has open no session.
        let kept = !crate::dm::Accounts::candidates(&*b.store, None, "IMEI:490154203237518")
            .await
            .unwrap()
            .is_empty();
        assert_eq!(kept, end == "delivered", "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_left_behind_goes_on_and_pushes_once() {
    // After each step the process is gone, and another one goes on from what is recorded.
    for cut in 0..7 {
        let b = bench();
        let id =
            b.route.accept(&job("method = \"userpin\"\npin-channel = \"sms\"")).await.unwrap().record.job.id;
        let mut ended = false;
        for step in 0..cut {
            if step == 5 {
                b.gateway.say(MessageState::Delivered, "");
            }
            ended = b.route.step(id).await.unwrap() != Progress::On;
        }
        assert!(!ended, "{cut}");
        b.gateway.say(MessageState::Delivered, "");
        let another = PushRoute { random: Arc::new(Counting(Mutex::new(99))), ..b.route.clone() };
        assert_eq!(another.run(id).await.unwrap(), State::Delivered);
        let record = b.record(id).await;
        assert_eq!(states(&record), ["queued", "registered", "prepared", "delivering", "delivered"], "{cut}");
        // The push, and the message with the PIN.
        assert_eq!((b.gateway.pushes().len(), *b.gateway.submits.lock().unwrap()), (2, 2), "{cut}");
    }
    // Between gateway and record: it had it, and is not given another.
    let b = bench();
    let id = b.route.accept(&job("method = \"netwpin\"")).await.unwrap().record.job.id;
    for _ in 0..3 {
        b.route.step(id).await.unwrap();
    }
    let content = b.store.order(id).await.unwrap().unwrap().push.unwrap();
    let (to, expires) = ("491711234567".parse().unwrap(), b.clock.now());
    let had = PushOrder { push_id: push_id(id).unwrap(), to, content: PushContent::Push(content), expires };
    b.gateway.submit(&had).await.unwrap();
    b.gateway.say(MessageState::Delivered, "");
    assert_eq!(b.route.run(id).await.unwrap(), State::Delivered);
    assert_eq!(*b.gateway.submits.lock().unwrap(), 1);
    // Between the record and the gateway: it never had it, and gets it.
    let b = bench();
    let id = b.route.accept(&job("method = \"netwpin\"")).await.unwrap().record.job.id;
    for event in [
        Event::AccountRegistered { account: crate::dm::AccountId::new(9) },
        Event::PayloadBuilt,
        Event::DeliveryStarted,
    ] {
        b.store.tell(id, &event, b.clock.now()).await.unwrap();
    }
    b.gateway.say(MessageState::Delivered, "");
    assert_eq!(b.route.run(id).await.unwrap(), State::Delivered);
    assert_eq!((b.gateway.pushes().len(), *b.gateway.submits.lock().unwrap()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_does_not_answer_is_tried_again_and_one_that_refuses_is_not() {
    let busy = || GatewayError::Unavailable { why: "busy".into() };
    let b = bench();
    *b.gateway.answer.lock().unwrap() = vec![busy(), busy(), busy()];
    b.gateway.say(MessageState::Delivered, "");
    let record = b.run(&job("method = \"netwpin\""), &[]).await;
    assert_eq!(record.job.state, State::Delivered);
    assert_eq!(*b.gateway.submits.lock().unwrap(), 4);

    let b = bench();
    let why = "5 short messages, and the route takes 4 at most".to_owned();
    *b.gateway.answer.lock().unwrap() = vec![GatewayError::Refused { code: StatusCode(3006), why }];
    let record = b.run(&job("method = \"netwpin\""), &[]).await;
    assert_eq!(record.job.state, State::Failed);
    let reason = record.job.reason.unwrap();
    assert!(reason.as_str().contains("3006") && reason.as_str().contains("takes 4 at most"), "{reason}");
    assert!(b.gateway.pushes().is_empty());

    // One that never answers: the job's time runs out.
    let b = bench();
    *b.gateway.answer.lock().unwrap() = vec![busy()];
    let id = b.route.accept(&job("method = \"netwpin\"")).await.unwrap().record.job.id;
    let clock = b.clock.clone();
    let late = async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        clock.0.store(3_600_000, Ordering::SeqCst);
    };
    let (state, ()) = tokio::join!(b.route.run(id), late);
    assert_eq!(state.unwrap(), State::Expired);
    assert!(b.gateway.pushes().is_empty());
}
