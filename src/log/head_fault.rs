//! Faults of a stored head.

/// Why the stored head can't be built on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeadFault {
    /// The row is gone.
    #[error("the head of the log is gone")]
    Gone,
    /// The checkpoint is not one that the log's key has signed.
    #[error("the head of the log is not signed by the key of this log")]
    Unsigned,
    /// The tree beside the checkpoint is another than the one that was signed.
    #[error("the stored tree of the log does not have the root that was signed")]
    OtherTree,
    /// There are fewer events than were signed before.
    #[error("the log has {found} events, and {kept} were signed before: it was cut off, or an older copy was put back")]
    RolledBack {
        /// The events that were signed before.
        kept: u64,
        /// The events there are.
        found: u64,
    },
    /// The events that were signed before are not the first ones of the log.
    #[error("the log does not continue the one of {0} events that was signed before: it was rewritten")]
    Rewritten(u64),
    /// The head that is kept outside the database can't be read.
    #[error("the head that is kept beside the log's key can't be read, or is not signed by it")]
    KeptUnreadable,
}
