//! The words in which the log records transfers: how they were requested, and how they ended.

use super::admission::Denial;
use crate::domain::words::words;

/// The methods by which files are read (RFC 9110 section 9.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadMethod {
    /// GET.
    Get,
    /// HEAD.
    Head,
}

words! {
    ReadMethod {
        Get = "GET",
        Head = "HEAD",
    }
}

/// Why a transfer ended before all of it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// The client closed the connection, or stopped waiting for the answer.
    ClientGone,
    /// The client took nothing for too long.
    ClientStalled,
    /// Another answer on the same connection was aborted, and the connection with it.
    ConnectionAborted,
    /// The file, or the file table, is no longer what was imported.
    FileChanged,
    /// The storage failed.
    Storage,
    /// The server that has the file failed.
    Upstream,
    /// More bytes came than the answer had announced.
    TooLong,
    /// Fewer bytes came than the answer had announced.
    TooShort,
    /// Access ended: the transfer would no longer be admitted.
    AccessEnded(Denial),
    /// Whether access has ended could not be found out.
    GateUnavailable,
    /// The gateway was stopped.
    ServerStopped,
}

impl Interruption {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client-gone",
            Self::ClientStalled => "client-stalled",
            Self::ConnectionAborted => "connection-aborted",
            Self::FileChanged => "file-changed",
            Self::Storage => "storage",
            Self::Upstream => "upstream",
            Self::TooLong => "too-long",
            Self::TooShort => "too-short",
            Self::AccessEnded(denial) => denial.as_str(),
            Self::GateUnavailable => "gate-unavailable",
            Self::ServerStopped => "server-stopped",
        }
    }
}

/// How a file that is delivered differs from what was imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FileMismatch {
    /// It is not there any more.
    #[error("the file is gone")]
    Gone,
    /// It is a folder, a pipe or a device now.
    #[error("it is not a file any more")]
    NotAFile,
    /// Its path leads out of the dataset's folder.
    #[error("it leads out of the folder")]
    OutsideRoot,
    /// It has fewer bytes than were imported.
    #[error("it is shorter than was imported")]
    Shorter,
    /// Its size has changed.
    #[error("its size has changed")]
    Size,
    /// Its modification time has changed.
    #[error("its modification time has changed")]
    Time,
    /// Its entity tag has changed.
    #[error("it is another file than was imported")]
    Tag,
    /// Its bytes do not have the hash that was imported.
    #[error("its bytes do not have the hash that was imported")]
    Hash,
    /// Files are known by other times than when the archive was planned.
    #[error("the dataset was imported again")]
    ImportedAgain,
}

impl FileMismatch {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::NotAFile => "not-a-file",
            Self::OutsideRoot => "outside-root",
            Self::Shorter => "shorter",
            Self::Size => "size",
            Self::Time => "time",
            Self::Tag => "tag",
            Self::Hash => "hash",
            Self::ImportedAgain => "imported-again",
        }
    }
}

/// The one to whom a limit applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitSubject {
    /// One token.
    Token,
    /// One person.
    Person,
    /// One IP address.
    Address,
    /// All clients together.
    Everybody,
}

words! {
    LimitSubject {
        Token = "token",
        Person = "person",
        Address = "address",
        Everybody = "everybody",
    }
}

/// The kind of a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Transfers at the same time.
    Transfers,
    /// Requests a second.
    Requests,
    /// Records that wait for the ledger.
    Queue,
}

words! {
    Limit {
        Transfers = "transfers",
        Requests = "requests",
        Queue = "queue",
    }
}

/// A limit that somebody reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReachedLimit {
    /// The one to whom the limit applies.
    pub subject: LimitSubject,
    /// The kind of limit.
    pub limit: Limit,
    /// The number that is allowed.
    pub allowed: u32,
}
