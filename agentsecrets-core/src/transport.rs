//! What carries a request to a relay. A host with an HTTP stack of its own needs nothing of this.

use crate::{
    error::Result,
    message::{Request, Response},
};

/// HTTP/1.1 over rustls.
#[cfg(feature = "http")]
pub mod http;

#[cfg(feature = "http")]
pub use http::HttpTransport;

/// Carries one request and brings its answer.
pub trait Transport: Send + Sync {
    /// Blocks until the answer is whole or a deadline is over. Follows no redirect, repeats nothing.
    ///
    /// # Errors
    /// Only for answers that did not come or are none: whatever the status, an answer is `Ok`.
    fn send(&self, request: &Request) -> Result<Response>;
}
