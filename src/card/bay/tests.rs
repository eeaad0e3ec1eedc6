//! Bays over a hall of virtual readers: what comes, goes, does not answer, and is never waited for without end.

#![cfg(test)]

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    card::{FileSystem, Session},
    ident::{Iccid, Imsi, ReaderName},
    lab::{
        card::VirtualCard,
        hall::{Hall, Touch},
        image::{Sample, SampleKind},
        reader::{CardHandle, Fault},
    },
};

/// Long enough for any machine; only a test that fails waits so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const WATCHDOG: Duration = Duration::from_millis(300);
pub(super) const NUMBER: &str = "8988211000000430010";

fn reader(n: usize) -> ReaderName {
    format!("bay {n:02}").parse().unwrap()
}

pub(super) fn card() -> CardHandle {
    let imsi: Imsi = "001010123456789".parse().unwrap();
    let image = Sample::new(SampleKind::Prepared, Iccid::from_card(NUMBER).unwrap(), imsi).image();
    CardHandle::new(VirtualCard::from_image(image).unwrap())
}

fn hall(readers: usize) -> Hall {
    let hall = Hall::new();
    (0..readers).for_each(|n| hall.plug(&reader(n), Identity::default()));
    hall
}

fn bays(hall: &Hall) -> Bays<Result<Iccid, String>> {
    open(hall, BayConfig { watchdog: WATCHDOG, labels: Vec::new(), only: None })
}

fn open(hall: &Hall, config: BayConfig) -> Bays<Result<Iccid, String>> {
    Bays::open(Arc::new(hall.clone()), config).unwrap()
}

/// Reads the card's number.
fn read() -> Work<Result<Iccid, String>> {
    Work::new(|card| match FileSystem::new(Session::new(card)).iccid() {
        Ok(iccid) => Worked::Good(Ok(iccid)),
        Err(error) => Worked::Bad(Err(error.to_string())),
    })
}

fn number() -> Result<Iccid, String> {
    Ok(Iccid::from_card(NUMBER).unwrap())
}

/// The next event of the kind that `wanted` takes out of it; events before it are passed over.
fn until<T>(
    bays: &mut Bays<Result<Iccid, String>>,
    what: &str,
    wanted: impl Fn(BayEvent<Result<Iccid, String>>) -> Option<T>,
) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let event = bays.next(left).unwrap_or_else(|| panic!("{what} did not happen"));
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

fn card_in(bays: &mut Bays<Result<Iccid, String>>) -> Stay {
    until(bays, "a card in", |event| match event.news {
        BayNews::CardIn { stay } => Some(stay),
        _ => None,
    })
}

fn done(bays: &mut Bays<Result<Iccid, String>>) -> (Result<Iccid, String>, Contact) {
    until(bays, "work done", |event| match event.news {
        BayNews::Done { result, contact } => Some((result, contact)),
        BayNews::NotBegun { error } => Some((Err(error.to_string()), Contact::default())),
        _ => None,
    })
}

#[test]
fn each_reader_has_a_bay_and_each_card_its_stay() {
    let hall = hall(2);
    let mut bays = bays(&hall);
    for n in [0, 1, 0] {
        hall.insert(&reader(n), &card(), &[]);
        let stay = card_in(&mut bays);
        assert_eq!(stay.reader, reader(n));
        bays.work(&stay, read());
        assert_eq!(done(&mut bays).0, number());
        hall.pull(&reader(n));
        until(&mut bays, "the card out", |event| matches!(event.news, BayNews::CardOut).then_some(()));
        // Its work comes too late.
        bays.work(&stay, Work::new(|_| panic!("work on a card that is out")));
    }
    // Swapped so quickly that nobody saw the reader empty.
    hall.insert(&reader(1), &card(), &[]);
    let first = card_in(&mut bays);
    hall.insert(&reader(1), &card(), &[]);
    until(&mut bays, "the card out", |event| matches!(event.news, BayNews::CardOut).then_some(()));
    let second = card_in(&mut bays);
    assert_ne!(first, second);
    let books: Vec<_> = bays.books().map(|book| (book.bay.as_str().to_owned(), book.cards)).collect();
    assert_eq!(books, [("bay 00".to_owned(), 2), ("bay 01".to_owned(), 1)]);
    assert!(bays.close(PATIENCE).is_empty());
}

