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

/// The words of a query, folded; each must occur.
pub fn words(query: &str) -> Vec<String> {
    fold(query).split_whitespace().map(str::to_owned).collect()
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
        ] {
            let folded = fold(written);
            assert!(words(typed).iter().all(|word| folded.contains(word)), "{typed} in {folded}");
        }
        assert!(words("  ").is_empty());
    }
}
