//! A part of a PostgreSQL database for one test. `tools/postgres DIR run COMMAND` names the database.

use std::sync::atomic::{AtomicU32, Ordering};

use relay_reference::store::{PostgresStore, postgres::Watching};

/// Tables of their own, gone on drop.
pub struct Schema {
    name: String,
}

/// The database for tests, which need one: nothing is skipped without.
pub fn database() -> String {
    std::env::var("DATABASE_URL")
        .expect("DATABASE_URL names no database; run under `tools/postgres DIR run`")
}

impl Schema {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let schema = Self { name: format!("test_{}_{number}", std::process::id()) };
        schema.execute(&format!("CREATE SCHEMA {}", schema.name));
        schema
    }

    pub fn url(&self) -> String {
        let url = database();
        let mark = if url.contains('?') { '&' } else { '?' };
        let name = &self.name;
        format!("{url}{mark}application_name={name}&options=-csearch_path%3D{name}")
    }

    pub fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.url(), Watching::Listen).unwrap()
    }

    /// Runs SQL, apart from any store.
    pub fn execute(&self, sql: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await.unwrap();
            let driver = tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
            drop(client);
            driver.await.unwrap().unwrap();
        });
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.execute(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}
