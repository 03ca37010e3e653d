//! Names that an import takes and that some who download can't keep.

use std::collections::BTreeMap;

use crate::domain::dataset::FileEntry;
use crate::domain::path::FilePath;

/// Names that not every system can keep: pairs that differ only by case, and names that Windows refuses.
pub fn warnings(files: &[FileEntry]) -> Vec<String> {
    let mut seen: BTreeMap<String, &FilePath> = BTreeMap::new();
    let mut said = Vec::new();
    for FileEntry { path, .. } in files {
        if let Some(other) = seen.insert(path.as_str().to_lowercase(), path) {
            said.push(format!("{other} and {path} are one name where case does not count (Windows, macOS)"));
        }
        if path.as_str().split('/').any(is_refused_by_windows) {
            said.push(format!("{path} can't be kept under this name on Windows"));
        }
    }
    said
}

fn is_refused_by_windows(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = DEVICES[..4].contains(&stem.as_str())
        || DEVICES[4..].iter().any(|device| {
            stem.strip_prefix(device).is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
        });
    is_device || name.ends_with(['.', ' ']) || name.contains(['<', '>', ':', '"', '|', '?', '*'])
}
