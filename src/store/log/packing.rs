//! Text as blocks hold it: a byte that says how, and then the text itself, or the text compressed (LZ4 block format, its
//! length before it as 32 bits, little-endian). Blocks of a busy moment are large and repeat themselves; small ones stay as
//! they are.

use crate::store::error::{Result, corrupt};

/// The length in bytes from which text is compressed.
const LARGE: usize = 2_048;
/// The maximum size of a block, in bytes.
const MOST: usize = 256 * 1024 * 1024;

const PLAIN: u8 = 0;
const LZ4: u8 = 1;

/// Packs text.
pub fn pack(text: &str) -> Vec<u8> {
    if text.len() < LARGE {
        return [&[PLAIN], text.as_bytes()].concat();
    }
    let mut packed = vec![LZ4];
    packed.extend(lz4_flex::block::compress_prepend_size(text.as_bytes()));
    packed
}

/// Unpacks text.
///
/// # Errors
/// When this is not what [`pack`] makes.
pub fn unpack(packed: &[u8]) -> Result<String> {
    let bytes = match packed.split_first() {
        Some((&PLAIN, text)) => text.to_vec(),
        Some((&LZ4, rest)) => {
            let length = rest.first_chunk().map_or(usize::MAX, |bytes| u32::from_le_bytes(*bytes) as usize);
            if length > MOST {
                return Err(corrupt("packed text", "its length"));
            }
            lz4_flex::block::decompress_size_prepended(rest).map_err(|error| corrupt("packed text", error))?
        }
        _ => return Err(corrupt("packed text", "its kind")),
    };
    String::from_utf8(bytes).map_err(|error| corrupt("packed text", error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(text in ".{0,300}", times in 1_usize..30) {
            let text = text.repeat(times);
            prop_assert_eq!(unpack(&pack(&text)).unwrap(), text);
        }

        #[test]
        fn anything_else_is_refused_calmly(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn what_repeats_itself_gets_small() {
        let line = "{\"action\":\"download.admitted\",\"actor\":{\"role\":\"applicant\"}}\n".repeat(60);
        assert!(pack(&line).len() * 8 < line.len());
        assert!(unpack(&[LZ4, 255, 255, 255, 255, 0]).is_err() && unpack(&[]).is_err() && unpack(&[9]).is_err());
    }
}
