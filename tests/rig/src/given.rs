//! Real systems that the environment names instead of the rig's own.
//!
//! * `ARK_TEST_KUBECONFIG`: a kubeconfig, of kind, k3s or any cluster that may be written to. Tests make namespaces, definitions and
//!   cluster-scoped objects of their own and remove them. `ARK_TEST_EXEC_IMAGE`: an image with a shell, for `exec`.
//! * `ARK_TEST_S3_ENDPOINT`, `_BUCKET`, `_ACCESS_KEY`, `_SECRET_KEY`, and if needed `_REGION` and `_PREFIX`: an existing bucket.

use std::path::{Path, PathBuf};

use crate::control_plane;
use crate::error::RigError;
use crate::minio::Bucket;

/// A variable of the environment, if it is set and not empty.
#[expect(clippy::disallowed_methods, reason = "real systems are named by the environment, and only here")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The kubeconfig of a given cluster.
pub fn kubeconfig() -> Option<PathBuf> {
    variable("ARK_TEST_KUBECONFIG").map(PathBuf::from)
}

/// A client of what a kubeconfig leads to, as [`crate::ControlPlane::client`].
pub async fn client(kubeconfig: &Path) -> Result<kube::Client, RigError> {
    control_plane::client(kubeconfig).await
}

/// A given bucket.
pub fn bucket() -> Option<Bucket> {
    let part = |name: &str| variable(&format!("ARK_TEST_S3_{name}"));
    Some(Bucket {
        endpoint: part("ENDPOINT")?,
        name: part("BUCKET")?,
        access_key: part("ACCESS_KEY")?,
        secret_key: part("SECRET_KEY")?,
        region: part("REGION").unwrap_or_else(|| "us-east-1".to_owned()),
        prefix: part("PREFIX").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_not_given() {
        assert_eq!(variable("ARK_TEST_A_NAME_THAT_NOBODY_SETS"), None);
    }
}
