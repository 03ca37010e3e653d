//! Planned layouts of ZIP archives, kept between requests. Each is planned once however many ask for it at the same time,
//! and planning one keeps nobody from another.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::layout::Layout;
use super::stream::plan;
use crate::domain::ids::ReleaseId;
use crate::store::{ReadPool, Result};

/// Layouts that are kept at most; each takes a few kilobytes for 100,000 files.
const CAPACITY: usize = 1_000;

/// Layouts by release and the version of its dataset.
#[derive(Debug)]
pub struct Layouts(Cache<(ReleaseId, u64), Arc<Layout>>);

impl Default for Layouts {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl Layouts {
    /// The layout of a release, when its dataset is at this version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn layout(&self, reads: &ReadPool, release: ReleaseId, version: u64) -> Result<Arc<Layout>> {
        let planned = async { reads.read(move |conn| plan(conn, release)).await.map(Arc::new) };
        self.0.get_or_insert_async(&(release, version), planned).await
    }
}
