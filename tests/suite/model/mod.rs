//! Any sequence of commands by any mix of people, and then the log is read by an oracle that knows nothing of the code
//! that wrote it: what was admitted had to be, what was denied had to be, nobody decided on their own request.

mod oracle;
mod steps;
mod taking;
mod world;

use std::sync::Arc;

use countersign::domain::dataset::AccessMode;
use countersign::ledger::{ClockPolicy, Ledger};
use countersign::log::LogKey;
use countersign::store::log::{Filter, Walk, select};
use countersign::store::{Database, Priority, ReadPool, verification};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use self::oracle::Oracle;
use self::steps::with_members;
pub use self::steps::{Step, step};
use self::world::archive;
pub use self::world::{ADMINISTRATOR, OTHER_OWNER, OWNER, PEOPLE, World, described, publish, session_hash};
use super::support::database::TestDatabase;

fn key() -> Arc<LogKey> {
    Arc::new(LogKey::parse(&LogKey::generate("model/log", &[7; 32]).unwrap()).unwrap())
}

/// Runs a test against a ledger of its own, on the database that the suite runs on.
pub fn in_ledger(test: impl FnOnce(&Ledger, &ReadPool)) {
    let folder = tempfile::tempdir().unwrap();
    let test_database = TestDatabase::fresh();
    let database = match test_database.url() {
        Some(url) => Database::parse(&url),
        None => Database::Sqlite(folder.path().join("model.db").display().to_string()),
    };
    database.migrate().unwrap();
    let ledger = Ledger::start(database.clone(), key(), None, ClockPolicy::NeverBack).unwrap();
    test(&ledger, &database.read_pool(1, Priority::Usual).unwrap());
}

#[test]
fn the_log_of_any_sequence_of_commands_is_just() {
    in_ledger(check_sequences);
}

fn check_sequences(ledger: &Ledger, reads: &ReadPool) {
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let modes = prop_oneof![3 => Just(AccessMode::Approval), 1 => Just(AccessMode::Agreement)];
    let strategy = (modes, 1..3_u32, any::<bool>(), prop::collection::vec(step(), 1..140));
    runner
        .run(&strategy, |(mode, quorum, begins_with_members, steps)| {
            let start = reads.read_blocking(countersign::store::log::size);
            let mut world = World::new(ledger, mode, quorum);
            // By chance alone few come to a project with members who have access.
            let beginning = if begins_with_members { with_members() } else { Vec::new() };
            for step in beginning.iter().chain(&steps) {
                world.take(step, reads);
            }
            let from = start.unwrap();
            let events =
                reads.read_blocking(move |conn| select(conn, &archive(), &Filter::default(), Walk::From(from), 10_000));
            let mut oracle = Oracle::new(quorum as usize, mode == AccessMode::Approval);
            for event in events.unwrap() {
                let body: Value = serde_json::from_str(&event.body).unwrap();
                if let Err(why) = oracle.read(&body) {
                    return Err(TestCaseError::fail(why));
                }
            }
            Ok(())
        })
        .unwrap();
    // The sequences get somewhere.
    for (action, least) in [
        ("download.admitted", 200),
        ("project.member_joined", 40),
        ("project.member_removed", 5),
        ("grant.created", 100),
        ("release.published", 200),
        ("release.withdrawn", 50),
        ("release.embargo_ended", 5),
        ("dataset.retired", 10),
        ("organisation.suspended", 8),
        ("request.new_versions_signed", 20),
    ] {
        let filter = Filter { action: Some(action.into()), ..Filter::default() };
        let found = reads.read_blocking(move |conn| select(conn, &archive(), &filter, Walk::From(0), 100_000)).unwrap();
        assert!(found.len() >= least, "{action}: {}", found.len());
    }
    let verified =
        reads.read_blocking(|conn| verification::verify(conn, &archive(), key().verifier().clone(), &[])).unwrap();
    verified.unwrap();
}
