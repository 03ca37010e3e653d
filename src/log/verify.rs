//! Checking a whole log, event by event, trusting nothing that is stored beside it.

use serde_json::Value;

use super::canonical::{PrivatePart, canonical};
use super::checkpoint::{Checkpoint, NoteError, VerifierKey};
use super::merkle::{Frontier, leaf_hash, place_hash};
use crate::domain::text::Sha256;

/// An event as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its place in the log.
    pub index: u64,
    /// The columns beside the body, which must say what the body says.
    pub columns: Columns,
    /// Canonical JSON.
    pub body: String,
    /// The personal part, unless there was none or it was erased.
    pub private: Option<PrivatePart>,
    /// The hash of index and leaf that was stored with it; `None` if it is not one.
    pub place: Option<Sha256>,
    /// The leaf hash in the tile that covers it; `None` while no full one does.
    pub leaf_in_tile: Option<Sha256>,
}

/// What is stored beside an event's body so that it can be searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Columns {
    /// RFC 3339.
    pub at: String,
    /// What happened.
    pub action: String,
    /// Whose account.
    pub actor: Option<String>,
    /// Which dataset.
    pub dataset: Option<String>,
    /// About what.
    pub subject: Option<String>,
    /// About whose access.
    pub person: Option<String>,
}

/// The head as it is stored.
#[derive(Clone, Debug)]
pub struct StoredHead {
    /// How many events it says there are.
    pub size: u64,
    /// The root it says they have.
    pub root: Sha256,
    /// The signed note beside it.
    pub checkpoint: String,
}

/// What does not fit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// An event is not there.
    #[error("event {0} is missing")]
    Missing(u64),
    /// An event stands where none may.
    #[error("event {0} stands out of order")]
    OutOfOrder(u64),
    /// An event stands before the first.
    #[error("an event `{0}` stands before event 0")]
    BeforeFirst(String),
    /// The bytes of an event are not those that were recorded.
    #[error("event {0} was changed: it does not have the hash that was recorded for it")]
    Changed(u64),
    /// An event is not canonical JSON.
    #[error("event {0} is not in canonical form")]
    NotCanonical(u64),
    /// The columns beside an event say something else than it does.
    #[error("event {0} was changed: its column `{1}` does not say what the event says")]
    Column(u64, &'static str),
    /// The personal part does not fit.
    #[error("event {0} was changed: its personal part is not what was recorded")]
    Private(u64),
    /// The stored head has another size.
    #[error("the stored head says {head} events, {found} are there; event {} is the first that does not fit", .head.min(.found))]
    HeadSize {
        /// What the head says.
        head: u64,
        /// What was found.
        found: u64,
    },
    /// The stored head has another root.
    #[error("the stored head does not have the root of the {0} events; the head was changed after event {last}", last = .0.saturating_sub(1))]
    HeadRoot(u64),
    /// The stored tree state does not fit the events.
    #[error("the stored hashes of the tree were changed: event {0} is the first they do not fit")]
    Tree(u64),
    /// An event can't be read.
    #[error("event {0} was changed: it can't be read")]
    Unreadable(u64),
    /// The head can't be read.
    #[error("the stored head was changed: it can't be read; it was written after the last event")]
    HeadUnreadable,
    /// The checkpoint stored with the head is not good.
    #[error("the checkpoint stored with the head {0}")]
    HeadCheckpoint(NoteError),
    /// The log is shorter than a checkpoint given.
    #[error(
        "the log was cut off: {name} is of {size} events, only {found} are there; event {found} is the first missing"
    )]
    CutOff {
        /// The checkpoint's file.
        name: String,
        /// Its size.
        size: u64,
        /// What was found.
        found: u64,
    },
    /// The log has another history than a checkpoint given.
    #[error("the log was rewritten: its first {size} events do not have the root of {name}")]
    Rewritten {
        /// The checkpoint's file.
        name: String,
        /// Its size.
        size: u64,
    },
    /// A checkpoint given is not good.
    #[error("{name} {error}")]
    Checkpoint {
        /// The checkpoint's file.
        name: String,
        /// Why.
        error: NoteError,
    },
}

/// A checkpoint somebody kept.
#[derive(Clone, Debug)]
pub struct SavedCheckpoint {
    /// What to call it, such as its file's name.
    pub name: String,
    /// The signed note.
    pub note: String,
}

