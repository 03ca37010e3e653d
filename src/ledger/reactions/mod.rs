//! Consequences of a change, in the same transaction.

pub(super) mod deciding;
pub(super) mod mail;
