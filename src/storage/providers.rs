//! [`open`]: from a URL or a path to a [`Bucket`].

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use super::bucket::UrlSigner;
use super::{Bucket, StorageError, StorageErrorKind};

/// Options of a store, such as `region`, `endpoint` or `access_key_id`. The caller collects them, from a Config object or
/// the environment: nothing here reads the environment.
pub type Settings = BTreeMap<String, String>;

/// The bucket at `location`: a path, `file:///path`, `memory:`, `s3://bucket/prefix`, `gs://bucket/prefix` or
/// `az://container/prefix`. A folder that does not exist is made.
///
/// Settings are those of `object_store`'s builders, by any of the names they have there, and Ark v0.6's own: `s3Url`,
/// `s3ForcePathStyle`, `kmsKeyId`.
///
/// # Errors
/// [`StorageErrorKind::Invalid`] where the location or a setting cannot be right, [`StorageErrorKind::Unsupported`] where this
/// build of Ark lacks the cloud.
pub fn open(location: &str, settings: &Settings) -> Result<Bucket, StorageError> {
    let invalid = |message: String| {
        StorageError::new(StorageErrorKind::Invalid, format!("open bucket '{}'", without_secrets(location)), message)
    };
    if location.is_empty() {
        return Err(invalid("it is empty; name a folder, s3://BUCKET, gs://BUCKET or az://CONTAINER".to_owned()));
    }
    if matches!(location, "memory:" | "memory://" | "memory:///") {
        return Ok(Bucket::memory());
    }
    let Some((scheme, _)) = location.split_once("://") else { return folder(FilePath::new(location)) };
    let url = Url::parse(location).map_err(|error| invalid(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("credentials and options do not belong into the URL; pass them as settings".to_owned()));
    }
    if scheme == "file" {
        let path = url.to_file_path().map_err(|()| invalid("a file URL names an absolute path".to_owned()))?;
        return folder(&path);
    }
    let bucket = url.host_str().filter(|host| !host.is_empty());
    let bucket = bucket.ok_or_else(|| invalid(format!("write {scheme}://BUCKET or {scheme}://BUCKET/PREFIX")))?;
    let prefix = Path::from_url_path(url.path()).map_err(|error| invalid(error.to_string()))?;
    let opened = match scheme {
        "s3" | "s3a" => clouds::s3(bucket, settings),
        "gs" => clouds::gcs(bucket, settings),
        "az" | "azure" => clouds::azure(bucket, settings),
        _ => Err(invalid(format!("scheme {scheme} is unknown; use a path, file, s3, gs, az or memory"))),
    }?;
    let shown = format!("{scheme}://{bucket}/{prefix}");
    Ok(opened.named(shown.trim_end_matches('/')).with_prefix(prefix))
}

/// A location as it may be shown: without what stands before an `@` or after a `?`.
fn without_secrets(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    match (location.find("://"), location[..end].rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &location[..scheme + 3], &location[at + 1..end]),
        _ => location[..end].to_owned(),
    }
}

fn folder(path: &FilePath) -> Result<Bucket, StorageError> {
    let error = |message: String| {
        StorageError::new(StorageErrorKind::Invalid, format!("open folder {}", path.display()), message)
    };
    std::fs::create_dir_all(path).map_err(|cause| error(format!("{cause}; name a folder that can be written")))?;
    let root = path.canonicalize().map_err(|cause| error(cause.to_string()))?;
    let store = LocalFileSystem::new_with_prefix(&root).map_err(|cause| error(cause.to_string()))?;
    // A backup that is called complete survives a power cut.
    let store = store.with_fsync(true).with_automatic_cleanup(true);
    let url = Url::from_file_path(&root).map_or_else(|()| root.display().to_string(), String::from);
    Ok(Bucket::new(Arc::new(store), url).with_signer(Arc::new(FileUrls { root })))
}

