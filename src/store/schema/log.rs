//! The audit log.

diesel::table! {
    event_blocks (first) {
        first -> BigInt,
        at -> BigInt,
        bodies -> Binary,
        position_hashes -> Binary,
        private -> Binary,
    }
}

diesel::table! {
    event_keys (first, key) {
        first -> BigInt,
        key -> Text,
    }
}

diesel::table! {
    log_tiles (level, n) {
        level -> Integer,
        n -> BigInt,
        hashes -> Binary,
        root -> Binary,
    }
}

diesel::table! {
    log_head (id) {
        id -> Integer,
        size -> BigInt,
        root -> Binary,
        frontier -> Binary,
        checkpoint -> Text,
        access_epoch -> BigInt,
        last_at -> BigInt,
    }
}
