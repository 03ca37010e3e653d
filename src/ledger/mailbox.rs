//! Answers to a thread that waits for many: all of a batch arrive together, with one wake-up instead of one for each, and
//! are handed out on the thread that waits for them.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::worker::Completion;

/// What became of a batch: durable, or why not.
pub(super) type Outcome = Result<(), Arc<str>>;

thread_local! {
    static OWN: RefCell<Option<Arc<Mailbox>>> = const { RefCell::new(None) };
}

/// Where the answers for one thread are put.
#[derive(Default)]
pub(super) struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Notify,
}

#[derive(Default)]
struct Letters {
    closed: bool,
    waiting: Vec<(Completion, Outcome)>,
}

impl Mailbox {
    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts answers in. Gives them back when nobody will come for them any more.
    fn put(&self, completions: Vec<Completion>, outcome: &Outcome) -> Vec<Completion> {
        let mut letters = self.letters();
        if letters.closed {
            return completions;
        }
        letters.waiting.extend(completions.into_iter().map(|completion| (completion, outcome.clone())));
        drop(letters);
        self.arrived.notify_one();
        Vec::new()
    }

    fn hand_out(&self) {
        let waiting = std::mem::take(&mut self.letters().waiting);
        for (completion, outcome) in waiting {
            completion(outcome.as_ref().copied().map_err(|why| &**why));
        }
    }
}

/// The mailbox of this thread, if it has one.
pub(super) fn own() -> Option<Arc<Mailbox>> {
    OWN.with_borrow(Clone::clone)
}

/// Gives this thread a mailbox, if it has none; to be spawned on the thread's own runtime.
pub async fn attend() {
    let mailbox = Arc::new(Mailbox::default());
    if OWN.with_borrow(Option::is_some) {
        return;
    }
    OWN.set(Some(mailbox.clone()));
    let attendant = Attendant(mailbox);
    loop {
        attendant.0.arrived.notified().await;
        attendant.0.hand_out();
    }
}

/// Hands out the last answers when its thread ends; later ones are handed out by the ledger.
struct Attendant(Arc<Mailbox>);

impl Drop for Attendant {
    fn drop(&mut self) {
        // The thread may be past having thread-locals.
        let _ = OWN.try_with(|own| own.replace(None));
        self.0.letters().closed = true;
        self.0.hand_out();
    }
}

/// Answers of a batch, sorted by where they go.
#[derive(Default)]
pub(super) struct Post {
    direct: Vec<Completion>,
    boxes: Vec<(Arc<Mailbox>, Vec<Completion>)>,
}

impl Post {
    /// Takes an answer.
    pub fn add(&mut self, to: Option<Arc<Mailbox>>, completion: Completion) {
        let Some(to) = to else { return self.direct.push(completion) };
        match self.boxes.iter_mut().find(|(mailbox, _)| Arc::ptr_eq(mailbox, &to)) {
            Some((_, completions)) => completions.push(completion),
            None => self.boxes.push((to, vec![completion])),
        }
    }

    /// Delivers everything.
    pub fn deliver(mut self, outcome: &Outcome) {
        for (mailbox, completions) in self.boxes {
            self.direct.extend(mailbox.put(completions, outcome));
        }
        for completion in self.direct {
            completion(outcome.as_ref().copied().map_err(|why| &**why));
        }
    }
}
