//! Connections for reading. One that the server has closed is replaced, together with all others of its age: after a
//! restart of the database one query fails, not one for each connection.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::sync::oneshot;

use super::connection::{AnyConnection, Database};
use super::error::{Error, Result};

/// How long a query waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// Connections that can read, and nothing else, with a thread for each. The threads end with the last clone.
#[derive(Clone)]
pub struct ReadPool {
    readers: Readers,
    jobs: mpsc::Sender<Job>,
}

#[derive(Clone)]
struct Readers {
    pool: Pool<Opener>,
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

/// How much the threads of a pool yield to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Priority {
    /// As everybody else: downloads wait for it.
    Usual,
    /// More than everybody else: only pages wait for it.
    Low,
}

/// How much threads of low priority yield, in steps of `nice`.
const NICENESS: i32 = 10;

type Job = Box<dyn FnOnce(&Readers) + Send>;

/// The result of a query, without its type.
type ErasedResult = Box<dyn Any + Send>;
type ErasedQuery = Box<dyn FnOnce(&mut AnyConnection) -> Result<ErasedResult> + Send>;

impl Database {
    /// A pool of at most `size` connections, with as many threads.
    ///
    /// # Errors
    /// When the database can't be reached, or a thread not be started.
    pub fn read_pool(&self, size: u32, priority: Priority) -> Result<ReadPool> {
        let generation = Arc::<AtomicU64>::default();
        let opener = Opener { database: self.clone(), generation: generation.clone() };
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            .test_on_check_out(false)
            .build(opener)
            .map_err(|error| Error::Connection(error.to_string()))?;
        let readers = Readers { pool, generation };
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for n in 0..size {
            let (readers, queue) = (readers.clone(), queue.clone());
            std::thread::Builder::new()
                .name(format!("reads-{n}"))
                .spawn(move || work(&readers, &queue, priority))
                .map_err(|error| Error::Thread(error.to_string()))?;
        }
        Ok(ReadPool { readers, jobs })
    }
}

/// Runs queries until the pool is gone.
fn work(readers: &Readers, queue: &Mutex<mpsc::Receiver<Job>>, priority: Priority) {
    if priority == Priority::Low {
        // On Linux this concerns the thread alone. Where it is refused, it only competes as others do.
        let _ = rustix::process::nice(NICENESS);
    }
    loop {
        // Held only while waiting: one thread waits for the next query, the others for the lock.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A panic has been reported already, and whoever waits is told; the next query is not to suffer for it.
        let _ = catch_unwind(AssertUnwindSafe(|| job(readers)));
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
        let result = self.run(Box::new(move |connection| Ok(Box::new(query(connection)?)))).await?;
        Ok(*result.downcast().expect("a query's own result"))
    }

    /// As [`Self::read`], but not generic: compiled once, and not for each of hundreds of queries.
    async fn run(&self, query: ErasedQuery) -> Result<ErasedResult> {
        let (begin, begun) = oneshot::channel();
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |readers| {
            // Whoever has waited too long has gone.
            if begin.send(()).is_ok() {
                let _ = reply.send(readers.read(query));
            }
        });
        let ended = || Error::Thread("the query did not end".into());
        self.jobs.send(job).map_err(|_| ended())?;
        match tokio::time::timeout(WAIT, begun).await {
            Err(_) => Err(Error::Connection("all connections are in use".into())),
            Ok(_) => answer.await.unwrap_or_else(|_| Err(ended())),
        }
    }

    /// The same on this thread.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_blocking<T>(&self, query: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
        self.readers.read(query)
    }
}

impl Readers {
    fn read<T>(&self, query: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
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
