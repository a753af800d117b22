//! A BERT of two layers and eight dimensions with random weights, against a second implementation of its formulas.

use std::collections::HashMap;
use std::fs;

use futures_util::FutureExt as _;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};

use super::*;

const HIDDEN: usize = 8;
const INNER: usize = 16;
const HEADS: usize = 2;
const LAYERS: usize = 2;
const POSITIONS: usize = 12;
const EPSILON: f64 = 1e-5;

/// The longest text, with the two marks around it.
const MAX_TOKENS: usize = 6;

/// The model's words; a word's place is its number.
const WORDS: [&str; 10] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "wing", "tail", "flow", "heat", "shock", "##s"];

/// A tensor: its shape, and its numbers row by row.
type Tensor = (Vec<usize>, Vec<f32>);

/// Numbers between -1 and 1 that are the same in every run: a linear congruential generator, with Knuth's constants for
/// MMIX (The Art of Computer Programming, volume 2, 3.3.4).
fn numbers(count: usize, seed: &mut u64) -> Vec<f32> {
    (0..count)
        .map(|_| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let top = i16::try_from(*seed >> 49).expect("15 bits");
            f32::from(top) / 16_384.0 - 1.0
        })
        .collect()
}

fn tensors() -> HashMap<String, Tensor> {
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS.len(), HIDDEN]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, HIDDEN]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![HIDDEN]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        let mut linear = |name: &str, rows: usize, columns: usize| {
            shapes.push((format!("encoder.layer.{layer}.{name}.weight"), vec![rows, columns]));
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![rows]));
        };
        for part in ["query", "key", "value"] {
            linear(&format!("attention.self.{part}"), HIDDEN, HIDDEN);
        }
        linear("attention.output.dense", HIDDEN, HIDDEN);
        linear("intermediate.dense", INNER, HIDDEN);
        linear("output.dense", HIDDEN, INNER);
        for norm in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((format!("encoder.layer.{layer}.{norm}.weight"), vec![HIDDEN]));
            shapes.push((format!("encoder.layer.{layer}.{norm}.bias"), vec![HIDDEN]));
        }
    }
    let mut seed = 7;
    shapes
        .into_iter()
        .map(|(name, shape)| {
            let values = numbers(shape.iter().product(), &mut seed);
            (name, (shape, values))
        })
        .collect()
}

fn safetensors(tensors: &HashMap<String, Tensor>) -> Vec<u8> {
    let bytes: HashMap<_, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views = tensors
        .iter()
        .map(|(name, (shape, _))| (name, TensorView::new(Dtype::F32, shape.clone(), &bytes[name]).unwrap()));
    serialize(views, &None).unwrap()
}

fn config() -> Value {
    json!({
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "type_vocab_size": 2,
        "vocab_size": WORDS.len(),
        "layer_norm_eps": EPSILON,
    })
}

/// As the published file is: with truncation and padding that are not the model's.
fn tokenizer() -> Value {
    let vocabulary: serde_json::Map<_, _> =
        WORDS.iter().enumerate().map(|(number, word)| ((*word).to_owned(), json!(number))).collect();
    let mark = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 5}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
        },
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [mark("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, mark("[SEP]")],
            "pair": [],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).unwrap();
}

fn tiny_model() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "model.safetensors", safetensors(&tensors()));
    write(path, "config.json", config().to_string());
    write(path, "sentence_bert_config.json", json!({ "max_seq_length": MAX_TOKENS }).to_string());
    write(path, "tokenizer.json", tokenizer().to_string());
    let manifest = json!({ "model_id": "transformer:tiny:00000000", "dimensions": HIDDEN, "files": [] });
    write(path, "autri-model.json", manifest.to_string());
    folder
}

/// The vector by the formulas of BERT, in plain loops over numbers of double precision.
mod formula {
    use super::*;

    type Rows = Vec<Vec<f64>>;

    struct Reference(HashMap<String, Tensor>);

