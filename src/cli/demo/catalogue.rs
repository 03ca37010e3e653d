//! The demo's catalogue, compiled in: descriptions, agreement texts, and the files that are real where they can be.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::images;
use crate::cli::{CliError, CliResult, make_folder, write};
use crate::domain::TimeSpan;

/// A dataset of the catalogue.
pub struct DemoDataset {
    /// Its slug.
    pub slug: &'static str,
    /// Its releases.
    pub releases: &'static [DemoRelease],
}

/// A release of a dataset.
pub struct DemoRelease {
    /// What its publisher says about it.
    pub note: &'static str,
    /// How long it is under embargo, if it is.
    pub embargo: Option<TimeSpan>,
}

const fn one_release(slug: &'static str) -> DemoDataset {
    DemoDataset { slug, releases: &[DemoRelease { note: "", embargo: None }] }
}

const NIH: &str = "nih-chest-xray";
/// The dataset for which signing is enough.
pub const SAMPLE: &str = "nih-label-sample";

/// The datasets, in the order they are published.
pub const DATASETS: [DemoDataset; 7] = [
    DemoDataset {
        slug: NIH,
        releases: &[
            DemoRelease { note: "Images and labels.", embargo: None },
            DemoRelease { note: "Adds the bounding boxes of 984 findings.", embargo: None },
        ],
    },
    one_release("naer-education-terms-uk"),
    one_release("taiwan-geology-literature"),
    one_release("tsung-yeh-guided-tours"),
    one_release("taichung-elementary-school-grounds"),
    one_release("taitung-land-rezoning-2019"),
    DemoDataset {
        slug: SAMPLE,
        releases: &[
            DemoRelease { note: "The first 1,000 rows.", embargo: None },
            DemoRelease { note: "4,000 rows more.", embargo: Some(TimeSpan::days(30)) },
        ],
    },
];

/// A file of the catalogue: which dataset, where in its folder, what is in it.
struct Packed {
    slug: &'static str,
    path: &'static str,
    bytes: &'static [u8],
}

macro_rules! packed {
    ($($slug:literal / $path:literal,)*) => {
        &[$(Packed {
            slug: $slug,
            path: $path,
            bytes: include_bytes!(concat!("../../../demo/", $slug, "/", $path)),
        },)*]
    };
}

const FILES: &[Packed] = packed![
    "nih-chest-xray" / "agreement.toml",
    "nih-chest-xray" / "committee.toml",
    "nih-chest-xray" / "agreement.en.md",
    "nih-chest-xray" / "agreement.zh-TW.md",
    "nih-chest-xray" / "form.toml",
    "nih-chest-xray" / "dataset.toml",
    "nih-chest-xray" / "files/README.txt",
    "naer-education-terms-uk" / "dataset.toml",
    "naer-education-terms-uk" / "files/README.txt",
    "taiwan-geology-literature" / "dataset.toml",
    "taiwan-geology-literature" / "files/README.txt",
    "tsung-yeh-guided-tours" / "dataset.toml",
    "tsung-yeh-guided-tours" / "files/總爺藝文中心機關團體預約導覽登記表.csv",
    "tsung-yeh-guided-tours" / "files/README.txt",
    "taichung-elementary-school-grounds" / "dataset.toml",
    "taichung-elementary-school-grounds" / "files/README.txt",
    "taitung-land-rezoning-2019" / "dataset.toml",
    "taitung-land-rezoning-2019" / "files/README.txt",
    "nih-label-sample" / "agreement.toml",
    "nih-label-sample" / "agreement.en.md",
    "nih-label-sample" / "agreement.zh-TW.md",
    "nih-label-sample" / "dataset.toml",
    "nih-label-sample" / "files/README.txt",
];

/// The two real tables of the NIH dataset (CC0), compressed.
const LABELS: (&str, &[u8]) =
    ("Data_Entry_2017_v2020.csv", include_bytes!("../../../demo/nih-chest-xray/Data_Entry_2017_v2020.csv.gz"));
const BOXES: (&str, &[u8]) =
    ("BBox_List_2017.csv", include_bytes!("../../../demo/nih-chest-xray/BBox_List_2017.csv.gz"));

/// Writes what a release of a dataset adds into `home`; the first has the description too.
pub fn lay_out(slug: &str, release: usize, home: &Path) -> CliResult {
    let files = home.join("files");
    make_folder(&files)?;
    if release == 0 {
        for packed in FILES.iter().filter(|packed| packed.slug == slug) {
            write(&home.join(packed.path), packed.bytes)?;
        }
    }
    match (slug, release) {
        (NIH, 0) => {
            write(&files.join(LABELS.0), unpacked(&files, LABELS)?.as_bytes())?;
            images::draw(&files.join("images_001"))
        }
        (NIH, _) => write(&files.join(BOXES.0), unpacked(&files, BOXES)?.as_bytes()),
        (SAMPLE, 0) => write(&files.join("labels-1.csv"), rows(&unpacked(&files, LABELS)?, 0, 1_000).as_bytes()),
        (SAMPLE, _) => write(&files.join("labels-2.csv"), rows(&unpacked(&files, LABELS)?, 1_000, 4_000).as_bytes()),
        _ => Ok(()),
    }
}

/// What the terms of the sample say from their second version on: before, and after.
const REVISIONS: [(&str, &str, &str); 2] = [
    (
        "agreement.en.md",
        "2. You will say where the labels come from",
        "2. You will not give the files to anybody else; they can sign for themselves.\n3. You will say where the labels come from",
    ),
    (
        "agreement.zh-TW.md",
        "2. 您會註明標籤的來源",
        "2. 您不會將檔案交給他人；他們可以自行簽署。\n3. 您會註明標籤的來源",
    ),
];

/// Writes the second version of the sample's terms into its folder.
pub fn revise_terms(home: &Path) -> CliResult {
    for (name, before, after) in REVISIONS {
        let first = FILES.iter().find(|packed| packed.slug == SAMPLE && packed.path == name);
        let text = first.map_or_else(Default::default, |packed| String::from_utf8_lossy(packed.bytes));
        write(&home.join(name), text.replace(before, after).as_bytes())?;
    }
    Ok(())
}

fn unpacked(folder: &Path, (name, compressed): (&str, &[u8])) -> Result<String, CliError> {
    let mut text = String::new();
    let read = GzDecoder::new(compressed).read_to_string(&mut text);
    read.map_err(|error| CliError::File(folder.join(name), error))?;
    Ok(text)
}

/// The first line of a table, and some of the others.
fn rows(table: &str, skipped: usize, taken: usize) -> String {
    let mut lines = table.split_inclusive('\n');
    lines.next().into_iter().chain(lines.skip(skipped).take(taken)).collect()
}
