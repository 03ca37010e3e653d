//! Checks a whole log, event by event, without trusting anything stored alongside it.

use serde_json::Value;

use super::canonical::{PrivatePart, is_canonical};
use super::checkpoint::{Checkpoint, NoteError, VerifierKey};
use super::index_ranges;
use super::indexed_fields::{IndexedFields, Keys};
use super::merkle::{Frontier, PositionHash, leaf_hash, position_hash};
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::text::Sha256;

/// An event as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its place in the log.
    pub index: u64,
    /// The indexed fields; empty if the body can't be parsed.
    pub fields: IndexedFields,
    /// Canonical JSON.
    pub body: String,
    /// The personal part, unless there was none or it was erased.
    pub private: Option<PrivatePart>,
    /// The stored hash of index and leaf; `None` if it is missing or malformed.
    pub position_hash: Option<PositionHash>,
}

/// Events that are stored together, with everything stored alongside them.
#[derive(Clone, Debug)]
pub struct StoredBlock {
    /// The index of the first.
    pub first: u64,
    /// Whether they are archived. Archived events have no position hashes; their order is checked against the tiles.
    pub archived: bool,
    /// The time that is stored for all of them; archived ones may be earlier, in order.
    pub at: Timestamp,
    /// The events.
    pub events: Vec<StoredEvent>,
    /// Whether the row holds exactly one position hash and one line of personal parts for each event, with no surplus.
    pub has_no_extra_data: bool,
    /// Their search keys, sorted.
    pub keys: Vec<String>,
    /// For each event the leaf hash in the tile that covers it; `None` if no full tile covers it yet.
    pub tile_leaf_hashes: Vec<Option<Sha256>>,
}

/// The head as it is stored.
#[derive(Clone, Debug)]
pub struct StoredHead {
    /// The number of events that it claims.
    pub size: u64,
    /// The root that it claims.
    pub root: Sha256,
    /// The signed note beside it.
    pub checkpoint: String,
}

/// A mismatch that verification found.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Mismatch {
    /// An event is not there.
    #[error("event {0} is missing")]
    Missing(u64),
    /// An event is at an index that is already taken.
    #[error("event {0} is out of order")]
    OutOfOrder(u64),
    /// There is data before the first event or after the last.
    #[error("there is data before event 0 or after the last event: {0}")]
    Orphan(String),
    /// The bytes of an event are not those that were recorded.
    #[error("event {0} was changed: it does not have the hash that was recorded for it")]
    Changed(u64),
    /// An event is not canonical JSON.
    #[error("event {0} is not in canonical form")]
    NotCanonical(u64),
    /// The time stored beside an event differs from the time in the event.
    #[error("event {0} was changed: the time stored beside it is not the event's")]
    Time(u64),
    /// An event's search keys do not match its content.
    #[error("event {0} was changed: its search keys do not match its content")]
    Keys(u64),
    /// A personal part is gone, and the log does not say that it was erased.
    #[error("event {0} was changed: its personal part is gone, and no event says that it was erased")]
    PrivateMissing(u64),
    /// The personal part does not match.
    #[error("event {0} was changed: its personal part is not the one that was recorded")]
    Private(u64),
    /// The stored head has another size.
    #[error("the stored head says {head} events, but {found} were found; event {} is the first that does not match", .head.min(.found))]
    HeadSize {
        /// The number of events in the head.
        head: u64,
        /// The number of events that were found.
        found: u64,
    },
    /// The stored head has another root.
    #[error("the stored head does not have the root of the {0} events; the head was changed after event {last}", last = .0.saturating_sub(1))]
    HeadRoot(u64),
    /// The checkpoint stored with the head is of another log.
    #[error("the checkpoint stored with the head does not have the root of the {0} events; it was changed after event {last}", last = .0.saturating_sub(1))]
    HeadSigned(u64),
    /// The stored state of the tree does not match the events.
    #[error("the stored hashes of the tree were changed: event {0} is the first that they do not match")]
    Tree(u64),
    /// An event can't be read.
    #[error("event {0} was changed: it can't be read")]
    Unreadable(u64),
    /// An archived event can't be read.
    #[error("event {first} can't be read: {reason}")]
    ArchiveUnreadable {
        /// The first event of its block.
        first: u64,
        /// The reason, with the file's name.
        reason: String,
    },
    /// The head can't be read.
    #[error("the stored head was changed: it can't be read; it was written after the last event")]
    HeadUnreadable,
    /// The checkpoint stored with the head is not good.
    #[error("the checkpoint stored with the head {0}")]
    HeadCheckpoint(NoteError),
    /// The log is shorter than a checkpoint given.
    #[error(
        "the log was cut off: {name} covers {size} events, but only {found} were found; event {found} is the first missing"
    )]
    CutOff {
        /// The checkpoint's file.
        name: String,
        /// Its size.
        size: u64,
        /// The number of events that were found.
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
        /// The reason.
        error: NoteError,
    },
}

