//! A private PC/SC service with virtual readers (vsmartcard's vpcd), and virtual cards that plug into them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::{Process, namespace::Namespace, wait_for};

/// The driver of the virtual reader, from Debian's vsmartcard-vpcd.
pub(super) const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so.0.8";
/// Port of the first reader; each reader takes two.
pub(super) const PORT: u16 = 36000;

/// pcscd in its own namespace with a number of readers named `bay 0`, `bay 1` ...
pub struct Pcscd {
    namespace: Namespace,
    folder: tempfile::TempDir,
    /// How much it logs.
    log: &'static str,
}

impl Pcscd {
    /// Starts the service and waits until clients can connect.
    pub fn start(readers: u16) -> Self {
        Self::start_with(|folder| readers_conf(folder, readers))
    }

    /// The same with a log that tells more: see [`Self::connects`].
    pub fn start_counting(readers: u16) -> Self {
        Self::begin(|folder| readers_conf(folder, readers), "-d")
    }

    /// The same with readers that a configuration names; it is told the folder of this service.
    pub fn start_with(conf: impl FnOnce(&Path) -> String) -> Self {
        Self::begin(conf, "-i")
    }

    fn begin(conf: impl FnOnce(&Path) -> String, log: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        std::fs::create_dir(&run).unwrap();
        std::fs::write(folder.path().join("readers.conf"), conf(folder.path())).unwrap();
        let mut namespace = Namespace::start("pcscd", &run, "/run/pcscd", &exec(folder.path(), log));
        let socket = run.join("pcscd.comm");
        wait_for("pcscd's socket", || {
            namespace.peer().must_live();
            socket.exists()
        });
        Self { namespace, folder, log }
    }

    /// Any program beside the service, in its network: what plays cards for its readers.
    pub fn inside(&self, program: &Path) -> Command {
        self.namespace.command(program)
    }

    /// Kills the service, and starts it again with a number of readers. Its cards fall out.
    pub fn restart(&mut self, readers: u16) {
        self.restart_with(|folder| readers_conf(folder, readers));
    }

    /// The same with readers that a configuration names.
    pub fn restart_with(&mut self, conf: impl FnOnce(&Path) -> String) {
        std::fs::write(self.folder.path().join("readers.conf"), conf(self.folder.path())).unwrap();
        let run = self.folder.path().join("run");
        let socket = run.join("pcscd.comm");
        self.namespace.replace("pcscd", &exec(self.folder.path(), self.log), || {
            for left in ["pcscd.comm", "pcscd.pid"] {
                let _ = std::fs::remove_file(run.join(left));
            }
        });
        wait_for("pcscd's socket", || {
            self.namespace.peer().must_live();
            socket.exists()
        });
    }

    /// The socket that clients use.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/pcscd.comm")
    }

    /// A folder for this test's own files; it goes away with the service.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// bootgate as a client of this service.
    pub fn bootgate(&self, args: &[&str]) -> Output {
        self.client(Path::new(env!("CARGO_BIN_EXE_bootgate"))).args(args).output().unwrap()
    }

    /// Any program as a client of this service.
    pub fn client(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("PCSCLITE_CSOCK_NAME", self.socket())
            // Never the store of whoever runs the tests.
            .env("BOOTGATE_STORE_PATH", self.folder.path().join("store.db"))
            .env_remove("BOOTGATE_CONFIG")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Plugs a virtual card into the reader in a bay, and does not wait until it shows it. Dropping it pulls the card.
    pub fn plug(&self, bay: u16, args: &[&str]) -> Process {
        let mut command = self.inside(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        let address = format!("127.0.0.1:{}", PORT + 2 * bay);
        command.args(["lab", "card", "--vpcd", &address]).args(args).current_dir(self.folder.path());
        Process::start("virtual card", &mut command)
    }

    /// Plugs a virtual card into reader `bay`, and waits until the reader shows it. Dropping it pulls the card.
    pub fn insert(&self, bay: u16, args: &[&str]) -> Process {
        let mut card = self.plug(bay, args);
        wait_for("the card in its reader", || {
            card.must_live();
            self.has_card(bay)
        });
        card
    }

    /// Pulls a card, and waits until the service has noticed: a card that goes in before that is not seen, as little
    /// as from a hand that quick.
    pub fn pull(&self, bay: u16, card: Process) {
        drop(card);
        let name = Self::reader(bay);
        wait_for("the card's removal", || {
            let log = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log).into_owned();
            let last = log
                .lines()
                .rev()
                .find(|line| line.ends_with(&name) && line.contains("EHStatusHandlerThread"));
            last.is_some_and(|line| line.contains("Card Removed"))
        });
    }

    /// How often clients have connected to a card or a reader, by the log of a service that counts.
    pub fn connects(&self) -> usize {
        let log = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).matches("SCardConnect() Attempting Connect to").count()
    }

    /// True when the reader of that bay holds a card.
    pub fn has_card(&self, bay: u16) -> bool {
        let out = self.bootgate(&["card", "list", "--format", "json"]);
        let Ok(list) = serde_json::from_slice::<serde_json::Value>(&out.stdout) else { return false };
        let name = Self::reader(bay);
        let readers = list["readers"].as_array().into_iter().flatten();
        readers.into_iter().any(|r| r["name"] == name && r["card"] == true)
    }

    /// The name under which the first slot of a bay is listed.
    pub fn reader(bay: u16) -> String {
        format!("bay {bay} 00 00")
    }
}

/// The shell line that runs the service.
fn exec(folder: &Path, log: &str) -> String {
    let (pcscd, folder) = (super::program("pcscd", "pcscd"), folder.display());
    format!("{} -f {log} -c {folder}/readers.conf >>{folder}/log 2>&1", pcscd.display())
}

/// One entry per reader. Each needs a copy of the driver of its own, because the driver keeps its state in globals.
fn readers_conf(folder: &Path, readers: u16) -> String {
    assert!(
        Path::new(DRIVER).exists(),
        "{DRIVER} is missing: package vsmartcard-vpcd; `make test` installs it"
    );
    (0..readers)
        .map(|bay| {
            let driver = folder.join(format!("vpcd-{bay}.so"));
            if !driver.exists() {
                std::fs::copy(DRIVER, &driver).unwrap();
            }
            let port = PORT + 2 * bay;
            format!(
                "FRIENDLYNAME \"bay {bay}\"\nDEVICENAME /dev/null:{port}\nLIBPATH {}\nCHANNELID {port}\n\n",
                driver.display()
            )
        })
        .collect()
}
