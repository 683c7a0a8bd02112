//! What the Swift target `AgentSecretsNative` hands to `AgentSecrets`: converts, calls the object model,
//! converts.

/// Sealed boxes.
pub mod boxes;
/// A device's client.
pub mod client;
/// Where things are found.
pub mod config;
/// The one error.
pub mod errors;
/// What a client does about roles, environments, policy and the log as a whole.
pub mod governance;
/// Secrets that may be used and not read.
pub mod handle;
/// Identities.
pub mod identity;
/// The step machine.
pub mod machine;
/// What a client does about members.
pub mod people;
/// Values taken out of texts.
pub mod redactor;
/// A relay for tests.
pub mod relay;
/// One secret value.
pub mod secret;
/// The values of an environment.
pub mod secrets;
/// Commands that get chosen secrets.
pub mod spawn;

uniffi::setup_scaffolding!();
