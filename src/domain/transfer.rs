//! The words in which the log records transfers: how they were requested, and how they ended.

use std::fmt;
use std::str::FromStr;

use super::admission::Denial;
use super::event::Event;
use super::text::TextError;
use super::words::words;
use super::{TimeSpan, Timestamp};

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

/// Whose connection bytes are handed to. What a proxy has taken, the client need not have got.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Taker {
    /// The client's own.
    Client,
    /// A proxy's in front of the gateway.
    Proxy,
}

impl Taker {
    /// Says so in the event about a transfer's end.
    #[must_use]
    pub fn add_to(self, event: Event) -> Event {
        match self {
            Self::Client => event,
            Self::Proxy => event.with("taken_by", "proxy"),
        }
    }
}

/// How long after its admission a transfer may be complete and still be recorded together with others.
const SHORT: TimeSpan = TimeSpan::seconds(10);

/// Whether a transfer that was admitted then, and is complete now, is recorded together with others.
pub fn is_short(admitted_at: Timestamp, now: Timestamp) -> bool {
    now - admitted_at <= SHORT
}

/// The parts of a file or archive that are sent, where that is not the whole. As text as in `Content-Range` (RFC 9110
/// section 14.4), such as `0-99,200-299/1000`: each part's first and last byte, and the length of the whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentRanges {
    /// First and last byte of each part.
    pub parts: Vec<(u64, u64)>,
    /// The length of the whole, in bytes.
    pub size: u64,
}

impl fmt::Display for SentRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (first, last)) in self.parts.iter().enumerate() {
            write!(f, "{}{first}-{last}", if n == 0 { "" } else { "," })?;
        }
        write!(f, "/{}", self.size)
    }
}

impl FromStr for SentRanges {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let number = |text: &str| text.parse().map_err(|_| TextError::Form);
        let (parts, size) = text.rsplit_once('/').ok_or(TextError::Form)?;
        let part = |text: &str| {
            let (first, last) = text.split_once('-').ok_or(TextError::Form)?;
            Ok((number(first)?, number(last)?))
        };
        Ok(Self { parts: parts.split(',').map(part).collect::<Result<_, _>>()?, size: number(size)? })
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
    /// Every reason of its own; the others are those of a [`Denial`].
    pub const ALL: [Self; 10] = [
        Self::ClientGone,
        Self::ClientStalled,
        Self::ConnectionAborted,
        Self::FileChanged,
        Self::Storage,
        Self::Upstream,
        Self::TooLong,
        Self::TooShort,
        Self::GateUnavailable,
        Self::ServerStopped,
    ];

    /// The reason of a word in the log, which does not say when a grant had ended; `None` for a word that is not known.
    pub fn of_word(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain(Denial::ALL.map(Self::AccessEnded));
        all.find(|reason| reason.as_str() == word)
    }

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
    /// Every way.
    pub const ALL: [Self; 9] = [
        Self::Gone,
        Self::NotAFile,
        Self::OutsideRoot,
        Self::Shorter,
        Self::Size,
        Self::Time,
        Self::Tag,
        Self::Hash,
        Self::ImportedAgain,
    ];

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_read_as_they_are_written(parts in prop::collection::vec(any::<(u64, u64)>(), 1..4), size: u64) {
            let ranges = SentRanges { parts, size };
            prop_assert_eq!(ranges.to_string().parse(), Ok(ranges));
        }
    }

    #[test]
    fn reasons_are_read_by_their_words() {
        for reason in Interruption::ALL.into_iter().chain(Denial::ALL.map(Interruption::AccessEnded)) {
            assert_eq!(Interruption::of_word(reason.as_str()), Some(reason));
        }
        assert_eq!(Interruption::of_word("tired"), None);
    }

    #[test]
    fn what_says_no_ranges_is_refused() {
        for text in ["", "/", "0-1", "/7", "0-1/", "0-/7", "0-1,/7", "a-b/c", "0-1/-7"] {
            assert_eq!(text.parse::<SentRanges>(), Err(TextError::Form), "{text}");
        }
    }
}
