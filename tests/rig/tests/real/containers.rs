//! The contracts on containers: a MinIO, and a k3s where images can be pulled.
//!
//! `ARK_TEST_MINIO_IMAGE` names the image of MinIO, as `minio/minio:latest`; without it an image of the rig's own MinIO is built, which
//! needs a Docker engine and no registry. `ARK_TEST_K3S_IMAGE`, as `rancher/k3s:v1.36.3-k3s1`, turns the test with k3s on.

use std::time::Duration;

use ark::clock::SystemClock;
use ark::cluster::KubeCluster;
use ark::cluster::contract::cluster_contract;
use ark::storage::contract::backup_store_contract;
use rig::{Bucket, RigError};
use testcontainers::core::{CmdWaitFor, ExecCommand, IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{GenericImage, ImageExt};

use crate::store::store;

const ACCESS_KEY: &str = "rig-access";
const SECRET_KEY: &str = "rig-secret-word";

/// The image of MinIO, as name and tag.
async fn minio_image() -> Result<(String, String), RigError> {
    let image = match rig::given::variable("ARK_TEST_MINIO_IMAGE") {
        Some(image) => image,
        None => tokio::task::spawn_blocking(rig::minio_image).await.expect("no panic")?.to_owned(),
    };
    Ok(split(&image))
}

fn split(image: &str) -> (String, String) {
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    (name.to_owned(), tag.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_a_container_keeps_the_contract() {
    let docker = tokio::task::spawn_blocking(rig::docker).await.expect("no panic");
    if rig::or_skip(docker).is_none() {
        return;
    }
    let Some((name, tag)) = rig::or_skip(minio_image().await) else {
        return;
    };
    let container = GenericImage::new(name, tag)
        .with_exposed_port(9000.tcp())
        .with_wait_for(WaitFor::message_on_either_std("API:"))
        .with_env_var("MINIO_ROOT_USER", ACCESS_KEY)
        .with_env_var("MINIO_ROOT_PASSWORD", SECRET_KEY)
        .with_cmd(["server", "/data", "--address", ":9000"])
        .start()
        .await
        .expect("the container starts");
    let port = container.get_host_port_ipv4(9000.tcp()).await.expect("a published port");
    let bucket = Bucket {
        endpoint: format!("http://127.0.0.1:{port}"),
        name: "ark".to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        region: "us-east-1".to_owned(),
        prefix: String::new(),
    };
    // The rig's own image brings the bucket; a public one has a shell to make it.
    if rig::given::variable("ARK_TEST_MINIO_IMAGE").is_some() {
        let make = ExecCommand::new(["mkdir", "-p", "/data/ark"]).with_cmd_ready_condition(CmdWaitFor::exit());
        container.exec(make).await.expect("the bucket is made");
    }
    backup_store_contract(|| async { store(&bucket, "container") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_k3s_in_a_container_keeps_the_contract() {
    let Some(image) = rig::given::variable("ARK_TEST_K3S_IMAGE") else {
        eprintln!("skipped: ARK_TEST_K3S_IMAGE names no image");
        return;
    };
    let (name, tag) = split(&image);
    let container = GenericImage::new(name, tag)
        .with_exposed_port(6443.tcp())
        .with_wait_for(WaitFor::message_on_either_std("Node controller sync successful"))
        .with_privileged(true)
        .with_cmd(["server", "--disable=traefik,metrics-server", "--tls-san=127.0.0.1"])
        .with_startup_timeout(Duration::from_mins(3))
        .start()
        .await
        .expect("the container starts");
    let port = container.get_host_port_ipv4(6443.tcp()).await.expect("a published port");
    let mut said = container.exec(ExecCommand::new(["cat", "/etc/rancher/k3s/k3s.yaml"])).await.expect("a kubeconfig");
    let text = String::from_utf8(said.stdout_to_vec().await.expect("its text")).expect("text");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, text.replace("127.0.0.1:6443", &format!("127.0.0.1:{port}"))).expect("a file");
    let ark = KubeCluster::connect(Some(&path), None).await.expect("a client");
    cluster_contract(&ark, &SystemClock, "ark-contract").await;
}
