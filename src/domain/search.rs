//! Text as it is searched: without case, accents and widths, so that *Ecole* finds *École* and *Ｘ光* is *X 光*.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Text in the form that is stored for searching, and compared with [`words`].
pub fn fold(text: &str) -> String {
    // Compatibility decomposition (NFKD): accents become marks of their own, wide letters narrow ones.
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        if before.is_some_and(|before| is_boundary(before, c)) {
            out.push(' ');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// What is searched for in the catalogue: what was typed in one piece, folded, each piece with its words. A piece is found where
/// all its words are, or in one piece at the beginning of a file's name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query(Vec<String>);

/// Words of a query that are looked for; more are ignored.
const WORDS_MAX: usize = 20;

impl Query {
    /// What was typed.
    pub fn parse(typed: &str) -> Self {
        let pieces = typed.split_whitespace().map(fold).filter(|piece| !piece.trim().is_empty());
        let mut words = 0;
        let few = pieces.take_while(|piece| {
            words += piece.split(' ').count();
            words <= WORDS_MAX
        });
        Self(few.collect())
    }

    /// Its pieces, folded.
    pub fn pieces(&self) -> &[String] {
        &self.0
    }

    /// Its words, folded.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|piece| piece.split(' '))
    }

    /// Whether a piece is long enough to find datasets by their files: two letters begin the name of nearly everything.
    pub fn may_begin_file_name(piece: &str) -> bool {
        piece.chars().count() >= 3
    }
}

/// How well a title fits, the higher the better: words of it first, then words that begin so, then what merely has the
/// letters in it.
pub fn rank<'a>(title: &str, words: impl Iterator<Item = &'a str>) -> u32 {
    let of_word = |word: &str| {
        let rank = |(at, _): (usize, &str)| {
            let before = title[..at].chars().next_back();
            let after = title[at + word.len()..].chars().next();
            let first = word.chars().next().unwrap_or_default();
            let last = word.chars().next_back().unwrap_or_default();
            match (before.is_none_or(|c| ends(c, first)), after.is_none_or(|c| ends(last, c))) {
                (true, true) => 100,
                (true, false) => 10,
                (false, _) => 1,
            }
        };
        title.match_indices(word).map(rank).max().unwrap_or(0)
    };
    words.map(of_word).sum()
}

/// Whether a word ends between two characters. Chinese words are not set apart.
fn ends(before: char, after: char) -> bool {
    !before.is_alphanumeric() || !after.is_alphanumeric() || is_han(before) || is_han(after)
}

/// The first [`WORDS_MAX`] words of a query, folded; each must occur.
pub fn words(query: &str) -> Vec<String> {
    fold(query).split_whitespace().take(WORDS_MAX).map(str::to_owned).collect()
}

/// Whether a Chinese character stands beside a letter or digit of another script: some write a space there and some do not.
fn is_boundary(before: char, after: char) -> bool {
    is_han(before) && !is_han(after) && after.is_alphanumeric()
        || is_han(after) && !is_han(before) && before.is_alphanumeric()
}

const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_finds_what_is_written() {
        for (written, typed) in [
            ("École Polytechnique", "ecole"),
            ("ÖSTERREICH", "Österreich"),
            ("Nguyễn Thị Minh", "nguyen"),
            ("胸部X光影像", "X光"),
            ("胸部 X 光影像", "X光"),
            ("胸部X光影像", "x 光"),
            ("ＮＩＨ", "nih"),
            ("NIH Chest X-ray", "CHEST x-ray"),
            ("胸部電腦斷層（CT）", "胸部CT"),
        ] {
            let folded = fold(written);
            assert!(words(typed).iter().all(|word| folded.contains(word)), "{typed} in {folded}");
            assert!(Query::parse(typed).words().all(|word| folded.contains(word)), "{typed} in {folded}");
        }
        assert!(words("  ").is_empty());
    }

    #[test]
    fn whole_words_come_before_beginnings_and_those_before_the_rest() {
        let rank = |title: &str, typed: &str| rank(&fold(title), Query::parse(typed).words());
        let titles = ["A ray of light", "Rays of hope", "Arrays"];
        let ranks = titles.map(|title| rank(title, "ray"));
        assert!(ranks[0] > ranks[1] && ranks[1] > ranks[2] && ranks[2] > 0, "{ranks:?}");
        assert!(rank("NIH Chest X-ray", "x-ray") > rank("X-rayed", "x-ray"));
        assert!(rank("Chest X-ray", "chest x-ray") > rank("Chest pain", "chest x-ray"));
        assert!(rank("胸部 X 光影像", "X光") > 0 && rank("Other", "chest") == 0);
    }
}
