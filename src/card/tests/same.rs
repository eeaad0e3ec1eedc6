//! The same job leaves the same octets on every kind of card, by T=0 and by T=1, with 61xx and without, in each class, and on each
//! channel: a first write, an update, an erasure, a restoration, settings, a tree, and scripts. Of cards of one kind all files are
//! compared; cards of different kinds have the files of the bootstrap in common.

#![cfg(test)]

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::*;
use crate::{
    card::script::{CardBackup, MemoryBackup, Setup, run, shipped},
    lab::image::{Body, FileImage, Personality, Quirk, Sample},
    wire::script::{Need, check},
};

/// A way to speak to a kind of card.
#[derive(Debug, Clone, Copy)]
struct Way {
    personality: Personality,
    protocol: Protocol,
    /// Whether answers are fetched by GET RESPONSE; none: as the protocol has it.
    fetched: Option<Quirk>,
    mode: Mode,
    channel: ChannelChoice,
}

impl Way {
    /// All of them: every kind, T=0 and T=1, with 61xx and without, in each class that it knows, on the basic channel and on
    /// another. Cards of class A0 speak T=0 alone.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (personality, _) in Personality::ALL {
            for protocol in [Protocol::T0, Protocol::T1] {
                for fetched in [None, Some(Quirk::NeverFetched), Some(Quirk::AlwaysFetched)] {
                    for mode in [Mode::ThreeG, Mode::TwoG] {
                        for channel in [ChannelChoice::Basic, ChannelChoice::Logical] {
                            all.push(Self { personality, protocol, fetched, mode, channel });
                        }
                    }
                }
            }
        }
        all.retain(|way| match way.mode {
            Mode::TwoG => way.personality.speaks_2g() && way.protocol == Protocol::T0,
            Mode::ThreeG => way.personality.speaks_3g(),
        });
        all
    }

    fn card(self) -> CardHandle {
        self.card_of(SampleKind::Prepared)
    }

    fn card_of(self, kind: SampleKind) -> CardHandle {
        self.made(sample(kind))
    }

    /// A prepared card with something more.
    fn card_with(self, more: impl FnOnce(&mut Sample)) -> CardHandle {
        let mut sample = sample(SampleKind::Prepared);
        more(&mut sample);
        self.made(sample)
    }

    fn made(self, mut sample: Sample) -> CardHandle {
        (sample.personality, sample.protocol) = (self.personality, self.protocol);
        let mut image = sample.image();
        self.fetched.into_iter().for_each(|quirk| image.add_quirk(quirk));
        from(image)
    }

    /// The card as it is spoken to. One that knows class A0 alone is found out by the file system itself.
    fn session(self, reader: &mut dyn CardTransport) -> Session<'_> {
        let mut session = Session::new(reader);
        if self.personality.speaks_3g() {
            session.set_mode(self.mode);
        }
        session
    }

    /// Plans and applies.
    fn job(self, card: &CardHandle, wanted: &[BootstrapFile], journal: &MemoryKeyJournal) -> Ended {
        self.planned(card, journal, |fs| plan(fs, wanted, &options()))
    }

    fn planned(
        self,
        card: &CardHandle,
        journal: &MemoryKeyJournal,
        plan: impl FnOnce(&mut FileSystem<'_>) -> Result<Plan, PlanError>,
    ) -> Ended {
        let mut reader = InProcess::insert(card, bay());
        let mut session = self.session(&mut reader);
        session.use_channel(self.channel).unwrap();
        let mut fs = FileSystem::new(session);
        let (policy, writes) = (allowed_once(), MemoryWriteJournal::new());
        let plan = match plan(&mut fs) {
            Ok(plan) => plan,
            Err(error) => return Ended::NotPlanned(error),
        };
        match apply(&mut fs, &plan, &[adm()], &KeyGuard::new(journal, &policy), &writes) {
            Ok(outcome) => Ended::Done(outcome),
            Err(error) => Ended::NotApplied(error),
        }
    }

    /// Does what changes the card.
    fn changes(
        self,
        card: &CardHandle,
        plan: impl FnOnce(&mut FileSystem<'_>) -> Result<Plan, PlanError>,
    ) -> Contents {
        let ended = self.planned(card, &MemoryKeyJournal::new(), plan);
        assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{self:?}: {ended:?}");
        self.contents(card)
    }

    /// Runs a script to its end; what it has kept.
    fn script(self, card: &CardHandle, text: &str, restore: Option<&CardBackup>) -> CardBackup {
        let token = self.personality == Personality::Token;
        let makes_the_tree = text.contains("EFF creates");
        let home = if token { "A000000063504B43532D3135" } else { "3F00/7F50" };
        let mut given: BTreeMap<String, Zeroizing<String>> = BTreeMap::new();
        for (name, fid) in [("ODF", "5031"), ("DODF", "6430"), ("FILE", "6431")] {
            if text.contains(&format!("VAR {name} ")) && !makes_the_tree {
                given.insert(name.to_owned(), format!("{home}/{fid}").into());
            }
        }
        if text.contains("KEY 0A ADM") {
            given.insert("ADM".to_owned(), "12345678".to_owned().into());
        }
        let checked = check(text.as_bytes(), &given, Need::Everything);
        assert!(checked.is_sound(), "{:?}", checked.problems);
        let (keys, policy, mut backup) = (MemoryKeyJournal::new(), allowed_once(), MemoryBackup::default());
        let setup = Setup {
            name: "test",
            writes: None,
            keys: vec![adm()],
            guard: KeyGuard::new(&keys, &policy),
            backup: Some(&mut backup),
            restore,
            observe: &mut |_| {},
        };
        let mut reader = InProcess::insert(card, bay());
        let report = run(self.session(&mut reader), &checked, setup);
        assert!(report.stopped.is_none(), "{self:?}: {:?}\n{text}", report.stopped);
        backup.0
    }

    /// EF(ODF), EF(DODF), and the files of both bootstraps.
    fn contents(self, card: &CardHandle) -> Contents {
        let home = if self.personality == Personality::Token { Fid::PKCS15_GENERIC } else { Fid::PKCS15 };
        [Fid::ODF, Fid::DODF, Fid(0x6431), Fid(0x6432)].map(|fid| at_rest(card, &[home, fid]))
    }

    /// A script of commands that writes four octets, in the class of this way, and makes the card fetch.
    fn commands(self) -> String {
        let (file, selects) = match (self.mode, self.personality) {
            (Mode::TwoG, _) => {
                ("3F00/7F50", "APD A0 A4 00 00 02 7F 50 [00] (90 00)\nAPD A0 A4 00 00 02 64 31 [00] (90 00)")
            }
            (_, Personality::Token) => (
                "A000000063504B43532D3135",
                "APD 00 A4 04 04 0C A0 00 00 00 63 50 4B 43 53 2D 31 35 00 [62] (90 00)\n\
                 APD 00 A4 00 04 02 64 31 00 [62] (90 00)",
            ),
            _ => (
                "3F00/7F50",
                "APD 00 A4 00 04 02 7F 50 00 [62] (90 00)\nAPD 00 A4 00 04 02 64 31 00 [62] (90 00)",
            ),
        };
        let class = if self.mode == Mode::TwoG { "A0" } else { "00" };
        format!(
            "REM bootgate 1\nKEY 0A ADM\nEFF updates {file}/6431 by 0A\nRST\nVER 0A\n{selects}\n\
             APD {class} D6 00 05 04 0A 0B 0C 0D (90 00)\nAPD {class} B0 00 05 04 [0A 0B 0C 0D] (90 00)\nOFF\n"
        )
    }
}

/// What the files of a card hold.
type Contents = [Vec<u8>; 4];

/// What each kind of card held after a job, all of its files, the first time that was seen.
#[derive(Default)]
struct Whole(Vec<(Personality, &'static str, Way, FileImage)>);

impl Whole {
    /// Cards of one kind hold the same after the same job. How they answer and what is left of keys is not in their files.
    fn is_same(&mut self, way: Way, job: &'static str, card: &CardHandle) {
        let files = card.image().mf;
        let before = self.0.iter().find(|(kind, of, ..)| *kind == way.personality && *of == job);
        match before {
            Some((_, _, first, before)) => {
                assert!(files == *before, "{job}: the files of {way:?} differ from those of {first:?}");
            }
            None => self.0.push((way.personality, job, way, files)),
        }
    }
}

/// The records of EF(DIR). What else is in them differs from kind to kind: applications that a SIM does not have.
fn dir(card: &CardHandle) -> Vec<Vec<u8>> {
    match &card.image().mf.find(&[Fid::DIR]).unwrap().body {
        Body::Records { records, .. } => records.clone(),
        _ => panic!("no records"),
    }
}

#[test]
fn one_job_leaves_the_same_octets_on_every_kind_however_it_is_spoken_to() {
    let config1 =
        BootstrapFile { oid: ObjectId::CP_CONFIG1, label: "Config1".into(), octets: payload(90, 7) };
    let wanted = [file(CP, payload(700, 1)), file(DM, payload(300, 9))];
    let (mut seen, mut whole) = (Vec::new(), Whole::default());
    for way in Way::all() {
        let card = way.card();
        let journal = MemoryKeyJournal::new();
        let listed = dir(&card);
        let ended = way.job(&card, &wanted, &journal);
        assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{way:?}: {ended:?}");
        let again = way.job(&card, &wanted, &journal);
        assert!(matches!(again, Ended::Done(Outcome::Unchanged)), "{way:?}: {again:?}");
        seen.push((way, way.contents(&card)));
        whole.is_same(way, "a first write", &card);
        assert_eq!(look(&card).iccid, Some(iccid()), "{way:?}");
        assert_eq!(found(&card, CP), payload(700, 1), "{way:?}");
        // A third object needs a file that is not there: class 00 creates it.
        let third = std::slice::from_ref(&config1);
        journal.clear(&iccid()).unwrap();
        let before = card.changes();
        let ended = way.job(&card, third, &journal);
        if way.mode == Mode::TwoG {
            assert!(matches!(ended, Ended::NotPlanned(PlanError::NoCreate { .. })), "{way:?}: {ended:?}");
            assert_eq!(card.changes(), before, "{way:?}");
        } else {
            assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{way:?}: {ended:?}");
            assert_eq!(found(&card, ObjectId::CP_CONFIG1), payload(90, 7), "{way:?}");
            whole.is_same(way, "a file that is created", &card);
        }
        assert!(dir(&card) == listed, "{way:?}: EF(DIR) has changed");
    }
    // UICC and token: 2 protocols, 3 ways to fetch, 2 channels; the UICC of two classes 6 more in 2G mode; SIM and R-UIM 6
    // each.
    assert_eq!(seen.len(), 12 + 18 + 6 + 6 + 12);
    let (_, first) = &seen[0];
    for (way, contents) in &seen {
        assert!(contents == first, "{way:?} differs from {:?}", seen[0].0);
    }
}

/// What each job of a row of jobs leaves behind.
fn row_of_jobs(way: Way, whole: &mut Whole) -> Vec<(&'static str, Contents)> {
    let card = way.card();
    let shipped = |name| shipped(name).unwrap().text;
    let (first, second) =
        ([file(CP, payload(700, 1))], [file(CP, payload(300, 50)), file(DM, payload(90, 9))]);
    let listed = dir(&card);
    let mut left = Vec::new();
    let mut done = |job, contents| {
        whole.is_same(way, job, &card);
        left.push((job, contents));
    };
    done("first write", way.changes(&card, |fs| plan(fs, &first, &options())));
    let saved = found(&card, CP);
    done("update", way.changes(&card, |fs| plan(fs, &second, &options())));
    done("erasure", way.changes(&card, |fs| plan_erase(fs, &[CP], &options())));
    done("restoration", way.changes(&card, |fs| plan(fs, &[file(CP, saved)], &options())));
    assert_eq!(found(&card, CP), payload(700, 1), "{way:?}");
    // A script begins with a reset, which closes other channels.
    if way.channel == ChannelChoice::Basic {
        let backup = way.script(&card, shipped("back-up"), None);
        way.script(&card, &way.commands(), None);
        done("script of commands", way.contents(&card));
        way.script(&card, shipped("erase"), None);
        done("script that erases", way.contents(&card));
        way.script(&card, shipped("restore"), Some(&backup));
        done("script that restores", way.contents(&card));
        assert_eq!(found(&card, CP), payload(700, 1), "{way:?}");
    }
    assert!(dir(&card) == listed, "{way:?}: EF(DIR) has changed");
    left
}

/// What leads to the application, and what leads on from there, on a card that had none: by a plan, and by the script. Class A0
/// creates no files, and a token has its application.
#[test]
fn a_bare_card_gets_the_same_tree_and_the_same_record_of_ef_dir_however_it_is_spoken_to() {
    let wanted = [file(CP, payload(700, 1)), file(DM, payload(300, 9))];
    let (mut planned, mut scripted, mut whole) = (Vec::new(), Vec::new(), Whole::default());
    let ways = Way::all()
        .into_iter()
        .filter(|way| way.mode == Mode::ThreeG && way.personality != Personality::Token);
    for way in ways {
        let card = way.card_of(SampleKind::Bare);
        let before = dir(&card);
        let contents = way.changes(&card, |fs| plan(fs, &wanted, &options()));
        assert!(dir(&card) != before, "{way:?}");
        planned.push((way, dir(&card), contents.to_vec()));
        whole.is_same(way, "a tree", &card);
        if way.channel == ChannelChoice::Basic {
            let card = way.card_of(SampleKind::Bare);
            way.script(&card, shipped("create-bootstrap-tree").unwrap().text, None);
            let contents = [Fid::ODF, Fid::DODF, Fid(0x6431)].map(|fid| at_rest(&card, &[Fid::PKCS15, fid]));
            scripted.push((way, dir(&card), contents.to_vec()));
            whole.is_same(way, "a tree by the script", &card);
        }
    }
    // The two kinds of UICC: 2 protocols, 3 ways to fetch, 2 channels.
    assert_eq!((planned.len(), scripted.len()), (24, 12));
    for seen in [&planned, &scripted] {
        let (first, listed, contents) = &seen[0];
        for (way, dir, files) in seen {
            assert!(dir == listed && files == contents, "{way:?} differs from {first:?}");
        }
    }
    assert!(planned[0].1 == scripted[0].1, "both list the application in the same octets");
}

#[test]
fn each_kind_of_job_leaves_the_same_octets_on_every_kind_however_it_is_spoken_to() {
    let mut ways = Way::all().into_iter();
    let first = ways.next().unwrap();
    let mut whole = Whole::default();
    let wanted = row_of_jobs(first, &mut whole);
    assert_eq!(wanted.len(), 7);
    assert!(wanted.windows(2).all(|pair| pair[0].1 != pair[1].1), "each job changes something");
    let mut jobs = wanted.len();
    for way in ways {
        let left = row_of_jobs(way, &mut whole);
        for ((job, contents), (_, wanted)) in left.iter().zip(&wanted) {
            assert!(contents == wanted, "{job}: {way:?} differs from {first:?}");
        }
        jobs += left.len();
    }
    // 54 ways, of them 24 on another channel.
    assert_eq!(
        jobs,
        54 * 4 + (54 - Way::all().iter().filter(|way| way.channel == ChannelChoice::Logical).count()) * 3
    );
}

/// Settings files, of each structure; then others in their place. Class A0 has no USIM.
#[test]
fn settings_are_the_same_however_a_card_is_spoken_to() {
    use crate::wire::usim::{Configuration, SettingsContent, SettingsFile};
    let settings = |seed: u8, length: usize, count: u8| {
        let text: String = "<ims>".chars().cycle().take(length).collect();
        let record = |n| vec![0x80, 0x01, n + seed];
        [
            SettingsContent::octets(SettingsFile::Nas, vec![0x83, 0x01, seed]),
            SettingsContent { file: SettingsFile::MmsPreferences, parts: (0..count).map(record).collect() },
            SettingsContent {
                file: SettingsFile::Ims,
                parts: Configuration { encoding: 0, text: &text }.parts(),
            },
        ]
    };
    let (first, second) = (settings(7, 700, 3), settings(9, 255, 1));
    let wanted = [file(CP, payload(300, 1))];
    let (mut whole, mut ways) = (Whole::default(), 0);
    let of_usims = |way: &Way| {
        way.mode == Mode::ThreeG && matches!(way.personality, Personality::Uicc | Personality::Uicc2g)
    };
    for way in Way::all().into_iter().filter(of_usims) {
        let card = way.card_with(|sample| sample.all_settings = true);
        for (job, settings) in [("settings", &first), ("other settings", &second)] {
            way.changes(&card, |fs| plan(fs, &wanted, &PlanOptions { settings, ..options() }));
            whole.is_same(way, job, &card);
            let mut reader = InProcess::insert(&card, bay());
            let held = has_settings(&mut FileSystem::new(way.session(&mut reader)), settings).unwrap();
            assert_eq!(held, Holds::Yes, "{way:?}");
        }
        ways += 1;
    }
    assert_eq!(ways, 24);
}
