//! Pictures: kept while they are hashed, so that their bytes are read once, and then made small.

use std::io::Cursor;
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};

use jpeg_encoder::{ColorType, Encoder};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::domain::path::FilePath;
use crate::domain::preview::{PICTURE_BYTES_MAX, PicturePreview};

/// The largest picture, in pixels. A progressive JPEG takes nine bytes for each while it is read.
const PIXELS_MAX: usize = 6_000_000;
/// The longest side of a small one.
const SIDE: usize = 120;
/// How well a small one is kept, of 100.
const QUALITY: u8 = 70;

/// A picture that goes by in pieces.
pub(super) struct PictureScan {
    path: FilePath,
    /// None once there are too many.
    bytes: Option<Vec<u8>>,
}

/// Pixels of one byte for each channel.
struct Pixels {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl PictureScan {
    /// A picture whose bytes are to come.
    pub(super) const fn new(path: FilePath) -> Self {
        Self { path, bytes: Some(Vec::new()) }
    }

    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(piece);
            if bytes.len() as u64 > PICTURE_BYTES_MAX {
                self.bytes = None;
            }
        }
    }

    /// The picture, small, once all of it has gone by; `None` where it is none that can be read. The lock is held while it
    /// is decoded.
    pub(super) fn finish(self, decoding: &Mutex<()>) -> Option<PicturePreview> {
        let (path, bytes) = (self.path, self.bytes?);
        let _held = decoding.lock().unwrap_or_else(PoisonError::into_inner);
        // The bytes are somebody's, the decoders are others': a fault in one of them ends no import.
        let jpeg = catch_unwind(|| small(&read(&bytes)?)).ok()??;
        Some(PicturePreview { path, jpeg })
    }
}

/// Reads a picture, whatever its name says.
fn read(bytes: &[u8]) -> Option<Pixels> {
    if bytes.starts_with(b"\x89PNG") { read_png(bytes) } else { read_jpeg(bytes) }
}

fn read_png(bytes: &[u8]) -> Option<Pixels> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 8 * PIXELS_MAX });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if width.checked_mul(height)? > PIXELS_MAX {
        return None;
    }
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    pixels.truncate(frame.buffer_size());
    Pixels { width, height, channels: frame.color_type.samples(), bytes: pixels }.without_alpha()
}

fn read_jpeg(bytes: &[u8]) -> Option<Pixels> {
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    if width * height > PIXELS_MAX {
        return None;
    }
    let (color, channels) = if info.components == 1 { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    decoder.set_options(DecoderOptions::default().jpeg_set_out_colorspace(color));
    Pixels { width, height, channels, bytes: decoder.decode().ok()? }.checked()
}

impl Pixels {
    /// The same, if there are as many bytes as there should be.
    fn checked(self) -> Option<Self> {
        let is_whole =
            self.width > 0 && self.height > 0 && self.bytes.len() == self.width * self.height * self.channels;
        is_whole.then_some(self)
    }

    /// The same before white paper.
    fn without_alpha(self) -> Option<Self> {
        let whole = self.checked()?;
        if whole.channels % 2 == 1 {
            return Some(whole);
        }
        let channels = whole.channels - 1;
        let mut bytes = Vec::with_capacity(whole.bytes.len() / whole.channels * channels);
        for pixel in whole.bytes.chunks_exact(whole.channels) {
            let (colors, alpha) = pixel.split_at(channels);
            let alpha = u32::from(*alpha.first()?);
            let laid =
                |color: &u8| u8::try_from((u32::from(*color) * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255);
            bytes.extend(colors.iter().map(laid));
        }
        Some(Self { channels, bytes, ..whole })
    }

    /// The mean of the pixels between two columns and two rows, for each channel.
    fn mean(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> impl Iterator<Item = u8> {
        let mut sums = vec![0_u64; self.channels];
        for row in top..bottom {
            let start = row * self.width;
            let pixels = &self.bytes[(start + left) * self.channels..(start + right) * self.channels];
            for pixel in pixels.chunks_exact(self.channels) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
            }
        }
        let count = ((right - left) * (bottom - top)) as u64;
        sums.into_iter().map(move |sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
    }
}

/// A picture no larger than [`SIDE`], as a JPEG.
fn small(picture: &Pixels) -> Option<Vec<u8>> {
    let longest = picture.width.max(picture.height).max(SIDE);
    let (width, height) = ((picture.width * SIDE / longest).max(1), (picture.height * SIDE / longest).max(1));
    let part = |place: usize, parts: usize, of: usize| {
        let start = place * of / parts;
        (start, ((place + 1) * of / parts).max(start + 1))
    };
    let mut pixels = Vec::with_capacity(width * height * picture.channels);
    for y in 0..height {
        for x in 0..width {
            pixels.extend(picture.mean(part(x, width, picture.width), part(y, height, picture.height)));
        }
    }
    let color = if picture.channels == 1 { ColorType::Luma } else { ColorType::Rgb };
    let mut jpeg = Vec::new();
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    Encoder::new(&mut jpeg, QUALITY).encode(&pixels, width, height, color).ok()?;
    Some(jpeg)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        let bits = width as usize * color.samples() * depth as usize;
        writer.write_image_data(&vec![200; bits.div_ceil(8) * height as usize]).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn scan(bytes: &[u8]) -> Option<Pixels> {
        let mut scan = PictureScan::new("x.png".parse().unwrap());
        bytes.chunks(1_000).for_each(|piece| scan.take(piece));
        read_jpeg(&scan.finish(&Mutex::new(()))?.jpeg)
    }

    #[test]
    fn pictures_of_every_kind_are_made_small() {
        use png::BitDepth::{Eight, One, Sixteen};
        use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
        for (width, height, color, depth, side) in [
            (1_024, 1_024, Grayscale, Eight, (120, 120)),
            (400, 100, Rgb, Eight, (120, 30)),
            (10, 20, Rgba, Sixteen, (10, 20)),
            (3_000, 1, GrayscaleAlpha, Eight, (120, 1)),
            (300, 600, Grayscale, One, (60, 120)),
        ] {
            let seen = scan(&png(width, height, color, depth)).unwrap();
            assert_eq!((seen.width, seen.height), side, "{width}×{height} {color:?}");
        }
        let grey = scan(&png(500, 500, Grayscale, Eight)).unwrap();
        assert!(grey.bytes.iter().all(|pixel| pixel.abs_diff(200) < 3), "the mean of greys is that grey");
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_left_out() {
        assert!(scan(b"").is_none() && scan(b"not a picture").is_none());
        let whole = png(100, 100, png::ColorType::Grayscale, png::BitDepth::Eight);
        assert!(scan(&whole[..whole.len() / 2]).is_none(), "half of one");
        let bomb = png(20_000, 20_000, png::ColorType::Grayscale, png::BitDepth::One);
        assert!(bomb.len() < 100_000 && scan(&bomb).is_none(), "few bytes, many pixels");
        let size = usize::try_from(PICTURE_BYTES_MAX).unwrap();
        assert!(scan(&[whole, vec![0; size]].concat()).is_none(), "too many bytes");
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(start in prop::sample::select(vec![&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b""]), rest in prop::collection::vec(any::<u8>(), 0..300)) {
            scan(&[start, &rest].concat());
        }

        #[test]
        fn a_broken_picture_does_no_harm(place in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = png(40, 40, png::ColorType::Rgb, png::BitDepth::Eight);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            scan(&bytes);
        }
    }
}
