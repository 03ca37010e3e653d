//! Markdown to HTML that is safe to show: parsed, then cleaned.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// HTML of `text`. Its highest headings are of the second level, whatever level they have: the page has the first.
pub fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let level =
        |event: Event<'_>| if let Event::Start(Tag::Heading { level, .. }) = event { Some(level) } else { None };
    let highest = Parser::new_ext(text, options).filter_map(level).min().unwrap_or(HeadingLevel::H2);
    let parser = Parser::new_ext(text, options).map(|event| match event {
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: shifted(level, highest), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(shifted(level, highest))),
        other => other,
    });
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, parser);
    ammonia::Builder::default().link_rel(Some("noopener nofollow")).rm_tags(["img"]).clean(&out).to_string()
}

/// The level when `highest` becomes the second.
fn shifted(level: HeadingLevel, highest: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level as usize - highest as usize + 2).unwrap_or(HeadingLevel::H6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_never_get_through() {
        for hostile in [
            "<script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)>",
            "<p style=\"position:fixed\" onclick=\"x()\">x</p>",
            "<form action=/logout><button>x</button></form>",
        ] {
            let html = to_html(hostile).to_lowercase();
            for bad in ["<script", "javascript:", "onerror", "onload", "onclick", "style=", "<form", "<img", "<svg"] {
                assert!(!html.contains(bad), "{hostile} → {html}");
            }
        }
    }

    #[test]
    fn text_becomes_structure() {
        let html = to_html("# Purpose\n\nFor *research*, see [here](https://example.org).");
        assert!(html.contains("<h2>Purpose</h2>") && html.contains("<em>research</em>"));
        assert!(html.contains("rel=\"noopener nofollow\""));
        assert_eq!(to_html("## A\n\n### B\n\n###### C"), "<h2>A</h2>\n<h3>B</h3>\n<h6>C</h6>\n");
    }
}
