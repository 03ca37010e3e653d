//! The reviewers' lists of requests.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::RequestId;
use crate::domain::text::TextError;
use crate::domain::words::words;

/// Which requests a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QueueSelection {
    /// Those that wait for a decision; for a reviewer, for their own vote.
    #[default]
    Waiting,
    /// Those of them for whose decision the committee's days are over.
    Overdue,
    /// Those that the reader has voted on, in whatever round.
    Voted,
    /// Those that were returned for changes, and wait for the applicant.
    Returned,
    /// Those that were approved or rejected.
    Decided,
}

words! {
    QueueSelection {
        Waiting = "waiting",
        Overdue = "overdue",
        Voted = "voted",
        Returned = "returned",
        Decided = "decided",
    }
}

impl QueueSelection {
    /// Whether it has only what waits for a decision.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Waiting | Self::Overdue)
    }
}

/// In which order a list shows requests, by when they were last sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QueueOrder {
    /// As one works through them: of those that wait the longest waiting first, of others the newest.
    #[default]
    Usual,
    /// The other way round.
    Reversed,
}

words! {
    QueueOrder {
        Usual = "usual",
        Reversed = "reversed",
    }
}

impl QueueOrder {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Usual => Self::Reversed,
            Self::Reversed => Self::Usual,
        }
    }

    /// Whether the one that was sent first comes first.
    pub fn is_oldest_first(self, selection: QueueSelection) -> bool {
        selection.is_waiting() == (self == Self::Usual)
    }
}

/// A request as somebody read it who decides: a decision counts for the round that was read, and for no later one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestAsRead {
    /// The request.
    pub id: RequestId,
    /// Its round then.
    pub round: u32,
}

impl fmt::Display for RequestAsRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.round)
    }
}

impl FromStr for RequestAsRead {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let (id, round) = text.split_once('.').ok_or(TextError::Form)?;
        let (id, round) = (id.parse().map_err(|_| TextError::Form)?, round.parse().map_err(|_| TextError::Form)?);
        Ok(Self { id, round })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_oldest_first_and_the_rest_newest_first() {
        for selection in QueueSelection::ALL {
            let oldest_first = QueueOrder::Usual.is_oldest_first(selection);
            assert_eq!(oldest_first, selection.is_waiting());
            assert_ne!(QueueOrder::Reversed.is_oldest_first(selection), oldest_first);
        }
    }

    #[test]
    fn what_was_read_is_said_in_a_word() {
        let read = RequestAsRead { id: RequestId(uuid::Uuid::from_u128(7)), round: 2 };
        assert_eq!(read.to_string().parse(), Ok(read));
        for wrong in ["", ".", "x.1", &format!("{}.", read.id), &format!("{}.-1", read.id), &read.id.to_string()] {
            assert!(wrong.parse::<RequestAsRead>().is_err(), "{wrong}");
        }
    }
}
