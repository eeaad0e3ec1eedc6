//! What is ordered and kept, and which step comes next.

use super::*;

#[tokio::test]
async fn what_cannot_be_pushed_makes_no_job() {
    let b = bench();
    let mut no_number = job("method = \"netwpin\"");
    no_number.subscriber.msisdn = None;
    let mut no_imsi = job("method = \"netwpin\"");
    no_imsi.subscriber.imsi = None;
    let mut cards_only = job("method = \"netwpin\"");
    cards_only.profile.security = None;
    let mut dm = job("method = \"userpinmac\"");
    dm.payload = PayloadKind::Dm;
    let mut pin = job("method = \"netwpin\"");
    pin.pin = Some("1234".parse().unwrap());
    let mut other = job("method = \"netwpin\"");
    other.profile.dm_account.as_mut().unwrap().server_id = "other.dm".parse().unwrap();
    for (asked, said) in [
        (no_number, "telephone number"),
        (no_imsi, "NETWPIN needs the IMSI"),
        (cards_only, "it is for cards only"),
        (dm, "no method of the DM bootstrap"),
        (pin, "netwpin of the profile has none"),
        (other, "server `other.dm`"),
    ] {
        let error = b.route.accept(&asked).await.unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains(IMSI), "{error}");
    }
    let any = crate::job::Filter { states: Vec::new(), limit: 10 };
    assert!(b.store.list(&any).await.unwrap().is_empty());
    // The same key for something else.
    b.route.accept(&job("method = \"netwpin\"")).await.unwrap();
    let mut else_ = job("method = \"netwpin\"");
    else_.asked = [8; 32];
    let error = b.route.accept(&else_).await.unwrap_err();
    assert!(matches!(error, PushJobError::Jobs(JobsError::KeyTaken { .. })), "{error}");
}

#[tokio::test]
async fn nothing_is_unauthenticated_but_by_name() {
    let b = bench();
    let text = PROFILE.replace("method = \"usernetwpin\"", "method = \"none\"");
    assert!(Profile::parse(&text).is_err());
    let asked = job("method = \"none\"\nallow-unauthenticated = true");
    let id = b.route.accept(&asked).await.unwrap().record.job.id;
    let order = b.store.order(id).await.unwrap().unwrap();
    let push = order.push.unwrap();
    assert!(push.unsigned && push.fields[0].1 == "application/vnd.wap.connectivity-wbxml");
    for method in ["netwpin", "userpin", "usernetwpin", "userpinmac"] {
        let b = bench();
        let id = b.route.accept(&job(&format!("method = \"{method}\""))).await.unwrap().record.job.id;
        let order = b.store.order(id).await.unwrap().unwrap();
        let push = order.push.unwrap();
        assert!(!push.unsigned && push.fields[0].1.contains("; SEC="));
    }
}

#[tokio::test]
async fn an_order_reads_back_and_nothing_else_does() {
    let b = bench();
    let id = b.route.accept(&job("method = \"userpin\"")).await.unwrap().record.job.id;
    let order = b.store.order(id).await.unwrap().unwrap();
    let octets = order.to_octets();
    let back = Order::from_octets(&octets).unwrap();
    assert_eq!(*back.to_octets(), *octets);
    assert_eq!((back.push, back.expires, back.asked), (order.push, order.expires, order.asked));
    assert_eq!(back.letter.unwrap().pin.expose(), order.letter.unwrap().pin.expose());
    for end in 0..octets.len() {
        assert_eq!(Order::from_octets(&octets[..end]).unwrap_err(), OrderError);
    }
}

