//! Where the issuer's public keys come from: the seam between the cache and the network.

use std::error::Error;
use std::fmt::Debug;

/// The longest JWKS document that is read, in bytes. Cognito's two keys take less than 1 KB.
pub const MAX_JWKS_BYTES: usize = 64 * 1024;

/// Fetches a JWKS document (RFC 7517 §5).
#[async_trait::async_trait]
pub trait KeySource: Debug + Send + Sync + 'static {
    /// The document as it is served now, at most [`MAX_JWKS_BYTES`] long.
    ///
    /// An implementation gives up within seconds. It is called for one fetch at a time and needs no cache.
    async fn fetch_jwks(&self) -> Result<Vec<u8>, KeySourceError>;
}

/// A document that could not be had. The cache treats all of these alike; they differ for whoever reads the log.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// No answer, or one that broke off.
    #[error("the key server cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// An answer other than 200.
    #[error("the key server answered with status {0}")]
    Status(u16),
    /// An answer longer than [`MAX_JWKS_BYTES`].
    #[error("the key server's answer is longer than {MAX_JWKS_BYTES} bytes")]
    TooLarge,
}
