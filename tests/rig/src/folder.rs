//! The folder of a running system, and the sweeping of folders whose owner is gone.
//!
//! A folder is named after the process that made it. Each program's id stands in its `pids` file; the next start of any rig stops what
//! still runs of folders whose process is gone, and removes them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::RigError;
use crate::given::variable;
use crate::process;

const PREFIX: &str = "ark-rig-";

/// A folder that goes when it is dropped, unless `ARK_RIG_KEEP` is set.
#[derive(Debug)]
pub(crate) struct Folder {
    inner: Option<TempDir>,
    path: PathBuf,
}

impl Folder {
    /// A new folder; what is left of dead ones goes.
    pub(crate) fn new() -> Result<Self, RigError> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let inner = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(&parent)
            .map_err(RigError::io(format!("making a folder in {}", parent.display())))?;
        Ok(Self { path: inner.path().to_owned(), inner: Some(inner) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf, RigError> {
        let path = self.file(name);
        fs::write(&path, content).map_err(RigError::io(format!("writing {}", path.display())))?;
        Ok(path)
    }

    /// Remembers a process for the sweep.
    pub(crate) fn note(&self, pid: u32) -> Result<(), RigError> {
        let path = self.file("pids");
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| writeln!(file, "{pid}"))
            .map_err(RigError::io(format!("writing {}", path.display())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if variable("ARK_RIG_KEEP").is_some()
            && let Some(folder) = self.inner.take()
        {
            let _ = folder.keep();
        }
    }
}

/// Stops and removes what a process that is gone has left. Whatever cannot be removed stays for the next time.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        let Some(owner) = owner else {
            continue;
        };
        if process::is_alive(owner) {
            continue;
        }
        let folder = entry.path();
        let pids = fs::read_to_string(folder.join("pids")).unwrap_or_default();
        for pid in pids.lines().filter_map(|line| line.parse().ok()) {
            // The number may be somebody else's by now: only a program that was started in this folder is meant.
            if process::mentions(pid, &folder) {
                process::kill(pid);
            }
        }
        let _ = fs::remove_dir_all(&folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_swept_and_what_lives_stays() {
        let parent = tempfile::tempdir().unwrap();
        // No process has this number: it is above the kernel's limit.
        let dead = parent.path().join(format!("{PREFIX}4194999-x"));
        let alive = parent.path().join(format!("{PREFIX}{}-x", std::process::id()));
        let other = parent.path().join("other");
        for folder in [&dead, &alive, &other] {
            fs::create_dir(folder).unwrap();
        }
        let mut child =
            std::process::Command::new("sh").args(["-c", "sleep 60; :", dead.to_str().unwrap()]).spawn().unwrap();
        // A moment after its start a process has no arguments yet.
        while !process::mentions(child.id(), &dead) {
            std::thread::yield_now();
        }
        fs::write(dead.join("pids"), format!("{}\n{}\n", child.id(), std::process::id())).unwrap();
        sweep(parent.path());
        assert!(!dead.exists() && alive.exists() && other.exists());
        assert!(!child.wait().unwrap().success(), "the program was stopped");
    }
}
