//! Which bytes an answer about a file consists of.

use std::collections::VecDeque;

use bytes::Bytes;

use super::ranges::ByteRange;

/// Something to send, in order.
#[derive(Debug)]
pub(super) enum Part {
    /// The file's bytes from an offset on, so many.
    File(u64, u64),
    /// These bytes.
    Text(Bytes),
}

/// The bytes of an answer.
#[derive(Debug)]
pub struct Plan {
    pub(super) parts: VecDeque<Part>,
    /// Bytes in all.
    pub length: u64,
    /// The boundary, when it is `multipart/byteranges`.
    pub boundary: Option<String>,
}

impl Plan {
    /// The whole file.
    pub fn whole(size: u64) -> Self {
        Self { parts: VecDeque::from([Part::File(0, size)]), length: size, boundary: None }
    }

    /// One range as it is; several as `multipart/byteranges` (RFC 9110 section 14.6).
    pub fn ranges(ranges: &[ByteRange], size: u64, media_type: &str, boundary: &str) -> Self {
        if let [only] = ranges {
            let parts = VecDeque::from([Part::File(only.first, only.len())]);
            return Self { parts, length: only.len(), boundary: None };
        }
        let mut parts = VecDeque::new();
        let mut length = 0;
        let mut text = |parts: &mut VecDeque<Part>, text: String| {
            length += text.len() as u64;
            parts.push_back(Part::Text(text.into()));
        };
        for part in ranges {
            let range = part.content_range(size);
            let head = format!("\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {range}\r\n\r\n");
            text(&mut parts, head);
            parts.push_back(Part::File(part.first, part.len()));
        }
        text(&mut parts, format!("\r\n--{boundary}--\r\n"));
        length += ranges.iter().map(ByteRange::len).sum::<u64>();
        Self { parts, length, boundary: Some(boundary.to_owned()) }
    }

    /// Where in the file the answer begins, if it is one part of it.
    pub fn single_part(&self) -> Option<(u64, u64)> {
        match (self.parts.len(), self.parts.front()) {
            (1, Some(Part::File(offset, length))) => Some((*offset, *length)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_has_the_length_it_says() {
        let ranges = [ByteRange { first: 0, last: 9 }, ByteRange { first: 90, last: 99 }];
        let plan = Plan::ranges(&ranges, 100, "text/csv", "b");
        let total: u64 = plan
            .parts
            .iter()
            .map(|part| match part {
                Part::File(_, length) => *length,
                Part::Text(text) => text.len() as u64,
            })
            .sum();
        assert_eq!(plan.length, total);
        assert_eq!(plan.boundary.as_deref(), Some("b"));
        assert_eq!(plan.single_part(), None);
        let one = Plan::ranges(&ranges[1..], 100, "text/csv", "b");
        assert!(one.boundary.is_none());
        assert_eq!(one.single_part(), Some((90, 10)));
    }
}
