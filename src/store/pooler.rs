//! Whether a connection pooler stands before PostgreSQL that lends one session to several clients in turns.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connection::{AnyConnection, Database};
use super::error::{Error, Result};

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Who answers a connection, while it is in a transaction.
fn backend(connection: &mut AnyConnection) -> Result<Option<i32>> {
    let AnyConnection::Postgres(connection) = connection else { return Ok(None) };
    connection.batch_execute("BEGIN")?;
    let found: Backend = diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(connection)?;
    connection.batch_execute("COMMIT")?;
    Ok(Some(found.pid))
}

impl Database {
    /// Checks that each connection has a session of its own. What is set for one, such as that it can only read, must not be
    /// found by another.
    ///
    /// # Errors
    /// [`Error::SharedSession`], or when the database can't be reached.
    pub fn check_sessions(&self) -> Result<()> {
        const TURNS: usize = 3;
        if matches!(self, Self::Sqlite(_)) {
            return Ok(());
        }
        let (mut one, mut other) = (self.open()?, self.open()?);
        let first = backend(&mut one)?;
        for _ in 0..TURNS {
            // Two that are open at once have two sessions, and keep them.
            if backend(&mut other)? == first || backend(&mut one)? != first {
                return Err(Error::SharedSession);
            }
        }
        Ok(())
    }
}
