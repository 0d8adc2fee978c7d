//! The contract of the bucket over S3, where one is at hand. Memory and folders pass it in the library's own tests.

/// Runs where `ARK_TEST_S3_ENDPOINT`, `ARK_TEST_S3_BUCKET`, `ARK_TEST_S3_ACCESS_KEY` and `ARK_TEST_S3_SECRET_KEY` are set and
/// the feature `aws` is on, against an existing bucket. Each promise gets a prefix of its own, which must be empty:
/// `ARK_TEST_S3_PREFIX` is put in front of it, so that a bucket can be used twice.
#[tokio::test]
#[cfg(feature = "aws")]
async fn s3_keeps_the_contract() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ark::storage::contract::backup_store_contract;
    use ark::storage::{BackupStore, Settings, open};

    #[expect(clippy::disallowed_methods, reason = "a store for tests is named by the environment")]
    let variable = |name: &str| std::env::var(format!("ARK_TEST_S3_{name}")).ok();
    let (Some(endpoint), Some(bucket), Some(access_key), Some(secret_key)) =
        (variable("ENDPOINT"), variable("BUCKET"), variable("ACCESS_KEY"), variable("SECRET_KEY"))
    else {
        eprintln!("skipped: ARK_TEST_S3_ENDPOINT, _BUCKET, _ACCESS_KEY and _SECRET_KEY name no S3");
        return;
    };
    let settings: Settings = [
        ("s3Url", endpoint),
        ("s3ForcePathStyle", "true".to_owned()),
        ("region", variable("REGION").unwrap_or_else(|| "us-east-1".to_owned())),
        ("access_key_id", access_key),
        ("secret_access_key", secret_key),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    let prefix = variable("PREFIX").unwrap_or_else(|| "ark-contract".to_owned());
    let count = AtomicUsize::new(0);
    backup_store_contract(|| async {
        let number = count.fetch_add(1, Ordering::Relaxed);
        BackupStore::new(open(&format!("s3://{bucket}/{prefix}/{number}"), &settings).expect("a bucket"))
    })
    .await;
}

/// Says what is missing.
#[test]
#[cfg(not(feature = "aws"))]
fn s3_needs_a_feature() {
    eprintln!("skipped: the contract over S3 needs --features aws and ARK_TEST_S3_ENDPOINT");
}