/// Whoever can read the folder needs no signature.
#[derive(Debug)]
struct FileUrls {
    root: PathBuf,
}

#[async_trait]
impl UrlSigner for FileUrls {
    async fn sign_get(&self, path: &Path, _valid: Duration) -> Result<String, StorageError> {
        let file = self.root.join(path.as_ref());
        Url::from_file_path(&file).map(String::from).map_err(|()| {
            StorageError::new(StorageErrorKind::Invalid, format!("make a URL for {path}"), "the folder is not absolute")
        })
    }
}

/// The clouds that this build of Ark has.
mod clouds {
    use super::{Bucket, Settings, StorageError, StorageErrorKind};

    /// A store of `object_store` that also signs.
    #[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
    fn bucket<S>(store: S) -> Bucket
    where
        S: object_store::ObjectStore + object_store::signer::Signer,
    {
        let store = std::sync::Arc::new(store);
        let signer = std::sync::Arc::new(super::CloudUrls(std::sync::Arc::clone(&store)));
        Bucket::new(store, String::new()).with_signer(signer)
    }

    #[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
    fn invalid(setting: &str, error: impl std::fmt::Display) -> StorageError {
        StorageError::new(
            StorageErrorKind::Invalid,
            format!("set up the bucket with setting {setting}"),
            error.to_string(),
        )
    }

    #[cfg(not(all(feature = "aws", feature = "gcp", feature = "azure")))]
    fn lacking(scheme: &str, feature: &str) -> StorageError {
        StorageError::new(
            StorageErrorKind::Unsupported,
            format!("open a bucket of {scheme}://"),
            format!("this ark was built without it; build with --features {feature}"),
        )
    }

    #[cfg(feature = "aws")]
    pub(super) fn s3(name: &str, settings: &Settings) -> Result<Bucket, StorageError> {
        use object_store::ClientConfigKey;
        use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
        let mut builder = AmazonS3Builder::new().with_bucket_name(name);
        for (key, value) in settings {
            builder = match key.as_str() {
                "s3Url" if value.starts_with("http://") => {
                    // Without TLS nobody needs the system's certificates, and reading them takes longer than a small backup.
                    let certificates = AmazonS3ConfigKey::Client(ClientConfigKey::NoSystemCertificates);
                    builder.with_endpoint(value).with_allow_http(true).with_config(certificates, "true")
                }
                "s3Url" => builder.with_endpoint(value),
                "s3ForcePathStyle" => {
                    let path_style: bool =
                        value.parse().map_err(|_| invalid(key, "could not parse s3ForcePathStyle (expected bool)"))?;
                    builder.with_virtual_hosted_style_request(!path_style)
                }
                "kmsKeyId" => builder.with_sse_kms_encryption(value),
                _ => {
                    let known: AmazonS3ConfigKey = key.parse().map_err(|error| invalid(key, error))?;
                    builder.with_config(known, value)
                }
            };
        }
        Ok(bucket(builder.build().map_err(|error| invalid("region", error))?))
    }

    #[cfg(not(feature = "aws"))]
    pub(super) fn s3(_: &str, _: &Settings) -> Result<Bucket, StorageError> {
        Err(lacking("s3", "aws"))
    }

    #[cfg(feature = "gcp")]
    pub(super) fn gcs(name: &str, settings: &Settings) -> Result<Bucket, StorageError> {
        use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
        let mut builder = GoogleCloudStorageBuilder::new().with_bucket_name(name);
        for (key, value) in settings {
            let known: GoogleConfigKey = key.parse().map_err(|error| invalid(key, error))?;
            builder = builder.with_config(known, value);
        }
        Ok(bucket(builder.build().map_err(|error| invalid("service_account", error))?))
    }

    #[cfg(not(feature = "gcp"))]
    pub(super) fn gcs(_: &str, _: &Settings) -> Result<Bucket, StorageError> {
        Err(lacking("gs", "gcp"))
    }

