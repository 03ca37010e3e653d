//! Covers: a guilloche drawn from the hash of a release, as on a share certificate. The same bytes give the same pattern, and
//! other bytes another one. The pictures stand at addresses of their own, which browsers may keep for ever.

use std::f64::consts::TAU;
use std::fmt::Write as _;
use std::str::FromStr;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::error::WebError;
use super::pages::parse_id;
use crate::domain::text::Sha256;

/// The two sizes in which a cover is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoverSize {
    /// 48 by 48, for rows of a list.
    Thumb,
    /// 640 by 160, for the head of a page.
    Wide,
}

impl FromStr for CoverSize {
    type Err = WebError;
    fn from_str(text: &str) -> Result<Self, WebError> {
        match text {
            "thumb" => Ok(Self::Thumb),
            "wide" => Ok(Self::Wide),
            _ => Err(WebError::NotFound),
        }
    }
}

/// Inks, each on paper and at night.
const INKS: [(&str, &str); 12] = [
    ("#2f4187", "#9aaaf0"),
    ("#8f6410", "#dfb761"),
    ("#1b5276", "#7fbde3"),
    ("#7a3a69", "#dc9fcd"),
    ("#1d5d48", "#79caa8"),
    ("#775431", "#d3ab7e"),
    ("#55438f", "#b8a6f2"),
    ("#17696f", "#72c9cf"),
    ("#5a611c", "#c2c973"),
    ("#43586d", "#a6bbd0"),
    ("#84601d", "#dab26c"),
    ("#47692b", "#a5cb80"),
];

/// Pairs of inks that stand well beside each other, by their places in [`INKS`].
const PAIRS: [(usize, usize); 12] =
    [(0, 1), (2, 3), (4, 5), (6, 7), (8, 0), (9, 10), (3, 4), (7, 6), (5, 2), (11, 3), (0, 7), (10, 9)];

/// `GET /covers/1/{size}/{hash}.svg`. Browsers keep what they were given: whoever changes how covers are drawn raises the number.
pub async fn get(path: web::Path<(String, String)>) -> Result<HttpResponse, WebError> {
    let (size, hash) = (path.0.parse()?, parse_id::<Sha256>(&path.1)?);
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
    // Its inks are in the picture itself; a page that shows it loads nothing for it.
    response.insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"));
    Ok(response.content_type("image/svg+xml").body(draw(&hash, size)))
}

/// A cover as an SVG document.
pub fn draw(hash: &Sha256, size: CoverSize) -> String {
    let b = hash.0;
    let (outer, inner) = (6 + u32::from(b[1] % 7), 5 + u32::from(b[2] % 6));
    // A ring is laid 2, 4 or 8 times: each fold doubles it.
    let folds = match size {
        CoverSize::Thumb => (2, 1),
        CoverSize::Wide => [(3, 3), (3, 2), (2, 3), (3, 3)][usize::from(b[6] % 4)],
    };
    let (low, middle, heart) = (96 + u32::from(b[3] % 44), 60 + u32::from(b[4] % 40), 22 + u32::from(b[5] % 22));
    let mut rose = folded("r0", "a", &ring(low, 196, outer), (outer, folds.0));
    rose += &folded("r1", "b", &ring(heart, middle + 50, inner), (inner, folds.1));
    let (first, second) = PAIRS[usize::from(b[0]) % PAIRS.len()];
    let style = style(INKS[first], INKS[second]);
    match size {
        CoverSize::Thumb => format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\">{style}<rect class=\"sheet\" width=\"48\" height=\"48\"/>\
             <rect class=\"wash\" width=\"48\" height=\"48\"/><g transform=\"translate(24 24)scale(.132)\" stroke-width=\"6\">\
             <circle class=\"disc\" r=\"{}\"/>{rose}</g></svg>",
            middle + 62
        ),
        CoverSize::Wide => {
            let lobes = 3 + u32::from(b[7] % 5);
            rose += &folded("r2", "a", &ring(8, heart + 26, lobes), (lobes, 2));
            wide(&b, &style, &rose, &hash.to_string())
        }
    }
}

/// The wide one: a ribbon of interlaced waves behind the rosette, and the last six bytes at the edge, as on a banknote.
fn wide(b: &[u8; 32], style: &str, rose: &str, hash: &str) -> String {
    let (waves, lines) = (1 + u32::from(b[8] % 2), 6 + u32::from(b[9] % 4));
    let swell = 0.35 + f64::from(b[10]) / 255.0 * 0.5;
    let (tile, centre) = (64 + 16 * u32::from(b[11] % 5), [556, 470, 512][usize::from(b[12] % 3)]);
    let band = band(tile, (waves, lines), swell);
    let end = &hash[hash.len() - 12..];
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 160\" preserveAspectRatio=\"xMaxYMid\">{style}\
         <rect class=\"sheet\" x=\"-1920\" width=\"2560\" height=\"160\"/>\
         <pattern id=\"p\" width=\"{tile}\" height=\"160\" patternUnits=\"userSpaceOnUse\"><path class=\"a\" transform=\"translate(0 80)\" d=\"{band}\"/></pattern>\
         <path class=\"weave\" fill=\"url(#p)\" d=\"M-1920 0H640V160H-1920\"/>\
         <g transform=\"translate({centre} 80)scale(.36)\" stroke-width=\"1.7\"><circle class=\"sheet\" r=\"204\"/>{rose}</g>\
         <text x=\"632\" y=\"154\">{} {} {}</text></svg>",
        &end[..4],
        &end[4..8],
        &end[8..]
    )
}

