//! End-to-end encrypted environment secrets for teams, through a relay that nobody has to trust.
//!
//! An application asks for its values once, at start:
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use agentsecrets_core::{client::load, config::Config};
//!
//! let secrets = load(&Config::discover()?)?;
//! let url = secrets.require("DATABASE_URL")?;
//! assert!(!url.expose().is_empty());
//! # Ok::<(), agentsecrets_core::Error>(())
//! ```
//!
//! From nothing to a value, in a vault that is gone with the process and a workspace that no relay
//! knows:
//!
#![cfg_attr(feature = "client", doc = "```")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use agentsecrets_core::{
//!     client::{Client, Secrets, fresh_identity},
//!     identity::Kind,
//!     name::SecretName,
//!     secret::SecretBytes,
//!     sync,
//!     transport::HttpTransport,
//!     vault::MemoryVault,
//! };
//!
//! let identity = fresh_identity(Kind::Human)?;
//! let client = Client::new(Box::new(MemoryVault::default()), Box::new(HttpTransport::new()), identity);
//! let workspace = client.run(|start| sync::create(start, "acme".into(), "laptop".into(), None))?;
//! let view = client.read(|start| sync::view(start, workspace))?;
//! let environment = view.environment("development")?;
//!
//! let change = (SecretName::parse("API_TOKEN")?, Some(SecretBytes::copy_of(b"fake-value-1")));
//! client.run(|start| sync::change(start, workspace, environment, vec![change]))?;
//! client.run(|start| sync::push(start, workspace, environment, sync::Insist::default()))?;
//!
//! let secrets = Secrets::of(&client.snapshot(workspace, environment)?, Kind::Human);
//! assert!(secrets.require("API_TOKEN")?.ct_eq(b"fake-value-1"));
//! # Ok::<(), agentsecrets_core::Error>(())
//! ```
//!
//! Three types carry the rest:
//! - `client::Client` runs operations with a vault and a transport, the ready-made ones or yours;
//! - [`sync::Machine`] is one operation, for hosts with an event loop, a store or sockets of their
//!   own: it hands out steps and takes answers, and does no input or output;
//! - [`Error`] carries a stable [`ErrorCode`], the cause, and the command that helps.
//!
//! The library never prints, prompts, starts a thread or reads a variable on its own; what does is
//! in an edge behind a feature, and `--no-default-features` leaves them all out.
//!
//! Formats (`spec/`) are versioned by their header and suite; error numbers are never reused; what
//! changes for callers stands in `CHANGELOG.md` under **BREAKING**.

// Layer 1: bytes.
/// All algorithms and all labels.
pub mod crypto;
/// Canonical binary encoding, ids, text forms.
pub mod encoding;
/// One error type with stable codes.
pub mod error;
/// Bytes that must not spread.
pub mod secret;
/// For tests of tests.
#[doc(hidden)]
pub mod weakened;

// Layer 2: values.
/// `.env` text.
pub mod dotenv;
/// Values of an environment as text for other programs.
pub mod export;
/// What people read to each other.
pub mod fingerprint;
/// Private half and public half of a device, agent or job.
pub mod identity;
/// What other tools write, read strictly.
pub mod import;
/// The invitation code, the reply and its proof.
pub mod invitation;
/// Requests to a relay and its answers.
pub mod message;
/// Names of secrets.
pub mod name;
/// What one sealed box of a push holds.
pub mod parcel;
/// Takes values of secrets out of texts.
pub mod redact;
/// Signatures over HTTP requests, for both sides.
pub mod request_signature;
/// Anonymous public-key encryption to one recipient.
pub mod sealed_box;
/// What one secret may be used for.
pub mod secret_policy;
/// JSON shapes of the relay's interface.
pub mod wire;
/// The key for names and labels, and how it is handed over.
pub mod workspace_key;

// Layer 3: state. Pure: no input or output, no clock, no randomness of its own.
/// One record of every use of a secret.
pub mod call_audit;
/// How vault and log, or two environments, differ.
pub mod drift;
/// The signed, hash-chained history and the fold over it.
pub mod log;
/// What the owner decides for the whole workspace.
pub mod policy;
/// What the vault holds of one environment.
pub mod snapshot;

// Layer 4: engine. Time and randomness are arguments.
/// Operations as machines that hand out steps and take answers.
pub mod sync;

// Layer 5: edges, each behind a feature. Nothing above needs them.
/// The blocking driver with everything ready-made.
#[cfg(feature = "client")]
pub mod client;
/// The project file and the variables `AGENTSECRETS_*`.
#[cfg(feature = "discover")]
pub mod config;
/// A secret that may be used and not read.
pub mod handle;
/// What people and tools ask of a workspace, as plain rows.
#[cfg(feature = "client")]
pub mod report;
/// What carries a request to a relay.
pub mod transport;
/// Where a device keeps its identity, its pins and its secrets.
pub mod vault;

pub use error::{Error, ErrorCode, Result};
