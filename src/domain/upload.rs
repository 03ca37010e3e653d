//! Files that people hand in as answers: how many, and who may read one.

use super::Refusal;
use super::access_request::AccessRequest;
use super::access_request::reading::{DecidingPeople, may_read_case};
use super::form::FileAnswer;
use super::ids::{PersonId, RequestId};
use super::person::Person;
use super::timestamp::TimeSpan;

/// How many files of one person may be coming at a time.
const COMING_MAX: usize = 3;
/// How many files of one person may wait to become part of a request.
const WAITING_MAX: usize = 50;
/// How much they may have together, in bytes.
pub const WAITING_BYTES_MAX: u64 = 100_000_000;
/// How many files are kept for one person.
const KEPT_MAX: usize = 500;
/// How much they may have together, in bytes.
const KEPT_BYTES_MAX: u64 = 1_000_000_000;
/// How long a file is kept that has not become part of a request.
pub const WAITING_LONGEST: TimeSpan = TimeSpan::hours(24);
/// How long a file may be coming.
pub const COMING_LONGEST: TimeSpan = TimeSpan::minutes(30);

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

/// What is kept of a person's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeldFiles {
    /// How many are still coming.
    pub coming: usize,
    /// How many are part of no request, those that are coming included.
    pub waiting: usize,
    /// Their size in bytes.
    pub waiting_bytes: u64,
    /// How many there are in all.
    pub kept: usize,
    /// Their size in bytes.
    pub kept_bytes: u64,
}

/// Whether somebody may hand in one more file, or more of one that is coming.
///
/// # Errors
/// When their account is suspended, their address is not verified, or they have handed in too much.
pub const fn check_hand_in(owner: &Person, held: HeldFiles) -> Result<(), Refusal> {
    if owner.suspended_at.is_some() {
        Err(Refusal::AccountSuspended)
    } else if owner.email_verified_at.is_none() {
        Err(Refusal::EmailUnverified)
    } else if held.kept > KEPT_MAX || held.kept_bytes > KEPT_BYTES_MAX {
        Err(Refusal::TooManyFiles)
    } else if held.coming > COMING_MAX || held.waiting > WAITING_MAX || held.waiting_bytes > WAITING_BYTES_MAX {
        Err(Refusal::TooMuchWaiting)
    } else {
        Ok(())
    }
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

    /// Whether somebody handed it in.
    pub fn belongs_to(&self, reader: PersonId) -> bool {
        self.owner == reader
    }

    /// Whether somebody may read it as reviewers do: once a signature binds it, and not their own.
    pub fn may_be_read_by_reviewer(
        &self,
        reader: &Person,
        deciding: DecidingPeople<'_>,
        request: &AccessRequest,
    ) -> bool {
        self.signed && !self.belongs_to(reader.id) && may_read_case(reader, deciding, request)
    }
}
