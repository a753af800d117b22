//! A loaded sentence transformer: a text to a vector, on the thread that asks.

use std::error::Error;
use std::fmt;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, op_registry};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokenizers::{Tokenizer, TruncationParams};

use super::graph::{self, BertConfig};
use super::weights::Weights;

/// How much of a text is given to the tokenizer, in bytes: more than the model's 256 tokens of all but the oddest text.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// What a sentence transformer's `sentence_bert_config.json` says that matters here.
#[derive(Debug, Deserialize)]
struct SentenceConfig {
    /// How many tokens of a text are read, the two marks around it included. The rest is not embedded: the model was
    /// trained on no more (docs/adr/0013 has what the alternatives give).
    max_seq_length: usize,
}

/// What goes wrong here is a broken model, and said to whoever installs it.
pub(super) type LoadError = Box<dyn Error + Send + Sync>;

/// The model, its tokenizer, and the threads it runs on.
pub(super) struct Encoder {
    model: Model,
    tokens: NodeId,
    positions: NodeId,
    mean: NodeId,
    tokenizer: Tokenizer,
    /// The token that stands for what the model has no token for.
    unknown: Option<u32>,
    threads: Arc<ThreadPool>,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    /// Reads the model in `folder`, whose vectors must have that many dimensions.
    pub(super) fn load(folder: &Path, dimensions: usize, threads: NonZeroUsize) -> Result<Self, LoadError> {
        let read = |name: &str| {
            fs::read(folder.join(name))
                .map_err(|error| LoadError::from(format!("cannot read {name}: {error}")))
        };
        let config: BertConfig = parse("config.json", &read("config.json")?)?;
        if config.hidden_size != dimensions {
            let found = config.hidden_size;
            return Err(format!("the model has {found} dimensions, its manifest says {dimensions}").into());
        }
        let weights = Weights::new(read("model.safetensors")?)?;
        let graph = graph::bert(&config, &weights)?.write_buf()?;
        let model = ModelOptions::with_ops(op_registry!(
            Add,
            Gather,
            Gelu,
            Gemm,
            LayerNormalization,
            MatMul,
            Mul,
            ReduceMean,
            Reshape,
            Softmax,
            Transpose
        ))
        .external_data(graph::WEIGHTS_NAME, weights.into_bytes())
        .load(graph)?;
        let sentences: SentenceConfig =
            parse("sentence_bert_config.json", &read("sentence_bert_config.json")?)?;
        let tokenizer = tokenizer(&read("tokenizer.json")?, &config, sentences.max_seq_length)?;
        Ok(Self {
            tokens: model.node_id(graph::TOKENS)?,
            positions: model.node_id(graph::POSITIONS)?,
            mean: model.node_id(graph::MEAN)?,
            model,
            unknown: tokenizer.token_to_id("[UNK]"),
            tokenizer,
            threads: Arc::new(ThreadPool::with_num_threads(threads.get())),
        })
    }

    /// The text's vector, of length one; `None` for a text in which the model knows nothing.
    pub(super) fn embed(&self, text: &str) -> Result<Option<Vec<f32>>, LoadError> {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        let encoding = self.tokenizer.encode_fast(text, true)?;
        let known = encoding
            .get_ids()
            .iter()
            .zip(encoding.get_special_tokens_mask())
            .any(|(token, is_mark)| *is_mark == 0 && Some(*token) != self.unknown);
        if !known {
            return Ok(None);
        }
        let tokens =
            encoding.get_ids().iter().map(|token| i32::try_from(*token)).collect::<Result<Vec<_>, _>>()?;
        let positions: Vec<i32> = (0..).take(tokens.len()).collect();
        let vector = |numbers: Vec<i32>| NdTensor::from_data([numbers.len()], numbers);
        let inputs = vec![(self.tokens, vector(tokens).into()), (self.positions, vector(positions).into())];
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let [mean]: [Value; 1] = self.model.run_n(inputs, [self.mean], Some(options))?;
        let mean: NdTensor<f32, 1> = mean.try_into()?;
        Ok(super::super::normalised(mean.to_vec()))
    }
}

fn parse<T: DeserializeOwned>(name: &str, json: &[u8]) -> Result<T, LoadError> {
    serde_json::from_slice(json).map_err(|error| format!("{name} cannot be used: {error}").into())
}

/// The tokenizer as the model needs it. What the file says of padding and truncation is of its publisher's last use of
/// it: of this model's, that every text has 128 tokens.
fn tokenizer(json: &[u8], config: &BertConfig, max_tokens: usize) -> Result<Tokenizer, LoadError> {
    let mut tokenizer =
        Tokenizer::from_bytes(json).map_err(|error| format!("tokenizer.json cannot be used: {error}"))?;
    let tokens = tokenizer.get_vocab_size(true);
    if tokens > config.vocab_size {
        let known = config.vocab_size;
        return Err(format!("tokenizer.json has {tokens} tokens, and the model knows {known}").into());
    }
    tokenizer.with_padding(None);
    let max_length = max_tokens.min(config.max_position_embeddings);
    tokenizer.with_truncation(Some(TruncationParams { max_length, ..TruncationParams::default() }))?;
    Ok(tokenizer)
}
