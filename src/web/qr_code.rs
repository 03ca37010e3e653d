//! QR codes (ISO/IEC 18004), as drawings.

use std::fmt::Write;

use qrcode::{Color, EcLevel};

/// The empty border that readers need, in modules.
const QUIET_ZONE: usize = 4;

/// A QR code: its side, in modules with the border, and the dark ones as the path of an SVG.
#[derive(Clone, Debug)]
pub struct QrCode {
    /// The side.
    pub side: usize,
    /// The path.
    pub path: String,
}

impl QrCode {
    /// The code of a text that can lose 15 % of itself; `None` where it is too long for one.
    pub fn of(text: &str) -> Option<Self> {
        let code = qrcode::QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let (width, modules) = (code.width(), code.to_colors());
        let mut path = String::new();
        for (y, row) in modules.chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&Color::Dark) {
                    // Writing to a string can't fail.
                    let _ = write!(path, "M{} {}h{}v1h-{}z", x + QUIET_ZONE, y + QUIET_ZONE, run.len(), run.len());
                }
                x += run.len();
            }
        }
        Some(Self { side: width + 2 * QUIET_ZONE, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_a_border() {
        let code = QrCode::of("https://data.example.org/signatures/019a0000-0000-7000-8000-000000000000").unwrap();
        let far = code.side - QUIET_ZONE - 7;
        for (x, y) in [(4, 4), (far, 4), (4, far)] {
            assert!(code.path.contains(&format!("M{x} {y}h7v1h-7z")), "no corner at {x}, {y}: {}", code.path);
        }
        assert!(!code.path.contains("M0 ") && !code.path.contains(&format!("M{} ", code.side - 1)));
        assert!(QrCode::of(&"x".repeat(5_000)).is_none());
    }
}
