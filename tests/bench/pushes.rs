//! Pushes from PAP to SMPP: ours and Kannel's, over the same virtual SMSC, by the same client, one after the other in one run.
//!
//! Ours is measured with every push stored so that it survives a power cut, so that it survives SIGKILL, and in a file system
//! in memory, so that no disk has part in it; Kannel as it is, which stores nothing. What counts is from the first request to the last short message at the SMSC;
//! processor time is that of the gateway's processes alone.
//!
//! All of it runs in a network of its own, because Kannel's ports are fixed: this program starts itself again there.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bootgate::lab::smsc::{Behaviour, VirtualSmsc};

use crate::{
    load::{
        pap::{self, Client, Target},
        serve, usage,
    },
    peers::{Process, kannel::configuration, namespace::Namespace, program, wait_for},
    verdict::verdict,
};

/// Says that this program runs in the network of its own.
const INSIDE: &str = "BOOTGATE_BENCH_PUSHES";
/// Connections of the client.
const CONNECTIONS: usize = 32;
/// Submissions without an answer, for both gateways.
const WINDOW: u32 = 100;
/// What Kannel's PPG knows its initiator by.
const KANNEL: Target = Target { path: "/wappush", authorization: "Basic Zm9vOmJhcg==" };

/// Which gateway is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gateway {
    Kannel,
    /// What its outbox survives (`memory` is SIGKILL, but not the machine), and whether a receipt is asked for every segment.
    Ours(&'static str, bool),
}

/// What a run came to.
#[derive(Debug, Clone, Copy)]
struct Ran {
    /// Pushes a second.
    speed: f64,
    /// Processor seconds of the gateway for 1,000 pushes.
    cpu: f64,
    resident: f64,
}

/// Runs in a network of its own and prints what was measured.
pub(crate) fn tell() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let folder = tempfile::tempdir().unwrap();
    let network = Namespace::start("a network", folder.path(), "/run/kannel", "sleep 3600");
    wait_for("the network of its own", || {
        let mut command = network.command(Path::new("/bin/bash"));
        command.args(["-c", "test -d /sys/class/net/lo && : > /dev/udp/127.0.0.1/9"]);
        command.output().is_ok_and(|done| done.status.success())
    });
    let mut command = network.command(&std::env::current_exe().unwrap());
    command.args(std::env::args().skip(1)).env(INSIDE, "1");
    assert!(command.status().unwrap().success(), "the benchmark of pushes ended early");
}

fn inside() {
    let number =
        |name: &str, default: u32| std::env::var(name).ok().map_or(default, |text| text.parse().unwrap());
    let (pushes, rounds) = (number("BOOTGATE_BENCH_COUNT", 20_000), number("BOOTGATE_BENCH_ROUNDS", 3));
    let all = [
        Gateway::Kannel,
        Gateway::Ours("power", false),
        Gateway::Ours("kill", false),
        Gateway::Ours("memory", false),
        Gateway::Ours("kill", true),
    ];
    let wanted = std::env::var("BOOTGATE_BENCH_ONLY").unwrap_or_default();
    println!(
        "pushes: {pushes} a run, best of {rounds}, {CONNECTIONS} connections kept, window {WINDOW}, load {} at the start",
        usage::load()
    );
    for segments in [1, 5] {
        let mut kannel: Option<Ran> = None;
        for gateway in all.into_iter().filter(|gateway| gateway.to_string().contains(&wanted)) {
            let ran = (0..rounds).map(|_| run(gateway, pushes, segments));
            let best = ran.reduce(|a, b| Ran {
                speed: a.speed.max(b.speed),
                cpu: a.cpu.min(b.cpu),
                resident: a.resident.max(b.resident),
            });
            let Some(ran) = best else { continue };
            let ratio = kannel.map_or_else(String::new, |kannel| {
                format!(
                    "; {:.2} of its speed, {:.2} of its CPU",
                    ran.speed / kannel.speed,
                    ran.cpu / kannel.cpu
                )
            });
            println!(
                "pushes of {segments} by {gateway}: {:.0} a second, {:.3} CPU s per 1,000, {:.0} MiB{ratio}",
                ran.speed, ran.cpu, ran.resident
            );
            if gateway == Gateway::Kannel {
                kannel = Some(ran);
            }
            if let (Gateway::Ours("power", false), Some(kannel)) = (gateway, kannel) {
                println!(
                    "  target the speed of Kannel or more: {}; half of its CPU or less: {}",
                    verdict(ran.speed >= kannel.speed),
                    verdict(ran.cpu <= kannel.cpu / 2.0)
                );
            }
        }
    }
    if wanted.is_empty() || "pending".contains(&wanted) {
        pending(number("BOOTGATE_BENCH_PENDING", 100_000));
    }
    println!("pushes: load {} at the end", usage::load());
}

