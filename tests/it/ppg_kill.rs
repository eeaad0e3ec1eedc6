//! `bootgate serve` as a gateway that is killed: what it had said 1001 to is delivered by the next one. How often, an SMSC counts
//! (see `ppg_smsc`): a capture has one file for a delivery, however often it is written.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{peers::Process, ppg_http};

const BASIC: &str = "Authorization: Basic cGk6c2VjcmV0";
const BOUNDARY: &str = "Content-Type: multipart/related; boundary=mime; type=\"application/xml\"";
const PATIENCE: Duration = Duration::from_secs(30);

fn serve(dir: &Path) -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["serve", "--config"]).arg(dir.join("site.toml")).env_clear().env("HOME", dir);
    let mut process = Process::start("bootgate serve", command.current_dir(dir).stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    (process, address)
}

fn push(address: SocketAddr, id: &str, attributes: &str) -> String {
    let Ok(stream) = TcpStream::connect(address) else { return String::new() };
    let body = ppg_http::push_body(id, attributes, &ppg_http::one_address());
    ppg_http::exchange(stream, &[BASIC, BOUNDARY], body.as_bytes()).body
}

fn captured(dir: &Path) -> usize {
    let Ok(files) = std::fs::read_dir(dir.join("sent")) else { return 0 };
    files.filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "json")).count()
}

#[test]
fn what_was_accepted_survives_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let settings = ppg_http::settings("", "capture = \"sent\"\nin-doubt = \"resend\"");
    std::fs::write(dir.path().join("site.toml"), settings).unwrap();
    let mut accepted = 0;
    for life in 0..3 {
        let (mut process, address) = serve(dir.path());
        let until = Instant::now() + PATIENCE;
        // Pushes for later, from many at once, until it is killed in the middle of them.
        let clients: Vec<_> = (0..4)
            .map(|client| {
                std::thread::spawn(move || {
                    let soon = jiff::Timestamp::now() + Duration::from_secs(2);
                    let after = soon.strftime("%Y-%m-%dT%H:%M:%SZ");
                    let mut taken = 0;
                    for n in 0.. {
                        let attributes = format!("deliver-after-timestamp=\"{after}\"");
                        let answer = push(address, &format!("{life}-{client}-{n}"), &attributes);
                        match answer {
                            answer if answer.contains("code=\"1001\"") => taken += 1,
                            answer if answer.contains("code=\"4001\"") => {}
                            answer => {
                                assert_eq!(answer, "", "only a killed process answers nothing");
                                return taken;
                            }
                        }
                        assert!(Instant::now() < until, "it was never killed");
                    }
                    taken
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(400));
        process.child().kill().unwrap();
        accepted += clients.into_iter().map(|c| c.join().unwrap()).sum::<usize>();
    }
    assert!(accepted > 20, "only {accepted} were accepted");
    let (_last, address) = serve(dir.path());
    let until = Instant::now() + PATIENCE;
    while captured(dir.path()) < accepted {
        assert!(Instant::now() < until, "{} of {accepted} came", captured(dir.path()));
        std::thread::sleep(Duration::from_millis(20));
    }
    // What was kept without its answer having reached the client is delivered, too; nothing else is.
    let more = captured(dir.path()) - accepted;
    assert!(more <= 3 * 4, "{more} more than were accepted");
    assert!(push(address, "0-0-0", "").contains("code=\"2007\""), "its id is still known");
}
