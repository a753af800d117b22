//! Compares the published transformer's vectors with those that `NumPy` computed in double precision from the same weights.
//!
//! ```console
//! autri model install transformer --dir DIR
//! cargo run --package autri-retrieval --features transformer --example published_model -- DIR
//! ```
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::path::Path;

use autri_retrieval::embed::{Embedder, TransformerEmbedder};

/// The first values of each text's vector.
const EXPECTED: [(&str, [f32; 4]); 2] = [
    ("This is an example sentence", [0.067_656_9, 0.063_495_9, 0.048_713_1, 0.079_304_98]),
    ("What is the boundary layer?", [-0.025_237_99, 0.041_880_77, 0.006_404_76, -0.021_165_97]),
];
const TOLERANCE: f32 = 1e-5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name the model's folder")?;
    let embedder = TransformerEmbedder::open(Path::new(&folder))?;
    for (text, expected) in EXPECTED {
        let vector = embedder.embed_query(text).await?.ok_or("no vector")?;
        if vector.iter().zip(expected).any(|(value, expected)| (value - expected).abs() > TOLERANCE) {
            return Err(format!("{text:?}: {:?}, not {expected:?}", &vector[..4]).into());
        }
    }
    println!("{} vectors are those that were published", EXPECTED.len());
    Ok(())
}
