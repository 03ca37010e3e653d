//! Connections for reading. One that the server has closed is replaced, together with all others of its age: after a
//! restart of the database one query fails, not one for each connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::sync::Semaphore;

use super::connection::{AnyConnection, Database};
use super::error::{Error, Result};

/// How long a query waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// Connections for pages: they can read, and nothing else.
#[derive(Clone)]
pub struct ReadPool {
    pool: Pool<Opener>,
    /// One permit for each connection: who waits for one does not hold a thread.
    free: Arc<Semaphore>,
    /// Raised when a connection was lost; older ones are not used again.
    generation: Arc<AtomicU64>,
}

struct Opener {
    database: Database,
    generation: Arc<AtomicU64>,
}

/// A connection of the pool.
struct Reader {
    connection: AnyConnection,
    generation: u64,
    lost: bool,
}

impl ManageConnection for Opener {
    type Connection = Reader;
    type Error = Error;

    fn connect(&self) -> Result<Reader> {
        // Read first: a connection that is lost while this one is opened may be this one.
        let generation = self.generation.load(Ordering::Acquire);
        Ok(Reader { connection: self.database.open_reader()?, generation, lost: false })
    }

    fn is_valid(&self, _: &mut Reader) -> Result<()> {
        Ok(())
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
        reader.lost
    }
}

impl Database {
    /// A pool of at most `size` connections.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub fn read_pool(&self, size: u32) -> Result<ReadPool> {
        let generation = Arc::<AtomicU64>::default();
        let opener = Opener { database: self.clone(), generation: generation.clone() };
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            .test_on_check_out(false)
            .build(opener)
            .map_err(|error| Error::Connection(error.to_string()))?;
        Ok(ReadPool { pool, free: Arc::new(Semaphore::new(size as usize)), generation })
    }
}

impl ReadPool {
    /// Runs a query on a thread where blocking is fine.
    ///
    /// # Errors
    /// Whatever the query says, or that no connection was free.
    pub async fn read<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    {
        let waiting = tokio::time::timeout(WAIT, self.free.clone().acquire_owned()).await;
        let Ok(Ok(free)) = waiting else { return Err(Error::Connection("all connections are in use".into())) };
        let pool = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let result = pool.read_blocking(query);
            drop(free);
            result
        });
        read.await.map_err(|error| Error::Thread(error.to_string()))?
    }

    /// The same on this thread.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_blocking<T>(&self, query: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
        let mut reader = self.connection()?;
        let result = query(&mut reader.connection);
        if result.as_ref().is_err_and(Error::is_connection_lost) {
            reader.lost = true;
            self.generation.fetch_max(reader.generation + 1, Ordering::AcqRel);
        }
        result
    }

    fn connection(&self) -> Result<PooledConnection<Opener>> {
        loop {
            let mut reader = self.pool.get().map_err(|error| Error::Connection(error.to_string()))?;
            if reader.generation >= self.generation.load(Ordering::Acquire) {
                return Ok(reader);
            }
            reader.lost = true;
        }
    }
}
