//! BERT as an ONNX graph, of which the weights stay where they are: in the model's safetensors file.
//!
//! Published checkpoints are weights and a configuration; the runtime reads ONNX. A converter would write the 90 MB a
//! second time, in a form that no published checksum vouches for. The graph alone is a few kilobytes, made at loading:
//! its initializers are external data (<https://onnx.ai/onnx/repo-docs/ExternalData.html>), places in the file as it was
//! published.
//!
//! The model: Devlin et al., <https://arxiv.org/abs/1810.04805>; the layers as `BertModel` of Hugging Face's transformers
//! has them. One text a run, so there is neither padding nor a mask.

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor,
    ValueInfoProto,
};
use serde::Deserialize;

use super::weights::{Place, Weights, WeightsError};

/// The graph's input: the tokens' numbers, as many as there are tokens.
pub(super) const TOKENS: &str = "tokens";

/// The graph's input: the tokens' places in the text, from 0.
pub(super) const POSITIONS: &str = "positions";

/// The graph's output: the mean of the tokens' vectors.
pub(super) const MEAN: &str = "mean";

/// What the weights are called towards the runtime, which wants an ending that is known for data.
pub(super) const WEIGHTS_NAME: &str = "weights.data";

/// ONNX's version of the operators: the first that has `Gelu`.
const OPERATOR_SET: i64 = 20;

/// ONNX's version of the format that came with [`OPERATOR_SET`].
const IR_VERSION: i64 = 9;

/// What a model's config.json says that matters here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct BertConfig {
    pub(super) model_type: String,
    pub(super) hidden_act: String,
    #[serde(default = "absolute")]
    pub(super) position_embedding_type: String,
    pub(super) hidden_size: usize,
    pub(super) intermediate_size: usize,
    pub(super) max_position_embeddings: usize,
    pub(super) num_attention_heads: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) type_vocab_size: usize,
    pub(super) vocab_size: usize,
    pub(super) layer_norm_eps: f32,
}

/// What transformers takes where a config.json does not say.
fn absolute() -> String {
    "absolute".to_owned()
}

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub(super) enum GraphError {
    #[error("config.json describes a model that is not supported: {0}")]
    Unsupported(&'static str),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl BertConfig {
    fn check(&self) -> Result<(), GraphError> {
        let wrong = [
            (self.model_type != "bert", "model_type is not bert"),
            (self.hidden_act != "gelu", "hidden_act is not gelu"),
            (self.position_embedding_type != "absolute", "position_embedding_type is not absolute"),
            (self.num_hidden_layers == 0, "num_hidden_layers is 0"),
            (self.num_attention_heads == 0, "num_attention_heads is 0"),
            (
                self.num_attention_heads != 0 && !self.hidden_size.is_multiple_of(self.num_attention_heads),
                "hidden_size is not a multiple of num_attention_heads",
            ),
        ];
        match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, what)) => Err(GraphError::Unsupported(what)),
            None => Ok(()),
        }
    }
}

/// The graph of the model that `config` describes.
pub(super) fn bert(config: &BertConfig, weights: &Weights) -> Result<ModelProto, GraphError> {
    config.check()?;
    let mut graph = Builder { weights, graph: GraphProto::default() };
    for name in [TOKENS, POSITIONS] {
        graph.graph.input.push(value(name, DataType::INT64));
    }
    let mut hidden = graph.embeddings(config)?;
    for layer in 0..config.num_hidden_layers {
        hidden = graph.layer(config, layer, &hidden)?;
    }
    let over_tokens = graph.integers(&[0]);
    graph.push("ReduceMean", &[&hidden, &over_tokens], vec![integer("keepdims", 0)], MEAN.to_owned());
    graph.graph.output.push(value(MEAN, DataType::FLOAT));
    Ok(ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(OPERATOR_SET) }],
        graph: Some(graph.graph),
        ..ModelProto::default()
    })
}

struct Builder<'a> {
    weights: &'a Weights,
    graph: GraphProto,
}

/// A value's name in the graph.
type Value = String;

