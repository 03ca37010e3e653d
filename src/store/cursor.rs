//! Paging. Every list that can grow is read in pages by a [`Cursor`]: the sort key of the last row shown and its id, so that
//! rows that share a key are neither lost nor shown twice between pages.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

use crate::domain::Timestamp;

/// Rows of a page.
pub const ROWS: usize = 50;

/// A place in a list: after the row with this sort key (mostly a time, in microseconds) and id. Opaque to clients.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor {
    /// The sort key of the last row shown.
    pub key: i64,
    /// The id of the last row shown.
    pub id: String,
}

impl Cursor {
    /// The place after the row with this time and id.
    pub fn after(at: Timestamp, id: impl fmt::Display) -> Self {
        Self { key: at.0, id: id.to_string() }
    }

    /// The beginning of a list whose newest row comes first.
    pub const fn newest() -> Self {
        Self { key: i64::MAX, id: String::new() }
    }

    /// The beginning of a list whose smallest key comes first.
    pub const fn first() -> Self {
        Self { key: i64::MIN, id: String::new() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        f.write_str(&BASE64URL.encode(bytes))
    }
}

/// The text is not a cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not a cursor")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        const LONGEST: usize = 500;
        if text.len() > LONGEST {
            return Err(CursorError);
        }
        let bytes = BASE64URL.decode(text).map_err(|_| CursorError)?;
        let (key, id) = bytes.split_first_chunk().ok_or(CursorError)?;
        let id = String::from_utf8(id.to_vec()).ok().filter(|id| !id.contains('\0')).ok_or(CursorError)?;
        Ok(Self { key: i64::from_be_bytes(*key), id })
    }
}

impl TryFrom<String> for Cursor {
    type Error = CursorError;
    fn try_from(text: String) -> Result<Self, CursorError> {
        text.parse()
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct PageOf<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<Cursor>,
}

impl<T> PageOf<T> {
    /// Cuts rows that were read one too many; `cursor` gives the place of a row.
    pub fn cut(mut rows: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > ROWS;
        rows.truncate(ROWS);
        let next = rows.last().filter(|_| more).map(cursor);
        Self { rows, next }
    }
}

/// Reads the page after a place; where there is nothing left on it, as after something was done with all of its rows, the first
/// one.
///
/// # Errors
/// As `read`.
pub fn page_or_first<T, E>(
    after: Option<&Cursor>,
    mut read: impl FnMut(Option<&Cursor>) -> Result<PageOf<T>, E>,
) -> Result<PageOf<T>, E> {
    let page = read(after)?;
    if page.rows.is_empty() && after.is_some() { read(None) } else { Ok(page) }
}

/// A page of a list, with how many rows are found in each selection that the list can be narrowed to.
#[derive(Clone, Debug)]
pub struct CountedPage<T, S> {
    /// The page.
    pub page: PageOf<T>,
    /// The selections, and how many rows are in each.
    pub counts: Vec<(S, u64)>,
}

/// Rows to read for a page: one more than it shows, to know whether there is more.
pub const READ: i64 = 51;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_come_back(key: i64, id in "[a-z0-9-]{0,40}") {
            let cursor = Cursor { key, id };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in "\\PC{0,60}") {
            let _ = text.parse::<Cursor>();
        }
    }

    #[test]
    fn what_is_past_the_end_is_the_beginning() {
        let read = |after: Option<&Cursor>| {
            let rows = if after.is_some() { Vec::new() } else { vec![1] };
            Ok::<_, ()>(PageOf { rows, next: None })
        };
        for after in [None, Some(&Cursor::newest())] {
            assert_eq!(page_or_first(after, read).unwrap().rows, [1]);
        }
        assert!(
            page_or_first(None, |_| Ok::<_, ()>(PageOf::<u8> { rows: Vec::new(), next: None }))
                .unwrap()
                .rows
                .is_empty()
        );
    }

    #[test]
    fn a_page_is_one_row_shorter_than_what_was_read() {
        let page = PageOf::cut((0..51).collect(), |n| Cursor::after(Timestamp(*n), n));
        assert_eq!((page.rows.len(), page.next), (50, Some(Cursor::after(Timestamp(49), 49))));
        assert_eq!(READ.unsigned_abs(), ROWS as u64 + 1);
        assert_eq!(PageOf::cut((0..50).collect(), |n: &i64| Cursor::after(Timestamp(*n), n)).next, None);
    }
}