/// A checkpoint somebody kept.
#[derive(Clone, Debug)]
pub struct SavedCheckpoint {
    /// A name for it, such as its file's name.
    pub name: String,
    /// The signed note.
    pub note: String,
}

/// The result of verifying an intact log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The number of events.
    pub events: u64,
    /// The root over them.
    pub root: Sha256,
    /// Events whose personal part was erased.
    pub erased: u64,
    /// Checkpoints that were compared, the one stored with the head included.
    pub checkpoints: usize,
}

/// Takes the blocks of a log in order and reports whether they form an intact log.
pub struct Verifier {
    key: VerifierKey,
    tree: Frontier,
    /// Events whose personal part is gone.
    private_missing: Vec<u64>,
    /// Events whose personal part was erased, as the log says: first and last.
    declared_erased: Vec<(u64, u64)>,
    saved: Vec<(String, Checkpoint)>,
}

impl Verifier {
    /// Opens the saved checkpoints, which must be signed by `key`.
    ///
    /// # Errors
    /// [`Mismatch::Checkpoint`] for the first that is not good.
    pub fn new(key: VerifierKey, saved: &[SavedCheckpoint]) -> Result<Self, Mismatch> {
        let open = |saved: &SavedCheckpoint| {
            Checkpoint::open(&saved.note, &key)
                .map(|checkpoint| (saved.name.clone(), checkpoint))
                .map_err(|error| Mismatch::Checkpoint { name: saved.name.clone(), error })
        };
        let saved = saved.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { key, tree: Frontier::default(), private_missing: Vec::new(), declared_erased: Vec::new(), saved })
    }

    /// Takes the next block, which [`inspect`] has looked at.
    ///
    /// # Errors
    /// The first mismatch.
    pub fn push(&mut self, block: &StoredBlock, findings: &BlockFindings) -> Result<(), Mismatch> {
        let expected = self.tree.size();
        if block.first > expected {
            return Err(Mismatch::Missing(expected));
        }
        if block.first < expected {
            return Err(Mismatch::OutOfOrder(block.first));
        }
        self.private_missing.extend(&findings.private_missing);
        self.declared_erased.extend(&findings.declared_erased);
        for leaf in &findings.leaves {
            self.tree.push(*leaf);
            for (name, checkpoint) in &self.saved {
                if checkpoint.size == self.tree.size() && checkpoint.root != self.tree.root() {
                    return Err(Mismatch::Rewritten { name: name.clone(), size: checkpoint.size });
                }
            }
        }
        // A mismatch with a saved checkpoint is reported first: it is more informative than a fault in this block.
        findings.mismatch.clone().map_or(Ok(()), Err)
    }

    /// The tree over the events so far.
    pub const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Compares the whole with the stored head and every checkpoint.
    ///
    /// # Errors
    /// The first mismatch.
    pub fn finish(self, head: &StoredHead) -> Result<Report, Mismatch> {
        let found = self.tree.size();
        for (name, checkpoint) in &self.saved {
            if checkpoint.size > found {
                return Err(Mismatch::CutOff { name: name.clone(), size: checkpoint.size, found });
            }
        }
        if head.size != found {
            return Err(Mismatch::HeadSize { head: head.size, found });
        }
        let root = self.tree.root();
        if head.root != root {
            return Err(Mismatch::HeadRoot(found));
        }
        let signed = Checkpoint::open(&head.checkpoint, &self.key).map_err(Mismatch::HeadCheckpoint)?;
        if signed.size != found || signed.root != root {
            return Err(Mismatch::HeadSigned(found));
        }
        if let Some(index) = self.first_undeclared_erasure() {
            return Err(Mismatch::PrivateMissing(index));
        }
        let erased = self.private_missing.len() as u64;
        Ok(Report { events: found, root, erased, checkpoints: self.saved.len() + 1 })
    }
}

