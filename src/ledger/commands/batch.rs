//! Acting on several things at once, each as if it were alone.

use crate::domain::Refusal;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;

/// What became of things that were acted upon together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchOutcome<T> {
    /// Those with which it was done.
    pub done: Vec<T>,
    /// Those with which it was not, and why.
    pub refused: Vec<(T, Refusal)>,
}

impl<T> BatchOutcome<T> {
    /// Why access was refused, where it was.
    pub fn access_refusal(&self) -> Option<Refusal> {
        self.refused.iter().map(|(_, refusal)| *refusal).find(|refusal| refusal.of_access().is_some())
    }
}

/// Acts on each, so that each has an event and a mail of its own. `act` is a command: its rules say no before it changes
/// anything.
pub(super) fn act_on_each<T: Clone>(
    tx: &mut Tx<'_>,
    all: &[T],
    act: impl Fn(&mut Tx<'_>, &T) -> Result<(), CommandError>,
) -> Result<BatchOutcome<T>, CommandError> {
    let mut outcome = BatchOutcome { done: Vec::new(), refused: Vec::new() };
    for one in all {
        match act(tx, one) {
            Ok(()) => outcome.done.push(one.clone()),
            Err(CommandError::Refusal(refusal)) => outcome.refused.push((one.clone(), refusal)),
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}
