//! What the README shows is what the program prints.

use super::program::{Ran, bootgate_in};

const README: &str = include_str!("../../README.md");
const CONSUMER: &str = include_str!("../../config/profiles/consumer-phone.toml");

/// The lines that the README shows below a command, to the next command or the end of the block.
fn shown(command: &str) -> Vec<&'static str> {
    let begin = format!("    $ bootgate {command}");
    let lines = README.lines().skip_while(|line| !line.starts_with(&begin)).skip(1);
    let lines: Vec<_> = lines
        .take_while(|line| line.starts_with("    ") && !line.starts_with("    $ "))
        .map(|line| line.trim())
        .collect();
    assert!(!lines.is_empty(), "the README shows nothing of `bootgate {command}`");
    lines
}

/// Long numbers, digests and PINs are drawn anew each time.
fn masked(line: &str) -> String {
    let drawn = |word: &str| word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let word = |word: &str| match word.rsplit_once('=') {
        Some((name, value)) if drawn(value) => format!("{name}=#"),
        None if drawn(word) => "#".to_owned(),
        _ => word.to_owned(),
    };
    line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// Every line that is shown is one that was printed; one that ends in an ellipsis is the beginning of one.
fn all_in(shown: &[&str], ran: &Ran) {
    let printed: Vec<String> = ran.shown().lines().map(masked).collect();
    for line in shown.iter().filter(|line| !matches!(**line, "…" | "")) {
        let found = match line.strip_suffix('…') {
            Some(begin) => printed.iter().any(|p| p.starts_with(&masked(begin))),
            None => printed.contains(&masked(line)),
        };
        assert!(found, "the README shows\n{line}\nand the program prints\n{}", ran.shown());
    }
}

#[test]
fn the_rehearsal_is_the_one_that_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let ran = bootgate_in(folder.path(), &["rehearse", "--seed", "1"]);
    let begin = README.lines().skip_while(|line| !line.trim_start().starts_with("ms  octets"));
    let lines: Vec<_> =
        begin.take_while(|line| line.is_empty() || line.starts_with("    ")).map(str::trim).collect();
    assert!(
        lines.len() > 30 && lines.iter().any(|line| line.contains("handed-off: first session")),
        "{lines:?}"
    );
    all_in(&lines, &ran);
}

#[test]
fn commands_print_what_is_shown_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let run = |args: &[&str]| bootgate_in(folder.path(), args);
    all_in(&shown("rehearse --route push --seed 1"), &run(&["rehearse", "--route", "push", "--seed", "1"]));
    write("acme.toml", CONSUMER);
    write("server.key", "a secret of the DM server");
    let script = README.split("$ cat cards.scr\n").nth(1).unwrap().split("    $ ").next().unwrap();
    write("cards.scr", &script.replace("    ", ""));
    write(
        "shift.csv",
        "iccid,imsi,imei,adm1\n89490200001234567892,262011234567890,490154203237518,MARKED01\n\
        89490200001234567901,262011234567891,490154203237526,MARKED02\n89490200001234567918,262011234567890,490154203237534,MARKED01\n",
    );
    let imsi = ["--imsi", "262011234567890"];

    all_in(&shown("card run --check cards.scr"), &run(&["card", "run", "--check", "cards.scr"]));
    all_in(&shown("batch check shift.csv"), &run(&["batch", "check", "shift.csv", "--profile", "acme.toml"]));
    let build = ["profile", "build", "acme.toml", "--as", "cp", "--imei", "490154203237518"];
    let push = [&build[..], &imsi, &["--pin", "random", "--wsp", "-o", "acme.wsp"]].concat();
    all_in(&shown("profile build acme.toml --as cp --imsi 262011234567890"), &run(&push));
    let digits = run(&[&build[..], &imsi, &["--pin", "48151623", "--wsp"]].concat());
    write("push.hex", &digits.out);
    let decode = [&["decode", "--simulate", "--pin", "11112222", "push.hex"][..], &imsi].concat();
    all_in(&shown("decode --simulate"), &run(&decode));
    let nonce = ["--nonce", "c2VydmVyLW5vbmNlLTA="];
    let notify =
        ["notify", "build", "--server-id", "acme.dm", "--session-id", "F68", "--secret", "@server.key"];
    all_in(&shown("notify build"), &run(&[&notify[..], &nonce, &["--wsp", "-o", "n.wsp"]].concat()));
    let decode = [&["decode", "n.wsp", "--server-secret", "@server.key"][..], &nonce].concat();
    all_in(&shown("decode n.wsp"), &run(&decode));

    write("acme.toml", &CONSUMER.replacen("\naddress = \"internet", "\nadress = \"internet", 1));
    all_in(&shown("profile check acme.toml"), &run(&["profile", "check", "acme.toml"]));
}

