//! What an operator says of an endpoint, parsed where it is read.

use std::str::FromStr;

use autri_domain::is_loopback;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::embed::Price;

/// What begins the ids of these models.
const ID_PREFIX: &str = "openai:";

/// The longest prefix, in bytes: with it a text still has fewer bytes than OpenAI's models take tokens (8,191).
const MAX_PREFIX_BYTES: usize = 160;

/// The most dimensions that the database keeps.
const MAX_DIMENSIONS: usize = 4_000;

/// Where texts are sent, and which model makes vectors of them.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// Where the API is.
    pub url: EndpointUrl,
    /// Goes to that host and to no other.
    pub key: Option<ApiKey>,
    /// Which model.
    pub model: OpenAiModel,
    /// US dollars for a million tokens, where the operator knows better than this program.
    pub usd_per_million_tokens: Option<f64>,
}

/// A model and how it is asked: all that decides whether two vectors can be compared.
///
/// The endpoint is no part of it. One model is often reached by several names (a laptop's tunnel, a cluster's internal name), and
/// a library must not lose its model when an endpoint moves; that two endpoints mean the same by a model's name is for whoever
/// sets both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAiModel {
    pub(super) name: String,
    pub(super) dimensions: usize,
    pub(super) question_prefix: Prefix,
    pub(super) document_prefix: Prefix,
}

impl OpenAiModel {
    /// A model by the name that the endpoint has for it. Without `dimensions`, the model's own if they are known.
    ///
    /// # Errors
    /// [`OpenAiModelError`] for what cannot be a model's name, and for dimensions that are unknown or not possible.
    pub fn new(
        name: &str,
        dimensions: Option<usize>,
        question_prefix: Prefix,
        document_prefix: Prefix,
    ) -> Result<Self, OpenAiModelError> {
        let is_a_name = (1..=200).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_a_name {
            return Err(OpenAiModelError::NotAName);
        }
        let known = KnownModel::find(name);
        let dimensions = dimensions.or(known.map(|known| known.dimensions));
        let dimensions = dimensions.ok_or(OpenAiModelError::DimensionsUnknown)?;
        let most = known.map_or(MAX_DIMENSIONS, |known| known.dimensions);
        if !(1..=most).contains(&dimensions) {
            return Err(OpenAiModelError::NoSuchDimensions { most });
        }
        Ok(Self { name: name.to_owned(), dimensions, question_prefix, document_prefix })
    }

    /// What stands in the database: `openai:text-embedding-3-small/1536`, and with prefixes
    /// `openai:nomic-embed-text/768+0a1b2c3d`. Texts embedded with other prefixes give other vectors, and a server that lacks
    /// them must not look as if it had the library's model.
    #[must_use]
    pub fn id(&self) -> String {
        let Self { name, dimensions, question_prefix: Prefix(question), document_prefix: Prefix(document) } =
            self;
        let plain = format!("{ID_PREFIX}{name}/{dimensions}");
        if question.is_empty() && document.is_empty() {
            return plain;
        }
        // A length before the first, so that no two pairs are one text.
        let digest = Sha256::digest(format!("{}:{question}{document}", question.len()));
        format!("{plain}+{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
    }

    /// Name and dimensions of the model with this id, if it is one of these.
    #[must_use]
    pub fn parse_id(id: &str) -> Option<(&str, usize)> {
        let (name, rest) = id.strip_prefix(ID_PREFIX)?.rsplit_once('/')?;
        let dimensions = rest.split_once('+').map_or(rest, |(dimensions, _)| dimensions);
        Some((name, dimensions.parse().ok()?))
    }

    /// Only of models that are known to take the parameter: others refuse it.
    /// <https://platform.openai.com/docs/api-reference/embeddings/create#embeddings-create-dimensions>
    pub(super) fn takes_dimensions(&self) -> bool {
        self.name.starts_with("text-embedding-3-")
    }

    pub(super) fn price(&self) -> Price {
        Price {
            usd_per_million_tokens: KnownModel::find(&self.name).map(|known| known.usd_per_million_tokens),
        }
    }
}

/// Why there is no such model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenAiModelError {
    /// Spaces, control characters, or nothing at all.
    #[error("a model's name has 1 to 200 visible ASCII characters")]
    NotAName,
    /// Say how long its vectors are.
    #[error("the length of this model's vectors is not known: set AUTRI_EMBEDDING_DIMENSIONS to it")]
    DimensionsUnknown,
    /// More than the model, or the database, has.
    #[error("the model's vectors can have 1 to {most} dimensions")]
    NoSuchDimensions {
        /// The most that there can be.
        most: usize,
    },
}

/// What OpenAI says of a model of its own.
/// <https://platform.openai.com/docs/guides/embeddings>, <https://platform.openai.com/docs/pricing#embeddings>
struct KnownModel {
    name: &'static str,
    dimensions: usize,
    usd_per_million_tokens: f64,
}

