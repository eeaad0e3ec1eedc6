//! The command of a person's choice that hears each result: on a thread of its own, one result after the other, so that a
//! slow one keeps no bay waiting. One that hangs is ended, and keeps the batch from ending no longer than its limit.

use std::{
    fmt,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;

use crate::{
    cli::{Exit, Failure, output},
    ident::counted,
    job::batch::Bin,
};

/// How many results wait for the command at the most. More are not told: they are in the file of results.
const WAITING: usize = 256;
/// How long the thread sleeps before it looks again whether the command has ended.
const LOOK: Duration = Duration::from_millis(10);

/// What the command heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(super) struct Heard {
    /// Results that it took.
    told: usize,
    /// Results at which it ended badly, or could not be run.
    failed: usize,
    /// Results that it had no end with in time.
    late: usize,
    /// Results that it was not run for, because it was so far behind.
    untold: usize,
}

impl Heard {
    /// True when it has taken each result.
    pub(super) fn is_all(self) -> bool {
        self.failed + self.late + self.untold == 0
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { told, failed, late, untold } = self;
        write!(
            f,
            "the hook took {}, failed at {failed}, was ended at {late}, did not hear of {untold}",
            counted(*told, "result")
        )
    }
}

/// Whether the command can be run at all. There is no shell: it is the name of one program, looked for in PATH where no folder is
/// named.
///
/// # Errors
/// Exit status 2.
pub(super) fn check(command: &Path) -> anyhow::Result<()> {
    let refuse = |why: &str| {
        let name = output::name(command);
        Failure::because(Exit::Usage, format!("--hook {name}: {why}"))
    };
    let is_path = command.as_os_str().as_encoded_bytes().contains(&b'/');
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = match is_path {
        true => vec![command.to_owned()],
        false => std::env::split_paths(&path).map(|folder| folder.join(command)).collect(),
    };
    places.retain(|place| place.is_file());
    let Some(found) = places.iter().find(|place| may_be_run(place)).or(places.first()) else {
        let has_words = command.as_os_str().as_encoded_bytes().contains(&b' ');
        return Err(refuse(match (command.is_dir(), has_words, is_path) {
            (true, ..) => "it is a folder; name a program",
            (_, true, _) => {
                "there is no such program. It is run without a shell and takes no arguments here: write the command line into a \
                 script that begins with #!/bin/sh, make it executable, and name that"
            }
            (_, _, true) => "there is no such program; name one that is there, or leave --hook away",
            _ => "there is no such program in PATH; name it with its folder, as ./sort.sh",
        }));
    };
    if !may_be_run(found) {
        return Err(refuse("it may not be run; make it executable (chmod +x)"));
    }
    match interpreter(found) {
        Some(program) if !program.is_file() => {
            let program = output::name(&program);
            Err(refuse(&format!(
                "its first line names {program} to run it with, and there is no such program"
            )))
        }
        _ => Ok(()),
    }
}

fn may_be_run(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// What the first line of a script says that it is run with.
fn interpreter(file: &Path) -> Option<PathBuf> {
    let mut begin = [0; 256];
    let read = std::fs::File::open(file).and_then(|mut open| open.read(&mut begin)).ok()?;
    let line = begin.get(..read)?.strip_prefix(b"#!")?.split(|octet| *octet == b'\n').next()?;
    let word = line.trim_ascii().split(u8::is_ascii_whitespace).next()?;
    Some(PathBuf::from(std::str::from_utf8(word).ok()?))
}

/// The command.
pub(super) struct Hook {
    results: SyncSender<(Vec<u8>, Bin)>,
    thread: JoinHandle<Heard>,
    /// No result comes any more.
    ending: Arc<AtomicBool>,
    untold: usize,
}

impl Hook {
    /// `limit`: how long the command may take for one result.
    pub(super) fn start(command: PathBuf, limit: Duration) -> Self {
        let (results, to_tell) = mpsc::sync_channel(WAITING);
        let ending = Arc::new(AtomicBool::new(false));
        let is_ending = Arc::clone(&ending);
        let thread = std::thread::spawn(move || tell_all(&command, limit, &to_tell, &is_ending));
        Self { results, thread, ending, untold: 0 }
    }

    /// Lets the command hear a result when it has heard those before.
    pub(super) fn tell(&mut self, line: Vec<u8>, bin: Bin) {
        match self.results.try_send((line, bin)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.untold += 1,
        }
    }

    /// Waits until it has heard all. When it is ended now because it hangs, it is not run for the rest.
    pub(super) fn finish(self) -> Heard {
        self.ending.store(true, Ordering::Relaxed);
        drop(self.results);
        let heard = self.thread.join().unwrap_or_default();
        Heard { untold: heard.untold + self.untold, ..heard }
    }
}

fn tell_all(hook: &Path, limit: Duration, results: &Receiver<(Vec<u8>, Bin)>, ending: &AtomicBool) -> Heard {
    let mut heard = Heard::default();
    while let Ok((line, bin)) = results.recv() {
        let why = match run(hook, line, bin, limit) {
            Ok(Some(status)) if status.success() => {
                heard.told += 1;
                continue;
            }
            Ok(Some(status)) => {
                heard.failed += 1;
                format!("the command ended with {status}")
            }
            Ok(None) => {
                heard.late += 1;
                if ending.load(Ordering::Relaxed) {
                    heard.untold += results.iter().count();
                }
                format!("the command was ended: it took longer than {} s", limit.as_secs_f64())
            }
            Err(error) => {
                heard.failed += 1;
                error.to_string()
            }
        };
        output::note(&format!("{}: {why}", hook.display()));
    }
    heard
}

/// Runs the command; none when it was ended because it took too long. What it does is its own affair.
fn run(hook: &Path, line: Vec<u8>, bin: Bin, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let word = match bin {
        Bin::Good => "good",
        Bin::Bad => "bad",
    };
    let mut command = Command::new(hook);
    // A group of its own, so that what it has started can be ended with it.
    command.arg(word).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read is no failure; one that reads nothing of a long line must not keep us either.
        std::thread::spawn(move || drop(stdin.write_all(&line)));
    }
    wait(&mut child, limit)
}

fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            // One that has ended by itself meanwhile is as late.
            end_group(child);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// Ends a command and whatever it has started. It is not waited for yet, so its number is nobody else's.
fn end_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    // It may have left its group.
    let _ = child.kill();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(file: &Path, script: &str) {
        std::fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_command_that_cannot_be_run_is_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        command(&file("good"), "true");
        command(&file("closed"), "true");
        std::fs::set_permissions(file("closed"), std::fs::Permissions::from_mode(0o600)).unwrap();
        command(&file("alien"), "true");
        std::fs::write(file("alien"), "#!/no/such/shell -e\n").unwrap();
        assert!(check(&file("good")).is_ok() && check(Path::new("true")).is_ok());
        for (hook, says) in [
            (file("closed"), "chmod +x"),
            (file("alien"), "/no/such/shell"),
            (file("none"), "no such program; name one"),
            (file("good one"), "without a shell"),
            (folder.path().to_owned(), "a folder"),
            ("bootgate-no-such-hook".into(), "in PATH"),
        ] {
            let said = check(&hook).unwrap_err();
            assert!(said.to_string().contains(says), "{said}");
            assert_eq!(said.downcast_ref::<Failure>().unwrap().exit, Exit::Usage);
        }
    }

    #[test]
    fn what_the_command_did_is_counted_and_one_that_hangs_keeps_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let [hangs, looks, missing] = ["hangs", "looks", "missing"].map(|name| folder.path().join(name));
        command(&hangs, "exec sleep 1000");
        command(&looks, "[ \"$1\" = good ] && grep -q line");

        let mut hook = Hook::start(looks, Duration::from_secs(60));
        for bin in [Bin::Good, Bin::Bad, Bin::Good] {
            hook.tell(b"{\"line\":2}\n".to_vec(), bin);
        }
        let heard = hook.finish();
        assert_eq!((heard, heard.is_all()), (Heard { told: 2, failed: 1, late: 0, untold: 0 }, false));

        let mut hook = Hook::start(missing, Duration::from_secs(60));
        hook.tell(Vec::new(), Bin::Bad);
        let heard = hook.finish();
        assert_eq!(heard, Heard { failed: 1, ..Heard::default() });
        let told = "the hook took 0 results, failed at 1, was ended at 0, did not hear of 0";
        assert_eq!(heard.to_string(), told);

        // What it has started is ended with it: a pipe that all of them hold open comes to its end.
        let [starts, held] = ["starts", "held"].map(|name| folder.path().join(name));
        let made = Command::new("mkfifo").arg(&held).status().unwrap();
        assert!(made.success());
        command(&starts, &format!("sleep 1000 > {0} & sleep 1000 > {0}", held.display()));
        let reader = std::thread::spawn(move || std::fs::read(held).unwrap());
        let mut hook = Hook::start(starts, Duration::from_millis(300));
        hook.tell(Vec::new(), Bin::Good);
        assert_eq!(hook.finish(), Heard { late: 1, ..Heard::default() });
        assert!(reader.join().unwrap().is_empty());

        // It reads nothing of a line that is longer than a pipe holds.
        let mut hook = Hook::start(hangs, Duration::from_millis(100));
        let results = WAITING * 2;
        (0..results).for_each(|_| hook.tell(vec![b' '; 70_000], Bin::Good));
        let heard = hook.finish();
        assert_eq!((heard.told, heard.failed, heard.is_all()), (0, 0, false));
        assert!(heard.late >= 1 && heard.late + heard.untold == results, "{heard}");
    }
}
