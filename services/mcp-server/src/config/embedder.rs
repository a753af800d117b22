//! How questions become vectors.

use std::path::PathBuf;

use autri_retrieval::embed::EmbedderChoice;
#[cfg(feature = "bedrock")]
use autri_retrieval::embed::bedrock::{BedrockSettings, TitanDimensions};
#[cfg(feature = "openai")]
use autri_retrieval::embed::openai::{
    ApiKey, EndpointUrl, OpenAiModel, OpenAiModelError, OpenAiSettings, Prefix,
};
use autri_settings::Reader;

use super::{EMBEDDER, MODEL_DIR};
#[cfg(any(feature = "bedrock", feature = "openai"))]
use super::{EMBEDDING_DIMENSIONS, EMBEDDING_KEY, EMBEDDING_MODEL, EMBEDDING_URL};
#[cfg(feature = "openai")]
use super::{EMBEDDING_DOCUMENT_PREFIX, EMBEDDING_QUERY_PREFIX};

pub(super) fn embedder(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    match reader.optional(EMBEDDER).as_deref() {
        None | Some("none") => Some(EmbedderChoice::None),
        Some("static") => Some(EmbedderChoice::Static { folder: PathBuf::from(reader.required(MODEL_DIR)?) }),
        Some("transformer") => transformer(reader),
        Some("bedrock") => bedrock(reader),
        Some("openai") => openai(reader),
        Some(_) => {
            reader.problem(EMBEDDER, "must be `none`, `static`, `transformer`, `bedrock` or `openai`");
            None
        }
    }
}

#[cfg(feature = "transformer")]
fn transformer(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    Some(EmbedderChoice::Transformer { folder: PathBuf::from(reader.required(MODEL_DIR)?) })
}

#[cfg(not(feature = "transformer"))]
fn transformer(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    not_built(reader, "transformer")
}

#[cfg(feature = "bedrock")]
fn bedrock(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    // Whoever sets these believes that questions go elsewhere than they would.
    for setting in [EMBEDDING_URL, EMBEDDING_KEY, EMBEDDING_MODEL] {
        if reader.optional(setting).is_some() {
            reader.problem(setting, "is for `openai`, and AUTRI_EMBEDDER is `bedrock`: keep one");
        }
    }
    let dimensions = match dimensions(reader).ok()? {
        Some(dimensions) => reader.checked(EMBEDDING_DIMENSIONS, TitanDimensions::try_from(dimensions))?,
        None => TitanDimensions::default(),
    };
    Some(EmbedderChoice::Bedrock(BedrockSettings { dimensions, usd_per_million_tokens: None }))
}

#[cfg(not(feature = "bedrock"))]
fn bedrock(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    not_built(reader, "bedrock")
}

#[cfg(feature = "openai")]
fn openai(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    let url = reader.required(EMBEDDING_URL);
    let url = url.and_then(|text| reader.checked(EMBEDDING_URL, text.parse::<EndpointUrl>()));
    let key = match reader.optional(EMBEDDING_KEY) {
        Some(key) => reader.checked(EMBEDDING_KEY, ApiKey::new(key.into())).map(Some),
        None => Some(None),
    };
    let model = model(reader);
    Some(EmbedderChoice::OpenAi(OpenAiSettings {
        url: url?,
        key: key?,
        model: model?,
        usd_per_million_tokens: None,
    }))
}

#[cfg(not(feature = "openai"))]
fn openai(reader: &mut Reader<'_>) -> Option<EmbedderChoice> {
    not_built(reader, "openai")
}

#[cfg(feature = "openai")]
fn model(reader: &mut Reader<'_>) -> Option<OpenAiModel> {
    let name = reader.required(EMBEDDING_MODEL);
    let dimensions = dimensions(reader);
    let mut prefix = |setting| {
        let text = reader.optional(setting).unwrap_or_default();
        reader.checked(setting, text.parse::<Prefix>())
    };
    let (question, document) = (prefix(EMBEDDING_QUERY_PREFIX), prefix(EMBEDDING_DOCUMENT_PREFIX));
    let model = OpenAiModel::new(&name?, dimensions.ok()?, question?, document?);
    let setting = match model {
        Err(OpenAiModelError::DimensionsUnknown | OpenAiModelError::NoSuchDimensions { .. }) => {
            EMBEDDING_DIMENSIONS
        }
        Ok(_) | Err(OpenAiModelError::NotAName) => EMBEDDING_MODEL,
    };
    reader.checked(setting, model)
}

/// The number, if one is set; an error, which has been named, if that is none.
#[cfg(any(feature = "bedrock", feature = "openai"))]
fn dimensions(reader: &mut Reader<'_>) -> Result<Option<usize>, ()> {
    match reader.optional(EMBEDDING_DIMENSIONS) {
        Some(text) => reader.checked(EMBEDDING_DIMENSIONS, text.parse()).map(Some).ok_or(()),
        None => Ok(None),
    }
}

#[cfg(not(all(feature = "bedrock", feature = "openai", feature = "transformer")))]
fn not_built(reader: &mut Reader<'_>, kind: &str) -> Option<EmbedderChoice> {
    reader.problem(EMBEDDER, &format!("cannot be `{kind}` in a build without the feature `{kind}`"));
    None
}
