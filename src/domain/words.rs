//! Enums that are stored, recorded and compared as words.

/// Gives an enum without data its words: `ALL`, `as_str`, [`std::fmt::Display`] and [`std::str::FromStr`].
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal,)* }) => {
        impl $name {
            /// Every value.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The word that is stored and recorded.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::text::TextError;
            fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|value| value.as_str() == text).ok_or($crate::domain::text::TextError::Form)
            }
        }
    };
}

pub(crate) use words;
