//! Paths of files inside a dataset, and the patterns that narrow a token to some of them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// A file's or folder's path inside its dataset: segments joined by `/`, none empty, `.` or `..`, no control
/// characters, no backslash, at most 1,024 bytes. The root folder is the empty path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

/// The text is not a path inside a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not a path inside a dataset")]
pub struct PathError;

impl FilePath {
    /// The root folder.
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Reads the path part of a URL: percent-decoded exactly once, then checked. Clients leave dot segments out (RFC 3986
    /// section 5.2.4), but for the one that rclone puts before a name with a colon, which is left out here.
    ///
    /// # Errors
    /// When the bytes are not UTF-8 or the decoded text is not a path.
    pub fn from_url(encoded: &str) -> Result<Self, PathError> {
        let encoded = match encoded.rsplit_once("./") {
            Some((folder, name)) if name.contains(':') && (folder.is_empty() || folder.ends_with('/')) => {
                Cow::Owned(format!("{folder}{name}"))
            }
            _ => Cow::Borrowed(encoded),
        };
        let decoded = percent_decode_str(&encoded).decode_utf8().map_err(|_| PathError)?;
        decoded.parse()
    }

    /// The text, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root folder.
    pub const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The folder that holds it; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned())))
    }

    /// Percent-encoded for an address, the slashes kept.
    pub fn to_url(&self) -> String {
        percent_encoding::utf8_percent_encode(&self.0, URL_PATH).to_string()
    }
}

/// The characters to encode in the path of a URL: all but RFC 3986's unreserved ones and the slash.
const URL_PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl FromStr for FilePath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        let inner = text.strip_suffix('/').unwrap_or(text);
        if inner.is_empty() && text.is_empty() {
            return Ok(Self::root());
        }
        let bad_segment = |segment: &str| matches!(segment, "" | "." | "..");
        let bad_char = |c: char| c.is_control() || c == '\\';
        if inner.len() > 1024 || inner.split('/').any(bad_segment) || inner.chars().any(bad_char) {
            return Err(PathError);
        }
        Ok(Self(inner.to_owned()))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FilePath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

/// A pattern for the paths that a token covers: one exact path, or a prefix followed by `*`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

impl PathPattern {
    /// Whether the pattern covers `path`.
    pub fn covers(&self, path: &FilePath) -> bool {
        self.prefix().map_or_else(|| self.0 == path.as_str(), |prefix| path.as_str().starts_with(prefix))
    }

    /// The beginning of the paths that it covers; `None` for one exact path.
    pub fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// Whether something inside `folder` may be covered, so that listing it makes sense.
    pub fn touches(&self, folder: &FilePath) -> bool {
        let prefix = self.prefix().unwrap_or(&self.0);
        let inside = format!("{folder}/");
        folder.is_root() || prefix.starts_with(&inside) || self.covers(folder) || inside == prefix
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPattern {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        let text = text.trim();
        let body = text.strip_suffix('*').unwrap_or(text);
        if body.contains('*') || text.is_empty() {
            return Err(PathError);
        }
        if !body.is_empty() {
            body.parse::<FilePath>()?;
        }
        // A folder named with its slash means what is in it.
        Ok(Self(if text.ends_with('/') { format!("{text}*") } else { text.to_owned() }))
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_paths_are_no_paths() {
        for hostile in [
            "..",
            "../x",
            "a/../b",
            "%2e%2e/x",
            "a/%2e%2e",
            "%2E%2E%2Fetc",
            "/etc/passwd",
            "%2fetc",
            "a//b",
            "./a",
            "a/.",
            "%2e/a",
            "a/%2e",
            "./../a:b",
            "././a:b",
            "a%00b",
            "a\\..\\b",
            "a%5c..",
            "%ff",
            "a%0ab",
            "//",
            "/",
        ] {
            assert!(FilePath::from_url(hostile).is_err(), "{hostile}");
        }
        // Decoded once only: this names a file called "%2e%2e", which is harmless.
        assert_eq!(FilePath::from_url("%252e%252e").unwrap().as_str(), "%2e%2e");
        assert_eq!(FilePath::from_url("%E8%83%B8/a b").unwrap().as_str(), "胸/a b");
        for (dotted, plain) in [("./a:b", "a:b"), ("x/./a:b", "x/a:b")] {
            assert_eq!(FilePath::from_url(dotted).unwrap().as_str(), plain);
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_stays_inside(text in "([a./%2eEfF\\\\ \u{0}]|\\PC){0,24}") {
            if let Ok(path) = FilePath::from_url(&text) {
                let joined = std::path::Path::new("/root/of/dataset").join(path.as_str());
                prop_assert!(joined.starts_with("/root/of/dataset"));
                prop_assert!(joined.components().all(|part| !matches!(part, std::path::Component::ParentDir)));
                prop_assert_eq!(FilePath::from_url(&path.to_url()), Ok(path));
            }
        }
    }

    #[test]
    fn patterns() {
        let path = |text: &str| text.parse::<FilePath>().unwrap();
        let pattern: PathPattern = "images_001/*".parse().unwrap();
        assert!(pattern.covers(&path("images_001/a.png")));
        assert!(!pattern.covers(&path("images_0011/a.png")));
        assert!(pattern.touches(&path("images_001")) && pattern.touches(&FilePath::root()));
        assert!(!pattern.touches(&path("images_002")));
        assert_eq!("images_001/".parse::<PathPattern>().unwrap(), pattern);
        assert!("*".parse::<PathPattern>().unwrap().covers(&path("x")));
        assert!("a*b".parse::<PathPattern>().is_err() && "../*".parse::<PathPattern>().is_err());
    }
}
