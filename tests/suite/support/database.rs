//! A database for each gateway.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// Where a gateway's data goes.
pub enum TestDatabase {
    /// A file in the gateway's folder.
    Sqlite,
    /// A database of its own on a server; dropped at the end.
    Postgres { server: String, name: String },
}

impl TestDatabase {
    /// A fresh one, of the kind that the environment asks for.
    pub fn fresh() -> Self {
        let Ok(server) = std::env::var("TEST_COUNTERSIGN_DATABASE") else { return Self::Sqlite };
        let name = format!("countersign_{}", uuid::Uuid::now_v7().simple());
        admin(&server).batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Self::Postgres { server, name }
    }

    /// What it is called on its server.
    pub fn name(&self) -> &str {
        match self {
            Self::Sqlite => "",
            Self::Postgres { name, .. } => name,
        }
    }

    /// Its address, if it is not the default.
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { server, name } => Some(format!("{}/{name}", server.trim_end_matches('/'))),
        }
    }
}

fn admin(server: &str) -> PgConnection {
    PgConnection::establish(&format!("{}/postgres", server.trim_end_matches('/'))).expect("the server answers")
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self {
            // Left behind at worst; the server is the tests' own.
            let _ = admin(server).batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
