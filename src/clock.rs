//! The system's clock, for the edges of the program. The domain takes the time as an argument.

use crate::domain::Timestamp;

/// The time now, UTC.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}