    pub(super) fn vector(tokens: &[usize]) -> Vec<f64> {
        let model = Reference(tensors());
        let words = model.rows("embeddings.word_embeddings.weight");
        let positions = model.rows("embeddings.position_embeddings.weight");
        let kind = &model.rows("embeddings.token_type_embeddings.weight")[0];
        let sums = tokens.iter().enumerate().map(|(position, &token)| {
            (0..HIDDEN).map(|at| words[token][at] + positions[position][at] + kind[at]).collect()
        });
        let mut hidden = model.normalised(&sums.collect(), "embeddings.LayerNorm");
        for layer in 0..LAYERS {
            hidden = model.layer(&hidden, &format!("encoder.layer.{layer}"));
        }
        let count = float(hidden.len());
        let mean: Vec<f64> =
            (0..HIDDEN).map(|at| hidden.iter().map(|row| row[at]).sum::<f64>() / count).collect();
        let length = mean.iter().map(|value| value * value).sum::<f64>().sqrt();
        mean.iter().map(|value| value / length).collect()
    }

    impl Reference {
        fn rows(&self, name: &str) -> Rows {
            let (shape, values) = &self.0[name];
            let width = shape[shape.len() - 1];
            values.chunks(width).map(|row| row.iter().map(|&value| f64::from(value)).collect()).collect()
        }

        fn layer(&self, input: &Rows, name: &str) -> Rows {
            let [query, key, value] = ["query", "key", "value"]
                .map(|part| self.linear(input, &format!("{name}.attention.self.{part}")));
            let width = HIDDEN / HEADS;
            let mut attended = vec![vec![0.0; HIDDEN]; input.len()];
            for head in 0..HEADS {
                let part = head * width..(head + 1) * width;
                for (row, output) in query.iter().zip(&mut attended) {
                    let shares: Vec<f64> = key
                        .iter()
                        .map(|key| {
                            let product: f64 = part.clone().map(|at| row[at] * key[at]).sum();
                            (product / float(width).sqrt()).exp()
                        })
                        .collect();
                    let total: f64 = shares.iter().sum();
                    for at in part.clone() {
                        output[at] =
                            shares.iter().zip(&value).map(|(share, value)| share / total * value[at]).sum();
                    }
                }
            }
            let attended = self.linear(&attended, &format!("{name}.attention.output.dense"));
            let attended =
                self.normalised(&added(input, &attended), &format!("{name}.attention.output.LayerNorm"));
            let mut wide = self.linear(&attended, &format!("{name}.intermediate.dense"));
            for value in wide.iter_mut().flatten() {
                *value *= 0.5 * (1.0 + erf(*value / 2.0_f64.sqrt()));
            }
            let narrow = self.linear(&wide, &format!("{name}.output.dense"));
            self.normalised(&added(&attended, &narrow), &format!("{name}.output.LayerNorm"))
        }

        fn linear(&self, input: &Rows, name: &str) -> Rows {
            let weight = self.rows(&format!("{name}.weight"));
            let bias = self.rows(&format!("{name}.bias")).remove(0);
            let outputs = |row: &Vec<f64>| {
                let products =
                    weight.iter().map(|weights| weights.iter().zip(row).map(|(a, b)| a * b).sum::<f64>());
                products.zip(&bias).map(|(product, bias)| product + bias).collect()
            };
            input.iter().map(outputs).collect()
        }

        fn normalised(&self, input: &Rows, name: &str) -> Rows {
            let weight = self.rows(&format!("{name}.weight")).remove(0);
            let bias = self.rows(&format!("{name}.bias")).remove(0);
            let normalise = |row: &Vec<f64>| {
                let mean = row.iter().sum::<f64>() / float(HIDDEN);
                let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / float(HIDDEN);
                let scale = (variance + EPSILON).sqrt();
                (0..HIDDEN).map(|at| (row[at] - mean) / scale * weight[at] + bias[at]).collect()
            };
            input.iter().map(normalise).collect()
        }
    }

    fn float(count: usize) -> f64 {
        f64::from(u16::try_from(count).unwrap())
    }