    #[cfg(feature = "azure")]
    pub(super) fn azure(name: &str, settings: &Settings) -> Result<Bucket, StorageError> {
        use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
        let mut builder = MicrosoftAzureBuilder::new().with_container_name(name);
        for (key, value) in settings {
            let known: AzureConfigKey = key.parse().map_err(|error| invalid(key, error))?;
            builder = builder.with_config(known, value);
        }
        Ok(bucket(builder.build().map_err(|error| invalid("account_name", error))?))
    }

    #[cfg(not(feature = "azure"))]
    pub(super) fn azure(_: &str, _: &Settings) -> Result<Bucket, StorageError> {
        Err(lacking("az", "azure"))
    }
}

/// The signer that comes with a cloud's store.
#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
#[derive(Debug)]
struct CloudUrls<S>(Arc<S>);

#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
#[async_trait]
impl<S: object_store::signer::Signer + 'static> UrlSigner for CloudUrls<S> {
    async fn sign_get(&self, path: &Path, valid: Duration) -> Result<String, StorageError> {
        let signed = self.0.signed_url(http::Method::GET, path, valid).await;
        signed.map(String::from).map_err(|error| StorageError::of(&error, format!("sign a URL for {path}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_bucket_says_why_and_quotes_no_secret() {
        for (location, kind) in [
            ("", StorageErrorKind::Invalid),
            ("ftp://host/x", StorageErrorKind::Invalid),
            ("s3://key:s3cret@bucket", StorageErrorKind::Invalid),
            ("s3://bucket?secret=s3cret", StorageErrorKind::Invalid),
            ("s3:///prefix", StorageErrorKind::Invalid),
            ("file://host/x", StorageErrorKind::Invalid),
            #[cfg(not(feature = "aws"))]
            ("s3://bucket/prefix", StorageErrorKind::Unsupported),
            #[cfg(not(feature = "gcp"))]
            ("gs://bucket", StorageErrorKind::Unsupported),
            #[cfg(not(feature = "azure"))]
            ("az://container", StorageErrorKind::Unsupported),
        ] {
            let error = open(location, &Settings::new()).expect_err(location);
            assert_eq!(error.kind, kind, "{location}: {error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_folder_is_made_and_files_in_it_have_urls() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("a/b c");
        let bucket = open(path.to_str().expect("text"), &Settings::new()).expect("a folder");
        bucket.create("x/y", "text").await.expect("written");
        assert!(bucket.url().starts_with("file:///") && bucket.url().ends_with("/a/b%20c"), "{}", bucket.url());
        let again = open(bucket.url(), &Settings::new()).expect("the same folder");
        assert_eq!(again.read("x/y", 10).await.expect("there"), "text");
        let url = bucket.sign_get("x/y", Duration::from_secs(1)).await.expect("a URL");
        let file = Url::parse(&url).expect("a URL").to_file_path().expect("a file");
        assert_eq!(std::fs::read_to_string(file).expect("there"), "text");
    }

    #[test]
    #[cfg(feature = "aws")]
    fn settings_of_ark_and_of_the_store_are_taken_and_others_refused() {
        let settings = |pairs: &[(&str, &str)]| -> Settings {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let good = settings(&[
            ("region", "eu-central-1"),
            ("s3Url", "http://minio:9000"),
            ("s3ForcePathStyle", "true"),
            ("access_key_id", "a"),
            ("secret_access_key", "b"),
        ]);
        let bucket = open("s3://bucket/some/prefix/", &good).expect("a bucket");
        assert_eq!(bucket.url(), "s3://bucket/some/prefix");
        assert_eq!(bucket.path("b/ark-backup.json").as_ref(), "some/prefix/b/ark-backup.json");
        for bad in [&[("s3ForcePathStyle", "perhaps")][..], &[("colour", "red")]] {
            assert!(open("s3://bucket", &settings(bad)).is_err());
        }
    }
}
