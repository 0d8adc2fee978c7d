//! Docker, as far as the tests with containers need it: whether an engine answers, and an image of the rig's own MinIO.

use std::fs;
use std::process::Command;

use crate::error::RigError;
use crate::minio::{ACCESS_KEY, Minio, SECRET_KEY};
use crate::tools::{Tool, build};

/// The name of the image that [`minio_image`] builds.
pub const MINIO_IMAGE: &str = "ark-rig/minio:local";

/// Whether a Docker engine answers.
///
/// # Errors
///
/// [`RigError::NotAvailable`] with what the client said.
pub fn docker() -> Result<(), RigError> {
    run(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
}

/// Builds an image that holds the rig's MinIO and nothing else; no image is pulled for it.
///
/// # Errors
///
/// [`RigError::NotAvailable`] where no engine answers, or where MinIO would have to be built and there is no Go.
pub fn minio_image() -> Result<&'static str, RigError> {
    docker()?;
    build(&[Tool::Minio], |_| {})?;
    let context = tempfile::tempdir().map_err(RigError::io("making a folder for the image"))?;
    fs::copy(Minio::program(), context.path().join("minio")).map_err(RigError::io("copying MinIO"))?;
    fs::create_dir_all(context.path().join("data/ark")).map_err(RigError::io("making the bucket"))?;
    let recipe = format!(
        "FROM scratch\nCOPY minio /minio\nCOPY data /data\nCOPY data/ark /tmp\nENV MINIO_ROOT_USER={ACCESS_KEY} \
         MINIO_ROOT_PASSWORD={SECRET_KEY} MINIO_BROWSER=off HOME=/tmp\nEXPOSE 9000\nENTRYPOINT [\"/minio\"]\n"
    );
    fs::write(context.path().join("Dockerfile"), recipe).map_err(RigError::io("writing a Dockerfile"))?;
    run(Command::new("docker").args(["build", "--quiet", "--tag", MINIO_IMAGE]).arg(context.path()))?;
    Ok(MINIO_IMAGE)
}

fn run(command: &mut Command) -> Result<(), RigError> {
    let refused = |said: String| RigError::NotAvailable(format!("docker: {}", said.trim()));
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(refused(String::from_utf8_lossy(&output.stderr).into_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}
