//! Markdown to HTML that is safe to show: parsed, then cleaned.

use std::mem::take;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::domain::text::Language;
use crate::escape;
use crate::l10n::{self, Arg};

/// A text as HTML, and the headings to find one's way in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// The HTML.
    pub html: String,
    /// The headings of the highest level.
    pub contents: Vec<Heading>,
}

/// A heading in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heading {
    /// What it is linked to by.
    pub id: String,
    /// Its words.
    pub title: String,
}

/// HTML of `text`, which is in `language`.
pub fn to_html(text: &str, language: Language) -> String {
    to_document(text, language, 1).html
}

/// HTML of a README, which others may have written than those who publish. It stands under a heading of the page, as text of
/// its own: no HTML that is written in it, no pictures but their descriptions, and no links within the release, which lead
/// nowhere on a page.
pub fn readme_html(text: &str, language: Language) -> String {
    let options = OPTIONS | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut in_metadata = false;
    let events = Parser::new_ext(text, options).filter_map(move |event| match event {
        Event::Start(Tag::MetadataBlock(_)) => {
            in_metadata = true;
            None
        }
        Event::End(TagEnd::MetadataBlock(_)) => {
            in_metadata = false;
            None
        }
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        other => (!in_metadata).then_some(other),
    });
    let mut cleaner = cleaner();
    cleaner.url_relative(ammonia::UrlRelative::Deny);
    document(events.collect(), HeadingLevel::H3, (language, 2), &cleaner).html
}

/// HTML of `text`, which is in `language`. Its highest headings are of the second level, whatever level they have:
/// the page has the first. What can be wider than the page, tables and preformatted text, scrolls in a box of its own. `place`
/// tells texts on one page apart, from 1 on.
pub fn to_document(text: &str, language: Language, place: usize) -> Document {
    document(Parser::new_ext(text, OPTIONS).collect(), HeadingLevel::H2, (language, place), &cleaner())
}

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);
/// How deep lists and quotations go; deeper ones are shown as if they were no deeper. What cleans HTML looks at everything that
/// is open.
const DEEPEST: usize = 24;

/// What keeps the HTML that is safe to show.
fn cleaner() -> ammonia::Builder<'static> {
    let mut cleaner = ammonia::Builder::default();
    cleaner.link_rel(Some("noopener nofollow")).rm_tags(["img", "bdo"]).id_prefix(Some("text-"));
    cleaner.add_tag_attributes("h2", ["id"]).add_tag_attributes("div", ["aria-label"]);
    cleaner.add_tag_attribute_values("div", "class", ["scroll"]);
    cleaner.add_tag_attribute_values("div", "role", ["region"]).add_tag_attribute_values("div", "tabindex", ["0"]);
    cleaner
}

/// HTML of a text whose highest headings are to be of the level `top`.
fn document(
    text: Vec<Event<'_>>,
    top: HeadingLevel,
    (language, place): (Language, usize),
    cleaner: &ammonia::Builder<'_>,
) -> Document {
    let level =
        |event: &Event<'_>| if let Event::Start(Tag::Heading { level, .. }) = event { Some(*level) } else { None };
    let by = top as usize - text.iter().filter_map(level).min().unwrap_or(top) as usize;
    let mut contents = Contents { place, ..Contents::default() };
    let mut wide = WideBoxes { language, tables: 0, passages: 0 };
    let mut depth = 0;
    let shallow = text.into_iter().filter(|event| is_shallow(event, &mut depth));
    let events = shallow.flat_map(|event| wide.wrap(contents.note(shift(named(event), by))));
    let mut out = String::new();
    html::push_html(&mut out, events);
    Document { html: cleaner.clean(&out).to_string(), contents: contents.found }
}

/// Whether what begins or ends here is no deeper than [`DEEPEST`].
fn is_shallow(event: &Event<'_>, depth: &mut usize) -> bool {
    match event {
        Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) => {
            *depth += 1;
            *depth <= DEEPEST
        }
        Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item) => {
            *depth = depth.saturating_sub(1);
            *depth < DEEPEST
        }
        _ => true,
    }
}

/// Text in which characters that turn other text around are shown for what they are.
fn named(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Text(text) => Event::Text(escape::plain(&text).into()),
        Event::Code(text) => Event::Code(escape::plain(&text).into()),
        other => other,
    }
}

/// An event with its heading's level lowered by so many.
fn shift(event: Event<'_>, by: usize) -> Event<'_> {
    match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            Event::Start(Tag::Heading { level: lowered(level, by), id: None, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lowered(level, by))),
        other => other,
    }
}

/// The level lowered by so many; the lowest is the sixth.
fn lowered(level: HeadingLevel, by: usize) -> HeadingLevel {
    HeadingLevel::try_from(level as usize + by).unwrap_or(HeadingLevel::H6)
}

/// Collects the headings of the second level while they pass, and gives each an id.
#[derive(Default)]
struct Contents {
    place: usize,
    found: Vec<Heading>,
    inside: bool,
    title: String,
}

impl Contents {
    fn note<'a>(&mut self, event: Event<'a>) -> Event<'a> {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H2, classes, attrs, .. }) => {
                self.inside = true;
                let id = Some(CowStr::from(self.id()));
                Event::Start(Tag::Heading { level: HeadingLevel::H2, id, classes, attrs })
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => {
                self.inside = false;
                let (id, title) = (self.id(), take(&mut self.title));
                self.found.push(Heading { id, title });
                event
            }
            Event::Text(ref words) | Event::Code(ref words) if self.inside => {
                self.title.push_str(words);
                event
            }
            other => other,
        }
    }

    fn id(&self) -> String {
        let number = self.found.len() + 1;
        if self.place > 1 { format!("text-{}-{number}", self.place) } else { format!("text-{number}") }
    }
}

