//! The gate over HTTP: resolve the address, permit the request, answer it.

mod answer;
mod body;
mod cached_file;
mod data_request;
mod disposition;
mod handler;
mod listing;
mod lookup_cache;
mod manifest;
mod permit;
mod resolve;
mod response;
mod streamed_list;

pub use data_request::Peer;
pub use disposition::disposition;
pub use handler::get;
pub use lookup_cache::LookupCache;
