//! Where documents are to be looked for, as a person types it.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::bail;
#[cfg(feature = "aws")]
use autri_retrieval::ingest::ObjectFolder;
use autri_retrieval::ingest::{ObjectLocation, ObjectLocationError, Source};
use autri_retrieval::walk::SourceBaseUrl;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A file or a folder.
    Path(PathBuf),
    /// A folder of S3, or an object.
    Objects(ObjectLocation),
}

impl Place {
    /// What begins with `s3://` is in S3. (A folder of this name is `./s3:`.)
    pub(super) fn parse(argument: OsString) -> Result<Self, ObjectLocationError> {
        match argument.to_str() {
            Some(text) if text.starts_with("s3://") => Ok(Self::Objects(text.parse()?)),
            _ => Ok(Self::Path(argument.into())),
        }
    }
}

/// All of them, to be looked through. Nothing is listed yet.
///
/// # Errors
/// When a path does not exist, or this build knows no S3.
pub(super) async fn source(places: Vec<Place>, base_url: Option<&SourceBaseUrl>) -> anyhow::Result<Source> {
    let (mut paths, mut locations) = (Vec::new(), Vec::new());
    for place in places {
        match place {
            Place::Path(path) => paths.push(path),
            Place::Objects(location) if locations.contains(&location) => {}
            Place::Objects(location) => locations.push(location),
        }
    }
    for location in &locations {
        let outer = locations.iter().find(|outer| *outer != location && outer.contains(location));
        if let Some(outer) = outer {
            bail!("{location} is in {outer}, which is to be ingested as well: name one of the two");
        }
    }
    let source = Source::find(&paths, base_url)?;
    if locations.is_empty() { Ok(source) } else { with_objects(source, locations, base_url).await }
}

#[cfg(feature = "aws")]
async fn with_objects(
    source: Source,
    locations: Vec<ObjectLocation>,
    base_url: Option<&SourceBaseUrl>,
) -> anyhow::Result<Source> {
    let config = crate::cognito::aws().await;
    Ok(locations.into_iter().fold(source, |source, location| {
        let store = super::objects::open(&config, location.bucket());
        source.with_objects(ObjectFolder { store, location, base_url: base_url.cloned() })
    }))
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "with S3 it waits")]
async fn with_objects(
    _: Source,
    _: Vec<ObjectLocation>,
    _: Option<&SourceBaseUrl>,
) -> anyhow::Result<Source> {
    bail!("this autri was built without the feature `aws`, which s3:// takes: build it with --features aws")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_s3_is_in_s3() {
        let objects = |text: &str| Place::Objects(text.parse().unwrap());
        assert_eq!(Place::parse("s3://team-docs/a b".into()), Ok(objects("s3://team-docs/a b/")));
        for path in ["docs", "./s3:", "s3:/docs", "S3://docs", ""] {
            assert_eq!(Place::parse(path.into()), Ok(Place::Path(path.into())));
        }
        Place::parse("s3://Team_Docs/x".into()).unwrap_err();
    }

    #[tokio::test]
    async fn a_folder_within_another_is_named_once() {
        let places = ["s3://team-docs/a/b", "s3://team-docs/a"];
        let places = places.map(|text| Place::parse(text.into()).unwrap());
        let error = source(places.into(), None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "s3://team-docs/a/b/ is in s3://team-docs/a/, which is to be ingested as well: name one of the two"
        );
    }

    #[cfg(not(feature = "aws"))]
    #[tokio::test]
    async fn without_aws_there_is_no_s3() {
        let place = Place::parse("s3://team-docs".into()).unwrap();
        let error = source(vec![place], None).await.unwrap_err();
        assert!(error.to_string().contains("--features aws"), "{error}");
    }
}
