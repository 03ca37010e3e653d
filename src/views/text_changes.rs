//! What changed from one version of a text to the next, word by word.

use imara_diff::{Algorithm, Diff, InternedInput};
use unicode_segmentation::UnicodeSegmentation;

/// A piece of a text beside its older version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// In both.
    Same(String),
    /// Only in the newer one.
    Added(String),
    /// Only in the older one.
    Removed(String),
    /// A passage in both that is long enough to be left out.
    Skipped,
}

impl Piece {
    /// Whether there are no words in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Same(text) | Self::Added(text) | Self::Removed(text) => text.is_empty(),
            Self::Skipped => false,
        }
    }
}

/// Characters shown on each side of a change.
const AROUND: usize = 160;

/// The pieces of `new` and what is gone of `old`; passages without changes are cut short. Empty when the texts are the same.
pub fn word_changes(old: &str, new: &str) -> Vec<Piece> {
    if old == new {
        return Vec::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_word_bounds().collect(), new.split_word_bounds().collect());
    let mut words = InternedInput::default();
    words.update_before(old.iter().copied());
    words.update_after(new.iter().copied());
    let (mut pieces, mut at) = (Vec::new(), 0);
    let mut note = |words: &[&str], piece: fn(String) -> Piece| {
        if !words.is_empty() {
            pieces.push(piece(words.concat()));
        }
    };
    for hunk in Diff::compute(Algorithm::Myers, &words).hunks() {
        let [removed, added] = [hunk.before, hunk.after].map(|range| range.start as usize..range.end as usize);
        note(&new[at..added.start], Piece::Same);
        at = added.end;
        note(&old[removed], Piece::Removed);
        note(&new[added], Piece::Added);
    }
    note(&new[at..], Piece::Same);
    let last = pieces.len().saturating_sub(1);
    pieces.into_iter().enumerate().flat_map(|(n, piece)| shorten(piece, n > 0, n < last)).collect()
}

/// A passage without changes keeps what stands beside a change before or after it.
fn shorten(piece: Piece, change_before: bool, change_after: bool) -> Vec<Piece> {
    let Piece::Same(text) = &piece else { return vec![piece] };
    let characters: Vec<char> = text.chars().collect();
    let (head, tail) = (if change_before { AROUND } else { 0 }, if change_after { AROUND } else { 0 });
    if characters.len() <= head + tail + AROUND {
        return vec![piece];
    }
    let head: String = characters[..head].iter().collect();
    let tail: String = characters[characters.len() - tail..].iter().collect();
    let kept = |text: String| (!text.is_empty()).then_some(Piece::Same(text));
    kept(head).into_iter().chain([Piece::Skipped]).chain(kept(tail)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn added(text: &str) -> Piece {
        Piece::Added(text.to_owned())
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_pieces(old in "([a-c]{1,2}[ ,\n]|胸|é){0,40}", new in "([a-c]{1,2}[ ,\n]|胸|é){0,40}") {
            let (mut before, mut after) = (String::new(), String::new());
            for piece in word_changes(&old, &new) {
                match piece {
                    Piece::Same(text) => {
                        before.push_str(&text);
                        after.push_str(&text);
                    }
                    Piece::Added(text) => after.push_str(&text),
                    Piece::Removed(text) => before.push_str(&text),
                    Piece::Skipped => prop_assert!(false, "these are short"),
                }
            }
            if old != new {
                prop_assert_eq!((before, after), (old, new));
            }
        }
    }

    #[test]
    fn words_are_compared_and_not_lines() {
        let pieces = word_changes("You may keep the data for one year.", "You may keep the data for two years.");
        assert!(pieces.contains(&Piece::Removed("one".to_owned())) && pieces.contains(&added("two")), "{pieces:?}");
        assert_eq!(word_changes("same", "same"), []);
        let chinese = word_changes("資料可保留一年。", "資料可保留兩年。");
        assert!(chinese.contains(&added("兩")), "{chinese:?}");
    }

    #[test]
    fn long_passages_without_changes_are_left_out() {
        let long = "word ".repeat(2_000);
        let pieces = word_changes(&format!("{long}old {long}"), &format!("{long}new {long}"));
        assert_eq!(pieces.iter().filter(|piece| **piece == Piece::Skipped).count(), 2);
        let shown: usize = pieces.iter().map(|piece| if let Piece::Same(text) = piece { text.len() } else { 0 }).sum();
        assert!(shown <= 4 * AROUND, "{shown}");
    }
}
