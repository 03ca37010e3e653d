//! Files that people hand in as answers: how much they may have waiting, and who may read one.

use super::Refusal;
use super::access_request::AccessRequest;
use super::access_request::reading::{DecidingPeople, may_read_signature};
use super::form::FileAnswer;
use super::ids::{PersonId, RequestId};
use super::person::Person;
use super::timestamp::TimeSpan;

/// How much somebody may have handed in that is not part of any request yet, in bytes.
pub const WAITING_MAX: u64 = 100_000_000;
/// How long a file is kept that has not become part of a request.
pub const KEPT_WAITING: TimeSpan = TimeSpan::hours(24);

/// A file that was handed in, all of which has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    /// What it is as an answer.
    pub file: FileAnswer,
    /// Whose it is.
    pub owner: PersonId,
    /// The request that it is part of.
    pub request: Option<RequestId>,
    /// Whether a signature binds it.
    pub signed: bool,
}

/// Whether another part of a file may be kept for somebody who has so many bytes waiting, that part included.
///
/// # Errors
/// When it is too much.
pub const fn check_room(waiting: u64) -> Result<(), Refusal> {
    if waiting > WAITING_MAX { Err(Refusal::TooMuchWaiting) } else { Ok(()) }
}

impl Upload {
    /// Whether it can be an answer in a request of its owner's. One file is part of one request.
    ///
    /// # Errors
    /// When it can't, or is not the file that the answer says.
    pub fn check_use(&self, answer: &FileAnswer, request: &AccessRequest) -> Result<(), Refusal> {
        let is_free = self.request.is_none_or(|own| own == request.id);
        let is_it = self.owner == request.applicant && self.file == *answer;
        if is_free && is_it { Ok(()) } else { Err(Refusal::NoSuchFile) }
    }

    /// Whether somebody may read it: its owner, and once it was signed for those who read the request as reviewers do.
    pub fn may_be_read(&self, reader: &Person, deciding: DecidingPeople<'_>, request: Option<&AccessRequest>) -> bool {
        self.owner == reader.id || self.signed && may_read_signature(reader, deciding, request, self.owner)
    }
}