/// What a good log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Events.
    pub events: u64,
    /// The root over them.
    pub root: Sha256,
    /// Events whose personal part was erased.
    pub erased: u64,
    /// Checkpoints that were compared, the one stored with the head included.
    pub checkpoints: usize,
}

/// Takes a log's events in order and says at the end whether they are the log.
pub struct Verifier {
    key: VerifierKey,
    tree: Frontier,
    erased: u64,
    saved: Vec<(String, Checkpoint)>,
}

impl Verifier {
    /// Opens the saved checkpoints, which must be signed by `key`.
    ///
    /// # Errors
    /// [`Problem::Checkpoint`] for the first that is not good.
    pub fn new(key: VerifierKey, saved: &[SavedCheckpoint]) -> Result<Self, Problem> {
        let open = |saved: &SavedCheckpoint| {
            Checkpoint::open(&saved.note, &key)
                .map(|checkpoint| (saved.name.clone(), checkpoint))
                .map_err(|error| Problem::Checkpoint { name: saved.name.clone(), error })
        };
        let saved = saved.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { key, tree: Frontier::default(), erased: 0, saved })
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// What does not fit.
    pub fn push(&mut self, event: &StoredEvent) -> Result<(), Problem> {
        let expected = self.tree.size();
        if event.index > expected {
            return Err(Problem::Missing(expected));
        }
        if event.index < expected {
            return Err(Problem::OutOfOrder(event.index));
        }
        let leaf = leaf_hash(event.body.as_bytes());
        let fits_tile = event.leaf_in_tile.is_none_or(|tiled| tiled == leaf);
        if event.place != Some(place_hash(expected, &leaf)) || !fits_tile {
            return Err(Problem::Changed(expected));
        }
        self.check_body(event)?;
        self.tree.push(leaf);
        for (name, checkpoint) in &self.saved {
            if checkpoint.size == self.tree.size() && checkpoint.root != self.tree.root() {
                return Err(Problem::Rewritten { name: name.clone(), size: checkpoint.size });
            }
        }
        Ok(())
    }

    fn check_body(&mut self, event: &StoredEvent) -> Result<(), Problem> {
        let body: Value = serde_json::from_str(&event.body).map_err(|_| Problem::NotCanonical(event.index))?;
        if canonical(&body) != event.body {
            return Err(Problem::NotCanonical(event.index));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let columns = &event.columns;
        let person = body.get("details").and_then(|details| details.get("person")).and_then(Value::as_str);
        let actor = body.get("actor").and_then(|actor| actor.get("id")).and_then(Value::as_str);
        for (name, column, said) in [
            ("at", Some(columns.at.as_str()), text("at")),
            ("action", Some(columns.action.as_str()), text("action")),
            ("actor", columns.actor.as_deref(), actor),
            ("dataset", columns.dataset.as_deref(), text("dataset")),
            ("subject", columns.subject.as_deref(), text("subject")),
            ("person", columns.person.as_deref(), person),
        ] {
            if column != said {
                return Err(Problem::Column(event.index, name));
            }
        }
        match (text("private"), &event.private) {
            (None, None) => Ok(()),
            (Some(_), None) => {
                self.erased += 1;
                Ok(())
            }
            (Some(said), Some(part)) if part.commitment().is_some_and(|hash| hash.to_string() == said) => Ok(()),
            _ => Err(Problem::Private(event.index)),
        }
    }

    /// The tree over the events so far.
    pub const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Compares the whole with the stored head and every checkpoint.
    ///
    /// # Errors
    /// What does not fit.
    pub fn finish(self, head: &StoredHead) -> Result<Report, Problem> {
        let found = self.tree.size();
        for (name, checkpoint) in &self.saved {
            if checkpoint.size > found {
                return Err(Problem::CutOff { name: name.clone(), size: checkpoint.size, found });
            }
        }
        if head.size != found {
            return Err(Problem::HeadSize { head: head.size, found });
        }
        let root = self.tree.root();
        if head.root != root {
            return Err(Problem::HeadRoot(found));
        }
        let signed = Checkpoint::open(&head.checkpoint, &self.key).map_err(Problem::HeadCheckpoint)?;
        if signed.size != found || signed.root != root {
            return Err(Problem::HeadRoot(found));
        }
        Ok(Report { events: found, root, erased: self.erased, checkpoints: self.saved.len() + 1 })
    }
}
