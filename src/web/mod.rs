//! The web: everything that people and download clients see. Handlers parse, ask the ledger or a view, and show.

mod answers;
mod api;
mod assets;
mod audit_sentence;
mod auth;
mod catalogue_query;
mod chart;
mod cover;
mod data;
mod error;
mod fields;
mod file_forms;
mod filtered_list;
mod forms;
mod health;
mod kept_form;
mod localised_fields;
mod markdown;
mod methods;
mod old_clients;
mod page;
mod page_turns;
mod pages;
mod problem;
mod public_log;
mod qr_code;
mod respond;
mod routes;
mod security_headers;
mod server;
mod sitemap;
mod table_preview;
mod uploads;

pub use server::{Running, start};
