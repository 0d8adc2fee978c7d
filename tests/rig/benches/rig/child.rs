//! Ark in a process of its own: this binary run again, as the command line `ark`, with its memory and time printed at its end.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// First argument of the process that is `ark`.
const AS_ARK: &str = "--as-ark";

/// What one command cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From its start to its end.
    pub(crate) time: Duration,
    /// Processor time of all its threads.
    pub(crate) processor: Duration,
    /// The most memory that was resident.
    pub(crate) peak_bytes: u64,
}

/// Whether this process is to be `ark`; then it was, and this is its exit code.
#[expect(clippy::print_stderr, reason = "the figures of the process are the last line that its parent reads")]
pub(crate) fn was_ark() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let _ = arguments.next();
    if arguments.next()? != AS_ARK {
        return None;
    }
    let arguments = std::iter::once("ark".into()).chain(arguments);
    let code = ark::cli::run(arguments, std::env::vars().collect());
    eprintln!("{} {}", rig::peak_resident_bytes(std::process::id()).unwrap_or(0), ticks());
    Some(ExitCode::from(code))
}

/// Ticks of processor time of this process, of a hundredth of a second each.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace());
    // Behind the name: the state is field 3, user and system time are 14 and 15.
    fields.map_or(0, |fields| fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum())
}

/// Runs `ark` with these arguments and expects that it ends well.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
pub(crate) fn ark(kubeconfig: &Path, environment: &[(String, String)], arguments: &[&str]) -> Cost {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.arg(AS_ARK).args(arguments).env("KUBECONFIG", kubeconfig);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("this binary can be run again");
    let time = start.elapsed();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ark {}: {text}", arguments.join(" "));
    let mut figures = text.trim_end().lines().last().unwrap_or_default().split(' ').map(str::parse::<u64>);
    let mut next = || figures.next().and_then(Result::ok).expect("the child prints its figures");
    let (peak, ticks) = (next(), next());
    Cost { time, processor: Duration::from_millis(ticks * 10), peak_bytes: peak }
}
