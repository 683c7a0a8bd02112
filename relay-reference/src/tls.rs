//! TLS of the relay's own, by rustls: TLS 1.2 and 1.3 with its default suites.

use std::{io, path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// Reads a certificate chain and its key, both PEM.
///
/// # Errors
/// Files that cannot be read, hold no such thing, or do not belong together.
pub fn acceptor(chain: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let certificates = CertificateDer::pem_file_iter(chain).map_err(|error| at(chain, error))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(|e| at(chain, e))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| at(key, error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| at(chain, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The error names the file; what rustls says of it repeats none of its contents.
fn at(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
