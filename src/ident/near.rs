//! "Did you mean …?": the one search for the word that a slip of the pen was meant for.

/// The word nearest to `text`, if one is near enough to have been meant. Letter case does not count, nor whether a hyphen or a
/// low line stands between two words.
pub fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |text: &str| text.trim().to_lowercase().replace('_', "-");
    let text = plain(text);
    let distance = |word: &str| strsim::damerau_levenshtein(&text, &plain(word));
    let (away, word) = words.map(|word| (distance(word), word)).min_by_key(|(away, _)| *away)?;
    // Four letters of ten may be wrong; a word of which more is wrong was not meant.
    (away * 10 <= word.chars().count().max(4) * 4).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_or_none() {
        let words = ["address", "address-type", "bearers", "id", "PIN1"];
        let near = |text| nearest(text, words.into_iter());
        assert_eq!(near("adress"), Some("address"));
        assert_eq!(near("address_type"), Some("address-type"));
        assert_eq!(near(" Bearer "), Some("bearers"));
        assert_eq!(near("pin2"), Some("PIN1"));
        assert_eq!((near("colour"), near("ADM1")), (None, None), "more is another than the same");
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