impl KnownModel {
    const ALL: [Self; 3] = [
        Self { name: "text-embedding-3-small", dimensions: 1_536, usd_per_million_tokens: 0.02 },
        Self { name: "text-embedding-3-large", dimensions: 3_072, usd_per_million_tokens: 0.13 },
        Self { name: "text-embedding-ada-002", dimensions: 1_536, usd_per_million_tokens: 0.10 },
    ];

    fn find(name: &str) -> Option<&'static Self> {
        const { &Self::ALL }.iter().find(|known| known.name == name)
    }
}

/// The API's base: `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// A text that texts are not sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointUrlError {
    /// No URL.
    #[error("is not a URL; one looks like https://api.openai.com/v1")]
    NotAUrl,
    /// Documents, and the key, would go over a line that others can read.
    #[error("texts are sent over https only (or over http to this machine)")]
    NotHttps,
    /// A user, a password, a query or a fragment.
    #[error("has no user, password, query or fragment; the key is AUTRI_EMBEDDING_API_KEY")]
    MoreThanAPath,
    /// The operation's URL instead of the API's.
    #[error("is the part before /embeddings")]
    Operation,
}

impl FromStr for EndpointUrl {
    type Err = EndpointUrlError;

    fn from_str(text: &str) -> Result<Self, EndpointUrlError> {
        let url = Url::parse(text).map_err(|_| EndpointUrlError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if url.host().is_some_and(|host| is_loopback(&host)) => {}
            _ => return Err(EndpointUrlError::NotHttps),
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointUrlError::MoreThanAPath);
        }
        if url.path().trim_end_matches('/').ends_with("/embeddings") {
            return Err(EndpointUrlError::Operation);
        }
        Ok(Self(url))
    }
}

impl EndpointUrl {
    /// The URL of the operation.
    pub(super) fn embeddings(&self) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/embeddings", self.0.path().trim_end_matches('/')));
        url
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// `api.openai.com`, `127.0.0.1:11434`.
    pub(super) fn authority(&self) -> &str {
        self.0.authority()
    }
}

/// The endpoint's key. Its debug form hides it.
#[derive(Debug, Clone)]
pub struct ApiKey(SecretString);

/// A text that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has visible ASCII characters only: was a line break copied with it?")]
pub struct ApiKeyError;

impl ApiKey {
    /// Takes a key as the service gave it out.
    ///
    /// # Errors
    /// [`ApiKeyError`] for a text that no header can carry.
    pub fn new(key: SecretString) -> Result<Self, ApiKeyError> {
        let text = key.expose_secret();
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(key)) } else { Err(ApiKeyError) }
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What some models want before a text, to know what it is: `query: ` and `passage: ` (E5), `search_query: ` and
/// `search_document: ` (nomic).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(String);

/// A text that is no prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a prefix has at most {MAX_PREFIX_BYTES} bytes, and no control character but line breaks")]
pub struct PrefixError;

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let is_one = text.len() <= MAX_PREFIX_BYTES
            && text.chars().all(|character| character == '\n' || !character.is_control());
        if is_one { Ok(Self(text.to_owned())) } else { Err(PrefixError) }
    }
}

