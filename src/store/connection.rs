//! Connections: SQLite or PostgreSQL, chosen at run time by the database's address.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::error::{Error, FailureCause, Result};
use super::tls_relay::TlsRelay;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// How long a connection to SQLite waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it waits before it tries again to begin a transaction that writes.
const BUSY_RETRY: Duration = Duration::from_micros(250);

fn busy_timeout() -> String {
    format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis())
}

/// When what a transaction writes survives a loss of power. It always survives the end of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Once it is committed.
    AtCommit,
    /// Once a later transaction that is durable at its commit is committed.
    WithLaterCommit,
}

/// SQLite's answer to `wal_checkpoint`.
#[derive(QueryableByName)]
struct Copied {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
    /// Pages in the log.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    log: i32,
    /// Pages of the log that are in the database file too.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    checkpointed: i32,
}

impl AnyConnection {
    /// Asks for an answer, whatever tables there are.
    ///
    /// # Errors
    /// When there is none.
    pub fn ping(&mut self) -> Result<()> {
        Ok(self.batch_execute("SELECT 1")?)
    }

    /// Begins a transaction that writes. SQLite keeps no queue of those who wait for its lock: each tries again after a while, which
    /// in SQLite's own handler soon is 10, 25, 100 milliseconds, for a lock that others hold for a few. So this tries more often,
    /// and for as long.
    ///
    /// # Errors
    /// When another process holds the lock for longer than [`BUSY_TIMEOUT`], or the database fails otherwise.
    pub fn begin_writing(&mut self, durability: Durability) -> Result<()> {
        let Self::Sqlite(conn) = self else {
            return Ok(self.batch_execute(match durability {
                Durability::AtCommit => "BEGIN",
                Durability::WithLaterCommit => "BEGIN; SET LOCAL synchronous_commit = off",
            })?);
        };
        // Said each time, so that no transaction inherits what was said for another.
        conn.batch_execute(match durability {
            Durability::AtCommit => "PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL",
            Durability::WithLaterCommit => "PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL",
        })?;
        let given_up = Instant::now() + BUSY_TIMEOUT;
        let begun = loop {
            let tried = conn.batch_execute("BEGIN IMMEDIATE").map_err(Error::from);
            let is_locked = tried.as_ref().is_err_and(|error| error.cause() == FailureCause::Locked);
            if !is_locked || Instant::now() >= given_up {
                break tried;
            }
            std::thread::sleep(BUSY_RETRY);
        };
        // Whatever else waits for a lock does so as before.
        conn.batch_execute(&busy_timeout())?;
        begun
    }

    /// Copies SQLite's write-ahead log into its file; on PostgreSQL does nothing. When nothing is added meanwhile, the log begins anew with the next transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub fn checkpoint_wal(&mut self) -> Result<()> {
        let Self::Sqlite(conn) = self else { return Ok(()) };
        Ok(conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")?)
    }

    /// How many pages of SQLite's write-ahead log are not in its file yet, whichever process wrote them; none on PostgreSQL.
    ///
    /// # Errors
    /// When the database fails.
    pub fn wal_pages_to_copy(&mut self) -> Result<u32> {
        let Self::Sqlite(conn) = self else { return Ok(0) };
        let copied: Copied = diesel::sql_query("PRAGMA wal_checkpoint(NOOP)").get_result(conn)?;
        Ok(u32::try_from(copied.log.saturating_sub(copied.checkpointed)).unwrap_or(0))
    }

    /// Copies the whole write-ahead log and empties it; until then deleted data can still be read in one of them. Returns whether it
    /// could be done; others may be at work.
    ///
    /// # Errors
    /// When the database fails.
    pub fn truncate_wal(&mut self) -> Result<bool> {
        let Self::Sqlite(conn) = self else { return Ok(true) };
        let copied: Copied = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(conn)?;
        Ok(copied.busy == 0)
    }

    /// Makes SQLite overwrite what this connection deletes from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn enable_secure_delete(&mut self) -> Result<()> {
        let Self::Sqlite(conn) = self else { return Ok(()) };
        Ok(conn.batch_execute("PRAGMA secure_delete = ON")?)
    }
}

/// Which database: `sqlite:PATH` (or a path alone), or `postgres://…`.
#[derive(Clone)]
pub enum Database {
    /// A file.
    Sqlite(String),
    /// A server.
    Postgres(PostgresServer),
}

/// A PostgreSQL server. The address may hold a password, so it is not shown.
#[derive(Clone)]
pub struct PostgresServer {
    url: String,
    relay: Option<Arc<TlsRelay>>,
}

impl PostgresServer {
    fn at(url: &str) -> Self {
        match TlsRelay::wanted(url) {
            Some((relay, url)) => Self { url, relay: Some(relay) },
            None => Self { url: url.to_owned(), relay: None },
        }
    }

