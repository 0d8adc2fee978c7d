//! `kubectl`: a table of commands, run against the simulator and against a real API server; exit code, output and errors must be equal.
//!
//! The table is `kubectl/commands.txt`. What a server makes up (uids, versions, times, addresses, ages) is replaced by its name
//! before the comparison, and columns may have other widths.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use rig::{ControlPlane, Options};

use crate::simulator::Simulator;

/// The commands; `NS` stands for the namespace of the session.
const COMMANDS: &str = include_str!("kubectl/commands.txt");

/// What is made up, and the word for it. In this order.
static MADE_UP: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
        (r"/tmp/(LIVE|MERGED)-\d+", "/tmp/$1"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+\d{4}", "TIME"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+\-A-Z0-9]+", "TIME"),
        (r#"([rR]esource ?Version"?: +"?)\d+"#, "${1}VERSION"),
        (r"\b10\.96\.\d+\.\d+\b", "ADDRESS"),
        (r"\b\d+(d|h|m|s|ms)(\d+(m|s))?\b", "AGE"),
        (r"https?://127\.0\.0\.1:\d+", "SERVER"),
        (r"[ \t]+", " "),
        (r"(?m) $", ""),
    ]
    .into_iter()
    .map(|(pattern, word)| (Regex::new(pattern).expect("a pattern"), word))
    .collect()
});

/// A command and everything that it said.
struct Said {
    command: &'static str,
    text: String,
}

/// The table's commands.
fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/kubectl")
}

/// The text with the causes of an error sorted: a real server finds those of a custom resource in any order.
fn settled(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for causes in lines.chunk_by_mut(|one, next| one.starts_with("! * ") && next.starts_with("! * ")) {
        causes.sort_unstable();
    }
    lines.join("\n")
}

/// Runs the whole table.
fn session(kubeconfig: &Path, namespace: &str) -> Vec<Said> {
    let cache = tempfile::tempdir().expect("a folder");
    let run = |command: &'static str| {
        let line = format!(
            "kubectl --request-timeout=60s --cache-dir={} {}",
            cache.path().display(),
            command.replace("NS", namespace)
        );
        let output = Command::new("sh")
            .args(["-c", &line])
            .current_dir(manifests())
            .env("KUBECONFIG", kubeconfig)
            .output()
            .expect("a shell");
        let mut text = format!("exit {}\n", output.status.code().unwrap_or(-1));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            let _ = writeln!(text, "! {line}");
        }
        let text = MADE_UP.iter().fold(text, |text, (made_up, word)| made_up.replace_all(&text, *word).into_owned());
        Said { command, text: settled(&text.replace(namespace, "NS")) }
    };
    commands().map(run).collect()
}

/// The commands that were answered differently, with the lines that differ.
fn differences(simulated: &[Said], real: &[Said]) -> Vec<String> {
    assert_eq!(simulated.len(), real.len());
    simulated
        .iter()
        .zip(real)
        .filter(|(simulated, real)| simulated.text != real.text)
        .map(|(simulated, real)| {
            let mut report = format!("kubectl {}\n", simulated.command);
            let (ours, theirs): (Vec<_>, Vec<_>) = (simulated.text.lines().collect(), real.text.lines().collect());
            for line in ours.iter().filter(|line| !theirs.contains(line)) {
                let _ = writeln!(report, "    simulator: {line}");
            }
            for line in theirs.iter().filter(|line| !ours.contains(line)) {
                let _ = writeln!(report, "    real:      {line}");
            }
            report
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_is_told_the_same_by_a_real_server() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        eprintln!("skipped: kubectl is not installed");
        return;
    }
    let Some(plane) = rig::or_skip(ControlPlane::start(Options::api()).await) else {
        return;
    };
    let simulator = Simulator::start().await;
    let kubeconfig = plane.kubeconfig().to_owned();
    let [simulated, real] = [simulator.kubeconfig(), kubeconfig]
        .map(|kubeconfig| tokio::task::spawn_blocking(move || session(&kubeconfig, "table")));
    let (simulated, real) = (simulated.await.expect("a session"), real.await.expect("a session"));
    let different = differences(&simulated, &real);
    println!("kubectl: {} commands, {} answered differently", real.len(), different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}
