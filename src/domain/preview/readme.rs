//! The README of a release: what its publisher says about the files, in a file beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::path::FilePath;
use crate::domain::text::Language;

/// How much of a README is kept, in bytes.
pub const README_BYTES_MAX: usize = 64 * 1024;

/// A README.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Readme {
    /// The file.
    pub path: FilePath,
    /// Its beginning.
    pub text: String,
    /// Whether it goes on after that.
    pub is_cut: bool,
}

/// What the name of a README says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Named {
    language: Option<Language>,
    is_markdown: bool,
}

/// Reads a name such as `README`, `readme.md` or `README.zh-TW.md`; `None` for other files, and for those in folders.
fn named(path: &FilePath) -> Option<Named> {
    let name = path.as_str().to_ascii_lowercase();
    let rest = name.strip_prefix("readme")?;
    let endings = [(".md", true), (".markdown", true), (".txt", false), (".rst", false), ("", false)];
    let (tag, is_markdown) = endings.iter().find_map(|(ending, is)| Some((rest.strip_suffix(ending)?, *is)))?;
    if tag.is_empty() {
        return Some(Named { language: None, is_markdown });
    }
    let tag = tag.strip_prefix(['.', '-', '_'])?.replace('_', "-");
    let language = Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(&tag))?;
    Some(Named { language: Some(language), is_markdown })
}

/// The files among these that are READMEs: one for each language, and one whose name says none. Of several, Markdown.
pub fn readmes_to_preview(files: &[(&FilePath, u64)]) -> Vec<FilePath> {
    let mut found: BTreeMap<&str, (bool, &FilePath)> = BTreeMap::new();
    for (path, _) in files {
        let Some(name) = named(path) else { continue };
        let candidate = (!name.is_markdown, *path);
        let of_language = found.entry(name.language.map_or("", Language::tag)).or_insert(candidate);
        *of_language = candidate.min(*of_language);
    }
    found.into_values().map(|(_, path)| path.clone()).collect()
}

impl Readme {
    /// What begins with these bytes, of a file that has `size`; `None` where that is no text.
    pub fn read(path: FilePath, mut bytes: &[u8], size: u64) -> Option<Self> {
        bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let is_cut = size > README_BYTES_MAX as u64;
        if is_cut {
            // To the end of its last whole line.
            let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            bytes = &bytes[..end];
        }
        let text = std::str::from_utf8(bytes).ok()?.replace("\r\n", "\n");
        let is_text = !text.trim().is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        is_text.then_some(Self { path, text, is_cut })
    }

    /// The language that its name says.
    pub fn language(&self) -> Option<Language> {
        named(&self.path)?.language
    }

    /// Whether it is written in Markdown.
    pub fn is_markdown(&self) -> bool {
        named(&self.path).is_some_and(|named| named.is_markdown)
    }
}

/// The one for readers of a language: theirs, or else the one whose name says none, or else another.
pub fn readme_for(readmes: Vec<Readme>, language: Language) -> Option<Readme> {
    let rank = |readme: &Readme| match readme.language() {
        Some(own) if own == language => 0,
        None => 1,
        Some(_) => 2,
    };
    readmes.into_iter().min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> FilePath {
        name.parse().unwrap()
    }

    fn readme(name: &str, bytes: &[u8]) -> Option<Readme> {
        Readme::read(path(name), bytes, bytes.len() as u64)
    }

    #[test]
    fn names_of_readmes() {
        let names = ["README", "readme.MD", "README.zh-TW.md", "readme_zh_tw.txt", "README-en.markdown"];
        let others = ["docs/README.md", "readme.html", "README.fr.md", "READMEfirst.md", "README.md.png", "READ.me"];
        let files: Vec<FilePath> = names.iter().chain(&others).map(|name| path(name)).collect();
        for (file, is_readme) in files.iter().zip([true; 5].into_iter().chain([false; 6])) {
            assert_eq!(readmes_to_preview(&[(file, 1)]).len(), usize::from(is_readme), "{file}");
        }
        let found = readmes_to_preview(&files.iter().map(|file| (file, 1)).collect::<Vec<_>>());
        let found: Vec<&str> = found.iter().map(FilePath::as_str).collect();
        assert_eq!(found, ["readme.MD", "README-en.markdown", "README.zh-TW.md"], "one for each, Markdown first");
    }

    #[test]
    fn readers_get_theirs() {
        let all = ["README.en.txt", "README.md", "README.zh-TW.md"].map(|name| readme(name, b"x").unwrap()).to_vec();
        let found = |all: &[Readme], language| readme_for(all.to_vec(), language).map(|found| found.path.to_string());
        assert_eq!(found(&all, Language::TraditionalChinese).as_deref(), Some("README.zh-TW.md"));
        assert_eq!(found(&all, Language::English).as_deref(), Some("README.en.txt"));
        assert_eq!(found(&all[1..], Language::English).as_deref(), Some("README.md"));
        assert_eq!(found(&all[2..], Language::English).as_deref(), Some("README.zh-TW.md"), "better than none");
        assert_eq!(found(&[], Language::English), None);
    }

    #[test]
    fn only_text_is_one() {
        assert_eq!(readme("README", "\u{feff}# 胸部\r\n影像\r\n".as_bytes()).unwrap().text, "# 胸部\n影像\n");
        for bytes in [b"\x89PNG\r\n\x1a\n".as_slice(), b"caf\xe9", b"a\0b", b"\x1b[2J", b"", b" \n"] {
            assert_eq!(readme("README.md", bytes), None, "{bytes:?}");
        }
        let long = "胸部影像 line\n".repeat(5_000);
        let cut = Readme::read(path("README"), &long.as_bytes()[..README_BYTES_MAX], long.len() as u64).unwrap();
        assert!(cut.is_cut && cut.text.ends_with("line") && cut.text.len() > README_BYTES_MAX - 20);
        let one_line = "胸".repeat(README_BYTES_MAX);
        let bytes = &one_line.as_bytes()[..README_BYTES_MAX];
        assert_eq!(Readme::read(path("README"), bytes, one_line.len() as u64), None, "no line is whole");
    }
}