    /// The address as libpq takes it.
    fn address(&self) -> Result<String> {
        let url = with_timeouts(&self.url);
        let Some(relay) = &self.relay else { return Ok(url) };
        let folder = relay.folder().map_err(Error::Connection)?;
        Ok(format!("{url}&host={folder}"))
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{path}"),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// Refuses a database with migrations that this program does not have.
fn check_known<DB: Backend, C: MigrationHarness<DB>>(connection: &mut C, known: &EmbeddedMigrations) -> Result<()> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| Error::Migration(error.to_string());
    let applied = connection.applied_migrations().map_err(failed)?;
    let known = MigrationSource::<DB>::migrations(known).map_err(failed)?;
    let known: Vec<_> = known.iter().map(|migration| migration.name().version().as_owned()).collect();
    let newer = applied.into_iter().find(|version| !known.contains(version));
    newer.map_or(Ok(()), |version| Err(Error::Newer(version.to_string())))
}

/// A replica or a query that hangs must not make the others hang with it.
const POSTGRES_LIMITS: &str = "SET lock_timeout = '10s'; SET statement_timeout = '60s'; \
                               SET idle_in_transaction_session_timeout = '10s'";

/// A server's address, with limits on how long libpq waits for it.
fn with_timeouts(url: &str) -> String {
    let mut text = url.to_owned();
    for (name, value) in [("connect_timeout", "5"), ("tcp_user_timeout", "15000")] {
        if !url.contains(name) {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(name);
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

/// A file's address for opening it only if it is there.
fn existing(path: &str) -> String {
    const SPECIAL: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%').add(b'?').add(b'#');
    format!("file:{}?mode=rw", percent_encoding::utf8_percent_encode(path, SPECIAL))
}

/// The device and inode of the file at a path.
type FileIdentity = Option<(u64, u64)>;

/// Whether the files of a database are still those that were opened. What is written to a file that was removed is gone
/// with the process, however well it was synced.
#[derive(Clone, Debug, Default)]
pub struct DatabaseFiles {
    paths: Vec<String>,
    identities: Vec<FileIdentity>,
}

fn identity(path: &String) -> FileIdentity {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl DatabaseFiles {
    /// Remembers the files of a database that was just opened and written to.
    pub fn of(database: &Database) -> Self {
        let paths = match database {
            Database::Sqlite(path) => vec![path.clone(), format!("{path}-wal")],
            Database::Postgres(_) => Vec::new(),
        };
        Self { identities: paths.iter().map(identity).collect(), paths }
    }

    /// Fails if a file was removed or replaced.
    ///
    /// # Errors
    /// [`Error::FileReplaced`].
    pub fn check(&self) -> Result<()> {
        let same =
            self.paths.iter().zip(&self.identities).all(|(path, known)| known.is_some() && identity(path) == *known);
        if same { Ok(()) } else { Err(Error::FileReplaced) }
    }
}

impl Database {
    /// Reads a database's address.
    pub fn parse(url: &str) -> Self {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::Postgres(PostgresServer::at(url))
        } else {
            Self::Sqlite(url.strip_prefix("sqlite:").unwrap_or(url).to_owned())
        }
    }

    /// Whether the disk has room for what will be recorded next; always true on PostgreSQL.
    pub fn has_room(&self) -> bool {
        self.has_room_for(1024 * 1024)
    }

    /// Whether the disk has room for so many bytes; always true on PostgreSQL.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        // Where it can't be known, writing will tell.
        self.free_bytes().is_none_or(|free| free >= bytes)
    }

    /// How many bytes the disk has left; `None` on PostgreSQL, and where it can't be known.
    pub fn free_bytes(&self) -> Option<u64> {
        let Self::Sqlite(path) = self else { return None };
        let folder = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// The name of the database system.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Opens a connection that may write.
    ///
    /// # Errors
    /// When the database can't be reached, or is not there: only [`Self::migrate`] makes it.
    pub fn open(&self) -> Result<AnyConnection> {
        self.connect(&self.address()?)
    }

    /// The address of what is there, as the database's library takes it.
    fn address(&self) -> Result<String> {
        match self {
            Self::Sqlite(path) => Ok(existing(path)),
            Self::Postgres(server) => server.address(),
        }
    }

    /// Opens a connection that can only read.
    pub(super) fn open_reader(&self) -> Result<AnyConnection> {
        let mut connection = self.establish(&self.address()?)?;
        match &mut connection {
            AnyConnection::Sqlite(connection) => {
                connection.batch_execute(&busy_timeout())?;
                connection
                    .batch_execute("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;")?;
            }
            AnyConnection::Postgres(connection) => {
                connection.batch_execute(POSTGRES_LIMITS)?;
                connection.batch_execute("SET default_transaction_read_only = on")?;
            }
        }
        Ok(connection)
    }

    fn connect(&self, address: &str) -> Result<AnyConnection> {
        let mut connection = self.establish(address)?;
        if let AnyConnection::Sqlite(connection) = &mut connection {
            connection.batch_execute(&busy_timeout())?;
        }
        connection.batch_execute(match connection {
            AnyConnection::Sqlite(_) => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; \
                 PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864;"
            }
            AnyConnection::Postgres(_) => POSTGRES_LIMITS,
        })?;
        Ok(connection)
    }

    fn establish(&self, address: &str) -> Result<AnyConnection> {
        let established = match self {
            Self::Sqlite(_) => SqliteConnection::establish(address).map(AnyConnection::Sqlite),
            Self::Postgres(_) => PgConnection::establish(address).map(AnyConnection::Postgres),
        };
        established.map_err(|error| Error::Connection(error.to_string()))
    }

    /// Checks that there is a database already.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn check_exists(&self) -> Result<()> {
        match self {
            Self::Sqlite(path) if !std::path::Path::new(path).exists() => Err(Error::Missing(path.clone())),
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        }
    }

    /// Brings the tables up to date, and makes them, and SQLite's file, where there are none.
    ///
    /// # Errors
    /// When the database can't be reached, a migration fails, or a newer version has changed it.
    pub fn migrate(&self) -> Result<()> {
        let mut connection = match self {
            Self::Sqlite(path) => self.connect(path)?,
            Self::Postgres(_) => self.open()?,
        };
        let done = match &mut connection {
            AnyConnection::Sqlite(connection) => {
                check_known(connection, &SQLITE_MIGRATIONS)?;
                connection.run_pending_migrations(SQLITE_MIGRATIONS).map(|_| ())
            }
            AnyConnection::Postgres(connection) => {
                // Several replicas may start at once; the lock is released with the connection.
                connection.batch_execute("SELECT pg_advisory_lock(4271990212)")?;
                check_known(connection, &POSTGRES_MIGRATIONS)?;
                connection.run_pending_migrations(POSTGRES_MIGRATIONS).map(|_| ())
            }
        };
        done.map_err(|error| Error::Migration(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn who_waits_for_the_lock_gets_it_when_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("a.db").to_string_lossy().into_owned());
        database.migrate().unwrap();
        let mut first = database.open().unwrap();
        let mut second = database.open().unwrap();
        first.begin_writing(Durability::AtCommit).unwrap();
        let (tell, told) = mpsc::channel();
        let waiting = std::thread::spawn(move || {
            let begun = second.begin_writing(Durability::AtCommit);
            tell.send(begun.is_ok()).unwrap();
            second.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!(told.recv_timeout(BUSY_RETRY * 100), Err(mpsc::RecvTimeoutError::Timeout), "nobody else has it");
        first.batch_execute("COMMIT").unwrap();
        assert!(told.recv().unwrap());
        waiting.join().unwrap();
        // What is wrong otherwise is said at once, and leaves nothing behind.
        first.begin_writing(Durability::AtCommit).unwrap();
        assert_ne!(first.begin_writing(Durability::AtCommit).unwrap_err().cause(), FailureCause::Locked);
        first.batch_execute("ROLLBACK").unwrap();
        first.begin_writing(Durability::AtCommit).unwrap();
    }

    #[test]
    fn only_what_may_wait_for_a_later_commit_is_written_without_a_sync() {
        #[derive(QueryableByName)]
        struct Level {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            synchronous: i32,
        }
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("a.db").to_string_lossy().into_owned());
        database.migrate().unwrap();
        let mut open = database.open().unwrap();
        // Also after one that was broken off.
        for (durability, wanted) in [
            (Durability::WithLaterCommit, 1),
            (Durability::AtCommit, 2),
            (Durability::WithLaterCommit, 1),
            (Durability::AtCommit, 2),
        ] {
            open.begin_writing(durability).unwrap();
            let level: Level = diesel::sql_query("PRAGMA synchronous").get_result(&mut open).unwrap();
            assert_eq!(level.synchronous, wanted);
            open.batch_execute("ROLLBACK").unwrap();
        }
    }

    #[test]
    fn pages_are_counted_until_they_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("a.db").to_string_lossy().into_owned());
        database.migrate().unwrap();
        let (mut one, mut other) = (database.open().unwrap(), database.open().unwrap());
        one.checkpoint_wal().unwrap();
        assert_eq!(other.wal_pages_to_copy().unwrap(), 0);
        one.batch_execute("CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(409600))").unwrap();
        assert!((100..200).contains(&other.wal_pages_to_copy().unwrap()), "whichever connection wrote them");
        other.checkpoint_wal().unwrap();
        assert_eq!(one.wal_pages_to_copy().unwrap(), 0);
    }
}
