//! What the steps in the life of a request have in common.

use crate::domain::Timestamp;
use crate::domain::access_request::AccessRequest;
use crate::domain::access_request::signing::CompleteForm;
use crate::domain::comment::Comment;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{PersonId, SignatureId};
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, Role};
use crate::domain::project::WantedProject;
use crate::domain::text::Slug;
use crate::store::RequestFacts;

/// A signer's submission.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The signer.
    pub person: PersonId,
    /// The dataset that access is asked for.
    pub dataset: Slug,
    /// The project that it is asked for.
    pub project: WantedProject,
    /// The form, in which nothing is missing.
    pub form: CompleteForm,
    /// How the signer last proved who they are.
    pub auth_method: AuthMethod,
    /// When the signer last proved who they are.
    pub proved_at: Timestamp,
    /// The signer's client.
    pub origin: Origin,
}

/// The person who acted, and what they handed in.
pub(super) struct ChangeContext<'a> {
    pub by: Actor,
    pub comment: Comment,
    /// What was handed in, when the step is a signature.
    pub signing: Option<&'a Submission>,
}

impl ChangeContext<'_> {
    pub fn by(person: PersonId, role: Role) -> Self {
        Self { by: Actor::person(person, role), comment: Comment::default(), signing: None }
    }
}

/// An event about a request.
pub(super) fn of_request(facts: &RequestFacts, request: &AccessRequest, action: Action, by: Actor) -> Event {
    Event::new(action, by).dataset(&facts.dataset.slug).project(request.project)
}

/// Signatures as an event names them.
pub(super) fn words(signatures: &[SignatureId]) -> Vec<String> {
    signatures.iter().map(ToString::to_string).collect()
}
