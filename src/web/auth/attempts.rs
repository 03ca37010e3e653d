//! Tries to prove who one is, which are counted.

use crate::app::App;
use crate::clock;
use crate::domain::TimeSpan;
use crate::domain::event::Actor;
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::Person;
use crate::domain::text::Secret;
use crate::identity::throttle::Attempt;
use crate::ledger::commands::sessions::record_throttled;
use crate::store::people;
use crate::web::error::WebError;

/// Counts a try. That there were too many is recorded, once for each window.
///
/// # Errors
/// How long to wait.
pub fn count_try(
    app: &App,
    (person, origin): (Option<&Person>, &Origin),
    attempt: Attempt<'_>,
) -> Result<(), TimeSpan> {
    app.throttle.attempt(attempt, clock::now()).map_err(|throttled| {
        if throttled.should_record && app.may_record_for_strangers() {
            let actor = person.map_or(Actor::ANONYMOUS, |person| Actor::person(person.id, person.role()));
            let (kind, counted_by, origin) = (attempt.kind(), attempt.counted_by(), origin.clone());
            app.ledger.record_later(move |tx| {
                record_throttled(tx, kind, counted_by, actor, &origin);
                Ok(())
            });
        }
        throttled.wait
    })
}

/// What came of checking a password.
#[derive(Debug)]
pub enum PasswordCheck {
    /// It is right; the hash that it was checked against.
    Right(Secret),
    /// It is wrong.
    Wrong,
    /// There were too many tries; wait so long.
    TooMany(TimeSpan),
}

/// Checks the password of somebody who is asked for it again.
///
/// # Errors
/// When the database fails, or passwords can't be hashed now.
pub async fn check_password(
    app: &App,
    asking: (Option<&Person>, &Origin),
    person: PersonId,
    typed: Secret,
) -> Result<PasswordCheck, WebError> {
    let attempt = Attempt::Prove(person);
    if let Err(wait) = count_try(app, asking, attempt) {
        return Ok(PasswordCheck::TooMany(wait));
    }
    let hash = app.reads.read(move |conn| people::password_hash(conn, person)).await?;
    let right = app.passwords.verify(asking.1.network(), typed, Some(hash.clone())).await;
    if right.is_err() {
        app.throttle.give_back(attempt);
    }
    if !right? {
        return Ok(PasswordCheck::Wrong);
    }
    app.throttle.forgive(attempt);
    Ok(PasswordCheck::Right(hash))
}
