//! Pages in turn: each worker thread makes a few at a time, so that a download does not wait behind hundreds of them.

use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use tokio::sync::Semaphore;

/// Pages that one worker makes at the same time. Most of the time of each is spent waiting for the database.
const AT_A_TIME: usize = 3;

/// The turns of one worker thread.
pub struct PageTurns(Semaphore);

impl Default for PageTurns {
    fn default() -> Self {
        Self(Semaphore::new(AT_A_TIME))
    }
}

/// Waits for a turn before a page is made. Downloads, and what only says that the process lives, need none; nor do forms,
/// which wait for other things, such as a password to be hashed.
pub async fn take_turn<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let path = request.path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let turns = request.app_data::<Rc<PageTurns>>().cloned();
    let is_small = path.starts_with("/assets/") || matches!(path, "/healthz" | "/logo");
    let needs_turn = is_read && !path.starts_with("/data/") && !is_small;
    let (Some(turns), true) = (turns, needs_turn) else { return next.call(request).await };
    // The semaphore is never closed.
    let _turn = turns.0.acquire().await.ok();
    next.call(request).await
}
