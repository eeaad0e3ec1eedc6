//! Kannel from Debian in a network of its own: bearerbox, wapbox (its Push Proxy Gateway), smsbox (sendsms), and its fake
//! SMSC, which writes down every short message.

use std::{path::Path, process::Command};

use super::{Process, namespace::Namespace, program, wait_for};

/// Its own SMSC to try with.
const FAKE_SMSC: &str = "smsc = fake\nport = 10000\nconnect-allow-ip = 127.0.0.1";

/// Its programs at work.
pub struct Kannel {
    boxes: Vec<Process>,
    namespace: Namespace,
    folder: tempfile::TempDir,
}

/// What the SMSC got.
#[derive(Debug, PartialEq, Eq)]
pub struct Got {
    pub from: String,
    pub to: String,
    pub udh: Vec<u8>,
    pub data: Vec<u8>,
}

impl Kannel {
    pub const PPG: &str = "http://127.0.0.1:18080/wappush";
    pub const SENDSMS: &str = "http://127.0.0.1:13013/cgi-bin/sendsms";

    /// Starts all of it and waits until the SMSC is connected.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        std::fs::create_dir(&run).unwrap();
        let conf = folder.path().join("kannel.conf");
        std::fs::write(&conf, configuration(folder.path(), 1, FAKE_SMSC)).unwrap();
        let conf = conf.to_str().unwrap();
        let bearerbox = program("bearerbox", "kannel");
        let exec = format!("{} {conf} >/dev/null 2>&1", bearerbox.display());
        let mut kannel = Self {
            boxes: Vec::new(),
            namespace: Namespace::start("bearerbox", &run, "/run/kannel", &exec),
            folder,
        };
        for port in [13001, 13002, 10000] {
            kannel.wait_for_port(port);
        }
        let fakesmsc = Path::new("/usr/lib/kannel/test/fakesmsc");
        assert!(fakesmsc.exists(), "fakesmsc is missing: package kannel-extras; `make test` installs it");
        // One text of its own, once an hour: it must send something.
        let one = ["-H", "127.0.0.1", "-r", "10000", "-i", "3600", "-m", "1", "123 345 text nop"];
        kannel.run("fakesmsc", fakesmsc, &one, "smsc.log");
        kannel.run("wapbox", &program("wapbox", "kannel"), &[conf], "wapbox.out");
        kannel.run("smsbox", &program("smsbox", "kannel"), &[conf], "smsbox.out");
        for port in [18080, 13013] {
            kannel.wait_for_port(port);
        }
        wait_for("the SMSC at its bearerbox", || {
            kannel.log("bearerbox.log").contains("Fakesmsc client connected")
        });
        kannel
    }

    /// A program in Kannel's network.
    pub fn inside(&self, program: &Path) -> Command {
        self.namespace.command(program)
    }

    /// What the SMSC got so far.
    pub fn got(&self) -> Vec<Got> {
        self.log("smsc.log").lines().filter_map(|line| got(line.split_once("Got message ")?.1)).collect()
    }

    /// The texts that it got.
    pub fn texts(&self) -> Vec<String> {
        let log = self.log("smsc.log");
        let messages = log.lines().filter_map(|line| line.split_once("Got message ")?.1.split_once('<'));
        let texts = messages.filter_map(|(_, line)| line.strip_suffix('>')?.split_once(" text "));
        texts.map(|(_, text)| text.to_owned()).collect()
    }

    /// Waits until the SMSC got so many.
    pub fn wait_for_messages(&self, wanted: usize) -> Vec<Got> {
        wait_for("messages at the SMSC", || self.got().len() >= wanted);
        self.got()
    }

    fn run(&mut self, what: &str, program: &Path, args: &[&str], log: &str) {
        let out = std::fs::File::create(self.folder.path().join(log)).unwrap();
        let mut command = self.inside(program);
        command.args(args).stdout(out.try_clone().unwrap()).stderr(out);
        self.boxes.push(Process::start(what, &mut command));
    }

    /// All that its programs have written.
    pub fn logs(&self) -> String {
        ["bearerbox.log", "smsbox.out", "wapbox.log", "wapbox.out"].map(|name| self.log(name)).concat()
    }

    fn log(&self, name: &str) -> String {
        let octets = std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    fn wait_for_port(&mut self, port: u16) {
        wait_for("a port of Kannel", || {
            self.namespace.peer().must_live();
            self.boxes.iter_mut().for_each(Process::must_live);
            let line = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
            let mut command = self.namespace.command(Path::new("/bin/bash"));
            command.args(["-c", &line]).output().is_ok_and(|done| done.status.success())
        });
    }
}

/// A line of the SMSC: `1: <FROM TO udh %06… data %01…>`.
fn got(line: &str) -> Option<Got> {
    let mut words = line.split_once('<')?.1.strip_suffix('>')?.split(' ');
    let (from, to) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (Some("udh"), udh, Some("data"), data) = (words.next(), words.next()?, words.next(), words.next()?)
    else {
        return None;
    };
    Some(Got { from, to, udh: unescaped(udh), data: unescaped(data) })
}

/// Octets from their form in URLs.
fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let pair: Vec<u8> = rest.by_ref().take(2).collect();
                u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            octet => octet,
        });
    }
    octets
}

/// The configuration of all boxes, which write beside it, with a `group = smsc` of these keys. Kannel's PPG knows the
/// initiator `foo` with the password `bar`, and sendsms the user `ota` with the password `ota`.
pub fn configuration(folder: &Path, log_level: u8, smsc: &str) -> String {
    let folder = folder.display();
    // Groups end at an empty line; keys that are not known are refused.
    format!(
        r#"group = core
admin-port = 13000
admin-password = bar
status-password = foo
admin-allow-ip = "127.0.0.1"
smsbox-port = 13001
wapbox-port = 13002
wdp-interface-name = "127.0.0.1"
log-file = "{folder}/bearerbox.log"
log-level = {log_level}
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"

group = wapbox
bearerbox-host = 127.0.0.1
log-file = "{folder}/wapbox.log"
log-level = {log_level}
syslog-level = none
max-messages = 40

group = ppg
ppg-url = /wappush
ppg-port = 18080
concurrent-pushes = 100
users = 1024
trusted-pi = false
ppg-allow-ip = "127.0.0.1"
global-sender = 9876
service-name = ppg

group = wap-push-user
wap-push-user = lab
ppg-username = foo
ppg-password = bar
allow-ip = "127.0.0.1"

group = smsc
smsc-id = LAB
{smsc}

group = smsbox
bearerbox-host = 127.0.0.1
smsbox-id = sms
sendsms-port = 13013
global-sender = 9876

group = sendsms-user
username = ota
password = ota
max-messages = 20
concatenation = true

group = sms-service
keyword = default
text = "none"
"#
    )
}
