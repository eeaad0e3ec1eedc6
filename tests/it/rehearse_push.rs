//! The main job over the air: a program asks, the gateway pushes, an SMSC carries, the phone comes in.

use std::process::{Command, Output};

use bootgate::{
    app::config::Config,
    lab::rehearsal::{PushPlot, Rehearsal, RehearsalError, SAMPLE_IMEI, rehearse_push},
    profile::{Profile, Subscriber},
    wire::Syntax,
};
use serde_json::Value;

const IMSI: &str = "262019876598765";
const MSISDN: &str = "491709876543";
const CONSUMER: &str = include_str!("../../config/profiles/consumer-phone.toml");

fn plot(kind: &str, security: &str) -> PushPlot {
    let profile_toml = CONSUMER.replace("method = \"usernetwpin\"", security);
    PushPlot {
        profile: Profile::parse(&profile_toml).unwrap(),
        profile_toml,
        payload: kind.parse().unwrap(),
        subscriber: Subscriber {
            imsi: Some(IMSI.parse().unwrap()),
            msisdn: Some(MSISDN.parse().unwrap()),
            ..Subscriber::default()
        },
        imei: SAMPLE_IMEI.parse().unwrap(),
        syntax: Syntax::Wbxml,
        seed: None,
    }
}

async fn play(plot: &PushPlot) -> (Rehearsal, Result<(), RehearsalError>) {
    rehearse_push(plot, Config::built_in().unwrap()).await
}

/// Both payloads by every method that they know, each with every channel by which a PIN can come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_of_both_payloads_goes_to_hand_off() {
    let mut held = 0;
    for (kind, methods) in [
        ("cp", &["netwpin", "userpin", "usernetwpin", "userpinmac"][..]),
        ("dm", &["netwpin", "userpin", "usernetwpin"]),
    ] {
        for method in methods {
            let channels: &[&str] = if *method == "netwpin" { &[""] } else { &["printed", "webhook", "sms"] };
            for channel in channels {
                let security = match *channel {
                    "" => format!("method = \"{method}\""),
                    channel => format!("method = \"{method}\"\npin-length = 9\npin-channel = \"{channel}\""),
                };
                let (shown, done) = play(&plot(kind, &security)).await;
                done.unwrap_or_else(|e| panic!("{kind} {method} {channel}: {e}\n{shown}"));
                assert!(shown.is_handed_off(), "{shown}");
                assert_eq!(shown.to_string().contains("short message (PIN)"), *channel == "sms", "{shown}");
                let json = serde_json::to_value(&shown).unwrap();
                let name = match (kind, *method) {
                    ("dm", "netwpin") => "NETWORKID".to_owned(),
                    ("dm", "usernetwpin") => "USERPIN_NETWORKID".to_owned(),
                    (_, method) => method.to_uppercase(),
                };
                assert_eq!(json["push"]["method"], name.as_str());
                let channel = if channel.is_empty() { Value::Null } else { (*channel).into() };
                assert_eq!(json["push"]["pin_channel"], channel);
                let states: Vec<&str> = json["job"]["history"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|e| e["to"].as_str().unwrap())
                    .collect();
                assert_eq!(
                    states,
                    ["queued", "registered", "prepared", "delivering", "delivered", "handed-off"]
                );
                held += 1;
            }
        }
    }
    assert_eq!(held, (1 + 3 * 3) + (1 + 2 * 3));
}

/// What does not arrive is not called a success: another subscriber's phone, and a profile that is for cards alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_said_and_where_it_stopped() {
    let (shown, done) = play(&plot("dm", "method = \"userpinmac\"")).await;
    let error = done.unwrap_err().to_string();
    assert!(error.contains("not accepted") && error.contains("no method of the DM bootstrap"), "{error}");
    assert!(shown.job.is_none() && shown.to_string().contains("POST /api/v1/jobs: 422"), "{shown}");

    let mut cards_only = plot("cp", "method = \"netwpin\"");
    cards_only.profile_toml = cards_only.profile_toml.replace("[security]\nmethod = \"netwpin\"\n", "");
    let (_, done) = play(&cards_only).await;
    assert!(done.unwrap_err().to_string().contains("it is for cards only"));

    let careless = plot("cp", "method = \"none\"\nallow-unauthenticated = true");
    let (shown, done) = play(&careless).await;
    let error = done.unwrap_err().to_string();
    assert!(error.contains("the phone did not take the push: no SEC"), "{error}");
    assert!(!shown.is_handed_off() && shown.to_string().contains("short message 1/"), "{shown}");
}

fn rehearse(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.env("BOOTGATE_LOG", "trace").current_dir(folder.path());
    command
        .args(["rehearse", "--route", "push", "--imsi", IMSI, "--msisdn", MSISDN])
        .args(args)
        .output()
        .unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn the_command_shows_every_hop_and_no_secret() {
    let run = |args: &[&str]| {
        let out = rehearse(args);
        let log = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!log.contains("WARN"), "all went well: {log}");
        assert!(out.status.success(), "{}\n{log}", text(&out));
        for secret in [IMSI, &IMSI[5..], MSISDN, "bgt_"] {
            assert!(!text(&out).contains(secret) && !log.contains(secret), "{secret}: {}{log}", text(&out));
        }
        text(&out)
    };
    let shown = run(&["--seed", "7"]);
    for hop in [
        "route push, as cp",
        "bootgate",
        "SMSC",
        "POST /api/v1/jobs: 201",
        " submit_sm 1/",
        " short message 1/",
        "proved by USERNETWPIN (PIN typed): acme.dm",
        "deliver_sm: DELIVRD ×",
        "Alert 1201",
        "first session seen: job handed-off",
    ] {
        assert!(shown.contains(hop), "{hop} is not in\n{shown}");
    }
    // The air takes its time in the job's history, too.
    let at = |state: &str| {
        let line = shown.lines().find(|l| l.starts_with("  2026-") && l.contains(state));
        line.unwrap_or_else(|| panic!("no {state} in\n{shown}")).trim().split(' ').next().unwrap().to_owned()
    };
    assert!(at("  delivering") < at("  delivered") && at("  delivered") <= at("  handed-off"), "{shown}");
    let drawn = shown.lines().filter(|l| l.contains('│'));
    assert!(drawn.clone().count() > 20 && drawn.clone().all(|l| l.chars().count() <= 160), "{shown}");
    assert_eq!(run(&["--seed", "7"]), shown, "the same seed shows the same");
    assert_ne!(run(&["--seed", "8"]), shown);
    let json: Value = serde_json::from_str(&run(&["--as", "dm", "--format", "json", "--xml"])).unwrap();
    assert_eq!(
        (json["job"]["state"].as_str(), json["job"]["route"].as_str()),
        (Some("handed-off"), Some("push"))
    );
    assert_eq!(json["push"]["method"], "USERPIN_NETWORKID");
    let segments = json["push"]["segments"].as_u64().unwrap();
    let hops = json["sequence"].as_array().unwrap();
    let between =
        |from: &str, to: &str| hops.iter().filter(|s| s["from"] == from && s["to"] == to).count() as u64;
    assert_eq!((between("gateway", "smsc"), between("smsc", "phone")), (segments, segments));
    assert!(segments > 2);
}

#[test]
fn what_belongs_to_cards_is_refused() {
    for more in [&["--apdus"][..], &["--card", "pin"], &["--adm", "12345678"]] {
        let out = rehearse(more);
        assert_eq!(out.status.code(), Some(2), "{more:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("a push needs no card"));
    }
}
