//! What changed from one version of a text to the next, word by word.

use std::ops::Range;

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

/// Lines or words, of both texts together, that are compared with one another at most; more are shown as replaced. Texts that are
/// made for it take a time that grows with the square of this.
const COMPARED_MAX: usize = 12_000;

/// The pieces of `new` and what is gone of `old`; passages without changes are cut short. Empty when the texts are the same.
pub fn word_changes(old: &str, new: &str) -> Vec<Piece> {
    if old == new {
        return Vec::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (removed, added) in differences(&old, &new) {
        add(&mut pieces, Piece::Same(new[at..added.start].concat()));
        at = added.end;
        changes_of_lines(&mut pieces, &old[removed].concat(), &new[added].concat());
    }
    add(&mut pieces, Piece::Same(new[at..].concat()));
    let last = pieces.len().saturating_sub(1);
    pieces.into_iter().enumerate().flat_map(|(n, piece)| shorten(piece, n > 0, n < last)).collect()
}

/// Adds the pieces of lines that were changed, word by word.
fn changes_of_lines(pieces: &mut Vec<Piece>, old: &str, new: &str) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_word_bounds().collect(), new.split_word_bounds().collect());
    let mut at = 0;
    for (removed, added) in differences(&old, &new) {
        add(pieces, Piece::Same(new[at..added.start].concat()));
        at = added.end;
        add(pieces, Piece::Removed(old[removed].concat()));
        add(pieces, Piece::Added(new[added].concat()));
    }
    add(pieces, Piece::Same(new[at..].concat()));
}

/// Adds a piece, to the last one if that is of its kind.
fn add(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), &piece) {
        (_, piece) if piece.is_empty() => {}
        (Some(Piece::Same(text)), Piece::Same(more))
        | (Some(Piece::Added(text)), Piece::Added(more))
        | (Some(Piece::Removed(text)), Piece::Removed(more)) => text.push_str(more),
        _ => pieces.push(piece),
    }
}

/// Where two lists differ: what of the old one is gone, and what of the new one is there instead.
fn differences(old: &[&str], new: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rest.take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    if old.len() + new.len() > COMPARED_MAX {
        return vec![(start..start + old.len(), start..start + new.len())];
    }
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let from_start = |range: Range<u32>| start + range.start as usize..start + range.end as usize;
    let diff = Diff::compute(Algorithm::Myers, &input);
    diff.hunks().map(|hunk| (from_start(hunk.before), from_start(hunk.after))).collect()
}

/// A passage without changes keeps what stands beside a change before or after it.
fn shorten(piece: Piece, change_before: bool, change_after: bool) -> Vec<Piece> {
    let Piece::Same(text) = &piece else { return vec![piece] };
    let characters: Vec<char> = text.chars().collect();
    let (head, tail) = (if change_before { AROUND } else { 0 }, if change_after { AROUND } else { 0 });
    if characters.len() <= head + tail + AROUND {
        return vec![piece];
    }
    let (head, tail) = (&characters[..head], &characters[characters.len() - tail..]);
    // Words are not cut, where there are spaces between them.
    let head: String = head[..head.iter().rposition(|c| c.is_whitespace()).unwrap_or(head.len())].iter().collect();
    let tail: String = tail[tail.iter().position(|c| c.is_whitespace()).unwrap_or(0)..].iter().collect();
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
    fn as_much_as_is_compared_is_limited() {
        let (old, new) = ("a b ".repeat(20_000), "b a c ".repeat(20_000));
        let pieces = word_changes(&old, &new);
        assert!(pieces.len() <= 4, "{}", pieces.len());
        let lines = word_changes(&old.replace(' ', "\n"), &new.replace(' ', "\n"));
        assert!(lines.len() <= 4, "{}", lines.len());
        // One change in a long line is found all the same.
        let (before, after) = (format!("{old}one{old}"), format!("{old}two{old}"));
        assert!(word_changes(&before, &after).contains(&added("twoa")), "{:?}", word_changes(&before, &after));
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
