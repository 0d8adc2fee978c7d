//! The rig for a person: builds the real systems, starts them and says how to reach them.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rig::{ControlPlane, Minio, Options, RigError, Tool};

/// Real systems for Ark's tests, built from source and run on this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Builds every tool; what is up to date is left alone.
    Build,
    /// Starts a control plane and a MinIO, prints how to reach them, and stops them on Ctrl-C.
    Up {
        /// Only etcd, the API server and the controllers of namespaces and garbage: no pods run.
        #[arg(long)]
        bare: bool,
        /// No MinIO.
        #[arg(long)]
        no_minio: bool,
    },
    /// Builds a Docker image with the rig's MinIO, for tests with containers, and prints its name.
    Image,
}

#[expect(clippy::print_stdout, reason = "the command line's output")]
fn build() -> Result<(), RigError> {
    rig::build(&Tool::ALL, |tool| println!("building {}", tool.name()))
}

#[expect(clippy::print_stdout, reason = "the command line's output")]
async fn up(bare: bool, no_minio: bool) -> Result<(), RigError> {
    build()?;
    let plane = ControlPlane::start(if bare { Options::api() } else { Options::full() }).await?;
    let minio = if no_minio { None } else { Some(Minio::start().await?) };
    println!("export KUBECONFIG={}", plane.kubeconfig().display());
    println!("export ARK_TEST_KUBECONFIG={}", plane.kubeconfig().display());
    if let Some(bucket) = minio.as_ref().map(Minio::bucket) {
        println!("export ARK_TEST_S3_ENDPOINT={} ARK_TEST_S3_BUCKET={}", bucket.endpoint, bucket.name);
        println!("export ARK_TEST_S3_ACCESS_KEY={} ARK_TEST_S3_SECRET_KEY={}", bucket.access_key, bucket.secret_key);
    }
    println!("# It runs until Ctrl-C.");
    tokio::signal::ctrl_c().await.map_err(|source| RigError::Io { what: "waiting for Ctrl-C".to_owned(), source })
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line's output")]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Verb::Build => build(),
        Verb::Up { bare, no_minio } => up(bare, no_minio).await,
        Verb::Image => rig::minio_image().map(|name| println!("{name}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
