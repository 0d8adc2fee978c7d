//! Building the tools: one Go module each under `tests/rig/tools`, with pinned versions and checksums.
//!
//! A tool is built once and again when its module changes: beside each program lies the digest of what it was built from. A lock on a
//! file keeps two processes from building at once. `ARK_RIG_BIN` names the folder of the programs; without it they lie in `rig/bin` of
//! cargo's target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::error::RigError;
use crate::given::variable;

/// The Kubernetes release that the rig builds; also in `tools/kubernetes/go.mod`.
const KUBERNETES: &str = "v1.36.3";

/// A program of the rig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The store of the API server.
    Etcd,
    /// The API server.
    ApiServer,
    /// The controllers.
    ControllerManager,
    /// The scheduler.
    Scheduler,
    /// Nodes and pods by declaration.
    Kwok,
    /// An S3.
    Minio,
    /// A client written with client-go.
    ClientGo,
}

impl Tool {
    /// All of them, in the order in which they are built.
    pub const ALL: [Self; 7] = [
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Kwok,
        Self::Minio,
        Self::ClientGo,
    ];

    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
            Self::Minio => "minio",
            Self::ClientGo => "client-go",
        }
    }

    /// The folder of its module, and the package.
    fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Etcd => ("etcd", "go.etcd.io/etcd/server/v3"),
            Self::ApiServer => ("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
            Self::ControllerManager => ("kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
            Self::Scheduler => ("kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"),
            Self::Kwok => ("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
            Self::Minio => ("minio", "github.com/minio/minio"),
            Self::ClientGo => ("client-go", "."),
        }
    }

    /// What the linker is told: no debug data, and for Kubernetes its version.
    fn linker_flags(self) -> String {
        let (module, _) = self.source();
        if module != "kubernetes" {
            return "-s -w".to_owned();
        }
        let package = "k8s.io/component-base/version";
        let mut numbers = KUBERNETES.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        format!(
            "-s -w -X {package}.gitVersion={KUBERNETES} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
        )
    }
}

fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tools")
}

/// Where the programs are.
pub(crate) fn programs() -> PathBuf {
    if let Some(folder) = variable("ARK_RIG_BIN") {
        return PathBuf::from(folder);
    }
    let target = variable("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    target.join("rig/bin")
}

/// The path of a built program.
pub fn program(tool: Tool) -> PathBuf {
    programs().join(tool.name())
}

/// What a program was built from.
fn digest(tool: Tool) -> Result<String, RigError> {
    let (module, package) = tool.source();
    let folder = modules().join(module);
    let mut hash = Sha256::new();
    let mut files: Vec<_> = fs::read_dir(&folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(RigError::io(format!("reading {}", folder.display())))?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for file in files {
        hash.update(fs::read(&file).map_err(RigError::io(format!("reading {}", file.display())))?);
    }
    hash.update(package);
    hash.update(tool.linker_flags());
    Ok(hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

fn go(module: &str) -> Command {
    let mut command = Command::new("go");
    command.current_dir(modules().join(module)).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly -buildvcs=false");
    command
}

/// Builds what is missing or out of date, telling `say` of each tool before its build begins.
///
/// # Errors
///
/// [`RigError::NotAvailable`] where something has to be built and there is no Go.
pub fn build(tools: &[Tool], mut say: impl FnMut(Tool)) -> Result<(), RigError> {
    let folder = programs();
    fs::create_dir_all(&folder).map_err(RigError::io(format!("making {}", folder.display())))?;
    let lock = File::create(folder.join("lock")).map_err(RigError::io("the lock of the tools"))?;
    lock.lock().map_err(RigError::io("the lock of the tools"))?;
    for tool in tools {
        let stamp = folder.join(format!("{}.digest", tool.name()));
        let wanted = digest(*tool)?;
        let built = program(*tool).exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
        if built {
            continue;
        }
        if Command::new("go").arg("version").output().is_err() {
            return Err(RigError::NotAvailable(format!(
                "{} is not built and Go is not installed: install Go 1.26 or later, or name real systems in the environment",
                tool.name()
            )));
        }
        say(*tool);
        compile(*tool)?;
        fs::write(&stamp, wanted).map_err(RigError::io(format!("writing {}", stamp.display())))?;
    }
    Ok(())
}

fn compile(tool: Tool) -> Result<(), RigError> {
    let (module, package) = tool.source();
    let output = go(module)
        .args(["build", "-trimpath", "-tags=tools", "-ldflags", &tool.linker_flags(), "-o"])
        .arg(program(tool))
        .arg(package)
        .output()
        .map_err(RigError::io("running go build"))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(RigError::Build { tool: tool.name().to_owned(), folder: modules().join(module), output });
    }
    if tool == Tool::Kwok { stages() } else { Ok(()) }
}

/// Where the stages of nodes and pods lie that kwok plays.
pub(crate) fn stage_file() -> PathBuf {
    programs().join("kwok-stages.yaml")
}

/// Collects kwok's own stages from its module: without any it has nothing to play.
fn stages() -> Result<(), RigError> {
    let output = go("kwok")
        .args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])
        .output()
        .map_err(RigError::io("running go list"))?;
    let module = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let mut documents = Vec::new();
    for stage in ["node/fast", "node/heartbeat", "pod/fast"] {
        let folder = module.join("kustomize/stage").join(stage);
        let listed = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut files: Vec<_> = listed
            .map_err(RigError::io(format!("reading {}", folder.display())))?
            .into_iter()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "yaml") && !path.ends_with("kustomization.yaml"))
            .collect();
        files.sort();
        for file in files {
            documents.push(fs::read_to_string(&file).map_err(RigError::io(format!("reading {}", file.display())))?);
        }
    }
    let file = stage_file();
    fs::write(&file, documents.join("\n---\n")).map_err(RigError::io(format!("writing {}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_pin_what_the_flags_say() {
        let text = fs::read_to_string(modules().join("kubernetes/go.mod")).unwrap();
        assert!(text.contains(&format!("k8s.io/kubernetes {KUBERNETES}")));
        for tool in Tool::ALL {
            let (module, _) = tool.source();
            assert!(modules().join(module).join("go.sum").exists(), "{module} has no checksums");
            assert_ne!(digest(tool).unwrap(), "");
        }
    }
}
