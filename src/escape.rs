//! Text as HTML, in which nothing can be turned around: characters that change the direction of what follows are shown for
//! what they are. Every page and HTML message is written through [`Html`]. Also text as plain text and in tables.

use std::borrow::Cow;
use std::fmt::{Result, Write};

use askama::filters::{Escaper, Html as Plain};

/// Escapes text for HTML, and names direction controls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: Write>(&self, mut out: W, text: &str) -> Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_direction_control) {
            let (before, control) = rest.split_at(at);
            Plain.write_escaped_str(&mut out, before)?;
            let Some(c) = control.chars().next() else { break };
            write!(out, "[U+{:04X}]", u32::from(c))?;
            rest = &control[c.len_utf8()..];
        }
        Plain.write_escaped_str(&mut out, rest)
    }
}

/// The same for XML, which has no place for some characters at all (XML 1.0, section 2.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Xml;

impl Escaper for Xml {
    fn write_escaped_str<W: Write>(&self, out: W, text: &str) -> Result {
        let is_none =
            |c: char| matches!(c, '\u{fffe}' | '\u{ffff}') || c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        Html.write_escaped_str(out, &text.replace(is_none, "\u{fffd}"))
    }
}

/// Embeddings, overrides and isolates (Unicode Standard Annex #9, section 2). Marks, which only say the direction of what
/// stands beside them, are common in Arabic and Hebrew text and stay.
const fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text as HTML, as the templates write it.
pub fn html(text: &str) -> String {
    written(Html, text)
}

/// Text as HTML exactly, for what comes back in a form.
pub fn exact_html(text: &str) -> String {
    written(Plain, text)
}

/// Text that is no HTML, such as the subject of a message, with direction controls named.
pub fn plain(text: &str) -> String {
    let named = |c: char| if is_direction_control(c) { format!("[U+{:04X}]", u32::from(c)) } else { c.to_string() };
    if text.contains(is_direction_control) { text.chars().map(named).collect() } else { text.to_owned() }
}

/// Text for a cell of a table that spreadsheets read: what they would take for a formula is marked as text.
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn written(escaper: impl Escaper, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a string does not fail.
    let _ = escaper.write_escaped_str(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_controls_are_shown_for_what_they_are() {
        assert_eq!(html("Chen\u{202e}nimdA<b>"), "Chen[U+202E]nimdA&#60;b&#62;");
        assert_eq!(html("\u{2067}a\u{2069}"), "[U+2067]a[U+2069]");
        assert_eq!(html("محمد\u{200f} a&b"), "محمد\u{200f} a&#38;b");
        assert_eq!(exact_html("a\u{202e}<"), "a\u{202e}&#60;");
        assert_eq!(plain("a\u{202e}b"), "a[U+202E]b");
    }

    #[test]
    fn what_spreadsheets_take_for_formulas_is_text() {
        for (text, shown) in [("=1+1", "'=1+1"), ("-2", "'-2"), ("@x", "'@x"), ("a=b", "a=b"), ("", "")] {
            assert_eq!(cell(text), shown);
        }
    }
}