impl Prefix {
    pub(super) fn before(&self, text: &str) -> String {
        format!("{}{text}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, dimensions: Option<usize>) -> Result<OpenAiModel, OpenAiModelError> {
        OpenAiModel::new(name, dimensions, Prefix::default(), Prefix::default())
    }

    fn prefixed(question: &str, document: &str) -> OpenAiModel {
        OpenAiModel::new("e5", Some(384), question.parse().unwrap(), document.parse().unwrap()).unwrap()
    }

    #[test]
    fn openais_own_models_need_no_dimensions_and_have_a_price() {
        for (name, dimensions, usd) in [
            ("text-embedding-3-small", 1_536, 0.02),
            ("text-embedding-3-large", 3_072, 0.13),
            ("text-embedding-ada-002", 1_536, 0.1),
        ] {
            let model = model(name, None).unwrap();
            assert_eq!(model.id(), format!("openai:{name}/{dimensions}"));
            assert_eq!(model.price().usd_per_million_tokens, Some(usd));
        }
        let other = model("BAAI/bge-m3", Some(1_024)).unwrap();
        assert_eq!((other.price().usd_per_million_tokens, other.takes_dimensions()), (None, false));
        let shorter = model("text-embedding-3-large", Some(1_024)).unwrap();
        assert_eq!(
            (shorter.id().as_str(), shorter.takes_dimensions()),
            ("openai:text-embedding-3-large/1024", true)
        );
    }

    #[test]
    fn a_model_that_cannot_be_is_refused() {
        for name in ["", "two words", "tab\t", "mödel", "a\u{202e}b"] {
            assert_eq!(model(name, Some(3)), Err(OpenAiModelError::NotAName), "{name:?}");
        }
        assert_eq!(model("bge-m3", None), Err(OpenAiModelError::DimensionsUnknown));
        for (name, dimensions, most) in
            [("bge-m3", 0, 4_000), ("bge-m3", 4_001, 4_000), ("text-embedding-3-small", 1_537, 1_536)]
        {
            assert_eq!(model(name, Some(dimensions)), Err(OpenAiModelError::NoSuchDimensions { most }));
        }
    }

    #[test]
    fn an_id_says_what_makes_vectors_comparable() {
        let ids = [
            prefixed("", "").id(),
            prefixed("query: ", "").id(),
            prefixed("", "query: ").id(),
            prefixed("query: ", "passage: ").id(),
            prefixed("query: p", "assage: ").id(),
            model("e5", Some(385)).unwrap().id(),
        ];
        assert_eq!(ids[0], "openai:e5/384");
        for (place, id) in ids.iter().enumerate() {
            assert!(!ids[..place].contains(id), "{id}");
        }
        assert!(
            ids[3].starts_with("openai:e5/384+") && ids[3].len() == "openai:e5/384+".len() + 8,
            "{}",
            ids[3]
        );
    }

    #[test]
    fn an_id_gives_name_and_dimensions_back() {
        for name in ["e5", "BAAI/bge-m3", "nomic-embed-text:latest", "a+b/c"] {
            for (question, document) in [("", ""), ("query: ", "passage: ")] {
                let prefixes = (question.parse().unwrap(), document.parse().unwrap());
                let model = OpenAiModel::new(name, Some(768), prefixes.0, prefixes.1).unwrap();
                assert_eq!(OpenAiModel::parse_id(&model.id()), Some((name, 768)));
            }
        }
        for other in
            ["none", "static:wordllama-256:0a1b2c3d", "openai:", "openai:e5", "openai:e5/", "openai:e5/x"]
        {
            assert_eq!(OpenAiModel::parse_id(other), None, "{other}");
        }
    }

    #[test]
    fn texts_go_over_https_or_stay_on_this_machine() {
        for (good, operation) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/embeddings"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/embeddings"),
            ("https://embed.example.com", "https://embed.example.com/embeddings"),
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/embeddings"),
            ("http://[::1]:8080/v1", "http://[::1]:8080/v1/embeddings"),
            ("http://localhost:8080", "http://localhost:8080/embeddings"),
        ] {
            assert_eq!(good.parse::<EndpointUrl>().unwrap().embeddings().as_str(), operation);
        }
        let cases = [
            ("api.openai.com/v1", EndpointUrlError::NotAUrl),
            ("", EndpointUrlError::NotAUrl),
            ("http://api.openai.com/v1", EndpointUrlError::NotHttps),
            ("http://10.0.0.1/v1", EndpointUrlError::NotHttps),
            ("http://localhost.example.com/v1", EndpointUrlError::NotHttps),
            ("http://127.0.0.1.example.com/v1", EndpointUrlError::NotHttps),
            ("http://localhost@example.com/v1", EndpointUrlError::NotHttps),
            ("file:///v1", EndpointUrlError::NotHttps),
            ("https://user@api.openai.com/v1", EndpointUrlError::MoreThanAPath),
            ("https://:sk-1@api.openai.com/v1", EndpointUrlError::MoreThanAPath),
            ("https://api.openai.com/v1?key=sk-1", EndpointUrlError::MoreThanAPath),
            ("https://api.openai.com/v1#sk-1", EndpointUrlError::MoreThanAPath),
            ("https://api.openai.com/v1/embeddings", EndpointUrlError::Operation),
            ("https://api.openai.com/v1/embeddings/", EndpointUrlError::Operation),
        ];
        for (bad, why) in cases {
            assert_eq!(bad.parse::<EndpointUrl>(), Err(why), "{bad}");
            assert!(!why.to_string().contains("sk-1"));
        }
    }

    #[test]
    fn a_key_fits_into_a_header_and_is_not_shown() {
        let key = ApiKey::new("sk-hunter2".into()).unwrap();
        assert!(!format!("{key:?}").contains("hunter2"));
        for bad in ["", "sk-1\n", "sk 1", "schlüssel"] {
            assert_eq!(ApiKey::new(bad.into()).unwrap_err(), ApiKeyError, "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_is_short_and_readable() {
        let instruction = "Instruct: find passages that answer the question\nQuery: ";
        assert_eq!(instruction.parse::<Prefix>().unwrap().before("why"), format!("{instruction}why"));
        for bad in ["\u{1b}[2J".to_owned(), "\0".to_owned(), "x".repeat(161)] {
            assert_eq!(bad.parse::<Prefix>(), Err(PrefixError), "{bad:?}");
        }
    }
}
