//! Agreement, measured: generated request scripts run on the simulator and on a real API server, and every answer is compared.
//!
//! `cargo test -p agreement -- --scripts 2000 --seed 1` is what CI runs; other numbers are other scripts, `--script N` is one of
//! them with every difference shown, `--kind Role` only those about a kind (a plural name or a group will do), `--access N` so many
//! about who may do what (`access`). A script is a list of requests about objects of one kind in a namespace of its own
//! (`script`); both servers get the same bytes, but for what an earlier answer told (`run`). What a server makes up is replaced by
//! the order of its appearance (`normal`); the rest has to be equal: status code, reason, message, causes, warnings, objects with
//! their field owners, events of watches.
//!
//! # Differences
//!
//! Those that stay are the rows of one table (`explained`). Its rows are shown in the README of the simulator.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test with arguments and a report of its own")]

use std::process::ExitCode;

mod access;
mod explained;
mod kinds;
mod normal;
mod run;
mod script;

use futures::{StreamExt as _, stream};
use kubesim::{ApiServer, Authorization, Clock, UserInfo};
use rig::{ControlPlane, Options};

use crate::run::Server;
use crate::script::Script;

/// Scripts that run at the same time.
const AT_ONCE: usize = 8;

/// Scripts whose differences are shown in full.
const SHOWN: usize = 25;

struct Arguments {
    scripts: u64,
    seed: u64,
    one: Option<u64>,
    kind: Option<String>,
    /// Scripts about access.
    access: u64,
}

fn arguments() -> Arguments {
    let words: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse().ok()
    };
    let scripts = number("--scripts").unwrap_or(2_000);
    let one = number("--script");
    let kind = words.iter().position(|word| word == "--kind").and_then(|at| words.get(at + 1).cloned());
    let access = if one.is_some() || kind.is_some() { 0 } else { scripts / 40 };
    Arguments { scripts, seed: number("--seed").unwrap_or(1), one, kind, access: number("--access").unwrap_or(access) }
}

/// What one script found.
struct Found {
    script: Script,
    /// Step and what differs there.
    differences: Vec<(usize, String)>,
    explained: Vec<&'static str>,
}

/// Who asks: known by a certificate, as the rig is to the real server.
fn admin() -> UserInfo {
    let mut admin = UserInfo::new("admin").in_group("system:masters");
    let certificate = format!("X509SHA256={:064}", 0);
    admin.extra.insert("authentication.kubernetes.io/credential-id".to_owned(), vec![certificate]);
    admin
}

async fn compare(real: &Server, script: Script) -> Found {
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    let server = ApiServer::new(kubesim::Options {
        clock: Clock::manual(start),
        bootstrap: true,
        authorization: Authorization::Rbac,
        ..kubesim::Options::default()
    });
    let simulated = Server::Simulated(server.acting_as(admin()));
    simulated.prepare().await;
    let (ours, theirs) = (simulated.run(&script).await, real.run(&script).await);
    let (ours, theirs) = (normal::answers(&ours), normal::answers(&theirs));
    let mut found = Found { script, differences: Vec::new(), explained: Vec::new() };
    for (step, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        for difference in normal::differences(ours, theirs) {
            match explained::why(&found.script.steps[step], &difference) {
                Some(row) => found.explained.push(row),
                None => found.differences.push((step, difference)),
            }
        }
        // What follows a different outcome differs for that reason.
        if ours["code"] != theirs["code"] {
            break;
        }
    }
    found
}

/// The scripts that are asked for; of a kind that there is not, none.
fn numbers(arguments: &Arguments) -> Vec<u64> {
    let all = kinds::all();
    let of = |number: &u64| {
        let kind = all[*number as usize % all.len()];
        let group = kind.api_version.rsplit_once('/').map_or("core", |(group, _)| group);
        arguments.kind.as_deref().is_none_or(|asked| [kind.kind, kind.plural, group].contains(&asked))
    };
    let end = arguments.scripts.saturating_mul(all.len() as u64);
    (0..end).filter(of).take(arguments.scripts as usize).collect()
}

async fn all(arguments: Arguments) -> Result<bool, rig::RigError> {
    let plane = ControlPlane::start(Options::default()).await?;
    let real = Server::Real(plane.client().await?);
    real.prepare().await;
    let different = access::compare(&real, arguments.seed, arguments.access).await;
    let numbers = arguments.one.map_or_else(|| numbers(&arguments), |number| vec![number]);
    let scripts = numbers.into_iter().map(|number| Script::generate(arguments.seed, number));
    let found: Vec<Found> =
        stream::iter(scripts).map(|script| compare(&real, script)).buffered(AT_ONCE).collect().await;
    report(&found, arguments.one.is_some());
    Ok(different == 0 && found.iter().all(|found| found.differences.is_empty()))
}

/// Prints what differed, in full and by class.
fn report(found: &[Found], whole: bool) {
    let different: Vec<_> = found.iter().filter(|found| !found.differences.is_empty()).collect();
    let mut shown = std::collections::BTreeSet::new();
    for found in &different {
        let (step, difference) = &found.differences[0];
        let class = (found.script.steps[*step].what, difference.split(' ').next());
        if shown.len() == SHOWN || !shown.insert(class) {
            continue;
        }
        println!("script {} ({})", found.script.number, found.script.kind);
        let first = found.differences[0].0;
        for (step, request) in found.script.steps.iter().enumerate() {
            if whole || step == first {
                println!("  {step}: {request}");
            }
        }
        for (step, difference) in
            found.differences.iter().filter(|(step, _)| whole || *step == first).take(if whole { 100 } else { 6 })
        {
            println!("    {step}: {difference}");
        }
    }
    let mut classes = std::collections::BTreeMap::new();
    for found in &different {
        let (step, difference) = &found.differences[0];
        let step = &found.script.steps[*step];
        let path = difference.split(' ').next().unwrap_or_default();
        let class = classes
            .entry(format!("{} {} {path}", found.script.kind, step.what))
            .or_insert((0_u32, found.script.number));
        class.0 += 1;
    }
    let mut classes: Vec<_> = classes.into_iter().collect();
    classes.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (class, (count, script)) in classes.iter().take(40) {
        println!("{count:6} {class}, as in script {script}");
    }
    for row in explained::TABLE {
        let used = found.iter().flat_map(|found| &found.explained).filter(|id| **id == row.id).count();
        println!("explained: {used:6} {}", row.id);
    }
    let requests: usize = found.iter().map(|found| found.script.steps.len()).sum();
    println!(
        "agreement: {} scripts, {requests} requests, {} scripts with unexplained differences",
        found.len(),
        different.len()
    );
}

fn main() -> ExitCode {
    if !explained::is_shown() {
        eprintln!("error: the README of the simulator does not show the table of explained differences as it is");
        return ExitCode::FAILURE;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    match runtime.block_on(all(arguments())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is_not_available() => {
            eprintln!("skipped: {error}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
