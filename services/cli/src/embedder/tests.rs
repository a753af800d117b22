use std::path::Path;

use async_trait::async_trait;
use autri_retrieval::embed::EmbedError;
use clap::Parser;

use super::*;

/// A command that has the options.
#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    embedder: EmbedderArgs,
}

fn parsed(options: &str) -> EmbedderArgs {
    let arguments = shlex::split(options).unwrap();
    let command = Command::try_parse_from(std::iter::once("command".to_owned()).chain(arguments));
    command.unwrap_or_else(|error| panic!("{error}")).embedder
}

#[cfg(any(feature = "bedrock", feature = "openai"))]
fn model_of(options: &str) -> anyhow::Result<String> {
    let embedder = parsed(options).choice(&Environment::default())?.open()?;
    Ok(embedder.map_or_else(|| "none".to_owned(), |embedder| embedder.model_id().to_owned()))
}

fn opened(model_id: &str, options: &str) -> anyhow::Result<Option<Arc<dyn Embedder>>> {
    open_for_model(model_id, &parsed(options).embedding, &Environment::default())
}

fn why(result: anyhow::Result<Option<Arc<dyn Embedder>>>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn a_model_is_opened_by_its_id_whatever_is_chosen() {
    assert!(opened("none", "--embedder static").unwrap().is_none());
    let error = opened("static:wordllama-256:0a1b2c3d", "--model-dir /nowhere").unwrap_err();
    let cause = error.downcast_ref::<EmbedError>();
    let is_in = |folder: &Path| folder == Path::new("/nowhere");
    assert!(matches!(cause, Some(EmbedError::NotInstalled { folder, .. }) if is_in(folder)), "{error:?}");
    let unknown = why(opened("word2vec\u{1b}[2J", ""));
    assert!(unknown.ends_with("does not know the embedding model word2vec\\u{1b}[2J"), "{unknown}");
}

#[cfg(feature = "dev-auth")]
#[test]
fn only_models_of_this_machine_are_local() {
    #[derive(Debug, Parser)]
    struct Local {
        #[arg(long, value_parser = EmbedderKind::parse_local())]
        embedder: EmbedderKind,
    }
    let parsed = Local::try_parse_from(["local", "--embedder", "static"]).unwrap();
    assert_eq!(parsed.embedder, EmbedderKind::Static);
    Local::try_parse_from(["local", "--embedder", "openai"]).unwrap_err();
}

#[cfg(feature = "bedrock")]
#[test]
fn titan_is_opened_with_its_dimensions_and_connects_nowhere() {
    assert_eq!(model_of("--embedder bedrock").unwrap(), "amazon.titan-embed-text-v2:0/1024");
    assert_eq!(
        model_of("--embedder bedrock --embedding-dimensions 256").unwrap(),
        "amazon.titan-embed-text-v2:0/256"
    );
    model_of("--embedder bedrock --embedding-dimensions 300").unwrap_err();
    let embedder = opened("amazon.titan-embed-text-v2:0/512", "--embedding-price 0.03").unwrap().unwrap();
    assert_eq!(embedder.dimensions(), 512);
    assert_eq!(embedder.price().unwrap().usd_per_million_tokens, Some(0.03));
    opened("amazon.titan-embed-text-v2:0/513", "").unwrap_err();
}

#[cfg(feature = "openai")]
#[test]
fn a_model_behind_an_endpoint_is_opened_by_name() {
    const URL: &str = "--embedding-url https://embed.example.com/v1";
    let chosen = model_of(&format!("--embedder openai {URL} --embedding-model text-embedding-3-small"));
    assert_eq!(chosen.unwrap(), "openai:text-embedding-3-small/1536");
    for (options, what) in [
        (URL.to_owned(), "--embedding-model"),
        ("--embedding-model text-embedding-3-small".to_owned(), "--embedding-url"),
        (format!("{URL} --embedding-model mine"), "AUTRI_EMBEDDING_DIMENSIONS"),
    ] {
        let error = model_of(&format!("--embedder openai {options}")).unwrap_err();
        assert!(error.to_string().contains(what), "{options}: {error}");
    }
    let id = "openai:BAAI/bge-m3/1024";
    assert_eq!(opened(id, URL).unwrap().unwrap().model_id(), id);
    assert!(why(opened(id, "")).contains("--embedding-url"));
}

#[cfg(feature = "openai")]
#[test]
fn other_prefixes_are_another_model() {
    const URL: &str = "--embedding-url https://embed.example.com/v1";
    let prefixes = "--embedding-query-prefix 'query: ' --embedding-document-prefix 'passage: '";
    let id = model_of(&format!(
        "--embedder openai {URL} --embedding-model e5 --embedding-dimensions 384 {prefixes}"
    ));
    let id = id.unwrap();
    assert_eq!(opened(&id, &format!("{URL} {prefixes}")).unwrap().unwrap().model_id(), id);
    let error = why(opened(&id, URL));
    assert!(error.contains(&id) && error.ends_with("makes those of openai:e5/384"), "{error}");
}

#[cfg(not(feature = "bedrock"))]
#[test]
fn an_embedder_that_was_not_built_says_so() {
    let error = parsed("--embedder bedrock").choice(&Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this autri was built without the embedder `bedrock`: build it with --features bedrock"
    );
    assert!(why(opened("amazon.titan-embed-text-v2:0/512", "")).contains("--features bedrock"));
}

/// A model of two dimensions that gives this for every text, or nothing ever.
#[derive(Debug)]
struct Giving(Option<Vec<Option<Vec<f32>>>>);

#[async_trait]
impl Embedder for Giving {
    fn model_id(&self) -> &'static str {
        "of-the-tests"
    }

    fn dimensions(&self) -> usize {
        2
    }

    fn lexical_weight(&self) -> f32 {
        0.5
    }

    async fn embed_documents(&self, _: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        match &self.0 {
            Some(vectors) => Ok(vectors.clone()),
            None => std::future::pending().await,
        }
    }

    async fn embed_query(&self, _: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        panic!("nobody asked a question")
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_work_is_not_made_known() {
    try_out(&Giving(Some(vec![Some(vec![0.6, 0.8])]))).await.unwrap();
    for (given, why) in [
        (Some(vec![]), "no vector of 2 dimensions"),
        (Some(vec![None]), "no vector of 2 dimensions"),
        (Some(vec![Some(vec![1.0])]), "no vector of 2 dimensions"),
        (None, "no vector within 20 s"),
    ] {
        let error = try_out(&Giving(given)).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