#[test]
fn readers_come_and_go_and_keep_their_labels() {
    let hall = hall(1);
    let serial = |number: &str| Identity { serial: Some(number.into()), usb: None };
    let labels = vec![Label { name: "left".into(), mark: Mark::Serial("7".into()) }];
    let mut bays = open(&hall, BayConfig { watchdog: WATCHDOG, labels, only: None });
    let opened = |event: BayEvent<_>| match event.news {
        BayNews::Opened { .. } => event.bay.map(|bay| bay.as_str().to_owned()),
        _ => None,
    };
    assert_eq!(until(&mut bays, "a bay", opened), "bay 00");
    // The service numbers readers as they come; the label stays with the reader.
    for n in [1, 2] {
        hall.plug(&reader(n), serial("7"));
        assert_eq!(until(&mut bays, "the labelled bay", opened), "left");
        hall.insert(&reader(n), &card(), &[]);
        let stay = card_in(&mut bays);
        bays.work(&stay, read());
        assert_eq!(done(&mut bays).0, number());
        hall.unplug(&reader(n));
        let closed = until(&mut bays, "the bay closed", |event| match event.news {
            BayNews::Closed => event.bay,
            _ => None,
        });
        assert_eq!(closed.as_str(), "left");
    }
    // Two readers cannot share a label.
    hall.plug(&reader(3), serial("7"));
    assert_eq!(until(&mut bays, "the first", opened), "left");
    hall.plug(&reader(4), serial("7"));
    assert_eq!(until(&mut bays, "the second", opened), "bay 04");
    assert_eq!(bays.books().find(|book| book.bay.as_str() == "left").unwrap().cards, 2);
}