/// Puts what can be wider than the page into boxes that scroll, that the keyboard reaches, and that have a name.
struct WideBoxes {
    language: Language,
    tables: u64,
    passages: u64,
}

impl WideBoxes {
    fn wrap<'a>(&mut self, event: Event<'a>) -> impl Iterator<Item = Event<'a>> + use<'a> {
        let language = self.language;
        let open = |key: &str, number: &mut u64| {
            *number += 1;
            let label = l10n::say(language, key, &[("number", Arg::Number(*number))]);
            let html = format!("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">");
            Some(Event::Html(CowStr::from(html)))
        };
        let close = || Some(Event::Html(CowStr::from("</div>")));
        let (before, after) = match &event {
            Event::Start(Tag::Table(_)) => (open("text-table", &mut self.tables), None),
            Event::Start(Tag::CodeBlock(_)) => (open("text-code", &mut self.passages), None),
            Event::End(TagEnd::Table | TagEnd::CodeBlock) => (None, close()),
            _ => (None, None),
        };
        before.into_iter().chain([event]).chain(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english(text: &str) -> String {
        to_html(text, Language::English)
    }

    #[test]
    fn scripts_never_get_through() {
        for hostile in [
            "<script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
            "<a title=\"<table><script>alert(1)</script>\">x</a>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)>",
            "<p style=\"position:fixed\" onclick=\"x()\">x</p>",
            "<div class=\"bar\" onclick=\"x()\" style=\"top:0\">x</div>",
            "<form action=/logout><button>x</button></form>",
            "| a |\n|---|\n| <script>alert(1)</script> |",
        ] {
            let html = english(hostile).to_lowercase().replace("&lt;", "").replace("title=\"<table><script>", "");
            for bad in ["<script", "javascript:", "onerror", "onload", "onclick", "style=", "<form", "<img", "<svg"] {
                assert!(!html.contains(bad), "{hostile} → {html}");
            }
            assert!(!html.contains("class=\"bar"), "{html}");
        }
        assert!(!english("<h2 id=\"main\">x</h2>").contains("\"main\""), "no id of the page's own");
    }

    #[test]
    fn text_becomes_structure() {
        let html = english("# Purpose\n\nFor *research*, see [here](https://example.org).");
        assert!(html.contains("<h2 id=\"text-1\">Purpose</h2>") && html.contains("<em>research</em>"));
        assert!(html.contains("rel=\"noopener nofollow\""));
        assert_eq!(english("## A\n\n### B\n\n###### C"), "<h2 id=\"text-1\">A</h2>\n<h3>B</h3>\n<h6>C</h6>\n");
    }

    #[test]
    fn a_readme_is_text_under_a_heading_of_the_page() {
        let html = |text: &str| readme_html(text, Language::English);
        assert_eq!(html("# A\n\n## B"), "<h3>A</h3>\n<h4>B</h4>\n");
        let links = html("[in](docs/x.md) [up](../../etc) [out](https://example.org)");
        assert!(!links.contains("docs/x.md") && !links.contains("etc\"") && links.contains("https://example.org"));
        let card = html("---\nlicence: cc-by\n---\n\n[![build](b.svg)](https://example.org/ci)");
        assert!(!card.contains("licence") && card.contains(">build</a>"), "{card}");
        let raw = html("<nav>x</nav>\n\na <b>b</b> <div role=\"alert\">c\n\n<h1>Access</h1>");
        assert!(
            !raw.contains("<nav") && !raw.contains("<b>") && !raw.contains("alert") && !raw.contains("<h1"),
            "{raw}"
        );
        assert!(html("a\u{202e}b `c\u{2067}d`").contains("[U+202E]b <code>c[U+2067]d"));
    }

    #[test]
    fn quotations_in_quotations_end_somewhere() {
        for deep in ["> ".repeat(30_000) + "x", ">".repeat(60_000) + "x", "- ".repeat(3_000) + "x"] {
            for html in [readme_html(&deep, Language::English), english(&deep)] {
                let opened = html.matches("<blockquote>").count() + html.matches("<li>").count();
                assert!(opened <= DEEPEST && html.contains('x'), "{opened}");
                assert_eq!(html.matches("<blockquote>").count(), html.matches("</blockquote>").count());
            }
        }
        let after = english(&format!("{}x\n\n# Next", ">".repeat(40)));
        assert!(after.ends_with("<h2 id=\"text-1\">Next</h2>\n"), "{after}");
    }

    #[test]
    fn contents_are_the_highest_headings() {
        let document = to_document("# One *x*\n\n## Under\n\n# Two `y`", Language::English, 1);
        let titles: Vec<_> = document.contents.iter().map(|heading| (&*heading.id, &*heading.title)).collect();
        assert_eq!(titles, [("text-1", "One x"), ("text-2", "Two y")]);
        assert!(document.html.contains("<h2 id=\"text-2\">"));
    }

    #[test]
    fn what_is_wide_scrolls_in_a_box_with_a_name() {
        let table = english("| a |\n|---|\n| b |");
        assert!(table.contains("class=\"scroll\"") && table.contains("tabindex=\"0\""), "{table}");
        assert!(table.contains("aria-label=\"Table 1\"") && table.contains("</table>\n</div>"), "{table}");
        let code = to_html("```\nx\n```", Language::TraditionalChinese);
        assert!(code.contains("class=\"scroll\"") && !code.contains("aria-label=\"\""), "{code}");
    }
}
