//! A kind of card, and how it is spoken to.

#![cfg(test)]

use super::{case::OTHER, *};
use crate::lab::image::{KeyImage, Personality, Quirk};

/// A kind of card, and how it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::card::tests) struct Target {
    pub(in crate::card::tests) personality: Personality,
    pub(super) protocol: Protocol,
    pub(super) channel: ChannelChoice,
    /// EF(DIR) tells the identifier of the PKCS#15 application and no path: it is selected as an ADF is.
    pub(super) by_aid: bool,
    /// VERIFY without data is refused: the counter of a key is not told, and a key may be presented once.
    uncounted: bool,
}

impl Target {
    /// By T=0, on the basic channel, and by path where the card tells one.
    pub(in crate::card::tests) const fn plain(personality: Personality) -> Self {
        Self {
            personality,
            protocol: Protocol::T0,
            channel: ChannelChoice::Basic,
            by_aid: false,
            uncounted: false,
        }
    }

    /// The same by T=1.
    pub(super) const fn t1(self) -> Self {
        Self { protocol: Protocol::T1, ..self }
    }

    /// The same on a channel that the card opens.
    pub(super) const fn logical(self) -> Self {
        Self { channel: ChannelChoice::Logical, ..self }
    }

    /// The same with an application that is known by its identifier alone.
    pub(super) const fn by_aid(self) -> Self {
        Self { by_aid: true, ..self }
    }

    /// The same where no counter is told.
    pub(super) const fn uncounted(self) -> Self {
        Self { uncounted: true, ..self }
    }

    /// Whether a person has to look before a key is presented a second time. Class A0 has its counters in the answer to SELECT, and
    /// none for administrative keys.
    pub(super) fn tells_no_counter(self) -> bool {
        self.uncounted || self.personality.speaks_2g()
    }

    /// Whether a script names the files from the application on.
    pub(super) fn is_named_by_aid(self) -> bool {
        self.by_aid || self.personality == Personality::Token
    }

    /// The card in the class in which it is spoken to: the UICC of two classes in 2G mode.
    pub(super) fn session(self, reader: &mut dyn CardTransport) -> Session<'_> {
        let mut session = Session::new(reader);
        if self.personality == Personality::Uicc2g {
            session.set_mode(Mode::TwoG);
        }
        session
    }

    /// The card as a sample has it, with an administrative key of that reference; ADM1 is there in any case.
    pub(super) fn image(self, mut sample: Sample, adm_ref: KeyRef) -> CardImage {
        (sample.personality, sample.protocol) = (self.personality, self.protocol);
        sample.adm_ref = adm_ref;
        let mut image = sample.image();
        if adm_ref != KeyRef::ADM1 {
            image.keys.push(KeyImage::new(KeyRef::ADM1, OTHER));
        }
        if self.by_aid {
            image.add_quirk(Quirk::DirWithoutPath);
        }
        if self.uncounted {
            image.add_quirk(Quirk::CounterNotTold);
        }
        image
    }

    /// The name in the table: that of the kind of card, and `t1`, `lc`, `adf` and `nc` for what is not plain; `all` for the first three.
    pub(super) fn name(self) -> String {
        let other = [
            (self.protocol == Protocol::T1, "-t1"),
            (self.channel == ChannelChoice::Logical, "-lc"),
            (self.by_aid, "-adf"),
            (self.uncounted, "-nc"),
        ];
        if other.iter().take(3).all(|(is, _)| *is) {
            return format!("{}-all", self.personality);
        }
        let other = other.iter().filter(|(is, _)| *is).map(|(_, name)| *name);
        format!("{}{}", self.personality, other.collect::<String>())
    }
}