/// The part on pushes, as somebody who types it: with the files and the configuration that stand there, on free ports.
#[test]
fn a_push_is_sent_as_it_is_shown() {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
    };

    use super::peers::Process;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("acme.toml", CONSUMER);
    let part = README.split("### Sending a push").nth(1).unwrap();
    let line = part.lines().find(|line| line.contains("> pi.secret")).unwrap();
    let file = part.split("bootgate.toml <<END\n").nth(1).unwrap().split("    END\n").next().unwrap();
    // What a shell makes of it.
    let script = format!(
        "{}\ncat > bootgate.toml <<END\n{}END\n",
        line.trim(),
        file.replace("\n    ", "\n").trim_start()
    );
    let ran = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).status().unwrap();
    assert!(ran.success());
    let listening = |name: &'static str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        command
            .args(args)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env_remove("BOOTGATE_CONFIG");
        command.env("BOOTGATE_STORE_PATH", folder.path().join("store.db"));
        let mut process = Process::start(name, command.stdout(Stdio::piped()));
        let mut out = BufReader::new(process.child().stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        (process, out, line)
    };
    let (_smsc, mut taken, line) = listening("lab smsc", &["lab", "smsc", "--listen", "127.0.0.1:0"]);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let there = |from: &str, to: &str| {
        let text = std::fs::read_to_string(folder.path().join("bootgate.toml")).unwrap();
        assert!(text.contains(from), "{text}");
        write("bootgate.toml", &text.replace(from, to));
    };
    there("127.0.0.1:2775", line["listening"].as_str().unwrap());
    let config = ["--config", "bootgate.toml"];
    let (_serve, _out, line) =
        listening("serve", &[&["serve", "--listen", "127.0.0.1:0"], &config[..]].concat());
    there("http://127.0.0.1:8100", line.trim().strip_prefix("listening on ").unwrap());
    let run = |command: &str| {
        let words: Vec<&str> = command.split_whitespace().collect();
        bootgate_in(folder.path(), &[&config[..], &words].concat())
    };
    let command = |begin: &str| {
        let line = part
            .lines()
            .find_map(|line| line.strip_prefix("    $ bootgate ").filter(|c| c.starts_with(begin)));
        line.unwrap().split(" | ").next().unwrap().to_owned()
    };
    let ran = run(&command("push send"));
    assert_eq!(ran.exit, 0, "{}", ran.shown());
    // How much is under way when it is asked for is a matter of chance, and the name of a push is drawn.
    let (chance, end) = (["accepted as", "pending (", "push  "], "…");
    for line in
        shown("push send --gateway ours").iter().filter(|line| !chance.iter().any(|c| line.starts_with(c)))
    {
        let begin = line.trim_end_matches(end);
        assert!(ran.shown().lines().any(|printed| printed.starts_with(begin)), "{line}\n{}", ran.shown());
    }
    let mut log = String::new();
    for _ in 0..8 {
        taken.read_line(&mut log).unwrap();
    }
    write("smsc.log", &log);
    let decoded = run(&command("decode --simulate"));
    assert_eq!(decoded.exit, 0, "{}", decoded.shown());
    all_in(&shown("decode --simulate --imsi 262011234567890 --pin 48151623 smsc.log"), &decoded);
}
