//! Results that gateways of others have told `serve`, out of the file of `[push] results-file`.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use serde::Deserialize;

use crate::wire::pap::{MessageState, PushId, StatusCode};

/// The longest line that is read: a result that is told has fewer octets (`http::results`).
const LINE: u64 = 256 * 1024;

/// One result, as a line of the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct KeptResult {
    push_id: String,
    /// For whom.
    pub(crate) address: String,
    #[serde(deserialize_with = "state")]
    pub(crate) state: MessageState,
    #[serde(deserialize_with = "code")]
    pub(crate) code: StatusCode,
    /// In words of the gateway.
    pub(crate) desc: Option<String>,
    /// Since when, as the gateway says.
    pub(crate) event_time: Option<String>,
    /// When it was told here.
    pub(crate) told_at: String,
}

/// What was told of a push: for each address the last, in the order in which the addresses were first told of. No file is
/// nothing told; a line that is none, as of a disk that was full, is passed over.
///
/// # Errors
/// Of a file that is there and cannot be read.
pub(crate) fn kept_results(file: &Path, push_id: &PushId) -> io::Result<Vec<KeptResult>> {
    let mut lines = match File::open(file) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let (mut kept, mut line): (Vec<KeptResult>, _) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if (&mut lines).take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(kept);
        }
        let Ok(result) = serde_json::from_slice::<KeptResult>(&line) else { continue };
        if result.push_id != push_id.as_str() {
            continue;
        }
        match kept.iter_mut().find(|own| own.address == result.address) {
            Some(own) => *own = result,
            None => kept.push(result),
        }
    }
}

fn state<'de, D: serde::Deserializer<'de>>(d: D) -> Result<MessageState, D::Error> {
    String::deserialize(d)?.parse().map_err(|_| serde::de::Error::custom("not a message state"))
}

fn code<'de, D: serde::Deserializer<'de>>(d: D) -> Result<StatusCode, D::Error> {
    u16::deserialize(d).map(StatusCode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_each_address_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.jsonl");
        let id: PushId = "1@pi".parse().unwrap();
        assert_eq!(kept_results(&file, &id).unwrap(), [], "nothing was told yet");
        let line = |id: &str, to: &str, state: &str| {
            format!(
                "{{\"push-id\":\"{id}\",\"address\":\"{to}\",\"state\":\"{state}\",\"code\":1000,\"desc\":null,\
                 \"event-time\":null,\"told-at\":\"2026-01-01T00:00:00Z\"}}\n"
            )
        };
        let text = [
            line("1@pi", "a", "pending"),
            line("2@pi", "a", "expired"),
            "{\"push-id\":\"1@pi\",\"addr\n".to_owned(),
            line("1@pi", "b", "undeliverable"),
            line("1@pi", "a", "delivered"),
        ];
        std::fs::write(&file, text.concat()).unwrap();
        let kept = kept_results(&file, &id).unwrap();
        let shown: Vec<_> = kept.iter().map(|k| (k.address.as_str(), k.state)).collect();
        assert_eq!(shown, [("a", MessageState::Delivered), ("b", MessageState::Undeliverable)]);
        assert!(kept_results(folder.path(), &id).is_err(), "a folder is no file");
    }
}
