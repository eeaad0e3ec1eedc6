//! The cards of a soak: which there are, what is wrong with some of them, and where they must end.

use bootgate::{
    ident::{Iccid, Imei},
    lab::{
        card::VirtualCard,
        image::{Personality, Sample, SampleKind},
        reader::CardHandle,
    },
};

/// What is wrong with a card. Commands are counted from when it is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// It answers no more from a command on, and the driver waits for ever.
    Mute,
    /// The same from its first commands on: it does not even tell its number.
    MuteAtOnce,
    /// It is pulled in the middle of an UPDATE BINARY.
    Cut,
    /// An octet of what it reads back is wrong.
    Flipped,
    /// Its commands take five times as long.
    Slow,
    /// It has another key than the table says.
    OtherKey,
}

const KINDS: [(char, Trouble); 7] = [
    ('.', Trouble::None),
    ('m', Trouble::Mute),
    ('n', Trouble::MuteAtOnce),
    ('c', Trouble::Cut),
    ('f', Trouble::Flipped),
    ('s', Trouble::Slow),
    ('k', Trouble::OtherKey),
];

impl Trouble {
    /// The bin, and the endings that are right for it.
    pub fn expected(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::None | Self::Slow => ("good", &["done"]),
            Self::Mute | Self::Cut => ("bad", &["failed", "unknown"]),
            // Its row waits for it.
            Self::MuteAtOnce => ("bad", &["skipped"]),
            Self::Flipped => ("bad", &["unknown"]),
            Self::OtherKey => ("bad", &["refused"]),
        }
    }

    /// Whether the driver waits for it for ever.
    pub fn is_mute(self) -> bool {
        matches!(self, Self::Mute | Self::MuteAtOnce)
    }

    /// From which command on it is in trouble: in the middle of writing, or before anything is known of the card.
    pub fn begins(self) -> u32 {
        if self == Self::MuteAtOnce { 2 } else { 20 }
    }
}

/// A deck of cards of one kind.
pub struct Deck {
    troubles: Vec<Trouble>,
    personality: Personality,
}

impl Deck {
    /// All good.
    pub fn good(cards: u16) -> Self {
        Self::uiccs((0..cards).map(|_| Trouble::None).collect())
    }

    /// All good, and of the second generation: they speak class A0 alone, and tell no counter of their key.
    pub fn good_sims(cards: u16) -> Self {
        Self { personality: Personality::Sim, ..Self::good(cards) }
    }

    fn uiccs(troubles: Vec<Trouble>) -> Self {
        Self { troubles, personality: Personality::Uicc }
    }

    /// Two in a hundred are not: one kind after the other.
    pub fn with_faults(cards: u16) -> Self {
        let faults = [
            Trouble::Mute,
            Trouble::Cut,
            Trouble::Slow,
            Trouble::Flipped,
            Trouble::OtherKey,
            Trouble::MuteAtOnce,
        ];
        let trouble = |n: u16| match n % 50 {
            25 => faults[usize::from(n / 50) % faults.len()],
            _ => Trouble::None,
        };
        Self::uiccs((0..cards).map(trouble).collect())
    }

    /// The same of cards of the second generation.
    pub fn sims_with_faults(cards: u16) -> Self {
        Self { personality: Personality::Sim, ..Self::with_faults(cards) }
    }

    /// The deck as a word, for another process: the kind of its cards, then a letter for each.
    pub fn spelled(&self) -> String {
        let letters = self
            .troubles
            .iter()
            .filter_map(|it| KINDS.iter().find(|(_, trouble)| trouble == it).map(|(c, _)| *c));
        format!("{}:{}", self.personality, letters.collect::<String>())
    }

    /// The deck that a word spells.
    pub fn of(word: &str) -> Self {
        let trouble = |c: char| KINDS.iter().find(|(letter, _)| *letter == c).unwrap().1;
        let (kind, letters) = word.split_once(':').unwrap();
        Self { personality: kind.parse().unwrap(), troubles: letters.chars().map(trouble).collect() }
    }

    pub fn len(&self) -> u16 {
        u16::try_from(self.troubles.len()).unwrap()
    }

    /// How many are mute.
    pub fn mute(&self) -> u16 {
        u16::try_from(self.troubles.iter().filter(|trouble| trouble.is_mute()).count()).unwrap()
    }

    pub fn cards(&self) -> impl Iterator<Item = (Iccid, Trouble)> {
        (0u16..).zip(&self.troubles).map(|(n, trouble)| (iccid(n), *trouble))
    }

    /// The n-th card, and what is wrong with it; none where the deck has no more.
    pub fn card(&self, n: u16) -> Option<(CardHandle, Trouble)> {
        self.troubles.get(usize::from(n)).map(|trouble| (card(n, self.personality), *trouble))
    }

    /// The table of the batch.
    pub fn table(&self) -> String {
        let row = |(n, trouble): (u16, &Trouble)| {
            let key = if *trouble == Trouble::OtherKey { "87654321" } else { "12345678" };
            // What a card without a counter gets its key for once.
            let attests = if self.personality == Personality::Sim { "yes" } else { "" };
            format!("{},{},{key},{attests}\n", iccid(n).digits(), imei(n))
        };
        format!("iccid,imei,adm1,allow-once\n{}", (0u16..).zip(&self.troubles).map(row).collect::<String>())
    }
}

fn iccid(n: u16) -> Iccid {
    (0..10).find_map(|check| format!("894902000012345{n:04}{check}").parse().ok()).unwrap()
}

fn imei(n: u16) -> Imei {
    (0..10).find_map(|check| format!("4901542032{n:04}{check}").parse().ok()).unwrap()
}

fn card(n: u16, personality: Personality) -> CardHandle {
    let imsi = format!("26201123450{n:04}").parse().unwrap();
    let sample = Sample { personality, ..Sample::new(SampleKind::Prepared, iccid(n), imsi) };
    CardHandle::new(VirtualCard::from_image(sample.image()).unwrap())
}
