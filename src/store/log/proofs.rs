//! Proofs from the hash tiles, at one head.

use super::head::{LogHead, head};
use super::tree::{TILE_WIDTH, tile_hashes};
use crate::domain::text::Sha256;
use crate::log::merkle::{HashSource, node_hash};
use crate::store::connection::AnyConnection;
use crate::store::error::{Error, Result, corrupt};

/// Reads the hashes of complete subtrees for proofs, from the tiles, at one head.
pub struct TreeReader<'a> {
    conn: &'a mut AnyConnection,
    head: LogHead,
    last: Option<((u32, u64), Vec<Sha256>)>,
}

impl<'a> TreeReader<'a> {
    /// A reader for the log as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn new(conn: &'a mut AnyConnection) -> Result<Self> {
        let head = head(conn)?;
        Ok(Self::at(conn, head))
    }

    /// A reader for a head that was read in the same transaction.
    pub(super) const fn at(conn: &'a mut AnyConnection, head: LogHead) -> Self {
        Self { conn, head, last: None }
    }

    /// The head that proofs lead to.
    pub const fn head(&self) -> &LogHead {
        &self.head
    }

    fn tile(&mut self, level: u32, n: u64) -> Result<&[Sha256]> {
        if self.last.as_ref().is_none_or(|(key, _)| *key != (level, n)) {
            self.last = Some(((level, n), tile_hashes(self.conn, level, n, self.head.size())?));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, hashes)| hashes))
    }
}

impl HashSource for TreeReader<'_> {
    type Error = Error;
    fn subtree(&mut self, level: u32, index: u64) -> Result<Sha256> {
        let first = index << (level % 8);
        let hashes = self.tile(level / 8, first / TILE_WIDTH)?;
        let start = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        let wanted = hashes
            .get(start..start + (1 << (level % 8)))
            .ok_or_else(|| corrupt("hash tile", format!("level {level}, index {index} is not there")))?;
        let mut row = wanted.to_vec();
        while row.len() > 1 {
            row = row.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        Ok(row[0])
    }
}
