//! What a vault seals it opens, under the right key and for the right purpose only; and there is one key, however many
//! make it.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
};

use super::*;

/// Counts up, so that no two draws of one source are the same.
struct Count(AtomicU64);

impl Random for Count {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

const FOR_CARD: Purpose<'static> = Purpose { kind: "card-write", of: "8949020000123456786" };

fn vault(source: KeySource) -> Vault {
    Vault::new(source, Arc::new(Count(AtomicU64::new(1))))
}

fn key_file(directory: &Path, text: &[u8]) -> std::path::PathBuf {
    let path = directory.join("key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn what_is_sealed_opens_for_its_purpose_alone() {
    let vault = vault(KeySource::Drawn);
    for secret in [&b""[..], b"x", &[7; 5000]] {
        let blob = vault.seal(FOR_CARD, secret).unwrap();
        assert_eq!(blob.len(), HEADER + secret.len() + TAG);
        assert_eq!(&vault.open(FOR_CARD, &blob).unwrap()[..], secret);
        assert_ne!(blob, vault.seal(FOR_CARD, secret).unwrap(), "a nonce was used twice");
        for other in
            [Purpose { of: "8949020000123456794", ..FOR_CARD }, Purpose { kind: "card-read", ..FOR_CARD }]
        {
            assert!(matches!(vault.open(other, &blob), Err(VaultError::Damaged { .. })));
        }
    }
}

#[test]
fn every_octet_of_a_blob_counts() {
    let vault = vault(KeySource::Drawn);
    let blob = vault.seal(FOR_CARD, b"abc").unwrap();
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        let error = vault.open(FOR_CARD, &changed).unwrap_err();
        match at {
            0 => assert!(matches!(error, VaultError::Version { got: 0, known: 1 })),
            1..=4 => assert!(matches!(error, VaultError::OtherKey { .. })),
            _ => assert!(matches!(error, VaultError::Damaged { .. }), "{at}: {error}"),
        }
    }
    for length in 0..HEADER + TAG {
        assert!(matches!(vault.open(FOR_CARD, &blob[..length]), Err(VaultError::Short { .. })));
    }
}

#[test]
fn a_key_has_three_spellings_and_they_are_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let octets: Vec<u8> = (0xE0..=0xFF).collect();
    let hex: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &octets);
    let spellings = [
        octets.clone(),
        format!("{hex}\n").into_bytes(),
        hex.to_lowercase().into_bytes(),
        base64.into_bytes(),
    ];
    let ids = spellings
        .map(|text| vault(KeySource::File(key_file(directory.path(), &text))).key_id().unwrap().to_string());
    assert_eq!(ids, [(); 4].map(|()| ids[0].clone()));
    let (short, long) = (vec![b'a'; 63], vec![b'a'; 4096]);
    for bad in [&b""[..], b"\n", &short, &long, &[b'g'; 64], &octets[..31]] {
        let error = vault(KeySource::File(key_file(directory.path(), bad))).key_id().unwrap_err();
        assert!(matches!(&error, VaultError::NotAKey { .. }), "{error}");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(directory.path(), &[b'a'; 64]);
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = vault(KeySource::File(path.clone())).key_id().unwrap_err().to_string();
        assert!(error.contains(&format!("(mode {mode:o}); chmod 600")), "{error}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    vault(KeySource::File(path)).key_id().unwrap();
}

#[test]
fn the_wrong_key_is_named_and_so_is_the_right_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(directory.path(), &[b'a'; 64]);
    let one = vault(KeySource::File(path.clone()));
    let blob = one.seal(FOR_CARD, b"4815162342").unwrap();
    let right = one.key_id().unwrap();
    std::fs::write(&path, [b'b'; 64]).unwrap();
    let other = vault(KeySource::File(path.clone()));
    let error = other.open(FOR_CARD, &blob).unwrap_err().to_string();
    let wrong = other.key_id().unwrap();
    assert!(
        error.contains(&format!("sealed under key {right}, and {} holds key {wrong}", path.display())),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    let error = vault(KeySource::Made(path.clone())).open(FOR_CARD, &blob).unwrap_err().to_string();
    assert!(
        error.contains(&format!("no such key file, and the secret was sealed under key {right}")),
        "{error}"
    );
    assert!(!path.exists(), "opening makes no key");
}

#[test]
fn nothing_prints_a_key_or_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    let one = vault(KeySource::File(key_file(directory.path(), &[b'a'; 64])));
    let blob = one.seal(FOR_CARD, b"4815162342").unwrap();
    let shown = format!("{one:?} {:?} {:?}", one.key_id(), vault(KeySource::Drawn).open(FOR_CARD, &blob));
    assert!(!shown.contains("aaaa") && !shown.contains("4815"), "{shown}");
    assert!(!blob.windows(4).any(|octets| octets == b"4815"));
}

#[test]
fn an_environment_variable_that_is_not_set_is_named() {
    let error = vault(KeySource::Env("BOOTGATE_NO_SUCH_KEY".into())).key_id().unwrap_err().to_string();
    assert!(error.contains("BOOTGATE_NO_SUCH_KEY"), "{error}");
    // PATH is always set, and no key.
    let error = vault(KeySource::Env("PATH".into())).key_id().unwrap_err().to_string();
    assert!(error.starts_with("environment variable PATH: is no key"), "{error}");
}

#[test]
fn eight_threads_at_once_make_one_key() {
    for round in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db-vault-key");
        let barrier = Barrier::new(8);
        let blobs: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    let (path, barrier) = (&path, &barrier);
                    scope.spawn(move || {
                        // Every second one draws what its neighbour draws: names of drafts collide, too.
                        let random = Arc::new(Count(AtomicU64::new(round * 1000 + thread / 2 * 100)));
                        let vault = Vault::new(KeySource::Made(path.clone()), random);
                        barrier.wait();
                        vault.seal(FOR_CARD, b"secret").unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let reader = vault(KeySource::File(path.clone()));
        for blob in &blobs {
            assert_eq!(&reader.open(FOR_CARD, blob).unwrap()[..], b"secret");
        }
        let left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["db-vault-key"], "drafts were left behind");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Where the child processes of the next test find the key file.
const CHILD: &str = "BOOTGATE_TEST_VAULT_CHILD";

#[test]
fn eight_processes_at_once_make_one_key() {
    if let Ok(place) = std::env::var(CHILD) {
        let place = Path::new(&place);
        let seed = u64::from(std::process::id());
        let vault =
            Vault::new(KeySource::Made(place.join("key")), Arc::new(Count(AtomicU64::new(seed * 1000))));
        let blob = vault.seal(FOR_CARD, b"secret").unwrap();
        std::fs::write(place.join(format!("blob-{seed}")), blob).unwrap();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..8)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "vault::tests::eight_processes_at_once_make_one_key"])
                .env(CHILD, directory.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let reader = vault(KeySource::File(directory.path().join("key")));
    let mut opened = BTreeSet::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("blob-") {
            assert_eq!(&reader.open(FOR_CARD, &std::fs::read(&path).unwrap()).unwrap()[..], b"secret");
            opened.insert(path);
        }
    }
    assert_eq!(opened.len(), 8);
}
