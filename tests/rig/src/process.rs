//! Programs that run beside a test: started with a log, stopped for sure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::RigError;
use crate::folder::Folder;

/// How many lines of a log are shown.
const LOG_LINES: usize = 10;

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; what it says goes to `NAME.log` of the folder.
    pub(crate) fn start(
        folder: &Folder,
        name: &'static str,
        program: &Path,
        arguments: &[String],
        environment: &[(&str, &str)],
    ) -> Result<Self, RigError> {
        let log = folder.file(&format!("{name}.log"));
        let open = || File::options().create(true).append(true).open(&log);
        let file = open().map_err(RigError::io(format!("opening {}", log.display())))?;
        let errors = file.try_clone().map_err(RigError::io(format!("opening {}", log.display())))?;
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .map_err(RigError::io(format!("starting {}", program.display())))?;
        folder.note(child.id())?;
        Ok(Self { name, child, log })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it at once and waits until it is gone: its ports are free afterwards.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The error that it did not come up.
    pub(crate) fn failed(&self, reason: &str) -> RigError {
        RigError::Start { program: self.name.to_owned(), reason: reason.to_owned(), log: self.tail() }
    }

    /// The last lines of its log.
    pub(crate) fn tail(&self) -> String {
        let text = fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let begin = lines.len().saturating_sub(LOG_LINES);
        format!("--- the end of {} ---\n{}", self.log.display(), lines[begin..].join("\n"))
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "a test that fails shows what the real system said")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.tail());
        }
        self.kill();
    }
}

/// Whether a process is there.
pub(crate) fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// Whether a process was started with the folder somewhere in its arguments, or works in it.
pub(crate) fn mentions(pid: u32, folder: &Path) -> bool {
    let proc = Path::new("/proc").join(pid.to_string());
    let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
    let works_in = fs::read_link(proc.join("cwd")).is_ok_and(|path| path.starts_with(folder));
    works_in || String::from_utf8_lossy(&arguments).contains(&*folder.to_string_lossy())
}

/// Kills a process that is nobody's child here.
pub(crate) fn kill(pid: u32) {
    // A word of the shell: not every machine has a program of that name.
    let _ = Command::new("sh").args(["-c", &format!("kill -KILL {pid}")]).status();
}

/// The most memory that a process has held, in bytes, as the kernel counts it; `None` where it is gone or nobody counts.
pub fn peak_resident_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_held_memory() {
        assert!(peak_resident_bytes(std::process::id()).unwrap() > 1 << 20);
        assert_eq!(peak_resident_bytes(4_194_999), None);
    }

    #[test]
    fn a_program_is_logged_and_gone_when_dropped() {
        let folder = Folder::new().unwrap();
        let arguments = ["-c".to_owned(), "echo said; sleep 60".to_owned()];
        let mut process = Process::start(&folder, "sh", Path::new("/bin/sh"), &arguments, &[]).unwrap();
        while !process.tail().contains("said") {
            assert!(process.is_running());
            std::thread::yield_now();
        }
        let pid = process.id();
        drop(process);
        assert!(!is_alive(pid));
    }
}
