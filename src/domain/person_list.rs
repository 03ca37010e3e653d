//! Lists of people: which ones they show, in which order.

use super::person::Person;
use crate::domain::words::words;

/// Which people a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PersonSelection {
    /// All of them.
    #[default]
    All,
    /// Those who administer the gateway.
    Administrators,
    /// Those who may read everything.
    Auditors,
    /// Those whose address was not proved to be theirs, but for erased accounts.
    Unverified,
    /// Those whose account is suspended, but for erased ones.
    Suspended,
}

words! {
    PersonSelection {
        All = "all",
        Administrators = "administrators",
        Auditors = "auditors",
        Unverified = "unverified",
        Suspended = "suspended",
    }
}

impl PersonSelection {
    /// Whether a person is among them.
    pub fn includes(self, person: &Person) -> bool {
        match self {
            Self::All => true,
            Self::Administrators => person.administrator,
            Self::Auditors => person.auditor,
            Self::Unverified => person.email_verified_at.is_none() && !person.is_erased(),
            Self::Suspended => person.suspended_at.is_some() && !person.is_erased(),
        }
    }
}

/// In which order a list shows people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PersonOrder {
    /// The newest account first.
    #[default]
    Newest,
    /// By their names.
    ByName,
}

words! {
    PersonOrder {
        Newest = "newest",
        ByName = "by-name",
    }
}
