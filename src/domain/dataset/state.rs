//! What has become of datasets, and the lists in which those see them who run organisations.

use std::fmt;
use std::str::FromStr;

use super::Dataset;
use crate::domain::text::TextError;
use crate::domain::words::words;

/// What has become of a dataset: the first that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatasetState {
    /// Only those see it who run its organisation.
    Draft,
    /// Nothing of it is delivered.
    Suspended,
    /// It is no longer offered.
    Retired,
    /// It is offered.
    Published,
}

words! {
    DatasetState {
        Draft = "draft",
        Suspended = "suspended",
        Retired = "retired",
        Published = "published",
    }
}

/// Which datasets a list shows to those who run organisations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DatasetSelection {
    /// All of them.
    #[default]
    All,
    /// Those in this state.
    In(DatasetState),
}

impl DatasetSelection {
    /// Every selection.
    pub const ALL: [Self; 5] = [
        Self::All,
        Self::In(DatasetState::Published),
        Self::In(DatasetState::Draft),
        Self::In(DatasetState::Suspended),
        Self::In(DatasetState::Retired),
    ];

    /// Whether a dataset is among them.
    pub fn includes(self, dataset: &Dataset) -> bool {
        match self {
            Self::All => true,
            Self::In(state) => dataset.state() == state,
        }
    }
}

impl fmt::Display for DatasetSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::In(state) => state.fmt(f),
        }
    }
}

impl FromStr for DatasetSelection {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::In) }
    }
}

/// In which order a list shows datasets to those who run organisations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DatasetOrder {
    /// As in the catalogue.
    #[default]
    Catalogue,
    /// The one first whose description was edited last.
    EditedLast,
}

words! {
    DatasetOrder {
        Catalogue = "catalogue",
        EditedLast = "edited-last",
    }
}
