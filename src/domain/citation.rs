//! How a release is cited, in the formats that reference managers read.

use jiff::civil::Date;
use serde_json::json;

use super::Timestamp;
use super::words::words;

/// What a citation says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Citation {
    /// A short name for it in a list of references.
    pub key: String,
    /// Who publishes the dataset.
    pub publisher: String,
    /// The dataset's title.
    pub title: String,
    /// The release's number.
    pub release: u32,
    /// When it was published.
    pub published_at: Timestamp,
    /// The address of its page.
    pub url: String,
}

/// A format of reference managers. The word for it is the end of a file's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CitationFormat {
    /// BibTeX, as biblatex reads it: UTF-8, type `dataset`.
    Bibtex,
    /// RIS.
    Ris,
    /// CSL-JSON 1.0.2.
    CslJson,
}

words! {
    CitationFormat {
        Bibtex = "bib",
        Ris = "ris",
        CslJson = "json",
    }
}

impl CitationFormat {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bibtex => "BibTeX",
            Self::Ris => "RIS",
            Self::CslJson => "CSL-JSON",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Bibtex => "application/x-bibtex; charset=utf-8",
            Self::Ris => "application/x-research-info-systems; charset=utf-8",
            Self::CslJson => "application/vnd.citationstyles.csl+json",
        }
    }
}

/// Text in one line.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Citation {
    fn date(&self) -> Date {
        self.published_at.civil().date()
    }

    /// The year of publication.
    pub fn year(&self) -> i16 {
        self.date().year()
    }

    /// In a format.
    pub fn format(&self, format: CitationFormat) -> String {
        match format {
            CitationFormat::Bibtex => self.bibtex(),
            CitationFormat::Ris => self.ris(),
            CitationFormat::CslJson => self.csl_json(),
        }
    }

    fn bibtex(&self) -> String {
        let (publisher, title) = (bibtex_text(&self.publisher), bibtex_text(&self.title));
        // Two braces keep an institution's name from being taken apart like a person's, and the title's capitals.
        format!(
            "@dataset{{{},\n  author    = {{{{{publisher}}}}},\n  title     = {{{{{title}}}}},\n  year      = {{{}}},\n  \
             date      = {{{}}},\n  version   = {{{}}},\n  publisher = {{{{{publisher}}}}},\n  url       = {{{}}}\n}}\n",
            self.key,
            self.year(),
            self.date(),
            self.release,
            self.url
        )
    }

    fn ris(&self) -> String {
        let (publisher, title) = (in_one_line(&self.publisher), in_one_line(&self.title));
        let date = self.date();
        let lines = [
            ("TY", "DATA"),
            ("AU", &publisher),
            ("PY", &self.year().to_string()),
            ("DA", &date.strftime("%Y/%m/%d").to_string()),
            ("TI", &title),
            ("ET", &self.release.to_string()),
            ("PB", &publisher),
            ("UR", &self.url),
            ("ER", ""),
        ];
        let mut out = String::new();
        for (tag, value) in lines {
            out.extend([tag, "  - ", value, "\r\n"]);
        }
        out
    }

    fn csl_json(&self) -> String {
        let date = self.date();
        let item = json!([{
            "id": self.key,
            "type": "dataset",
            "title": in_one_line(&self.title),
            "author": [{ "literal": in_one_line(&self.publisher) }],
            "publisher": in_one_line(&self.publisher),
            "issued": { "date-parts": [[date.year(), date.month(), date.day()]] },
            "version": self.release.to_string(),
            "URL": self.url,
        }]);
        format!("{item:#}\n")
    }
}

/// Text as a value of BibTeX: characters that TeX takes for its own are written so that it prints them.
fn bibtex_text(text: &str) -> String {
    let mut out = String::new();
    for c in in_one_line(text).chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' => out.extend(['\\', c]),
            // BibTeX counts braces, escaped or not.
            '{' => out.push_str("\\textbraceleft{}"),
            '}' => out.push_str("\\textbraceright{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation() -> Citation {
        Citation {
            key: "x-rays-2".into(),
            publisher: "Institute of A & B".into(),
            title: "X-rays,\n100 % {real}".into(),
            release: 2,
            published_at: Timestamp::parse("2026-11-29T07:50:00Z").unwrap(),
            url: "https://data.example/datasets/x-rays/releases/2".into(),
        }
    }

    #[test]
    fn every_format_says_the_same() {
        let citation = citation();
        let bibtex = citation.format(CitationFormat::Bibtex);
        assert!(bibtex.starts_with("@dataset{x-rays-2,\n  author    = {{Institute of A \\& B}},\n"), "{bibtex}");
        assert!(
            bibtex.contains("{{X-rays, 100 \\% \\textbraceleft{}real\\textbraceright{}}},")
                && bibtex.contains("{2026-11-29}"),
            "{bibtex}"
        );
        let ris = citation.format(CitationFormat::Ris);
        assert!(
            ris.starts_with("TY  - DATA\r\nAU  - Institute of A & B\r\n") && ris.ends_with("\r\nER  - \r\n"),
            "{ris}"
        );
        assert!(ris.contains("TI  - X-rays, 100 % {real}\r\n"), "what is typed makes no line of its own: {ris}");
        let csl: serde_json::Value = serde_json::from_str(&citation.format(CitationFormat::CslJson)).unwrap();
        assert_eq!(csl[0]["issued"]["date-parts"][0], json!([2026, 11, 29]));
        assert_eq!((&csl[0]["type"], &csl[0]["version"]), (&json!("dataset"), &json!("2")));
    }

    #[test]
    fn braces_of_bibtex_are_closed_whatever_is_typed() {
        for title in ["}", "{{", "\\", "a}b{c\\}", "~^_#$%&"] {
            let text = Citation { title: title.into(), ..citation() }.format(CitationFormat::Bibtex);
            let mut depth = 0;
            for (place, c) in text.char_indices() {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => continue,
                };
                assert!(depth > 0 || place + 2 == text.len(), "{text}");
            }
            assert_eq!(depth, 0, "{text}");
        }
    }
}
