//! The `Range` header (RFC 9110 section 14).

/// Ranges a request may ask for; more is answered with the whole file, as the RFC allows.
pub const MAX_RANGES: usize = 64;

/// A range of bytes: first and last, inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange {
    /// The first byte's offset.
    pub first: u64,
    /// The last byte's offset.
    pub last: u64,
}

impl ByteRange {
    /// How many bytes; at least one.
    pub const fn len(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Never: a range holds at least one byte.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The value of `Content-Range`.
    pub fn content_range(&self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.first, self.last)
    }
}

/// What a `Range` header comes to for a file of a certain size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Everything: there is no header, or none that counts.
    Whole,
    /// These parts, in the order asked for.
    Parts(Vec<ByteRange>),
    /// Nothing that the file has: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `size` bytes.
pub fn parse(header: Option<&str>, size: u64) -> Wanted {
    let Some(specs) = header.and_then(bytes_unit) else { return Wanted::Whole };
    let mut parts = Vec::new();
    let mut any = false;
    for spec in specs.split(',').map(|spec| spec.trim_matches([' ', '\t'])) {
        if spec.is_empty() {
            continue;
        }
        any = true;
        match parse_spec(spec, size) {
            Err(Malformed) => return Wanted::Whole,
            Ok(None) => {}
            Ok(Some(range)) => parts.push(range),
        }
        if parts.len() > MAX_RANGES {
            return Wanted::Whole;
        }
    }
    // Overlapping ranges that add up to more bytes than the file has are answered with the whole file.
    if parts.iter().map(|range| u128::from(range.len())).sum::<u128>() > u128::from(size) {
        return Wanted::Whole;
    }
    match (any, parts.is_empty()) {
        (false, _) => Wanted::Whole,
        (true, true) => Wanted::Unsatisfiable,
        (true, false) => Wanted::Parts(parts),
    }
}

fn bytes_unit(header: &str) -> Option<&str> {
    let (unit, specs) = header.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(specs)
}

struct Malformed;

fn parse_spec(spec: &str, size: u64) -> Result<Option<ByteRange>, Malformed> {
    let (first, last) = spec.split_once('-').ok_or(Malformed)?;
    if first.is_empty() {
        let suffix = number(last)?;
        let first = size.saturating_sub(suffix);
        return Ok((suffix > 0 && size > 0).then(|| ByteRange { first, last: size - 1 }));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return Err(Malformed);
    }
    Ok((first < size).then(|| ByteRange { first, last: last.min(size - 1) }))
}

/// Digits only; a number too large to hold is as good as the largest.
fn number(text: &str) -> Result<u64, Malformed> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(header: &str, size: u64) -> Vec<(u64, u64)> {
        match parse(Some(header), size) {
            Wanted::Parts(parts) => parts.iter().map(|range| (range.first, range.last)).collect(),
            other => panic!("{header}: {other:?}"),
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(parts("bytes=0-499", 10_000), [(0, 499)]);
        assert_eq!(parts("bytes=-500", 10_000), [(9500, 9999)]);
        assert_eq!(parts("bytes=9500-", 10_000), [(9500, 9999)]);
        assert_eq!(parts("bytes=0-0,-1", 10_000), [(0, 0), (9999, 9999)]);
        assert_eq!(parts("bytes= 0-999, 4500-5499, -1000", 10_000), [(0, 999), (4500, 5499), (9000, 9999)]);
        assert_eq!(parts("BYTES=0-18446744073709551616", 10), [(0, 9)]);
    }

    #[test]
    fn what_does_not_count_gives_the_whole() {
        for header in [
            "lines=0-1",
            "bytes 0-1",
            "bytes=",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=1",
            "bytes=--1",
            "bytes=+1-2",
            "bytes=0-1;2-3",
            ",",
        ] {
            assert_eq!(parse(Some(header), 10), Wanted::Whole, "{header}");
        }
        assert_eq!(parse(None, 10), Wanted::Whole);
        assert_eq!(parse(Some("bytes=0-,0-,0-"), 10), Wanted::Whole, "more than the file");
    }

    #[test]
    fn nothing_there_is_unsatisfiable() {
        for header in ["bytes=10-", "bytes=10-20,30-", "bytes=-0"] {
            assert_eq!(parse(Some(header), 10), Wanted::Unsatisfiable, "{header}");
        }
        assert_eq!(parse(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
        assert_eq!(parse(Some("bytes=-5"), 0), Wanted::Unsatisfiable);
    }

    proptest! {
        #[test]
        fn whatever_comes_out_is_inside(header in "(bytes=)?[0-9,\\- ]{0,40}|\\PC{0,30}", size in 0_u64..1000) {
            if let Wanted::Parts(parts) = parse(Some(&header), size) {
                prop_assert!(!parts.is_empty() && parts.len() <= MAX_RANGES);
                prop_assert!(parts.iter().all(|range| range.first <= range.last && range.last < size));
                prop_assert!(parts.iter().map(ByteRange::len).sum::<u64>() <= size);
            }
        }

        #[test]
        fn a_plain_range_is_what_it_says(first in 0_u64..2000, length in 1_u64..2000, size in 1_u64..1000) {
            let last = first + length - 1;
            let wanted = parse(Some(&format!("bytes={first}-{last}")), size);
            if first < size {
                prop_assert_eq!(wanted, Wanted::Parts(vec![ByteRange { first, last: last.min(size - 1) }]));
            } else {
                prop_assert_eq!(wanted, Wanted::Unsatisfiable);
            }
        }
    }
}
