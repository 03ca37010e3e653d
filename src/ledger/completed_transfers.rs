//! Transfers that were complete shortly after their admission, gathered from one batch: those of one person or stranger on
//! one dataset become one event.

use std::collections::BTreeMap;

use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::text::Slug;
use crate::domain::transfer::Taker;
use crate::log::index_ranges;

/// Complete transfers of a batch.
#[derive(Debug, Default)]
pub(super) struct CompletedTransfers(BTreeMap<(Option<PersonId>, Slug, Taker), Together>);

#[derive(Debug, Default)]
struct Together {
    indexes: Vec<u64>,
    bytes: u64,
}

impl CompletedTransfers {
    /// Adds the transfer that was admitted at an index of the log.
    pub fn add(&mut self, person: Option<PersonId>, (slug, taker): (&Slug, Taker), index: u64, bytes: u64) {
        let together = self.0.entry((person, slug.clone(), taker)).or_default();
        together.indexes.push(index);
        together.bytes += bytes;
    }

    /// The events that say so.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.0).into_iter().flat_map(|(key, together)| events(key, together)).collect()
    }
}

fn events(
    (person, slug, taker): (Option<PersonId>, Slug, Taker),
    Together { mut indexes, bytes }: Together,
) -> impl Iterator<Item = Event> {
    indexes.sort_unstable();
    let actor = Actor::downloader(person);
    let number = indexes.len();
    // Number and bytes of all of them are in the first, where there are so many that they need several.
    index_ranges::format(&indexes).into_iter().enumerate().map(move |(n, transfers)| {
        let event = Event::new(Action::DownloadsCompleted, actor).dataset(&slug).with("transfers", transfers);
        let event = if n == 0 { event.with("number", number).with("bytes", bytes) } else { event };
        taker.add_to(event)
    })
}
