//! `[limits]`: what one client may ask for, and how long it may keep a connection waiting.

use std::time::Duration;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::delivery::connection::abort::Timeouts;
use crate::delivery::limits::{Allowance, Limits};

section! {
    LimitsSection, "limits." {
        connections: usize,
        address_connections: usize,
        token_transfers: u32,
        token_requests: u32,
        address_transfers: u32,
        address_requests: u32,
        anonymous_requests: u32,
        request_seconds: u64,
        stalled_seconds: u64,
        idle_seconds: u64,
    }
}

/// Connections at the same time.
pub(super) fn connections(form: &LimitsSection) -> Result<usize, ConfigError> {
    match form.connections.unwrap_or(16_000) {
        0 => Err(key("limits.connections", "must be at least 1")),
        connections => Ok(connections),
    }
}

/// Connections at the same time from one network: a quarter of all, unless it is set.
pub(super) fn address_connections(form: &LimitsSection) -> Result<usize, ConfigError> {
    match form.address_connections.unwrap_or(connections(form)?.div_ceil(4)) {
        0 => Err(key("limits.address_connections", "must be at least 1")),
        connections => Ok(connections),
    }
}

/// What one client may ask for.
pub(super) fn limits(form: &LimitsSection) -> Limits {
    Limits {
        credential: Allowance {
            transfers: form.token_transfers.unwrap_or(256),
            requests: form.token_requests.unwrap_or(2_000),
        },
        address: Allowance {
            transfers: form.address_transfers.unwrap_or(1_024),
            requests: form.address_requests.unwrap_or(4_000),
        },
        anonymous: Allowance {
            transfers: form.address_transfers.unwrap_or(1_024),
            requests: form.anonymous_requests.unwrap_or(200),
        },
    }
}

/// How long a client may keep a connection waiting.
pub(super) fn timeouts(form: &LimitsSection) -> Result<Timeouts, ConfigError> {
    let seconds = |name, given: Option<u64>, default| match given.unwrap_or(default) {
        0 => Err(key(name, "must be at least 1")),
        seconds => Ok(Duration::from_secs(seconds)),
    };
    Ok(Timeouts {
        request: seconds("limits.request_seconds", form.request_seconds, 30)?,
        stalled: seconds("limits.stalled_seconds", form.stalled_seconds, 120)?,
        idle: seconds("limits.idle_seconds", form.idle_seconds, 75)?,
    })
}
