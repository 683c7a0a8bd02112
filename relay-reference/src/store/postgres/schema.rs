//! Tables, and how they come about: numbered steps forward, one relay at a time.

use std::result::Result as StdResult;

use tokio_postgres::{Client, Config, Error, NoTls};

use super::words;
use crate::store::{Result, StoreError};

/// Step N leads from schema N to N + 1. What was released is never edited.
const STEPS: [&str; 1] = ["
CREATE TABLE workspaces (
    workspace BYTEA PRIMARY KEY, head_seq BIGINT NOT NULL, head_hash BYTEA NOT NULL,
    bytes BIGINT NOT NULL
);
CREATE TABLE entries (
    workspace BYTEA NOT NULL, seq BIGINT NOT NULL, bytes BYTEA NOT NULL, leaves BYTEA NOT NULL,
    PRIMARY KEY (workspace, seq)
);
CREATE TABLE deliveries (
    workspace BYTEA NOT NULL, recipient BYTEA NOT NULL, seq BIGINT NOT NULL,
    position INTEGER NOT NULL, hashes BYTEA NOT NULL,
    PRIMARY KEY (workspace, recipient, seq)
);
CREATE TABLE sealed (
    workspace BYTEA NOT NULL, hash BYTEA NOT NULL, used BOOLEAN NOT NULL,
    stored BIGINT NOT NULL, bytes BYTEA NOT NULL,
    PRIMARY KEY (workspace, hash)
);
CREATE INDEX sealed_unused ON sealed (stored) WHERE NOT used;
CREATE TABLE identities (id BYTEA PRIMARY KEY, recipient BYTEA NOT NULL);
CREATE TABLE replies (
    invite BYTEA PRIMARY KEY, workspace BYTEA NOT NULL, bytes BYTEA NOT NULL
);
CREATE TABLE acks (
    workspace BYTEA NOT NULL, member BYTEA NOT NULL, adopted BIGINT NOT NULL,
    seq BIGINT NOT NULL, time BIGINT NOT NULL, bytes BYTEA NOT NULL,
    PRIMARY KEY (workspace, member)
);
CREATE TABLE admitted (id BYTEA PRIMARY KEY);
CREATE TABLE beat (one INTEGER PRIMARY KEY CHECK (one = 1), count BIGINT NOT NULL);
"];

/// Any number, the same in every relay.
const LOCK: i64 = 0x0061_6773_7265_6c79;

/// Checks that the server keeps what it acknowledges, and brings the tables up to date.
pub(super) async fn prepare(config: &Config) -> Result<()> {
    let (client, connection) = config.connect(NoTls).await.map_err(|error| words(&error))?;
    let driver = tokio::spawn(connection);
    let done = prepare_with(&client).await;
    drop(client);
    // Ends with its client.
    let _ = driver.await;
    done
}

async fn prepare_with(client: &Client) -> Result<()> {
    check_durable(client).await?;
    client.batch_execute("BEGIN").await.map_err(|error| words(&error))?;
    let version = migrate(client).await.map_err(|error| words(&error))?;
    if version > STEPS.len() as i64 {
        let known = STEPS.len();
        let why = format!("the database has schema {version}, and this relay knows up to {known}");
        return Err(StoreError::Failed(why));
    }
    client.batch_execute("COMMIT").await.map_err(|error| words(&error))
}

/// The version that was there. The lock ends with the transaction, in whatever way that ends.
async fn migrate(client: &Client) -> StdResult<i64, Error> {
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let table = "CREATE TABLE IF NOT EXISTS relay_schema (version BIGINT NOT NULL)";
    client.batch_execute(table).await?;
    let row = client.query_opt("SELECT max(version) FROM relay_schema", &[]).await?;
    let version: i64 = row.map_or(Ok(None), |row| row.try_get::<_, Option<i64>>(0))?.unwrap_or(0);
    for (number, step) in STEPS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        client.batch_execute(step).await?;
        let next = number as i64 + 1;
        client.execute("INSERT INTO relay_schema (version) VALUES ($1)", &[&next]).await?;
    }
    Ok(version)
}

/// An acknowledgement is a promise. Engines that do not know these settings are taken at their word.
async fn check_durable(client: &Client) -> Result<()> {
    for setting in ["fsync", "synchronous_commit"] {
        let sql = "SELECT current_setting($1, TRUE)";
        let row = client.query_one(sql, &[&setting]).await.map_err(|error| words(&error))?;
        let value: Option<String> = row.try_get(0).map_err(|error| words(&error))?;
        if value.as_deref() == Some("off") {
            let why =
                format!("PostgreSQL runs with {setting} = off: what it acknowledges can be lost");
            return Err(StoreError::Failed(why));
        }
    }
    Ok(())
}
