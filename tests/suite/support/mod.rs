//! Starts the gateway as users run it, and people who use it.

pub mod api;
pub mod browser;
pub mod database;
pub mod downloads;
pub mod gateway;
pub mod people;
pub mod upstreams;
pub mod visitor;

pub use gateway::Gateway;
pub use visitor::{Answer, Visitor};

use std::time::{Duration, Instant};

/// Longest that anything may take that is waited for.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer.
pub async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    countersign::domain::text::Sha256::of(bytes).to_string()
}
