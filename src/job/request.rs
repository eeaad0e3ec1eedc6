//! A job as a program asks for it: one JSON object.
//!
//! ```json
//! {
//!   "key": "order-4711",
//!   "profile": "acme-consumer",
//!   "route": "push",
//!   "payload": "cp",
//!   "subscriber": { "imsi": "262011234567890", "imei": "490154203237518", "msisdn": "+491711234567" },
//!   "valid-for": "24h"
//! }
//! ```
//!
//! | member        | what stands in it                                                                             |
//! |---------------|-----------------------------------------------------------------------------------------------|
//! | `key`         | the caller's name for the job: the same request under the same key makes one job              |
//! | `profile`     | the name of a profile that the service holds; or, in its place:                               |
//! | `profile-toml`| the profile itself                                                                            |
//! | `route`       | `push`                                                                                        |
//! | `payload`     | `cp` or `dm`                                                                                  |
//! | `subscriber`  | `imsi`, `imei`, `iccid`, `msisdn`, as far as they are known; a push needs `msisdn`            |
//! | `user-pin`    | a PIN that the user knows already, in place of one that is drawn                              |
//! | `valid-for`   | how long the network may try: a number and s, min or h, up to 168h                            |
//!
//! All mistakes are reported together, and none of them repeats a value: the next one may be an IMSI or a PIN.

use std::{fmt, str::FromStr, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{JobKey, Route, push::PushJob};
use crate::{
    bootstrap::PayloadKind,
    ident::{Pin, ProfileName, nearest},
    profile::{Problem, Profile, Subscriber},
};

/// Where profiles are found by name.
pub trait Profiles: Send + Sync {
    /// The text of a profile.
    ///
    /// # Errors
    /// Why there is none, and what to do.
    fn text(&self, name: &ProfileName) -> Result<String, String>;
}

/// Why a request is no job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It is not what a request looks like.
    #[error("the request is not understood: {}", lines(.0))]
    Form(Vec<Mistake>),
    /// It is understood, and what it asks for cannot be.
    #[error("the request cannot be met: {}", lines(.0))]
    Content(Vec<Mistake>),
}

/// One mistake of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The member, for example `subscriber.imsi`; for a profile with line and column.
    pub at: String,
    /// What is wrong, what was expected and what to do.
    pub what: String,
}

/// The longest validity.
const LONGEST: Duration = Duration::from_secs(168 * 3600);
const MEMBERS: &[&str] =
    &["key", "profile", "profile-toml", "route", "payload", "subscriber", "user-pin", "valid-for"];
const NUMBERS: &[&str] = &["imsi", "imei", "iccid", "msisdn"];

/// Reads a request. `validity` holds where it says none; `creator` is who asks.
///
/// # Errors
/// [`RequestError`].
pub fn read(
    octets: &[u8],
    profiles: &dyn Profiles,
    validity: Duration,
    creator: &str,
) -> Result<PushJob, RequestError> {
    let value: Value = serde_json::from_slice(octets).map_err(|e| {
        // The message speaks of characters, not of values: nothing was made of them yet.
        let what = format!("not JSON: {e}; expected one object");
        RequestError::Form(vec![Mistake { at: "body".into(), what }])
    })?;
    let mut form = Form::default();
    let read = form.read(&value);
    if !form.mistakes.is_empty() {
        return Err(RequestError::Form(form.mistakes));
    }
    let Some(raw) = read else { return Err(RequestError::Form(form.mistakes)) };
    let mut mistakes = Vec::new();
    let job = raw.job(profiles, validity, creator, &mut mistakes);
    match job {
        Some(job) if mistakes.is_empty() => Ok(job),
        _ => Err(RequestError::Content(mistakes)),
    }
}

/// The members of a request as text.
struct Raw<'v> {
    key: Option<&'v str>,
    profile: Option<&'v str>,
    toml: Option<&'v str>,
    route: Option<&'v str>,
    payload: Option<&'v str>,
    numbers: Vec<(&'static str, &'v str)>,
    pin: Option<&'v str>,
    valid_for: Option<&'v str>,
}

#[derive(Default)]
struct Form {
    mistakes: Vec<Mistake>,
}

impl Form {
    fn wrong(&mut self, at: &str, what: impl Into<String>) {
        self.mistakes.push(Mistake { at: at.to_owned(), what: what.into() });
    }