impl Verifier {
    /// The first event whose personal part is gone although no event of the log says that it was erased.
    fn first_undeclared_erasure(&self) -> Option<u64> {
        let mut named = self.declared_erased.clone();
        named.sort_unstable();
        let mut ranges = named.into_iter().peekable();
        let mut end = None;
        self.private_missing.iter().copied().find(|index| {
            while let Some((_, last)) = ranges.next_if(|(first, _)| first <= index) {
                end = end.max(Some(last));
            }
            end.is_none_or(|last| last < *index)
        })
    }
}

/// The findings about one block by itself.
#[derive(Debug, Default)]
pub struct BlockFindings {
    leaves: Vec<Sha256>,
    private_missing: Vec<u64>,
    declared_erased: Vec<(u64, u64)>,
    /// The first mismatch.
    pub mismatch: Option<Mismatch>,
}

/// Hashes and checks the events of a block, up to the first mismatch. Blocks can be inspected in parallel.
pub fn inspect(block: &StoredBlock) -> BlockFindings {
    let mut findings = BlockFindings { leaves: Vec::with_capacity(block.events.len()), ..BlockFindings::default() };
    findings.mismatch = check_events(block, &mut findings).err();
    findings
}

fn check_events(block: &StoredBlock, findings: &mut BlockFindings) -> Result<(), Mismatch> {
    let at = block.at.to_string();
    let mut before = if block.archived { "" } else { at.as_str() };
    for (event, tiled) in block.events.iter().zip(&block.tile_leaf_hashes) {
        let leaf = leaf_hash(event.body.as_bytes());
        let fits_tile = tiled.is_none_or(|tiled| tiled == leaf);
        let placed = if block.archived {
            tiled.is_some()
        } else {
            event.position_hash == Some(position_hash(event.index, &leaf))
        };
        if !placed || !fits_tile {
            return Err(Mismatch::Changed(event.index));
        }
        check_body(event, findings)?;
        if event.fields.at.as_str() < before || event.fields.at > at {
            return Err(Mismatch::Time(event.index));
        }
        before = &event.fields.at;
        findings.leaves.push(leaf);
    }
    if before != at {
        return Err(Mismatch::Time(block.first));
    }
    if !block.has_no_extra_data {
        return Err(Mismatch::Changed(block.first + findings.leaves.len() as u64));
    }
    let keys = Keys::of(block.events.iter().map(|event| &event.fields)).texts();
    if keys == block.keys {
        return Ok(());
    }
    // The first event that misses one of its keys; otherwise the block has a surplus key.
    let misses = |event: &&StoredEvent| Keys::of([&event.fields]).texts().iter().any(|key| !block.keys.contains(key));
    Err(Mismatch::Keys(block.events.iter().find(misses).map_or(block.first, |event| event.index)))
}

fn check_body(event: &StoredEvent, findings: &mut BlockFindings) -> Result<(), Mismatch> {
    let body: Value = serde_json::from_str(&event.body).map_err(|_| Mismatch::NotCanonical(event.index))?;
    if !is_canonical(&event.body, &body) {
        return Err(Mismatch::NotCanonical(event.index));
    }
    if body["action"] == Action::AuditErased.as_str() {
        findings.declared_erased.extend(body["details"]["events"].as_str().into_iter().flat_map(index_ranges::parse));
    }
    match (body.get("private").and_then(Value::as_str), &event.private) {
        (None, None) => Ok(()),
        (Some(_), None) => {
            findings.private_missing.push(event.index);
            Ok(())
        }
        (Some(committed), Some(part)) if part.commitment().is_some_and(|hash| hash.to_string() == committed) => Ok(()),
        _ => Err(Mismatch::Private(event.index)),
    }
}
