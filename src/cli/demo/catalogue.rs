//! The demo's catalogue, compiled in: descriptions, agreement texts, and the files that are real where they can be.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::images;
use crate::cli::{CliError, CliResult, make_folder, write};

/// The datasets, in the order they are published.
pub const SLUGS: [&str; 6] = [
    "nih-chest-xray",
    "naer-education-terms-uk",
    "taiwan-geology-literature",
    "tsung-yeh-guided-tours",
    "taichung-elementary-school-grounds",
    "taitung-land-rezoning-2019",
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
    "nih-chest-xray" / "agreement.en.md",
    "nih-chest-xray" / "agreement.zh-TW.md",
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
];

/// The two real tables of the NIH dataset (CC0), compressed.
const TABLES: [(&str, &[u8]); 2] = [
    ("Data_Entry_2017_v2020.csv", include_bytes!("../../../demo/nih-chest-xray/Data_Entry_2017_v2020.csv.gz")),
    ("BBox_List_2017.csv", include_bytes!("../../../demo/nih-chest-xray/BBox_List_2017.csv.gz")),
];

/// Writes a dataset's description and files into `home`.
pub fn lay_out(slug: &str, home: &Path) -> CliResult {
    let files = home.join("files");
    make_folder(&files)?;
    for packed in FILES.iter().filter(|packed| packed.slug == slug) {
        write(&home.join(packed.path), packed.bytes)?;
    }
    if slug == "nih-chest-xray" {
        for (name, compressed) in TABLES {
            let file = files.join(name);
            let mut text = Vec::new();
            GzDecoder::new(compressed).read_to_end(&mut text).map_err(|error| CliError::File(file.clone(), error))?;
            write(&file, &text)?;
        }
        images::draw(&files.join("images_001"))?;
    }
    Ok(())
}
