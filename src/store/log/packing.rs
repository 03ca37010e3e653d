//! Text as blocks hold it: a byte that says how, and then the text itself, or the text compressed (LZ4 block format with a
//! dictionary, its length before it as 32 bits, little-endian). Events repeat themselves, and what all of them have is in the
//! dictionary, so that a block of one event gets small as well.

use crate::store::error::{Result, corrupt};

/// The length in bytes from which text is compressed.
const WORTH_IT: usize = 64;
/// The maximum size of a block, in bytes.
const MOST: usize = 256 * 1024 * 1024;

const PLAIN: u8 = 0;
/// LZ4 with [`DICTIONARY`]. Another dictionary needs another number: what was packed with this one must stay readable.
const LZ4: u8 = 1;

/// What events and their personal parts look like.
const DICTIONARY: &[u8] = br#"a9c1f02e5b7d3846 {"email":"@","name":"","ip":"::1","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"} {"ip":"127.0.0.1","user_agent":"curl/8.14.1"}
{"action":"mail.sent","actor":{"role":"system"},"at":"2026-01-01T00:00:00.000000Z","details":{"kind":"","person":"01a2"},"id":"01a2","outcome":"failed","subject":"01a2"
{"action":"session.started","actor":{"id":"01a2","role":"reviewer"},"at":"2026-01-01T00:00:00.000000Z","id":"01a2","outcome":"refused","private":"
{"action":"listing.admitted","actor":{"role":"anonymous"},"at":"2026-01-01T00:00:00.000000Z","dataset":"","details":{"client":1,"path":"","release":1},"id":"01a2","outcome":"done","v":1}
{"action":"client.seen","actor":{"id":"01a2","role":"applicant"},"at":"2026-01-01T00:00:00.000000Z","details":{"session":true},"details":{"token":"01a2"},"id":"01a2","outcome":"done","private":"0","v":1}
{"action":"download.interrupted","actor":{"id":"01a2","role":"applicant"},"at":"2026-01-01T00:00:00.000000Z","dataset":"","details":{"bytes":0,"reason":"client-gone","transfer":0},"id":"01a2","outcome":"failed","v":1}
{"action":"downloads.completed","actor":{"id":"01a2","role":"applicant"},"at":"2026-01-01T00:00:00.000000Z","dataset":"","details":{"bytes":0,"number":1,"transfers":"0"},"id":"01a2","outcome":"done","v":1}
{"action":"download.admitted","actor":{"id":"01a2","role":"applicant"},"at":"2026-01-01T00:00:00.000000Z","dataset":"","details":{"bytes":0,"client":0,"grant":"01a2","path":"images_001/00000001_000.png","release":1,"session":true},"details":{"bytes":0,"client":0,"grant":"01a2","path":"","ranges":"0-","release":1,"token":"01a2"},"id":"01a2","outcome":"done","v":1}
"#;

/// Packs text.
pub fn pack(text: &str) -> Vec<u8> {
    let plain = || [&[PLAIN], text.as_bytes()].concat();
    if text.len() < WORTH_IT {
        return plain();
    }
    let compressed = lz4_flex::block::compress_prepend_size_with_dict(text.as_bytes(), DICTIONARY);
    if compressed.len() < text.len() { [&[LZ4], compressed.as_slice()].concat() } else { plain() }
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
            lz4_flex::block::decompress_size_prepended_with_dict(rest, DICTIONARY)
                .map_err(|error| corrupt("packed text", error))?
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
        let alone = "{\"action\":\"download.admitted\",\"actor\":{\"id\":\"01931f1e-5a00-7000-8000-000000000001\",\"role\":\"applicant\"},\"at\":\"2026-11-24T09:41:00.000000Z\"}";
        assert!(pack(alone).len() * 10 < alone.len() * 7, "one event by itself: {}", pack(alone).len());
        let line = "{\"action\":\"download.admitted\",\"actor\":{\"role\":\"applicant\"}}\n".repeat(60);
        assert!(pack(&line).len() * 8 < line.len());
        assert!(unpack(&[LZ4, 255, 255, 255, 255, 0]).is_err() && unpack(&[]).is_err() && unpack(&[9]).is_err());
    }
}
