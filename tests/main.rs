//! Countersign as its users meet it: the real program, a real database, real mail, real clients, a real browser.
//!
//! Without `TEST_COUNTERSIGN_DATABASE` everything runs on SQLite; with a PostgreSQL address in it, on that server, each
//! gateway in a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod suite {
    mod support;

    mod accounts;
    mod admission_race;
    mod api;
    mod api_parity;
    mod api_reach;
    mod api_schema;
    mod api_walls;
    mod archive;
    mod audit;
    mod bad_input;
    mod browser;
    mod clients;
    mod command_line;
    mod crash;
    mod crowd;
    mod deadlines;
    mod defences;
    mod delivery;
    mod dispatcher;
    mod embargo;
    mod erasure;
    mod exports;
    mod faults;
    mod feeds;
    mod files_as_answers;
    mod holdings;
    mod hostile;
    mod house_order;
    mod journeys;
    mod mail;
    mod managing;
    mod model;
    mod new_versions;
    mod newcomer;
    mod offers;
    mod operators;
    mod organisations;
    mod overview;
    mod paging;
    mod previews;
    mod projects;
    mod public_log;
    mod publishing;
    mod recusal;
    mod releases;
    mod review;
    mod review_queue;
    mod revocation;
    mod signing;
    mod tls;
    mod today;
    mod untrusted_database;
    mod upstream;
    mod walls;
}
