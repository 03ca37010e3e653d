//! How far somebody has come who was invited by mail.

use super::person::Person;
use super::text::Email;
use super::words::words;

/// How far somebody has come in a project or an organisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// They were invited by mail.
    Invited,
    /// They are a member.
    Joined,
    /// They left.
    Left,
    /// The lead, or an owner, has removed them, and may invite them again.
    Removed,
    /// A committee has removed them from a project.
    Excluded,
}

words! {
    MemberState {
        Invited = "invited",
        Joined = "joined",
        Left = "left",
        Removed = "removed",
        Excluded = "excluded",
    }
}

/// Whether an invitation that went to an address is an account's: its address is that one, and was proved to be theirs.
pub fn is_invited(actor: &Person, email: &Email, state: MemberState) -> bool {
    state == MemberState::Invited && actor.proved_email().is_some_and(|own| own.key() == email.key())
}

impl MemberState {
    /// Whether they are a member, or may become one.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Invited | Self::Joined)
    }
}
