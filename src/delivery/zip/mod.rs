//! All of a dataset as a ZIP archive: where everything is in it, and making any part of it.

pub mod layout;
pub mod layouts;
pub mod stream;
