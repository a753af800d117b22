//! HTTP to what runs on this machine.

/// A client that goes straight to the loopback, whatever proxy the environment names.
///
/// # Errors
/// When TLS, which nothing here needs, cannot be set up.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}
