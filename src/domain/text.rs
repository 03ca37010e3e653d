//! Text that has been checked: slugs, e-mail addresses, names, languages, hashes, secrets.
//!
//! Each can only be made by parsing, so a function that has one need not check again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a piece of text was not accepted. The web layer says it in the reader's language, beside the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TextError {
    /// The text is empty or blank.
    #[error("is empty")]
    Empty,
    /// The text is longer than this many characters.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// The text is shorter than this many characters.
    #[error("is shorter than {0} characters")]
    TooShort(usize),
    /// The text holds a control character.
    #[error("holds a control character")]
    Control,
    /// A password that is guessed soon.
    #[error("is easy to guess; a few words that do not belong together are better")]
    Guessable,
    /// A file is larger than this many bytes.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// The text does not have the required form.
    #[error("is not of the right form")]
    Form,
}

/// Whether a character is invisible: white space, or a format character that could hide text.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Trims, and refuses control characters (line breaks too) and text over `limit` characters.
///
/// # Errors
/// [`TextError::Empty`], [`TextError::TooLong`] or [`TextError::Control`].
pub fn one_line(text: &str, limit: usize) -> Result<String, TextError> {
    checked(text, limit, |_| false)
}

/// Like [`one_line`], but line breaks and tabs may stay; line ends become `\n`.
///
/// # Errors
/// As [`one_line`].
pub fn many_lines(text: &str, limit: usize) -> Result<String, TextError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    checked(&text, limit, |c| matches!(c, '\n' | '\t'))
}

/// Trims and checks a text in which some control characters may stay.
fn checked(text: &str, limit: usize, may_stay: impl Fn(char) -> bool) -> Result<String, TextError> {
    let text = text.trim();
    if text.chars().all(is_invisible) {
        return Err(TextError::Empty);
    }
    if text.chars().count() > limit {
        return Err(TextError::TooLong(limit));
    }
    if text.chars().any(|c| c.is_control() && !may_stay(c)) {
        return Err(TextError::Control);
    }
    Ok(text.to_owned())
}

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }
    };
}

/// A dataset's or agreement's name in addresses: lower-case ASCII letters, digits and single hyphens, 2 to 80 of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);
text_type!(Slug);

impl FromStr for Slug {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.len() > 80 {
            return Err(TextError::TooLong(80));
        }
        if text.len() < 2 {
            return Err(TextError::TooShort(2));
        }
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || text.starts_with('-') || text.ends_with('-') || text.contains("--") {
            return Err(TextError::Form);
        }
        Ok(Self(text.to_owned()))
    }
}

/// An e-mail address as typed, trimmed, its domain in the form that mail servers know (*a@xn--bcher-kva.example* for
/// *a@bücher.example*). [`Email::key`] is what makes it unique.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);
text_type!(Email);

impl Email {
    /// Lower case: two addresses with the same key are the same account.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The domain, in lower case.
    pub fn domain(&self) -> String {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase()
    }
}

impl FromStr for Email {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let text = one_line(text, 254)?;
        let (user, domain) = text.rsplit_once('@').ok_or(TextError::Form)?;
        let text = match url::Host::parse(domain) {
            Ok(url::Host::Domain(domain)) => format!("{user}@{domain}"),
            Ok(_) => text,
            Err(_) => return Err(TextError::Form),
        };
        // The mail library's own parser decides, so that what is accepted here can be sent to.
        text.parse::<lettre::Address>().map_err(|_| TextError::Form)?;
        Ok(Self(text))
    }
}

/// A person's full name, as they write it: 1 to 200 characters on one line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);
text_type!(PersonName);

impl FromStr for PersonName {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        one_line(text, 200).map(Self)
    }
}

/// The languages that Countersign speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese as written in Taiwan.
    #[serde(rename = "zh-TW")]
    TraditionalChinese,
}

impl Language {
    /// Every language, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::English, Self::TraditionalChinese];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::TraditionalChinese => "zh-TW",
        }
    }

    /// The language's name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::TraditionalChinese => "繁體中文",
        }
    }

    /// The language for a BCP 47 tag, by its primary subtag: any kind of Chinese gives [`Self::TraditionalChinese`].
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else if primary.eq_ignore_ascii_case("zh") {
            Some(Self::TraditionalChinese)
        } else {
            None
        }
    }
}

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        Self(digest.as_ref().try_into().expect("SHA-256 is 32 bytes"))
    }

    /// The hash of the bytes that were fed to `context`, which must be a SHA-256 context.
    ///
    /// # Panics
    /// Panics if the context is for another algorithm.
    pub fn finish(context: aws_lc_rs::digest::Context) -> Self {
        Self(context.finish().as_ref().try_into().expect("SHA-256 is 32 bytes"))
    }

    /// From 32 raw bytes; `None` for any other length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The first eight and the last four hex digits, for people to compare at a glance.
    pub fn short(&self) -> String {
        let hex = self.to_string();
        format!("{}…{}", &hex[..8], &hex[60..])
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| TextError::Form)?;
        Ok(Self(hash))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret: it has no `Display`, and its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The secret itself. Review every use.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parsers_never_panic_and_never_let_controls_through(text in "\\PC{0,40}|[\\x00-\\x1f a@.]{0,20}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert!(!email.as_str().chars().any(char::is_control));
            }
            if let Ok(slug) = text.parse::<Slug>() {
                prop_assert!(slug.as_str().is_ascii());
            }
            if let Ok(name) = text.parse::<PersonName>() {
                prop_assert!(!name.as_str().trim().is_empty());
            }
            let _ = many_lines(&text, 10);
        }
    }

    #[test]
    fn emails() {
        for good in ["a@b.tw", " lin@ntuh.gov.tw ", "x+y@example.org"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        let same: Vec<Email> = ["a@bücher.example", "a@xn--bcher-kva.example", "a@BÜCHER.example"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert!(same.iter().all(|email| email.as_str() == "a@xn--bcher-kva.example"), "{same:?}");
        for bad in ["", "a", "a@", "@b", "a b@c.d", "a@b\nc", "a\0@b.c", "a@b%20c", "a@b/c"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn what_nobody_can_see_is_empty() {
        for nothing in ["", " ", "\u{200b}", "\u{200b}\n\u{feff} \u{2060}", "\u{202e}"] {
            assert_eq!(one_line(nothing, 10), Err(TextError::Empty), "{nothing:?}");
            assert_eq!(many_lines(nothing, 10), Err(TextError::Empty), "{nothing:?}");
        }
        assert_eq!(many_lines("a\u{200b}", 10), Ok("a\u{200b}".to_owned()));
    }
}
