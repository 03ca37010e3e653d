//! Which bytes of a file somebody has.

use std::collections::BTreeMap;

/// Parts of a file: the end of each by its start, apart from each other. Adding one takes a few steps however many there are,
/// for a client may ask for any number of single bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Coverage(BTreeMap<u64, u64>);

impl Coverage {
    /// Adds the bytes from one to before another, and joins the parts that it touches.
    pub fn add(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let (mut start, mut end) = (from, to);
        if let Some((before, its_end)) = self.0.range(..from).next_back().filter(|(_, its_end)| **its_end >= from) {
            (start, end) = (*before, end.max(*its_end));
        }
        while let Some((next, its_end)) = self.0.range(start..=end).next().map(|(next, its_end)| (*next, *its_end)) {
            self.0.remove(&next);
            end = end.max(its_end);
        }
        self.0.insert(start, end);
    }

    /// Whether these are all bytes of a file of so many.
    pub fn is_whole(&self, size: u64) -> bool {
        self.0.first_key_value().is_some_and(|(start, end)| *start == 0 && *end >= size)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside a model that marks every byte.
        #[test]
        fn what_is_added_is_covered(parts in prop::collection::vec((0_u64..40, 0_u64..40), 0..20), size in 1_u64..40) {
            let (mut coverage, mut bytes) = (Coverage::default(), BTreeSet::new());
            for (from, to) in parts {
                coverage.add(from, to);
                bytes.extend(from..to);
                let covered: BTreeSet<u64> = coverage.0.iter().flat_map(|(from, to)| *from..*to).collect();
                prop_assert_eq!(&covered, &bytes);
                let apart = coverage.0.iter().zip(coverage.0.keys().skip(1)).all(|((_, end), next)| end < next);
                prop_assert!(apart, "{:?}", coverage);
            }
            prop_assert_eq!(coverage.is_whole(size), (0..size).all(|byte| bytes.contains(&byte)));
        }
    }
}