fn style(a: (&str, &str), b: (&str, &str)) -> String {
    format!(
        "<style>svg{{--s:#fff;--a:{};--b:{};fill:none;stroke-width:.7}}\
         @media(prefers-color-scheme:dark){{svg{{--s:#1c1f26;--a:{};--b:{}}}}}\
         .a{{stroke:var(--a)}}.b{{stroke:var(--b)}}.sheet{{fill:var(--s)}}.wash{{fill:var(--a);opacity:.18}}.disc{{fill:var(--b);opacity:.24}}.weave{{opacity:.55}}\
         text{{fill:var(--a);font:600 6.5px monospace;letter-spacing:.12em;text-anchor:end}}</style>",
        a.0, b.0, a.1, b.1
    )
}

/// A closed wave between two radii, in whole units, as one smooth path around the middle.
fn ring(low: u32, high: u32, lobes: u32) -> String {
    const POINTS: u32 = 4;
    let n = lobes * POINTS;
    let (middle, swing) = (f64::from(low + high) / 2.0, (f64::from(high) - f64::from(low)) / 2.0);
    let at = |i: u32| {
        let angle = TAU * f64::from(i % n) / f64::from(n);
        let radius = swing.mul_add((f64::from(lobes) * angle).cos(), middle);
        (radius * angle.cos(), radius * angle.sin())
    };
    let between = |i: u32| {
        let ((x1, y1), (x2, y2)) = (at(i + n - 1), at(i));
        (whole(f64::midpoint(x1, x2)), whole(f64::midpoint(y1, y2)))
    };
    let (mut x, mut y) = between(0);
    let mut path = format!("M{x} {y}");
    for i in 0..n {
        let ((px, py), (ex, ey)) = (at(i), between(i + 1));
        let _ = write!(path, "q{} {} {} {}", whole(px) - x, whole(py) - y, ex - x, ey - y);
        (x, y) = (ex, ey);
    }
    path + "z"
}

/// A ring that is laid over itself, turned by a fraction of a lobe: each fold doubles it.
fn folded(id: &str, ink: &str, ring: &str, (lobes, folds): (u32, u32)) -> String {
    let mut part = format!("<path id=\"{id}\" d=\"{ring}\"/>");
    let mut inner = id.to_owned();
    for fold in 0..folds {
        let turn = 360.0 / f64::from(lobes) / f64::from(1_u32 << folds) * f64::from(1_u32 << fold);
        let _ = write!(part, "<use href=\"#{inner}\" transform=\"rotate({turn:.2})\"/>");
        if fold + 1 < folds {
            inner = format!("{id}{}", ['x', 'y', 'z'][fold as usize % 3]);
            part = format!("<g id=\"{inner}\">{part}</g>");
        }
    }
    format!("<g class=\"{ink}\">{part}</g>")
}

/// One tile of interlaced sines: phases of one wave whose height swells once a tile, so that tiles join.
fn band(width: u32, (waves, lines): (u32, u32), swell: f64) -> String {
    const HEIGHT: f64 = 96.0;
    let steps = 8 * waves;
    let mut path = String::new();
    for line in 0..lines {
        let at = |i: u32| {
            let t = TAU * f64::from(i) / f64::from(steps);
            let height = HEIGHT * (swell * 0.25).mul_add(-(1.0 + t.cos()), 0.5);
            let phase = TAU / 2.0 * 2.0 * f64::from(line) / f64::from(lines);
            whole(height * f64::from(waves).mul_add(t, phase).sin())
        };
        let x = |i: u32| whole(f64::from(width) * f64::from(i) / f64::from(steps));
        let _ = write!(path, "M0 {}", at(0));
        for i in 1..=steps {
            let letter = if i == 1 { "t" } else { " " };
            let _ = write!(path, "{letter}{} {}", x(i) - x(i - 1), at(i) - at(i - 1));
        }
    }
    path
}

/// The nearest whole number. Nothing here is larger than a few hundred.
#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> i32 {
    number.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cover_is_small_and_says_which_bytes() {
        let mut seen = std::collections::BTreeSet::new();
        for n in 0_u32..500 {
            let hash = Sha256::of(&n.to_be_bytes());
            let (thumb, wide) = (draw(&hash, CoverSize::Thumb), draw(&hash, CoverSize::Wide));
            assert!(thumb.len() < 3_000 && wide.len() < 6_000, "{n}: {} and {}", thumb.len(), wide.len());
            assert_eq!(draw(&hash, CoverSize::Thumb), thumb);
            assert!(!thumb.contains("NaN") && !wide.contains("NaN") && wide.contains(&hash.to_string()[60..]));
            seen.insert(wide);
        }
        assert_eq!(seen.len(), 500, "other bytes, another cover");
    }
}
