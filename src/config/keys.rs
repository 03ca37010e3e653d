//! Sections of the configuration file. Each key is named once, as the field of its section; its environment variable
//! follows from that.

use std::path::PathBuf;

use crate::domain::text::Secret;

/// How the value of an environment variable is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// As text.
    Text,
    /// As a whole number, if it is one.
    Number,
    /// As true or false, if it is one of them.
    Truth,
    /// As several texts with commas between.
    List,
}

/// A type that a key's value can have.
pub trait Setting {
    /// How it is read from the environment.
    const KIND: Kind;
}

macro_rules! kinds {
    ($($kind:ident: $($type:ty),*;)*) => { $($(impl Setting for $type { const KIND: Kind = Kind::$kind; })*)* };
}

kinds! {
    Text: String, PathBuf, Secret;
    Number: usize, u32, u64;
    Truth: bool;
    List: Vec<String>;
}

/// A key with its section, such as `limits.connections`.
pub type Key = (&'static str, Kind);

/// Defines a section: a struct of optional values, and its keys.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident, $prefix:literal { $($key:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, Default)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name { $(pub $key: Option<$type>,)* }

        impl $name {
            pub const KEYS: &[$crate::config::keys::Key] =
                &[$((concat!($prefix, stringify!($key)), <$type as $crate::config::keys::Setting>::KIND),)*];
        }
    };
}
pub(super) use section;
