//! Several reads as of one moment.

use diesel::connection::SimpleConnection;

use super::connection::AnyConnection;
use super::error::Result;

/// Reads as of one moment, whatever others write meanwhile.
pub(super) fn in_snapshot<T>(
    conn: &mut AnyConnection,
    read: impl FnOnce(&mut AnyConnection) -> Result<T>,
) -> Result<T> {
    conn.batch_execute(match conn {
        AnyConnection::Sqlite(_) => "BEGIN",
        AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    })?;
    let found = read(conn);
    // A read transaction that is rolled back changes nothing, and the connection goes back to its pool clean.
    let ended = conn.batch_execute("ROLLBACK");
    let found = found?;
    ended?;
    Ok(found)
}
