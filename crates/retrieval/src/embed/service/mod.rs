//! What all embedders have in common that ask a service: bounds on what is sent, checks of what comes back, patience with
//! documents and none with questions.

mod breaker;
mod retry;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use autri_domain::Clock;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use self::breaker::Breaker;
use self::retry::RetryBudget;
use super::{EmbedError, Embedder, Price, normalised};

/// How much of a text is sent, in bytes. Titan takes 8,192 tokens and OpenAI's models 8,191, and a token of theirs has at least
/// one byte: so no text is refused for its length, whatever is in it. A chunk is much shorter.
pub(super) const MAX_TEXT_BYTES: usize = 8_000;

/// How long a person's question may wait for its vector. Then it is asked by its words, for which the answer is at hand.
const QUESTION_TIMEOUT: Duration = Duration::from_millis(1_500);

/// The weight of the lexical score beside a model that is as good alone as words are, or better. Not measured with these services:
/// with all-MiniLM-L6-v2, a smaller model, 0.5 and 0.6 rank alike (docs/adr/0013).
const LEXICAL_WEIGHT: f32 = 0.6;

/// What a text is to the model: some are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Document,
    Question,
}

/// A service that makes vectors.
#[async_trait]
pub(super) trait Service: Debug + Send + Sync {
    /// What a person calls it, for errors.
    fn name(&self) -> String;

    /// A vector a text, in order. One request, tried once.
    async fn ask(&self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>, Failure>;
}

/// Why there was no answer, by what to do next.
#[derive(Debug)]
pub(super) enum Failure {
    /// Try again, not before this long.
    Passing(EmbedError, Duration),
    /// Do not try again: somebody has to mend something.
    Lasting(EmbedError),
    /// Do not try again with these texts; others may pass.
    OfTheTexts(EmbedError),
}

impl Failure {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Passing(..))
    }

    fn wanted_pause(&self) -> Duration {
        match self {
            Self::Passing(_, pause) => *pause,
            Self::Lasting(_) | Self::OfTheTexts(_) => Duration::ZERO,
        }
    }

    /// A question that the service does not like says nothing about the service, and must not close it to everybody else.
    fn is_the_services(&self) -> bool {
        !matches!(self, Self::OfTheTexts(_))
    }

    fn into_error(self) -> EmbedError {
        match self {
            Self::Passing(error, _) | Self::Lasting(error) | Self::OfTheTexts(error) => error,
        }
    }
}

/// A service's model, as it is known to the database.
#[derive(Debug)]
pub(super) struct ServiceModel {
    pub(super) id: String,
    pub(super) dimensions: usize,
    pub(super) price: Price,
}

/// How much is sent at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestBounds {
    /// Texts in a request.
    pub(super) texts: usize,
    /// Requests that are under way at once.
    pub(super) requests: usize,
}

/// An embedder that asks a service.
#[derive(Debug)]
pub(super) struct ServiceEmbedder<S> {
    service: S,
    model: ServiceModel,
    bounds: RequestBounds,
    budget: RetryBudget,
    breaker: Breaker,
}

impl<S: Service> ServiceEmbedder<S> {
    pub(super) fn new(service: S, model: ServiceModel, bounds: RequestBounds, clock: Arc<dyn Clock>) -> Self {
        let breaker = Breaker::new(clock);
        Self { service, model, bounds, budget: RetryBudget::DOCUMENTS, breaker }
    }

    async fn embed_patiently(
        &self,
        request: &[(usize, &str)],
    ) -> Result<Vec<(usize, Option<Vec<f32>>)>, EmbedError> {
        let texts: Vec<&str> = request.iter().map(|(_, text)| *text).collect();
        let vectors = self.budget.spend(|| self.service.ask(&texts, Role::Document)).await?;
        let vectors = self.checked(vectors, texts.len())?;
        Ok(request.iter().map(|(place, _)| *place).zip(vectors).collect())
    }

    async fn embed_at_once(&self, question: &str) -> Result<Option<Vec<f32>>, Failure> {
        let questions = [question];
        let asking = self.service.ask(&questions, Role::Question);
        let asked = tokio::time::timeout(QUESTION_TIMEOUT, asking).await;
        let vectors = asked.unwrap_or_else(|elapsed| {
            let error = EmbedError::Unreachable { service: self.service.name(), source: elapsed.into() };
            Err(Failure::Passing(error, Duration::ZERO))
        })?;
        Ok(self.checked(vectors, 1).map_err(Failure::Lasting)?.pop().flatten())
    }

    /// As many vectors as were asked for, each as long as the model's are and of length one.
    fn checked(&self, vectors: Vec<Vec<f32>>, count: usize) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let service = || self.service.name();
        if vectors.len() != count {
            let what = format!("{} vectors for {count} texts", vectors.len());
            return Err(EmbedError::BadAnswer { service: service(), what });
        }
        let expected = self.model.dimensions;
        if let Some(vector) = vectors.iter().find(|vector| vector.len() != expected) {
            let found = vector.len();
            return Err(EmbedError::WrongDimensions { service: service(), expected, found });
        }
        Ok(vectors.into_iter().map(normalised).collect())
    }
}

#[async_trait]
impl<S: Service> Embedder for ServiceEmbedder<S> {
    fn model_id(&self) -> &str {
        &self.model.id
    }

    fn dimensions(&self) -> usize {
        self.model.dimensions
    }

    fn lexical_weight(&self) -> f32 {
        LEXICAL_WEIGHT
    }

    fn price(&self) -> Option<Price> {
        Some(self.model.price)
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        // Services refuse an empty text, and with it the whole request.
        let asked: Vec<(usize, &str)> =
            texts.iter().enumerate().filter_map(|(place, text)| Some((place, beginning(text)?))).collect();
        let requests = asked.chunks(self.bounds.texts).map(|request| self.embed_patiently(request));
        let mut answers = stream::iter(requests.collect::<Vec<_>>()).buffer_unordered(self.bounds.requests);
        let mut vectors = vec![None; texts.len()];
        while let Some(answer) = answers.try_next().await? {
            for (place, vector) in answer {
                vectors[place] = vector;
            }
        }
        Ok(vectors)
    }

    async fn embed_query(&self, text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        let Some(question) = beginning(text) else { return Ok(None) };
        if !self.breaker.lets_through() {
            return Err(EmbedError::Paused { service: self.service.name() });
        }
        match self.embed_at_once(question).await {
            Ok(vector) => {
                self.breaker.succeeded();
                Ok(vector)
            }
            Err(failure) => {
                if failure.is_the_services() {
                    self.breaker.failed();
                }
                Err(failure.into_error())
            }
        }
    }
}

/// What is sent of a text, if anything is in it.
fn beginning(text: &str) -> Option<&str> {
    let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
    (!text.trim().is_empty()).then_some(text)
}
