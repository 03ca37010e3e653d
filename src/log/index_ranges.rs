//! Indexes of events in the details of another event, as text such as `3-5,9`.

/// Indexes in ascending order as text, in pieces of a few thousand characters; one at least.
pub fn format(indexes: &[u64]) -> Vec<String> {
    const LONG: usize = 4_000;
    let mut pieces = vec![String::new()];
    for run in indexes.chunk_by(|a, b| a + 1 == *b) {
        let range = match run {
            [only] => only.to_string(),
            _ => format!("{}-{}", run[0], run[run.len() - 1]),
        };
        match pieces.last_mut() {
            Some(piece) if piece.is_empty() => *piece = range,
            Some(piece) if piece.len() < LONG => {
                piece.push(',');
                piece.push_str(&range);
            }
            _ => pieces.push(range),
        }
    }
    pieces
}

/// The ranges in such a text: first and last. What is not of that form names nothing.
pub fn parse(text: &str) -> impl Iterator<Item = (u64, u64)> {
    text.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some((first.parse().ok()?, last.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_are_joined() {
        assert_eq!(format(&[3, 4, 5, 9, 11, 12]), ["3-5,9,11-12"]);
        assert_eq!(format(&[]), [""]);
        let scattered: Vec<u64> = (0..10_000).map(|n| n * 2).collect();
        let pieces = format(&scattered);
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() < 4_100));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(indexes in prop::collection::btree_set(0_u64..3_000, 0..2_000)) {
            let indexes: Vec<u64> = indexes.into_iter().collect();
            let pieces = format(&indexes);
            let read: Vec<u64> = pieces.iter().flat_map(|piece| parse(piece)).flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(read, indexes);
        }

        #[test]
        fn anything_else_names_nothing_or_something_calmly(text in "[0-9,a -]{0,30}") {
            parse(&text).for_each(drop);
        }
    }
}