    fn read<'v>(&mut self, value: &'v Value) -> Option<Raw<'v>> {
        let Value::Object(all) = value else {
            self.wrong("body", "not an object; expected {\"profile\": …}");
            return None;
        };
        self.known(all, "", MEMBERS);
        let [key, profile, toml, route, payload, pin, valid_for] =
            ["key", "profile", "profile-toml", "route", "payload", "user-pin", "valid-for"]
                .map(|name| self.text(all, "", name));
        let mut numbers = Vec::new();
        match all.get("subscriber") {
            None => {}
            Some(Value::Object(inner)) => {
                self.known(inner, "subscriber.", NUMBERS);
                for name in NUMBERS {
                    numbers.extend(self.text(inner, "subscriber.", name).map(|text| (*name, text)));
                }
            }
            Some(_) => self.wrong("subscriber", "not an object; expected {\"imsi\": …, \"msisdn\": …}"),
        }
        Some(Raw { key, profile, toml, route, payload, numbers, pin, valid_for })
    }

    fn known(&mut self, all: &Map<String, Value>, before: &str, known: &[&str]) {
        for name in all.keys().filter(|name| !known.contains(&name.as_str())) {
            // A name may be anything; a value in its place by mistake, too. Words of letters are no number and no PIN.
            let is_word =
                name.len() <= 32 && name.chars().all(|c| c.is_ascii_alphabetic() || "-_.".contains(c));
            let near = nearest(name, known.iter().copied());
            let hint = near.map(|k| format!("did you mean `{k}`? ")).unwrap_or_default();
            let shown = if near.is_some() || is_word {
                format!("{before}{name}")
            } else {
                format!("{before}(unknown)")
            };
            self.wrong(&shown, format!("no such member; {hint}expected {}", known.join(", ")));
        }
    }

    fn text<'v>(&mut self, all: &'v Map<String, Value>, before: &str, name: &str) -> Option<&'v str> {
        match all.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => {
                self.wrong(&format!("{before}{name}"), "not text; expected a string in quotes");
                None
            }
        }
    }
}

impl Raw<'_> {
    fn job(
        &self,
        profiles: &dyn Profiles,
        validity: Duration,
        creator: &str,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<PushJob> {
        let key: Option<JobKey> = word("key", self.key, "1 to 128 printable characters", mistakes);
        let route = required("route", self.route, "push", mistakes);
        let route: Option<Route> = word("route", route, "push", mistakes);
        if route.is_some_and(|route| route != Route::Push) {
            let what = "no route of a request; expected push (cards are written at a station)";
            mistakes.push(Mistake { at: "route".into(), what: what.into() });
        }
        let payload = required("payload", self.payload, "cp or dm", mistakes);
        let payload: Option<PayloadKind> = word("payload", payload, "cp or dm", mistakes);
        let mut subscriber = Subscriber::default();
        for (name, text) in &self.numbers {
            let at = format!("subscriber.{name}");
            match *name {
                "imsi" => subscriber.imsi = parsed(&at, Some(text), mistakes),
                "imei" => subscriber.imei = parsed(&at, Some(text), mistakes),
                "iccid" => subscriber.iccid = parsed(&at, Some(text), mistakes),
                _ => subscriber.msisdn = parsed(&at, Some(text), mistakes),
            }
        }
        let pin: Option<Pin> = parsed("user-pin", self.pin, mistakes);
        let validity = match self.valid_for {
            None => Some(validity),
            Some(text) => duration(text).or_else(|| {
                let what = "not a time; expected a number and s, min or h, from \"1s\" to \"168h\"";
                mistakes.push(Mistake { at: "valid-for".into(), what: what.into() });
                None
            }),
        };
        let profile = self.profile(profiles, mistakes);
        Some(PushJob {
            key,
            profile: profile?,
            subscriber,
            payload: payload?,
            pin,
            validity: validity?,
            creator: Some(creator.to_owned()),
            asked: self.digest(creator),
        })
    }

    fn profile(&self, profiles: &dyn Profiles, mistakes: &mut Vec<Mistake>) -> Option<Profile> {
        let mut wrong = |at: &str, what: String| {
            mistakes.push(Mistake { at: at.to_owned(), what });
            None
        };
        let (at, text, name) = match (self.profile, self.toml) {
            (Some(name), None) => match name.parse::<ProfileName>() {
                Ok(name) => match profiles.text(&name) {
                    Ok(text) => ("profile", text, Some(name)),
                    Err(why) => return wrong("profile", why),
                },
                Err(error) => return wrong("profile", error.to_string()),
            },
            (None, Some(text)) => ("profile-toml", text.to_owned(), None),
            (None, None) => {
                return wrong("profile", "missing; expected the name of a profile, or profile-toml".into());
            }
            (Some(_), Some(_)) => {
                return wrong("profile", "beside profile-toml; expected one of the two".into());
            }
        };
        match (Profile::parse(&text), name) {
            (Ok(profile), Some(name)) if profile.name != name => wrong(
                "profile",
                format!("its file is of profile {}; name the file like the profile", profile.name),
            ),
            (Ok(profile), _) => Some(profile),
            (Err(problems), _) => {
                mistakes.extend(
                    problems.iter().map(|p: &Problem| Mistake { at: at.to_owned(), what: p.to_string() }),
                );
                None
            }
        }
    }

    /// Of all that was asked for, each member with its length before it.
    fn digest(&self, creator: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        let numbers = self.numbers.iter().flat_map(|(name, text)| [Some(*name), Some(*text)]);
        let members =
            [Some(creator), self.profile, self.toml, self.route, self.payload, self.pin, self.valid_for];
        for member in members.into_iter().chain(numbers) {
            let length = member.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
            hash.update(length.to_be_bytes());
            hash.update(member.unwrap_or("").as_bytes());
        }
        hash.finalize().into()
    }
}

