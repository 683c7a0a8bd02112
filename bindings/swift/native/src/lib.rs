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
/// Identities.
pub mod identity;
/// The step machine.
pub mod machine;
/// What a client does about members.
pub mod people;
/// A relay for tests.
pub mod relay;
/// One secret value.
pub mod secret;
/// The values of an environment.
pub mod secrets;

uniffi::setup_scaffolding!();
