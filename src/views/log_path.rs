//! The way from an entry of the log to its signed root.

use crate::domain::text::Sha256;
use crate::log::merkle::{HashSource, inclusion_path, inclusion_proof};
use crate::store::log::TreeReader;
use crate::store::{AnyConnection, Error, Result};

/// The way from an entry of the log to the root that a checkpoint signs.
#[derive(Clone, Debug)]
pub struct LogPath {
    /// The entry.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: Sha256,
    /// The steps: each time the hash beside it, and the hash that both make.
    pub steps: Vec<(Sha256, Sha256)>,
    /// How many events the root is of.
    pub log_size: u64,
    /// The newest checkpoint of the log, a signed note, which signs that root.
    pub checkpoint: String,
}

impl LogPath {
    /// The way from the entry at `index`.
    ///
    /// # Errors
    /// When the database fails, or the log in it is damaged.
    pub fn of(conn: &mut AnyConnection, index: u64) -> Result<Self> {
        let mut tree = TreeReader::new(conn)?;
        let checkpoint = tree.head().checkpoint.clone();
        let leaf = tree.subtree(0, index)?;
        let log_size = tree.head().size();
        let beside = inclusion_proof(&mut tree, index, log_size)?;
        let path = inclusion_path(index, log_size, leaf, &beside).unwrap_or_default();
        if path.last().copied().unwrap_or(leaf) != tree.head().root() {
            return Err(Error::Corrupt(format!("the log: no path leads from event {index} to its root")));
        }
        Ok(Self { index, leaf, steps: beside.into_iter().zip(path).collect(), log_size, checkpoint })
    }
}