#[test]
fn only_the_bays_that_were_asked_for_open_and_no_more_than_sixteen() {
    let hall = hall(17);
    let mut all = bays(&hall);
    let mut opened = 0;
    let too_many = loop {
        match all.next(PATIENCE).unwrap() {
            BayEvent { bay: Some(_), news: BayNews::Opened { .. } } => opened += 1,
            BayEvent { bay: Some(bay), news: BayNews::TooMany { most } } => break (bay, most),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((too_many.0.as_str(), too_many.1, opened), ("bay 16", 16, 16));
    drop(all);

    let only = Some(vec![BayName::from(&reader(16))]);
    let mut one = open(&hall, BayConfig { watchdog: WATCHDOG, labels: Vec::new(), only });
    (0..17).for_each(|n| hall.insert(&reader(n), &card(), &[]));
    // Readers that are not wanted count as little as they are told of.
    let stay = card_in(&mut one);
    assert_eq!(stay.reader, reader(16));
    assert!(one.next(Duration::from_millis(100)).is_none());
    assert!(one.close(PATIENCE).is_empty());
}

#[test]
fn a_mute_card_costs_its_thread_and_nobody_elses_time() {
    let hall = hall(2);
    let mut bays = bays(&hall);
    hall.insert(&reader(0), &card(), &[Touch::Silent(2)]);
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    // The other bay works on.
    hall.insert(&reader(1), &card(), &[]);
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    assert_eq!(done(&mut bays).0, number());
    let (bay, waited, thread) = until(&mut bays, "the watchdog", |event| match event.news {
        BayNews::Stuck { waited, thread } => Some((event.bay?, waited, thread)),
        _ => None,
    });
    assert_eq!((bay.as_str(), waited >= WATCHDOG), ("bay 00", true));
    assert!(thread.starts_with("bay 00 #"), "{thread}");
    // The card is still in: nothing more is done with it.
    assert!(bays.next(WATCHDOG * 2).is_none());
    // It is pulled, the old thread comes back and is not heard; the next card is a card like any other.
    hall.insert(&reader(0), &card(), &[]);
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    assert_eq!(done(&mut bays).0, number());
    let book = bays.books().next().unwrap();
    assert_eq!((book.cards, book.stuck, book.bad_contacts), (2, 1, 1));
    assert_eq!(bays.close(PATIENCE), [thread]);
    // The old thread has sent nothing to the card that is in its reader by now, not even a reset.
    assert!(hall.waits_for_let_go(&reader(0), PATIENCE));
    assert_eq!(hall.resets(&reader(0)), 1);
}

#[test]
fn work_that_waits_for_a_person_is_no_mute_card() {
    let hall = hall(1);
    let mut bays = bays(&hall);
    hall.insert(&reader(0), &card(), &[]);
    let stay = card_in(&mut bays);
    let (go_on, wait) = mpsc::channel::<()>();
    bays.work(
        &stay,
        Work::new(move |card| {
            let answer = card.exchange(&[0x00, 0xA4, 0x00, 0x04, 0x00]);
            let _ = wait.recv_timeout(PATIENCE);
            Worked::Good(Err(format!("{} octets", answer.unwrap().len())))
        }),
    );
    assert!(bays.next(WATCHDOG * 2).is_none());
    go_on.send(()).unwrap();
    assert_eq!(done(&mut bays).0, Err("2 octets".into()));
}

#[test]
fn a_panic_costs_the_card_and_not_the_bay() {
    let hall = hall(1);
    let mut bays = bays(&hall);
    for _ in 0..3 {
        hall.insert(&reader(0), &card(), &[]);
        let stay = card_in(&mut bays);
        bays.work(&stay, Work::new(|_| panic!("a mistake of ours")));
        until(&mut bays, "the crash", |event| matches!(event.news, BayNews::Crashed { .. }).then_some(()));
        // The same card again is another stay.
        hall.pull(&reader(0));
        hall.insert(&reader(0), &card(), &[]);
        let stay = card_in(&mut bays);
        bays.work(&stay, read());
        assert_eq!(done(&mut bays).0, number());
    }
    assert!(bays.close(PATIENCE).is_empty());
}

#[test]
fn a_bad_contact_is_given_power_anew_once() {
    let lost = |n| Touch::Fault(Fault::AnswerLost(n));
    let hall = hall(1);
    let mut bays = bays(&hall);
    for (contacts, good, errors, repowered) in [
        (vec![], true, 0, 0),
        (vec![lost(1)], true, 1, 1),
        (vec![Touch::Deaf], true, 1, 1),
        (vec![lost(1), lost(1)], false, 2, 1),
        (vec![Touch::Deaf, lost(1)], false, 2, 1),
        // Pulled is not bad contact.
        (vec![Touch::Fault(Fault::CutBefore(1))], false, 0, 0),
    ] {
        let before = hall.repowered(&reader(0));
        hall.insert(&reader(0), &card(), &contacts);
        let stay = card_in(&mut bays);
        bays.work(&stay, read());
        let (result, contact) = done(&mut bays);
        assert_eq!(result.is_ok(), good, "{contacts:?}: {result:?}");
        assert_eq!((contact.errors, contact.repowered), (errors, repowered), "{contacts:?}");
        assert_eq!(u64::from(hall.repowered(&reader(0)) - before), repowered, "{contacts:?}");
    }
    let book = bays.books().next().unwrap();
    assert_eq!((book.cards, book.bad_contacts), (6, 4));
}

#[test]
fn a_card_that_another_program_has_is_tried_again_later() {
    let hall = hall(1);
    let mut bays = bays(&hall);
    hall.insert(&reader(0), &card(), &[]);
    hall.take_away(&reader(0), true);
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    assert!(bays.next(Duration::from_millis(200)).is_none(), "it waits");
    hall.take_away(&reader(0), false);
    assert_eq!(done(&mut bays).0, number());
}

#[test]
fn a_card_that_is_told_of_too_early_is_told_of_again() {
    let hall = hall(1);
    let mut bays = bays(&hall);
    hall.insert(&reader(0), &card(), &[Touch::Early, Touch::Early]);
    for _ in 0..2 {
        let stay = card_in(&mut bays);
        bays.work(&stay, read());
        assert!(done(&mut bays).0.is_err());
    }
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    assert_eq!(done(&mut bays).0, number());
}

#[test]
fn a_card_that_is_counted_late_is_told_once() {
    let hall = hall(1);
    let mut bays = bays(&hall);
    until(&mut bays, "a bay", |event| matches!(event.news, BayNews::Opened { .. }).then_some(()));
    for _ in 0..3 {
        hall.insert_uncounted(&reader(0), &card());
        let stay = card_in(&mut bays);
        bays.work(&stay, read());
        assert_eq!(done(&mut bays).0, number());
        assert!(bays.next(Duration::from_millis(100)).is_none(), "told twice");
        hall.pull(&reader(0));
        until(&mut bays, "the card out", |event| matches!(event.news, BayNews::CardOut).then_some(()));
    }
}

#[test]
fn a_service_that_comes_back_is_found_in_new_contexts() {
    let hall = hall(2);
    let mut bays = bays(&hall);
    hall.insert(&reader(0), &card(), &[]);
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    assert_eq!(done(&mut bays).0, number());
    let before = hall.contexts();
    hall.stop_service();
    until(&mut bays, "the loss", |event| matches!(event.news, BayNews::ServiceLost { .. }).then_some(()));
    hall.start_service();
    // Nobody knows whether the card is the same: it is told again.
    let stay = card_in(&mut bays);
    bays.work(&stay, read());
    assert_eq!(done(&mut bays).0, number());
    assert!(hall.contexts() > before);
    assert!(bays.close(PATIENCE).is_empty());
}

/// The readers 0 and 1, called left and right by their numbers 7 and 8.
fn left_and_right(hall: &Hall, only: Option<&[&str]>) -> Bays<Result<Iccid, String>> {
    let labels: Vec<_> = [("left", "7"), ("right", "8")]
        .map(|(name, number)| Label { name: name.into(), mark: Mark::Serial(number.into()) })
        .into();
    let only = only
        .map(|only| labels.iter().filter(|l| only.contains(&l.name.as_str())).map(BayName::from).collect());
    open(hall, BayConfig { watchdog: WATCHDOG, labels, only })
}

fn serial(number: &str) -> Identity {
    Identity { serial: Some(number.into()), usb: None }
}

/// What bays are opened and closed until a card is in, and which bay that is in; `+` is opened, `-` closed.
fn names_until_card(bays: &mut Bays<Result<Iccid, String>>) -> (Vec<String>, String, Stay) {
    let names = std::cell::RefCell::new(Vec::new());
    let (bay, stay) = until(bays, "a card in", |event| {
        let bay = event.bay.map(|bay| bay.as_str().to_owned());
        match event.news {
            BayNews::Opened { .. } => names.borrow_mut().push(format!("+{}", bay?)),
            BayNews::Closed => names.borrow_mut().push(format!("-{}", bay?)),
            BayNews::CardIn { stay } => return Some((bay?, stay)),
            _ => {}
        }
        None
    });
    (names.into_inner(), bay, stay)
}

#[test]
fn a_service_that_comes_back_with_other_numbers_changes_no_label() {
    for only in [None, Some(["left", "right"].as_slice()), Some(&["left"])] {
        let hall = Hall::new();
        hall.plug(&reader(0), serial("7"));
        hall.plug(&reader(1), serial("8"));
        let mut bays = left_and_right(&hall, only);
        let (mut left, mut right) = (0, 1);
        for _ in 0..3 {
            hall.insert(&reader(left), &card(), &[]);
            let (_, bay, stay) = names_until_card(&mut bays);
            assert_eq!((bay.as_str(), &stay.reader), ("left", &reader(left)), "{only:?}");
            bays.work(&stay, read());
            assert_eq!(done(&mut bays).0, number());
            hall.pull(&reader(left));
            until(&mut bays, "the card out", |event| matches!(event.news, BayNews::CardOut).then_some(()));

            hall.stop_service();
            until(&mut bays, "the loss", |event| {
                matches!(event.news, BayNews::ServiceLost { .. }).then_some(())
            });
            std::mem::swap(&mut left, &mut right);
            hall.rename(&reader(left), serial("7"));
            hall.rename(&reader(right), serial("8"));
            hall.start_service();
            until(&mut bays, "the service", |event| matches!(event.news, BayNews::ServiceBack).then_some(()));
        }
        if only.is_none_or(|only| only.contains(&"right")) {
            hall.insert(&reader(right), &card(), &[]);
            assert_eq!(names_until_card(&mut bays).1, "right", "{only:?}");
        }
        let books: Vec<_> = bays.books().map(|book| (book.bay.as_str().to_owned(), book.cards)).collect();
        assert!(books.contains(&("left".to_owned(), 3)), "{only:?}: {books:?}");
        assert!(bays.close(PATIENCE).is_empty());
    }
}

#[test]
fn a_bay_is_closed_under_the_old_name_and_opened_under_the_new() {
    let hall = Hall::new();
    hall.plug(&reader(0), serial("7"));
    let mut bays = left_and_right(&hall, None);
    hall.insert(&reader(0), &card(), &[]);
    assert_eq!(names_until_card(&mut bays).0, ["+left"]);
    hall.stop_service();
    hall.rename(&reader(0), serial("8"));
    hall.start_service();
    let (names, bay, _) = names_until_card(&mut bays);
    assert_eq!((names, bay.as_str()), (vec!["-left".to_owned(), "+right".to_owned()], "right"));
}

#[test]
fn a_reader_that_another_program_has_is_asked_again_who_it_is() {
    let hall = Hall::new();
    hall.plug(&reader(0), serial("7"));
    hall.take_away(&reader(0), true);
    let mut all = left_and_right(&hall, None);
    let mut only = left_and_right(&hall, Some(&["left"]));
    // Whom it cannot be asked, it has its name from the service; whether it is the one that was asked for, nobody knows.
    let named = |event: BayEvent<_>| match event.news {
        BayNews::Opened { .. } => event.bay.map(|bay| bay.as_str().to_owned()),
        _ => None,
    };
    assert_eq!(until(&mut all, "a bay", named), "bay 00");
    let told = until(&mut only, "the trouble", |event| match event.news {
        BayNews::NotBegun { error: ReaderError::InUse { reader } } => Some(reader),
        _ => None,
    });
    assert_eq!(told, reader(0));
    hall.take_away(&reader(0), false);
    hall.insert(&reader(0), &card(), &[]);
    let (names, bay, stay) = names_until_card(&mut only);
    assert_eq!((names, bay.as_str()), (vec!["+left".to_owned()], "left"));
    only.work(&stay, read());
    assert_eq!(done(&mut only).0, number());
    // The card that came before the answer has its bay; the next has the other.
    hall.pull(&reader(0));
    assert_eq!(until(&mut all, "the name", named), "left");
}

#[test]
fn an_open_bay_whose_reader_cannot_be_asked_keeps_its_name() {
    let hall = Hall::new();
    hall.plug(&reader(0), serial("7"));
    let mut bays = left_and_right(&hall, Some(&["left"]));
    until(&mut bays, "a bay", |event| matches!(event.news, BayNews::Opened { .. }).then_some(()));
    hall.stop_service();
    until(&mut bays, "the loss", |event| matches!(event.news, BayNews::ServiceLost { .. }).then_some(()));
    hall.take_away(&reader(0), true);
    hall.start_service();
    until(&mut bays, "the service", |event| matches!(event.news, BayNews::ServiceBack).then_some(()));
    assert!(bays.next(Duration::from_millis(200)).is_none(), "it is asked in vain");
    hall.insert_uncounted(&reader(0), &card());
    let (names, bay, stay) = names_until_card(&mut bays);
    assert_eq!((names, bay.as_str()), (Vec::<String>::new(), "left"));
    bays.work(&stay, read());
    assert_eq!(done(&mut bays).0, number());
}

#[test]
fn a_label_that_is_given_up_goes_to_who_has_it_too() {
    let hall = Hall::new();
    hall.plug(&reader(0), serial("7"));
    let mut bays = left_and_right(&hall, Some(&["left"]));
    until(&mut bays, "a bay", |event| matches!(event.news, BayNews::Opened { .. }).then_some(()));
    hall.plug(&reader(1), serial("7"));
    hall.insert(&reader(1), &card(), &[]);
    assert!(bays.next(Duration::from_millis(400)).is_none(), "its bay has another's label");
    hall.unplug(&reader(0));
    let (names, bay, stay) = names_until_card(&mut bays);
    assert_eq!((names.join(" "), bay.as_str(), &stay.reader), ("-left +left".to_owned(), "left", &reader(1)));
}
