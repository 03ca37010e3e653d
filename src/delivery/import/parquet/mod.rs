//! Tables in Parquet. What they hold is described at their end, so that they are looked into once all of them has gone by.
//!
//! The library that reads them believes what a file says of itself: how deep its description nests, how large a page is, how
//! many values there are. So a process of its own reads each, the same program under another command, which may take so much
//! memory and so much time; its end ends nothing else.

mod reader;

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::domain::path::FilePath;
use crate::domain::preview::TablePreview;
use crate::domain::words::words;

/// The command that reads a table; nobody types it.
pub const COMMAND: &str = "read-parquet";
/// This program, whatever has become of its file.
const PROGRAM: &str = "/proc/self/exe";
/// The largest file whose values are looked at, in bytes. Of a larger one only its description is.
const WHOLE_MAX: u64 = 32 * 1024 * 1024;
/// How much of the end of a file holds its description, in bytes; of a longer one nothing is shown.
const END_MAX: usize = 1024 * 1024;
/// How much memory a reading process may map, in bytes.
const MEMORY_MAX: u64 = 1024 * 1024 * 1024;
/// How many seconds it may compute.
const SECONDS_MAX: u64 = 20;
/// How long it may take, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(1);
/// The most it may answer, in bytes: sixty columns and eight rows take a tenth of that.
const ANSWER_MAX: u64 = 4 * 1024 * 1024;

/// How much of a table is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Its values, too.
    Values,
    /// Its description alone.
    Description,
}

words! {
    Extent {
        Values = "values",
        Description = "description",
    }
}

/// A table that goes by in pieces.
pub(super) struct ParquetScan {
    path: FilePath,
    /// All that has gone by or, of a file that is too large, the end of it.
    kept: Vec<u8>,
    size: u64,
}

impl ParquetScan {
    /// A table whose bytes are to come.
    pub(super) const fn new(path: FilePath) -> Self {
        Self { path, kept: Vec::new(), size: 0 }
    }

    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.kept.extend_from_slice(piece);
        if self.size > WHOLE_MAX && self.kept.len() > 2 * END_MAX {
            self.kept.drain(..self.kept.len() - END_MAX);
            self.kept.shrink_to(4 * END_MAX);
        }
    }

    /// What is to be known of the table, once all of it has gone by; `None` where it is none, or the import is to stop. The lock
    /// is held while it is read, so that one process at a time takes memory.
    pub(super) fn finish(self, reading: &Mutex<()>, is_cancelled: &dyn Fn() -> bool) -> Option<TablePreview> {
        let _held = reading.lock().unwrap_or_else(PoisonError::into_inner);
        let is_whole = self.kept.len() as u64 == self.size;
        let mut read = if is_whole { self.read_apart(Extent::Values, is_cancelled) } else { Reading::Failed };
        if matches!(read, Reading::Failed) {
            read = self.read_apart(Extent::Description, is_cancelled);
        }
        match read {
            Reading::Done(table) => table.map(|table| TablePreview { path: self.path, ..table }),
            Reading::Failed | Reading::Stopped => None,
        }
    }

    /// Has another process read it.
    fn read_apart(&self, extent: Extent, is_cancelled: &dyn Fn() -> bool) -> Reading {
        let sent = match extent {
            Extent::Values => &self.kept[..],
            Extent::Description => &self.kept[self.kept.len().saturating_sub(END_MAX)..],
        };
        if is_cancelled() {
            return Reading::Stopped;
        }
        match run(extent, sent, is_cancelled) {
            Ok(Some((status, answer))) if status.success() => match serde_json::from_slice(&answer) {
                Ok(table) => Reading::Done(table),
                Err(error) => self.failed(&error),
            },
            Ok(Some((status, _))) => self.failed(&status),
            Ok(None) => Reading::Stopped,
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Reading {
        tracing::warn!(path = %self.path, %why, "a table in Parquet could not be looked into");
        Reading::Failed
    }
}

/// How a reading ended.
enum Reading {
    /// With what is to be known of the table; with nothing where it is none.
    Done(Option<TablePreview>),
    /// Before its time: it took too much, or could not be begun.
    Failed,
    /// The import is to stop.
    Stopped,
}

/// Runs the other process to its end: its status, and what it answered. `None` where the import is to stop.
fn run(extent: Extent, sent: &[u8], is_cancelled: &dyn Fn() -> bool) -> std::io::Result<Option<(ExitStatus, Vec<u8>)>> {
    let mut child = Command::new(PROGRAM)
        .args([COMMAND, extent.as_str()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut answer = Vec::new();
    let status = std::thread::scope(|scope| {
        scope.spawn(|| output.map(|output| output.take(ANSWER_MAX).read_to_end(&mut answer)));
        // One that has ended already reads no more, which its status says.
        scope.spawn(|| input.map(|mut input| input.write_all(sent)));
        wait(&mut child, is_cancelled)
    })?;
    Ok(status.map(|status| (status, answer)))
}

/// Waits for the other process, and ends it where it takes too long or the import is to stop.
fn wait(child: &mut Child, is_cancelled: &dyn Fn() -> bool) -> std::io::Result<Option<ExitStatus>> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
    let late = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let is_to_stop = is_cancelled();
        if is_to_stop || Instant::now() > late {
            child.kill()?;
            let status = child.wait()?;
            return Ok(if is_to_stop { None } else { Some(status) });
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// What the other process does: reads a table from standard input, within its limits, and gives what is to be known of it as
/// JSON; `null` where it is none.
///
/// # Errors
/// When the limits can't be set, the input not be read, or the answer not be written.
pub fn read_within_limits(extent: Extent) -> std::io::Result<String> {
    for (resource, most) in [(Resource::As, MEMORY_MAX), (Resource::Cpu, SECONDS_MAX), (Resource::Core, 0)] {
        // Who started it may have set less.
        let most = Some(getrlimit(resource).maximum.map_or(most, |allowed| allowed.min(most)));
        setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    // Where memory runs out, the kernel ends this process before the gateway. It can't always be told so.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let mut bytes = Vec::new();
    std::io::stdin().take(WHOLE_MAX).read_to_end(&mut bytes)?;
    // The name is put in by who asked: other accounts of the machine see the arguments of a process.
    let nameless = FilePath::root();
    Ok(serde_json::to_string(&reader::read(bytes, nameless, extent))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_large_file_the_end_is_kept() {
        let mut large = ParquetScan::new("x.parquet".parse().unwrap());
        let filler = vec![0; END_MAX];
        for _ in 0..=WHOLE_MAX / END_MAX as u64 {
            large.take(&filler);
        }
        large.take(b"the end");
        assert!(large.kept.len() < 4 * END_MAX && large.kept.ends_with(b"the end"));
        assert_eq!(large.size, WHOLE_MAX + END_MAX as u64 + 7);
    }
}