impl Builder<'_> {
    /// What stands for a token, its place, and the first (here the only) of two texts; normalised.
    fn embeddings(&mut self, config: &BertConfig) -> Result<Value, GraphError> {
        let hidden = config.hidden_size;
        let words = self.weight("embeddings.word_embeddings.weight", &[config.vocab_size, hidden])?;
        let places =
            self.weight("embeddings.position_embeddings.weight", &[config.max_position_embeddings, hidden])?;
        let kinds =
            self.weight("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, hidden])?;
        let words = self.node("Gather", &[&words, TOKENS], vec![]);
        let places = self.node("Gather", &[&places, POSITIONS], vec![]);
        let first = self.integers(&[0]);
        let kind = self.node("Gather", &[&kinds, &first], vec![]);
        let sum = self.node("Add", &[&words, &places], vec![]);
        let sum = self.node("Add", &[&sum, &kind], vec![]);
        self.normalise(config, &sum, "embeddings.LayerNorm")
    }

    /// Attention and a feed-forward network, each added to what it got, and normalised.
    fn layer(&mut self, config: &BertConfig, number: usize, input: &str) -> Result<Value, GraphError> {
        let layer = format!("encoder.layer.{number}");
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let attended = self.attention(config, &layer, input)?;
        let attended =
            self.linear(&attended, &format!("{layer}.attention.output.dense"), [hidden, hidden])?;
        let sum = self.node("Add", &[input, &attended], vec![]);
        let attended = self.normalise(config, &sum, &format!("{layer}.attention.output.LayerNorm"))?;

        let wide = self.linear(&attended, &format!("{layer}.intermediate.dense"), [inner, hidden])?;
        let wide = self.node("Gelu", &[&wide], vec![]);
        let narrow = self.linear(&wide, &format!("{layer}.output.dense"), [hidden, inner])?;
        let sum = self.node("Add", &[&attended, &narrow], vec![]);
        self.normalise(config, &sum, &format!("{layer}.output.LayerNorm"))
    }

    /// Each head's mean of the values, weighted by softmax(query · key / √width); the heads beside each other.
    fn attention(&mut self, config: &BertConfig, layer: &str, input: &str) -> Result<Value, GraphError> {
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let width = hidden / heads;
        let split = self.integers(&[-1, as_i64(heads), as_i64(width)]);
        let head = |graph: &mut Self, part: &str, order: &[i64]| {
            let name = format!("{layer}.attention.self.{part}");
            let whole = graph.linear(input, &name, [hidden, hidden])?;
            let split = graph.node("Reshape", &[&whole, &split], vec![]);
            Ok::<_, GraphError>(graph.node("Transpose", &[&split], vec![integers("perm", order)]))
        };
        let query = head(self, "query", &[1, 0, 2])?;
        let key = head(self, "key", &[1, 2, 0])?;
        let value = head(self, "value", &[1, 0, 2])?;
        let scores = self.node("MatMul", &[&query, &key], vec![]);
        #[expect(clippy::cast_precision_loss, reason = "a head is some dozens wide")]
        let scale = self.number(1.0 / (width as f32).sqrt());
        let scores = self.node("Mul", &[&scores, &scale], vec![]);
        let shares = self.node("Softmax", &[&scores], vec![integer("axis", -1)]);
        let means = self.node("MatMul", &[&shares, &value], vec![]);
        let means = self.node("Transpose", &[&means], vec![integers("perm", &[1, 0, 2])]);
        let join = self.integers(&[-1, as_i64(hidden)]);
        Ok(self.node("Reshape", &[&means, &join], vec![]))
    }

    /// input · weightᵀ + bias, with the weight as the file has it: a row an output.
    fn linear(&mut self, input: &str, name: &str, shape: [usize; 2]) -> Result<Value, GraphError> {
        let weight = self.weight(&format!("{name}.weight"), &shape)?;
        let bias = self.weight(&format!("{name}.bias"), &shape[..1])?;
        Ok(self.node("Gemm", &[input, &weight, &bias], vec![integer("transB", 1)]))
    }

    fn normalise(&mut self, config: &BertConfig, input: &str, name: &str) -> Result<Value, GraphError> {
        let weight = self.weight(&format!("{name}.weight"), &[config.hidden_size])?;
        let bias = self.weight(&format!("{name}.bias"), &[config.hidden_size])?;
        let epsilon = float("epsilon", config.layer_norm_eps);
        Ok(self.node("LayerNormalization", &[input, &weight, &bias], vec![epsilon]))
    }

    /// A tensor of the model's file.
    fn weight(&mut self, name: &str, shape: &[usize]) -> Result<Value, GraphError> {
        let Place { offset, length } = self.weights.place(name, shape)?;
        let entry = |key: &str, value: String| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value),
        };
        self.graph.initializer.push(TensorProto {
            name: Some(name.to_owned()),
            data_type: Some(DataType::FLOAT),
            dims: shape.iter().map(|length| as_i64(*length)).collect(),
            data_location: Some(DataLocation::EXTERNAL),
            external_data: vec![
                entry("location", WEIGHTS_NAME.to_owned()),
                entry("offset", offset.to_string()),
                entry("length", length.to_string()),
            ],
            ..TensorProto::default()
        });
        Ok(name.to_owned())
    }

    /// A list of numbers.
    fn integers(&mut self, numbers: &[i64]) -> Value {
        self.constant(TensorProto {
            data_type: Some(DataType::INT64),
            dims: vec![as_i64(numbers.len())],
            int64_data: numbers.to_vec(),
            ..TensorProto::default()
        })
    }

    fn number(&mut self, number: f32) -> Value {
        self.constant(TensorProto {
            data_type: Some(DataType::FLOAT),
            float_data: vec![number],
            ..TensorProto::default()
        })
    }

    fn constant(&mut self, tensor: TensorProto) -> Value {
        let name = format!("constant {}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto { name: Some(name.clone()), ..tensor });
        name
    }

    fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Value {
        let output = format!("{operator} {}", self.graph.node.len());
        self.push(operator, inputs, attributes, output.clone());
        output
    }

    fn push(&mut self, operator: &str, inputs: &[&str], attribute: Vec<AttributeProto>, output: Value) {
        self.graph.node.push(NodeProto {
            op_type: Some(operator.to_owned()),
            name: Some(output.clone()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output],
            attribute,
            ..NodeProto::default()
        });
    }
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::INT) }
}

fn integers(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::INTS) }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::FLOAT) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind), ..AttributeProto::default() }
}

/// An input or output with one dimension.
fn value(name: &str, element: DataType) -> ValueInfoProto {
    let dimension = Dimension { dim_param: Some(format!("length of {name}")), ..Dimension::default() };
    let tensor =
        TypeProtoTensor { elem_type: Some(element), shape: Some(TensorShapeProto { dim: vec![dimension] }) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

/// Lengths come from tensors in memory, whose byte counts fit.
fn as_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
