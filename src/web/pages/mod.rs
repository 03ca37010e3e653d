//! The pages, by area: each handler beside the page it shows.

pub mod account;
pub mod admin;
pub mod audit;
pub mod catalogue;
pub mod identity;
pub mod mail;
pub mod people;
pub mod requests;
pub mod review;
pub mod sign;
mod timeline;
pub mod tokens;

/// Rows of a list.
const ROWS: usize = 50;
/// The same, as databases count.
const PAGE: i64 = 50;

/// Cuts a list that was read one row too long; says whether there is more.
fn cut<T>(list: &mut Vec<T>, length: usize) -> bool {
    let more = list.len() > length;
    list.truncate(length);
    more
}