/// What a gateway holds in memory while so many pushes wait, each for one device, and no link stands.
fn pending(pushes: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let started = start(Gateway::Ours("kill", true), folder.path(), nobody);
    runtime.block_on(drive(&started.target, started.address, 0..pushes, 5));
    let resident: f64 = started.processes.iter().map(|process| usage::resident_mib(process.id())).sum();
    println!(
        "{pushes} pushes of 5 pending: {resident:.0} MiB resident   target 200 or less   {}",
        verdict(resident <= 200.0)
    );
}

fn run(gateway: Gateway, pushes: u32, segments: usize) -> Ran {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = match gateway {
        Gateway::Ours("memory", _) => tempfile::tempdir_in("/dev/shm").unwrap(),
        _ => tempfile::tempdir().unwrap(),
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let (smsc, received) = runtime.block_on(VirtualSmsc::start(listen, Behaviour::default())).unwrap();
    // Nobody looks at messages: they are counted and forgotten.
    drop(received);
    let started = start(gateway, folder.path(), smsc.address());
    let ids: Vec<u32> = started.processes.iter().map(Process::id).collect();
    let used = || ids.iter().map(|id| usage::cpu_seconds(*id)).sum::<f64>();
    let load = |from: u32, count: u32| {
        let wanted = smsc.taken() + u64::from(count) * segments as u64;
        runtime.block_on(drive(&started.target, started.address, from..from + count, segments));
        let until = Instant::now() + Duration::from_secs(60);
        while smsc.taken() < wanted {
            assert!(Instant::now() < until, "{gateway}: {} of {wanted} short messages came", smsc.taken());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    // The first ones find caches cold and a link that is just being made.
    load(0, (pushes / 20).max(500));
    let (began, before) = (Instant::now(), used());
    load(1_000_000, pushes);
    let seconds = began.elapsed().as_secs_f64();
    // What it still has to write down of these belongs to them.
    std::thread::sleep(Duration::from_millis(500));
    let cpu = (used() - before) * 1_000.0 / f64::from(pushes);
    let resident = ids.iter().map(|id| usage::resident_mib(*id)).sum();
    Ran { speed: f64::from(pushes) / seconds, cpu, resident }
}

/// A gateway at work.
struct Started {
    processes: Vec<Process>,
    target: Target,
    address: SocketAddr,
}

fn start(gateway: Gateway, folder: &Path, smsc: SocketAddr) -> Started {
    match gateway {
        Gateway::Ours(durability, receipts) => {
            let link = format!(
                "window = \"{WINDOW}\"\nsource = \"9876\"\nreceipts = \"{}\"",
                if receipts { "yes" } else { "no" }
            );
            let durability = if durability == "memory" { "kill" } else { durability };
            serve::configure(folder, &format!("durability = \"{durability}\""), smsc, &link);
            let (process, address) = serve::start(folder);
            Started { processes: vec![process], target: serve::TARGET, address }
        }
        Gateway::Kannel => {
            let conf = folder.join("kannel.conf");
            std::fs::write(&conf, configuration(folder, 3, &smpp(smsc.port()))).unwrap();
            let run = |name: &str| {
                let log = std::fs::File::create(folder.join(format!("{name}.out"))).unwrap();
                let mut command = Command::new(program(name, "kannel"));
                Process::start(name, command.arg(&conf).stdout(log.try_clone().unwrap()).stderr(log))
            };
            let port = |port: u16| {
                wait_for("a port of Kannel", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
            };
            let bearerbox = run("bearerbox");
            port(13002);
            let wapbox = run("wapbox");
            port(18080);
            let address = "127.0.0.1:18080".parse().unwrap();
            Started { processes: vec![bearerbox, wapbox], target: KANNEL, address }
        }
    }
}

/// Pushes all of these, over connections that are kept.
async fn drive(target: &Target, address: SocketAddr, pushes: std::ops::Range<u32>, segments: usize) {
    let next = Arc::new(AtomicU32::new(pushes.start));
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (next, mut client, end) = (Arc::clone(&next), Client::new(target), pushes.end);
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= end {
                        return;
                    }
                    let body = pap::push(n, pap::octets(segments));
                    loop {
                        let answer = client.post(address, pap::PUSH, &body).await.unwrap();
                        match pap::code(answer) {
                            Some(1001) => break,
                            // Not ready yet.
                            Some(4001) => tokio::time::sleep(Duration::from_millis(20)).await,
                            _ => panic!("push {n} was answered {answer}"),
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

impl std::fmt::Display for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kannel => f.write_str("kannel"),
            Self::Ours(durability, false) => write!(f, "ours, stored against {durability}"),
            Self::Ours(durability, true) => write!(f, "ours, stored against {durability}, with receipts"),
        }
    }
}

/// Our virtual SMSC, as Kannel is told of it.
fn smpp(port: u16) -> String {
    format!(
        "smsc = smpp\nhost = 127.0.0.1\nport = {port}\ntransceiver-mode = true\nsmsc-username = \"kannel\"\n\
         smsc-password = \"secret\"\nsystem-type = \"VMA\"\naddress-range = \"\"\nenquire-link-interval = 30\n\
         max-pending-submits = {WINDOW}"
    )
}
