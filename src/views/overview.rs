//! How requests, decisions and grants go in what somebody runs.

use crate::domain::Timestamp;
use crate::domain::organisation::ManageScope;
use crate::domain::overview::{self, Overview};
use crate::store::overview::facts;
use crate::store::{AnyConnection, Result};

/// The figures of what the scope covers.
///
/// # Errors
/// When the database fails.
pub fn of_scope(conn: &mut AnyConnection, scope: &ManageScope, now: Timestamp) -> Result<Overview> {
    let facts = facts(conn, scope, (overview::since(now), now, overview::until(now)))?;
    Ok(overview::overview(&facts, now))
}
