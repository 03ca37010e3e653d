//! What an import leaves out.

/// How many patterns an import takes: each is compared with every path.
const PATTERNS_MAX: usize = 200;
/// The longest pattern, in bytes.
const PATTERN_MAX: usize = 1_000;

/// What an import leaves out: names of files or folders with stars, such as `*.tmp` or `.git`, or whole paths.
#[derive(Clone, Debug, Default)]
pub struct Exclusions(Vec<glob::Pattern>);

impl Exclusions {
    /// Reads the patterns.
    ///
    /// # Errors
    /// The first that is none, and what is wrong with it; or that there are too many.
    pub fn parse(patterns: &[String]) -> Result<Self, String> {
        if patterns.len() > PATTERNS_MAX || patterns.iter().any(|pattern| pattern.len() > PATTERN_MAX) {
            return Err(format!("up to {PATTERNS_MAX} patterns of up to {PATTERN_MAX} bytes can be given"));
        }
        let read = |text: &String| {
            // A folder is meant with a slash behind its name, and the root with one before it.
            let tidy = text.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            if tidy.is_empty() {
                return Err(format!("{text:?}: would leave out everything"));
            }
            glob::Pattern::new(tidy).map_err(|error| format!("{text:?}: {error}"))
        };
        patterns.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a pattern names this path itself: its last part, or all of it.
    pub fn names(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        self.0.iter().any(|pattern| pattern.matches(if pattern.as_str().contains('/') { path } else { name }))
    }

    /// Whether a path or a folder that it is in is left out.
    pub fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| self.names(&path[..end]))
    }
}
