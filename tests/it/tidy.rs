//! Holds the doors of the house: which room may import which, which words a pure room may not know, and what
//! every file begins with.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Each room and the rooms that it may import. A room that is not here may not exist.
const DOORS: &[(&str, &[&str])] = &[
    ("ident", &[]),
    ("wire", &["ident"]),
    ("profile", &["ident"]),
    ("bootstrap", &["ident", "profile", "wire"]),
    ("phone", &["ident", "wire"]),
    ("explain", &["ident", "phone", "wire"]),
    ("card", &["ident", "wire"]),
    ("bearer", &["ident", "wire"]),
    ("dm", &["ident", "wire"]),
    ("handoff", &["dm", "ident", "wire"]),
    ("job", &["bearer", "bootstrap", "card", "dm", "handoff", "ident", "profile", "wire"]),
    ("vault", &["card", "ident", "wire"]),
    ("store", &["bearer", "card", "dm", "ident", "job", "vault", "wire"]),
    (
        "app",
        &[
            "bearer",
            "bootstrap",
            "card",
            "dm",
            "handoff",
            "ident",
            "job",
            "profile",
            "store",
            "vault",
            "wire",
        ],
    ),
    ("http", &["app", "bearer", "dm", "ident", "job", "wire"]),
    (
        "lab",
        &[
            "app",
            "bearer",
            "bootstrap",
            "card",
            "dm",
            "http",
            "ident",
            "job",
            "phone",
            "profile",
            "store",
            "wire",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "bearer",
            "bootstrap",
            "card",
            "dm",
            "explain",
            "http",
            "ident",
            "job",
            "lab",
            "phone",
            "profile",
            "store",
            "vault",
            "wire",
        ],
    ),
];

/// Rooms, or files, that do no I/O, read no clock and draw no random numbers.
const PURE: &[&str] =
    &["ident/", "wire/", "profile/", "bootstrap/", "phone/", "explain/", "job/state.rs", "job/push/step.rs"];

/// What a pure room may not say.
const IMPURE_WORDS: &[&str] = &[
    "tokio",
    "SystemTime",
    "Instant::now",
    "getrandom",
    "rand_chacha",
    "OsRandom",
    "SystemClock",
    "std::fs",
    "std::net",
    "std::env",
    "reqwest",
    "sqlx",
];

/// Above this many lines (tests apart) a file holds more than one thing.
const LONGEST: usize = 400;

struct Source {
    /// Path below `src`, with forward slashes.
    name: String,
    /// The text before `#[cfg(test)]`, or `#![cfg(test)]` where the whole file is for tests.
    code: String,
}

impl Source {
    /// True for a file that a room's `#[cfg(test)] mod tests` brings in: its length is its own affair.
    fn is_test(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.contains("/tests/")
    }

    fn room(&self) -> &str {
        self.name.split('/').next().unwrap_or("")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let sources: Vec<Source> = found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let code = text.split("[cfg(test)]").next().unwrap_or("").to_owned();
            Source { name, code }
        })
        .collect();
    assert!(sources.len() > 60, "only {} files found below src", sources.len());
    sources
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The rooms named behind `crate::` in code lines, also in `use crate::{a, b}`.
fn imports(code: &str) -> BTreeSet<String> {
    let code: String = code
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .map(|l| l.split(" // ").next().unwrap_or(l).to_owned() + "\n")
        .collect();
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        rooms.insert(word.clone());
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        rooms.insert(std::mem::take(&mut word));
                    }
                    c if depth == 0 && (c.is_alphanumeric() || c == '_' || c == ':') => word.push(c),
                    _ => {}
                }
            }
        } else {
            rooms.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
        .into_iter()
        .map(|r| r.split(':').next().unwrap_or("").to_owned())
        .filter(|r| !r.is_empty())
        .collect()
}

#[test]
fn doors_open_one_way() {
    let doors: BTreeMap<&str, BTreeSet<&str>> =
        DOORS.iter().map(|(room, may)| (*room, may.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.name.contains('/')) {
        let Some(may) = doors.get(source.room()) else {
            wrong.push(format!("src/{}: a room that the design does not know", source.name));
            continue;
        };
        for room in imports(&source.code) {
            if room != source.room() && doors.contains_key(room.as_str()) && !may.contains(room.as_str()) {
                wrong.push(format!(
                    "src/{} imports crate::{room}, which {} may not",
                    source.name,
                    source.room()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_is_seen_in_every_spelling() {
    let code = "use crate::{dm::Server, job::{Job, State}, ident};\nlet x = crate::store::open();\n// crate::cli is only spoken of\n";
    let seen: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(seen, ["dm", "ident", "job", "store"]);
}

#[test]
fn every_situation_is_told() {
    // Without autotests a file that main.rs does not name is silently no test.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "main" {
            seen += 1;
            assert!(
                main.lines().any(|l| l == format!("mod {name};")),
                "tests/it/main.rs does not name {name}"
            );
        }
    }
    assert!(seen >= 12, "only {seen} situations found");
}

#[test]
fn pure_rooms_stay_pure() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources().iter().filter(|s| !s.is_test() && PURE.iter().any(|p| s.name.starts_with(p))) {
        seen += 1;
        for (n, line) in source.code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for word in IMPURE_WORDS.iter().filter(|w| line.contains(**w)) {
                wrong.push(format!("src/{}:{} says {word}", source.name, n + 1));
            }
        }
    }
    assert!(seen > 30, "only {seen} pure files seen");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_is_one_thing() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.code.starts_with("//!") {
            wrong.push(format!("src/{} does not begin with //!", source.name));
        }
        let lines = source.code.lines().count();
        if lines > LONGEST && !source.is_test() {
            wrong.push(format!("src/{} has {lines} lines before its tests; split it", source.name));
        }
        if source.code.contains("super::super") {
            wrong.push(format!("src/{} reaches through super::super", source.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
