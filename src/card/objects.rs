//! In which order data objects of a file become others: the first of those that are wanted leads to the rest, so it is taken away
//! before anything else and put in place last. What changes is deleted before it comes anew, so that no card needs room for both.

/// A data object: its tag, and its octets with tag and length.
pub(super) type Object = (u8, Vec<u8>);

/// One object becomes another; none where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) tag: u8,
    pub(super) old: Option<Vec<u8>>,
    pub(super) new: Option<Vec<u8>>,
    /// Whether it is the object that leads to the rest.
    pub(super) leads: bool,
}

/// What is done to a file, in order; nothing when it holds what is wanted.
pub(super) fn exchanges(now: &[Object], wanted: &[Object]) -> Vec<Exchange> {
    let find =
        |of: &[Object], tag: u8| of.iter().find(|(known, _)| *known == tag).map(|(_, octets)| octets.clone());
    let mut tags: Vec<u8> = now.iter().chain(wanted).map(|(tag, _)| *tag).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.retain(|tag| find(now, *tag) != find(wanted, *tag));
    if tags.is_empty() {
        return Vec::new();
    }
    let leader = wanted.first().map(|(tag, _)| *tag);
    tags.retain(|tag| Some(*tag) != leader);
    let away = |tag, leads| find(now, tag).map(|old| Exchange { tag, old: Some(old), new: None, leads });
    let comes = |tag, leads| find(wanted, tag).map(|new| Exchange { tag, old: None, new: Some(new), leads });
    let first = leader.and_then(|tag| away(tag, true));
    let last = leader.and_then(|tag| comes(tag, true));
    let others = tags.into_iter().flat_map(|tag| away(tag, false).into_iter().chain(comes(tag, false)));
    first.into_iter().chain(others).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(now: &[(u8, u8)], wanted: &[(u8, u8)]) -> Vec<(u8, bool)> {
        let objects =
            |list: &[(u8, u8)]| -> Vec<Object> { list.iter().map(|(tag, n)| (*tag, vec![*n])).collect() };
        exchanges(&objects(now), &objects(wanted)).into_iter().map(|e| (e.tag, e.new.is_some())).collect()
    }

    #[test]
    fn what_leads_goes_first_and_comes_last() {
        assert_eq!(steps(&[], &[(0x80, 0), (0x81, 1)]), [(0x81, true), (0x80, true)]);
        let all = [(0x80, false), (0x81, false), (0x81, true), (0x80, true)];
        assert_eq!(steps(&[(0x80, 0), (0x81, 1)], &[(0x80, 0), (0x81, 2)]), all);
        assert_eq!(steps(&[(0x80, 0), (0x81, 1)], &[(0x80, 1), (0x81, 1)]), [(0x80, false), (0x80, true)]);
        // Others that nobody wants go while nothing leads to anything.
        let other = [(0x80, false), (0x85, false), (0x80, true)];
        assert_eq!(steps(&[(0x80, 0), (0x85, 1)], &[(0x80, 0)]), other);
        assert_eq!(steps(&[(0x80, 0), (0x81, 1)], &[]), [(0x80, false), (0x81, false)]);
        assert!(steps(&[(0x80, 0)], &[(0x80, 0)]).is_empty());
    }
}
