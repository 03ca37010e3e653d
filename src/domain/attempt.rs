//! What people may try only so often, as the log names it.

use super::words::words;

/// What was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptKind {
    /// To sign in.
    SignIn,
    /// To register.
    Register,
    /// To have a link mailed that lets one choose a password.
    AskForReset,
    /// To choose a password by such a link.
    Reset,
    /// To prove again who one is.
    Prove,
    /// To have the link mailed again that verifies an address.
    VerifyAgain,
    /// To have a link mailed to another address.
    ChangeEmail,
    /// To see or do what is not theirs.
    RefusedAccess,
}

words! {
    AttemptKind {
        SignIn = "sign-in",
        Register = "register",
        AskForReset = "ask-for-reset",
        Reset = "reset",
        Prove = "prove",
        VerifyAgain = "verify-again",
        ChangeEmail = "change-email",
        RefusedAccess = "refused-access",
    }
}

/// By what tries are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CountedBy {
    /// The account that is named.
    Account,
    /// The network they come from.
    Network,
}

words! {
    CountedBy {
        Account = "account",
        Network = "network",
    }
}