/// The table in the documentation of [`next`], read from the file, is what the code does.
#[tokio::test]
async fn the_table_of_steps_is_true() {
    let b = bench();
    let id = b.route.accept(&job("method = \"userpin\"\npin-channel = \"sms\"")).await.unwrap().record.job.id;
    let order = b.store.order(id).await.unwrap().unwrap();
    let without = |letter: bool, push: bool| {
        let mut order = order.clone();
        order.letter = order.letter.filter(|_| letter);
        order.push = order.push.filter(|_| push);
        order
    };
    let stands = |state| Some(PushStanding { state, why: "why".into() });
    let (early, late) = (b.clock.now(), order.expires);
    let rows = include_str!("../step.rs").lines().filter_map(|l| l.strip_prefix("/// | `"));
    let mut seen = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let [state, and, wanted] = cells[..] else { panic!("{row}") };
        let state: State = state.trim_end_matches('`').parse().unwrap();
        if state == State::Unknown {
            continue;
        }
        let (order, standing, now) = match and {
            "its time has run out" => (without(true, true), None, late),
            "a PIN is to be told by webhook" => {
                let mut order = without(true, true);
                order.letter.as_mut().unwrap().channel = PinChannel::Webhook;
                (order, None, early)
            }
            "it is pending or delivered, or the gateway cannot tell, and a PIN is to go by short message in time" =>
            {
                let order = without(true, false);
                for told in [MessageState::Pending, MessageState::Delivered, MessageState::Unknown] {
                    for state in [State::Delivering, State::Unknown] {
                        let standing = stands(told);
                        let facts = |now| Facts { state, order: &order, standing: standing.as_ref(), now };
                        assert_eq!(next(facts(early)), Next::SendPin, "{told}");
                        assert_ne!(next(facts(late)), Next::SendPin, "{told}: it would be refused");
                    }
                }
                (order, stands(MessageState::Pending), early)
            }
            "" => (without(false, true), None, early),
            "the gateway never had it, in time" => (without(false, true), None, early),
            "the gateway never had it, too late" => (without(false, true), None, late),
            "the gateway had it and has lost it" => (without(false, false), None, early),
            "it is pending" => (without(false, false), stands(MessageState::Pending), late),
            "it is delivered" => (without(false, false), stands(MessageState::Delivered), early),
            "the gateway cannot tell" => (without(false, false), stands(MessageState::Unknown), early),
            "it has expired" => (without(false, false), stands(MessageState::Expired), early),
            "it was taken back" => (without(false, false), stands(MessageState::Cancelled), early),
            "it has ended in another way" => (without(false, false), stands(MessageState::Aborted), early),
            other => panic!("{other}"),
        };
        let got = match next(Facts { state, order: &order, standing: standing.as_ref(), now }) {
            Next::Register => "register the account".to_owned(),
            Next::SendPin => "send the PIN".to_owned(),
            Next::Submit => "submit".to_owned(),
            Next::Tell(event) => format!("record `{}`", event.name()),
            Next::Wait => "wait".to_owned(),
            Next::End => "nothing".to_owned(),
        };
        assert_eq!(got, wanted, "{row}");
        // Whatever is recorded can happen there.
        if let Next::Tell(event) = next(Facts { state, order: &order, standing: standing.as_ref(), now }) {
            state.on(&event).unwrap();
        }
        seen += 1;
    }
    assert_eq!(seen, 17);
    // An unknown one.
    let order = without(false, false);
    let facts = |standing: Option<&PushStanding>, now| {
        next(Facts { state: State::Unknown, order: &order, standing, now })
    };
    assert_eq!(facts(None, early), Next::Wait);
    // Receipts may come after its time.
    let over = late.plus(LATE_RECEIPTS);
    assert_eq!(facts(None, late), Next::Wait);
    assert_eq!(facts(None, over), Next::End);
    assert_eq!(facts(stands(MessageState::Unknown).as_ref(), early), Next::Wait);
    assert_eq!(facts(stands(MessageState::Unknown).as_ref(), late), Next::Wait);
    assert_eq!(facts(stands(MessageState::Unknown).as_ref(), over), Next::End);
    assert_eq!(facts(stands(MessageState::Delivered).as_ref(), late), Next::Tell(Event::DeliveryConfirmed));
    for state in State::ALL.into_iter().filter(|s| s.is_final()) {
        assert_eq!(next(Facts { state, order: &order, standing: None, now: late }), Next::End);
    }
}
