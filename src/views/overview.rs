//! How requests, decisions, grants and downloads go in what somebody runs.

use crate::domain::Timestamp;
use crate::domain::localised::Localised;
use crate::domain::organisation::ManageScope;
use crate::domain::overview::{self, Overview};
use crate::domain::text::Slug;
use crate::store::overview::{facts, most_downloaded};
use crate::store::{AnyConnection, Result};

/// How many of the datasets that were downloaded most are named.
const MOST_DOWNLOADED: i64 = 5;

/// An overview.
#[derive(Clone, Debug)]
pub struct OverviewOfScope {
    /// The figures.
    pub figures: Overview,
    /// The datasets that were downloaded most in its weeks: their names, titles, and how many downloads were admitted.
    pub most_downloaded: Vec<(Slug, Localised, u64)>,
}

/// The figures of what the scope covers.
///
/// # Errors
/// When the database fails.
pub fn of_scope(conn: &mut AnyConnection, scope: &ManageScope, now: Timestamp) -> Result<OverviewOfScope> {
    let since = overview::since(now);
    let facts = facts(conn, scope, (since, now, overview::until(now)))?;
    let most_downloaded = most_downloaded(conn, scope, since, MOST_DOWNLOADED)?;
    Ok(OverviewOfScope { figures: overview::overview(&facts, now), most_downloaded })
}