    fn added(one: &Rows, other: &Rows) -> Rows {
        let sum = |(one, other): (&Vec<f64>, &Vec<f64>)| one.iter().zip(other).map(|(a, b)| a + b).collect();
        one.iter().zip(other).map(sum).collect()
    }

    /// Its Maclaurin series (<https://dlmf.nist.gov/7.6.E1>), which is exact enough for the few units of these values.
    fn erf(x: f64) -> f64 {
        let mut power = x;
        let mut sum = x;
        for n in 1..200 {
            power *= -x * x / f64::from(n);
            sum += power / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }
}

fn assert_near(found: Option<Vec<f32>>, expected: &[f64], of: &str) {
    let found = found.unwrap();
    assert_eq!(found.len(), expected.len());
    let near = found.iter().zip(expected).all(|(one, other)| (f64::from(*one) - other).abs() < 1e-5);
    assert!(near, "{of}: {found:?} {expected:?}");
}

#[tokio::test]
async fn vectors_are_those_of_the_formulas() {
    let folder = tiny_model();
    let embedder = TransformerEmbedder::open(folder.path()).unwrap();
    assert_eq!((embedder.model_id(), embedder.dimensions()), ("transformer:tiny:00000000", HIDDEN));
    let cases: [(&str, &[usize]); 4] = [
        ("wing", &[2, 4, 3]),
        ("Wings, flow", &[2, 4, 9, 1, 6, 3]),
        ("flow wing", &[2, 6, 4, 3]),
        ("heat heat shock tail", &[2, 7, 7, 8, 5, 3]),
    ];
    let texts = cases.map(|(text, _)| text.to_owned());
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    for ((text, tokens), vector) in cases.into_iter().zip(vectors) {
        assert_near(vector, &formula::vector(tokens), text);
        assert_near(embedder.embed_query(text).await.unwrap(), &formula::vector(tokens), text);
    }
}

#[tokio::test]
async fn a_text_is_read_up_to_the_models_length() {
    let folder = tiny_model();
    let embedder = TransformerEmbedder::open(folder.path()).unwrap();
    let long = "wing tail flow heat shock ".repeat(1_000);
    assert_near(embedder.embed_query(&long).await.unwrap(), &formula::vector(&[2, 4, 5, 6, 7, 3]), "long");
    // Cut at a character's edge, wherever that is.
    for shift in 0..4 {
        let text = format!("wing {}{}", "x".repeat(shift), "é🦀".repeat(4_000));
        assert_near(embedder.embed_query(&text).await.unwrap(), &formula::vector(&[2, 4, 1, 3]), "odd");
    }
}

#[tokio::test]
async fn a_text_that_says_nothing_to_the_model_has_no_vector() {
    let folder = tiny_model();
    let embedder = TransformerEmbedder::open(folder.path()).unwrap();
    let texts = ["", " \n", "\u{0}\u{200b}", "unheard of", "翼"].map(str::to_owned);
    assert_eq!(embedder.embed_documents(&texts).await.unwrap(), [const { None }; 5]);
    assert_eq!(embedder.embed_query("").await.unwrap(), None);
    assert_eq!(embedder.embed_documents(&[]).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_texts_at_once_keep_their_order() {
    let folder = tiny_model();
    let embedder = TransformerEmbedder::open(folder.path()).unwrap();
    let texts: Vec<String> = (0..60)
        .map(|number| {
            format!("{} {} {}", WORDS[4 + number % 5], WORDS[4 + number / 5 % 5], WORDS[4 + number % 3])
        })
        .collect();
    let mut expected = Vec::new();
    for text in &texts {
        expected.push(embedder.embed_query(text).await.unwrap());
    }
    assert_eq!(embedder.embed_documents(&texts).await.unwrap(), expected);
}

#[tokio::test]
async fn a_question_waits_for_a_core_and_one_that_is_given_up_takes_none() {
    let folder = tiny_model();
    let embedder = TransformerEmbedder::open(folder.path()).unwrap();
    // Loads the model, which would be waited for otherwise.
    embedder.embed_query("wing").await.unwrap();
    let cores = u32::try_from(embedder.cores.get()).unwrap();
    let others = embedder.places.acquire_many(cores).await.unwrap();
    assert!(embedder.embed_query("wing").now_or_never().is_none());
    drop(others);
    assert_eq!(embedder.places.available_permits(), embedder.cores.get());
    assert!(embedder.embed_query("wing").await.unwrap().is_some());
}

/// What whoever installed the model is told.
async fn error_of(folder: &Path) -> String {
    let embedder = TransformerEmbedder::open(folder).unwrap();
    match embedder.embed_query("wing").await.unwrap_err() {
        EmbedError::NotLoaded { source, .. } => source.to_string(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn broken_files_are_named_with_what_is_wrong() {
    let with = |name: &str, value: Value| {
        let mut config = config();
        config[name] = value;
        config.to_string()
    };
    let mut bigger = tokenizer();
    bigger["model"]["vocab"]["more"] = json!(WORDS.len());
    let cases: [(&str, String, &str); 12] = [
        ("config.json", "{".into(), "config.json cannot be used: EOF"),
        ("config.json", with("model_type", json!("llama")), "model_type is not bert"),
        ("config.json", with("hidden_act", json!("relu")), "hidden_act is not gelu"),
        ("config.json", with("position_embedding_type", json!("relative_key")), "position_embedding_type"),
        ("config.json", with("num_attention_heads", json!(3)), "not a multiple"),
        ("config.json", with("num_attention_heads", json!(0)), "num_attention_heads is 0"),
        ("config.json", with("num_hidden_layers", json!(0)), "num_hidden_layers is 0"),
        (
            "config.json",
            with("num_hidden_layers", json!(3)),
            "no tensor encoder.layer.2.attention.self.query.weight",
        ),
        ("config.json", with("intermediate_size", json!(17)), "asks for F32[17, 8]"),
        ("sentence_bert_config.json", "{}".into(), "missing field `max_seq_length`"),
        ("tokenizer.json", "{}".into(), "tokenizer.json cannot be used"),
        ("tokenizer.json", bigger.to_string(), "has 11 tokens, and the model knows 10"),
    ];
    for (name, content, expected) in cases {
        let folder = tiny_model();
        write(folder.path(), name, content);
        let error = error_of(folder.path()).await;
        assert!(error.contains(expected), "{error}, not {expected}");
    }
}

#[tokio::test]
async fn broken_weights_are_refused() {
    let folder = tiny_model();
    let whole = safetensors(&tensors());
    let huge = u64::MAX.to_le_bytes();
    for content in [&whole[..whole.len() - 4], &whole[..40], &huge, b""] {
        write(folder.path(), "model.safetensors", content);
        let error = error_of(folder.path()).await;
        assert!(error.contains("not a sound safetensors file"), "{error}");
    }
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert!(error_of(folder.path()).await.contains("cannot read model.safetensors"));
}

#[tokio::test]
async fn a_model_of_other_dimensions_is_refused() {
    let folder = tiny_model();
    let manifest = json!({ "model_id": "transformer:tiny:00000000", "dimensions": 9, "files": [] });
    write(folder.path(), "autri-model.json", manifest.to_string());
    assert!(error_of(folder.path()).await.contains("has 8 dimensions, its manifest says 9"));
}

#[tokio::test]
async fn a_failed_load_is_tried_again() {
    let folder = tiny_model();
    write(folder.path(), "config.json", "not json");
    let embedder = TransformerEmbedder::open(folder.path()).unwrap();
    assert!(matches!(embedder.embed_query("wing").await, Err(EmbedError::NotLoaded { .. })));
    write(folder.path(), "config.json", config().to_string());
    assert!(embedder.embed_query("wing").await.unwrap().is_some());
}

#[test]
fn a_folder_without_a_manifest_has_no_model() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(TransformerEmbedder::open(folder.path()), Err(EmbedError::NotInstalled { .. })));
}