fn parsed<T: FromStr<Err: fmt::Display>>(
    at: &str,
    text: Option<&str>,
    mistakes: &mut Vec<Mistake>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            let error: T::Err = error;
            mistakes.push(Mistake { at: at.to_owned(), what: error.to_string() });
            None
        }
    }
}

/// As [`parsed`], for what repeats the text in its error.
fn word<T: FromStr>(at: &str, text: Option<&str>, expected: &str, mistakes: &mut Vec<Mistake>) -> Option<T> {
    let read = text?.parse().ok();
    if read.is_none() {
        mistakes.push(Mistake { at: at.to_owned(), what: format!("not as expected; expected {expected}") });
    }
    read
}

fn required<'t>(
    at: &str,
    text: Option<&'t str>,
    expected: &str,
    mistakes: &mut Vec<Mistake>,
) -> Option<&'t str> {
    if text.is_none() {
        mistakes.push(Mistake { at: at.to_owned(), what: format!("missing; expected {expected}") });
    }
    text
}

/// A number and a unit.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit.trim_start() {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_secs(seconds)).filter(|d| (Duration::from_secs(1)..=LONGEST).contains(d))
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|m| format!("{}: {}", m.at, m.what)).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
    const IMSI: &str = "262019876598765";

    struct One;

    impl Profiles for One {
        fn text(&self, name: &ProfileName) -> Result<String, String> {
            match name.as_str() {
                "acme-consumer" | "misnamed" => Ok(PROFILE.to_owned()),
                _ => Err("there is no such profile".to_owned()),
            }
        }
    }

    fn request() -> Value {
        serde_json::json!({
            "key": "order-1", "profile": "acme-consumer", "route": "push", "payload": "cp", "valid-for": "2h",
            "subscriber": { "imsi": IMSI, "imei": "490154203237518", "msisdn": "+491711234567" },
        })
    }

    fn ask(value: &Value) -> Result<PushJob, RequestError> {
        read(value.to_string().as_bytes(), &One, Duration::from_secs(60), "pipeline")
    }

    #[test]
    fn a_request_is_read() {
        let job = ask(&request()).unwrap();
        assert_eq!(job.profile.name.as_str(), "acme-consumer");
        assert_eq!((job.payload, job.validity), (PayloadKind::Cp, Duration::from_secs(7200)));
        assert_eq!(job.subscriber.msisdn.as_ref().unwrap().digits(), "491711234567");
        let mut inline = request();
        inline["profile"].take();
        inline["valid-for"].take();
        inline["profile-toml"] = PROFILE.into();
        let inline = ask(&inline).unwrap();
        assert_eq!((inline.profile, inline.validity), (job.profile, Duration::from_secs(60)));
    }

    #[test]
    fn the_same_request_is_known_again_and_no_other() {
        let asked = ask(&request()).unwrap().asked;
        assert_eq!(ask(&request()).unwrap().asked, asked);
        for (member, value) in [("payload", "dm"), ("valid-for", "3h"), ("user-pin", "1234")] {
            let mut other = request();
            other[member] = value.into();
            assert_ne!(ask(&other).unwrap().asked, asked, "{member}");
        }
        let mut other = request();
        other["subscriber"]["msisdn"] = "+491711234568".into();
        assert_ne!(ask(&other).unwrap().asked, asked);
        let by_another = read(request().to_string().as_bytes(), &One, Duration::from_secs(60), "another");
        assert_ne!(by_another.unwrap().asked, asked);
    }

    /// A value that is wrong, or in the wrong place, is never repeated.
    #[test]
    fn mistakes_say_where_and_what_and_repeat_nothing() {
        let change = |path: &str, value: Value| {
            let mut request = request();
            *request.pointer_mut(path).unwrap() = value;
            request
        };
        let add = |name: &str, value: Value| {
            let mut request = request();
            request[name] = value;
            request
        };
        let bad = format!("{IMSI}9");
        for (request, form, said) in [
            (Value::from(IMSI), true, "body: not an object"),
            (change("/subscriber", IMSI.into()), true, "subscriber: not an object"),
            (
                change("/subscriber/imsi", serde_json::json!(262_019_876_598_765_i64)),
                true,
                "subscriber.imsi: not text",
            ),
            (add("playload", "cp".into()), true, "playload: no such member; did you mean `payload`?"),
            (add(IMSI, "cp".into()), true, "(unknown): no such member; expected key, "),
            (add("colour", "red".into()), true, "colour: no such member; expected key, "),
            (change("/subscriber/imsi", bad.clone().into()), false, "subscriber.imsi: IMSI has 16 digits"),
            (change("/subscriber/imei", bad.clone().into()), false, "subscriber.imei: "),
            (change("/subscriber/msisdn", format!("{bad}x").into()), false, "subscriber.msisdn: "),
            (change("/route", Value::Null), false, "route: missing; expected push"),
            (change("/route", "card".into()), false, "route: no route of a request; expected push"),
            (change("/route", IMSI.into()), false, "route: not as expected"),
            (change("/payload", IMSI.into()), false, "payload: not as expected"),
            (change("/key", format!("{IMSI}\n").into()), false, "key: not as expected"),
            (change("/payload", Value::Null), false, "payload: missing; expected cp or dm"),
            (change("/valid-for", "169h".into()), false, "valid-for: not a time"),
            (change("/profile", Value::Null), false, "profile: missing"),
            (change("/profile", "no".into()), false, "profile: there is no such profile"),
            (change("/profile", "../etc".into()), false, "profile: "),
            (change("/profile", "misnamed".into()), false, "profile: its file is of profile acme-consumer"),
            (add("profile-toml", "".into()), false, "profile: beside profile-toml"),
            (add("user-pin", "12".into()), false, "user-pin: PIN has 2 digits"),
        ] {
            let error = ask(&request).unwrap_err();
            assert_eq!(matches!(error, RequestError::Form(_)), form, "{error}");
            assert!(error.to_string().contains(said), "{error}, not {said}");
            assert!(!error.to_string().contains(IMSI), "{error}");
        }
        let broken = request().to_string().replace("\"imsi\":", "\"imsi\"");
        for octets in [broken.as_bytes(), b"", b"\xFF", IMSI.as_bytes(), b"[", &[b'['; 5000]] {
            let error = read(octets, &One, Duration::from_secs(60), "pipeline").unwrap_err();
            assert!(matches!(error, RequestError::Form(_)) && !error.to_string().contains(IMSI), "{error}");
        }
        // All at once, and those of a profile with their places.
        let mut request = change("/payload", "xml".into());
        request["profile"].take();
        request["profile-toml"] = "name = \"x\"\nversion = 0\n".into();
        let RequestError::Content(mistakes) = ask(&request).unwrap_err() else { panic!() };
        assert!(mistakes.len() >= 2 && mistakes.iter().any(|m| m.what.contains("2:11")), "{mistakes:?}");
    }
}
