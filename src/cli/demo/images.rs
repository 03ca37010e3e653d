//! Stand-ins for the NIH dataset's images: drawn, not taken, and labelled so, under the real names.

use std::path::Path;

use crate::cli::{CliError, CliResult, make_folder, write};

/// The first two dozen names of the label table.
const NAMES: [&str; 24] = [
    "00000001_000",
    "00000001_001",
    "00000001_002",
    "00000002_000",
    "00000003_000",
    "00000003_001",
    "00000003_002",
    "00000003_003",
    "00000003_004",
    "00000003_005",
    "00000003_006",
    "00000003_007",
    "00000004_000",
    "00000005_000",
    "00000005_001",
    "00000005_002",
    "00000005_003",
    "00000005_004",
    "00000005_005",
    "00000005_006",
    "00000005_007",
    "00000006_000",
    "00000007_000",
    "00000008_000",
];

/// Width and height, in pixels.
const SIDE: usize = 320;

/// Draws the images into `folder`.
pub fn draw(folder: &Path) -> CliResult {
    make_folder(folder)?;
    for (number, name) in NAMES.iter().enumerate() {
        let file = folder.join(format!("{name}.png"));
        let bytes = encode(&pixels(number)).map_err(|error| CliError::File(file.clone(), error.into()))?;
        write(&file, &bytes)?;
    }
    Ok(())
}

fn encode(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let side = u32::try_from(SIDE).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk(
        "Description".into(),
        "Synthetic stand-in for the Countersign demo. Not a radiograph, of nobody.".into(),
    )?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, and a grey level that was clamped"
)]
/// Something that reminds of a chest, different for each number.
fn pixels(number: usize) -> Vec<u8> {
    let shift = (number % 7) as f64 * 2.0 - 6.0;
    let breadth = 52.0 + (number % 5) as f64 * 3.0;
    let mut pixels = vec![0; SIDE * SIDE];
    for (place, pixel) in pixels.iter_mut().enumerate() {
        let (x, y) = ((place % SIDE) as f64, (place / SIDE) as f64);
        let inside = |cx: f64, cy: f64, rx: f64, ry: f64| 1.0 - ((x - cx) / rx).powi(2) - ((y - cy) / ry).powi(2);
        let body = inside(160.0, 210.0, 150.0, 190.0).max(0.0).sqrt();
        let lungs = inside(100.0 + shift, 165.0, breadth, 105.0).max(inside(220.0 + shift, 165.0, breadth, 105.0));
        let spine = inside(160.0, 170.0, 16.0, 400.0).max(0.0);
        let ribs = ((y - (x - 160.0).powi(2) / 260.0) / 11.0).sin().max(0.0) * 22.0;
        let mut light = 165.0 * body + 45.0 * spine;
        if lungs > 0.0 {
            light = light - 110.0 * lungs.sqrt() + ribs;
        }
        *pixel = light.clamp(0.0, 255.0) as u8;
    }
    stamp(&mut pixels);
    pixels
}

/// Five columns of seven rows each, a bit a pixel.
const LETTERS: [(char, [u8; 7]); 8] = [
    ('S', [0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e]),
    ('Y', [0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04]),
    ('N', [0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11]),
    ('T', [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04]),
    ('H', [0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11]),
    ('E', [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f]),
    ('I', [0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e]),
    ('C', [0x0f, 0x10, 0x10, 0x10, 0x10, 0x10, 0x0f]),
];

/// Writes SYNTHETIC at the bottom, for whoever sees the picture without its name.
fn stamp(pixels: &mut [u8]) {
    const SCALE: usize = 4;
    for (place, wanted) in "SYNTHETIC".chars().enumerate() {
        let Some((_, rows)) = LETTERS.iter().find(|(letter, _)| *letter == wanted) else { continue };
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..5).filter(|column| bits & (0x10 >> column) != 0) {
                for dot in 0..SCALE * SCALE {
                    let x = 52 + (place * 6 + column) * SCALE + dot % SCALE;
                    let y = 284 + row * SCALE + dot / SCALE;
                    pixels[y * SIDE + x] = 240;
                }
            }
        }
    }
}
