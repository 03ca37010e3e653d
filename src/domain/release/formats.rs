//! The formats of a release, as the endings of its files' names say them.

use std::collections::HashMap;

use crate::domain::dataset::FileEntry;

/// How many formats of a release are kept.
const FORMATS_MAX: usize = 12;
/// The longest ending that is taken for a format.
const ENDING_MAX: usize = 10;
/// Endings that say how a file is packed, not what it holds.
const PACKED: [&str; 5] = ["gz", "bz2", "xz", "zst", "lz4"];
/// Two endings for one format.
const SAME: [(&str, &str); 4] = [("jpeg", "jpg"), ("tiff", "tif"), ("htm", "html"), ("yml", "yaml")];

/// The formats of files, such as `csv`, those with the most files first.
pub fn formats(files: &[FileEntry]) -> Vec<String> {
    let mut counted: HashMap<String, u64> = HashMap::new();
    for format in files.iter().filter_map(|file| format(file.path.name())) {
        *counted.entry(format).or_default() += 1;
    }
    let mut counted: Vec<(String, u64)> = counted.into_iter().collect();
    counted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counted.into_iter().take(FORMATS_MAX).map(|(format, _)| format).collect()
}

fn format(name: &str) -> Option<String> {
    let (stem, ending) = parts(name)?;
    let ending = match parts(stem) {
        Some((_, inner)) if PACKED.contains(&ending.as_str()) => inner,
        _ => ending,
    };
    let same = SAME.into_iter().find(|(other, _)| *other == ending);
    Some(same.map_or(ending, |(_, usual)| usual.to_owned()))
}

/// What stands before the last dot, and after it in small letters, if that looks like a format.
fn parts(name: &str) -> Option<(&str, String)> {
    let (stem, ending) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
    let looks_like_one = ending.len() <= ENDING_MAX
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && ending.bytes().any(|byte| byte.is_ascii_alphabetic());
    looks_like_one.then(|| (stem, ending.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn endings_say_formats() {
        for (name, expected) in [
            ("a.csv", Some("csv")),
            ("A.B.CSV", Some("csv")),
            ("brain.nii.gz", Some("nii")),
            ("archive.gz", Some("gz")),
            ("x.JPEG", Some("jpg")),
            ("README", None),
            (".hidden", None),
            ("v1.2", None),
            ("trailing.", None),
            ("file.資料", None),
            ("a.averyveryverylongending", None),
        ] {
            assert_eq!(format(name).as_deref(), expected, "{name}");
        }
    }
}
