//! Where documents are published.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

/// The longest source URL, in bytes.
const MAX_URL_BYTES: usize = 4_000;

/// What is encoded in a path segment: all but the unreserved characters (RFC 3986 §2.3).
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the ingested folder is published: an http or https URL below which a document's key is its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceBaseUrl(String);

/// A text that cannot be a [`SourceBaseUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceBaseUrlError {
    /// Write it out, scheme and all.
    #[error("not a URL")]
    NotAUrl(#[source] url::ParseError),
    /// Links of other schemes could run something on a click.
    #[error("the scheme must be http or https, not {0:?}")]
    Scheme(String),
    /// It would be shown with every result.
    #[error("it must not hold a user name or a password")]
    Credentials,
    /// A path cannot be put after them.
    #[error("it must not have a query or a fragment")]
    QueryOrFragment,
}

impl FromStr for SourceBaseUrl {
    type Err = SourceBaseUrlError;

    fn from_str(text: &str) -> Result<Self, SourceBaseUrlError> {
        let url = Url::parse(text).map_err(SourceBaseUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SourceBaseUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SourceBaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SourceBaseUrlError::QueryOrFragment);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl SourceBaseUrl {
    /// The URL of what has these path segments, each percent-encoded; `None` if it would be too long to keep, or would
    /// lead elsewhere: whoever follows a link drops its dot segments first (RFC 3986 §5.2.4), encoded or not
    /// (<https://url.spec.whatwg.org/#double-dot-path-segment>).
    pub(crate) fn join<'a>(&self, segments: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
        let mut url = self.0.clone();
        for segment in segments {
            if matches!(segment, b"." | b"..") {
                return None;
            }
            url.push('/');
            url.extend(percent_encode(segment, SEGMENT));
        }
        (url.len() <= MAX_URL_BYTES).then_some(url)
    }
}

impl fmt::Display for SourceBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
