//! `backup create`: a Backup object for the server, or with `--store` the backup itself, in this process.

use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::args::{FilterArgs, OutputArgs};
use super::args::{Format, LabelArgs, OptionalBool, StoreArgs, check_name, tristate};
use super::error::{CliError, Exit};
use super::human;
use super::objects::{Kind, Stage, value_of};
use super::output::Output;
use super::progress::JobBar;
use super::session::{Access, Session};
use crate::api::go::GoDuration;
use crate::api::{Backup, BackupPhase, BackupSpec, BackupStatus};
use crate::backup::{self, BackupContext};
use crate::results::Results;

/// `backup create`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CreateArgs {
    /// Name of the new backup
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// How long the backup is kept, as a Go duration; zero keeps it
    #[arg(long, value_name = "DURATION", default_value = "720h0m0s")]
    pub(crate) ttl: GoDuration,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Whether to snapshot volumes; where it is not given, wherever a provider is configured
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) snapshot_volumes: Option<OptionalBool>,
    #[command(flatten)]
    pub(crate) labels: LabelArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Wait until the server has done it
    #[arg(short, long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Creates a backup.
pub(crate) async fn create(session: &Session, args: &CreateArgs, output: &mut Output) -> Result<Exit, CliError> {
    let [name] = args.names.as_slice() else {
        return Err(CliError::usage("you must specify only one argument, the backup's name"));
    };
    check_name("backup", name)?;
    let backup = requested(session, args, name);
    let wrong = backup::validate(&backup.spec);
    if !wrong.is_empty() {
        return Err(CliError::usage(wrong.join("; ")));
    }
    if let Some(format) = args.output.output {
        return show(&value_of(&backup)?, format, &backup, output);
    }
    match &args.store.store {
        Some(url) => directly(session, url, backup, output).await,
        None => through_server(session, &backup, args.wait, output).await,
    }
}

/// The object that the flags describe.
fn requested(session: &Session, args: &CreateArgs, name: &str) -> Backup {
    let filter = &args.filter;
    let spec = BackupSpec {
        included_namespaces: filter.include_namespaces.0.clone(),
        excluded_namespaces: filter.exclude_namespaces.0.clone(),
        included_resources: filter.include_resources.0.clone(),
        excluded_resources: filter.exclude_resources.0.clone(),
        label_selector: filter.selector.api(),
        snapshot_volumes: tristate(args.snapshot_volumes),
        ttl: args.ttl,
        include_cluster_resources: tristate(filter.include_cluster_resources),
        ..BackupSpec::default()
    };
    let mut backup = Backup::new(name, spec);
    backup.metadata.namespace = Some(session.namespace().to_owned());
    backup.metadata.labels = Some(args.labels.merged()).filter(|labels| !labels.is_empty());
    backup
}

async fn through_server(session: &Session, backup: &Backup, wait: bool, output: &mut Output) -> Result<Exit, CliError> {
    let objects = session.objects::<Backup>().await?;
    objects.create(backup).await?;
    let name = backup.name();
    output.line(format_args!("Backup request \"{name}\" submitted successfully."))?;
    if !wait {
        output.line(format_args!("Run `ark backup describe {name}` for more details."))?;
        return Ok(Exit::Done);
    }
    let bar = JobBar::new(output, &format!("backup {name}"));
    let ended: Backup = objects.wait(name, |stage| bar.stage(stage)).await?;
    drop(bar);
    report(&ended, None, output)
}

async fn directly(session: &Session, url: &str, mut backup: Backup, output: &mut Output) -> Result<Exit, CliError> {
    let name = backup.name().to_owned();
    if backup.spec.snapshot_volumes == Some(true) {
        return Err(CliError::usage("volumes cannot be snapshotted: no provider is configured")
            .hint("leave `--snapshot-volumes` out: the PersistentVolume objects themselves are saved"));
    }
    let checked = session.checked_store(url)?;
    let cluster = session.answering_cluster().await?;
    let store = checked.map_or_else(|| session.store(url, Access::Write), Ok)?;
    if store.exists(&name).await? {
        return Err(CliError::failed(format!("backup \"{name}\" exists already in {}", store.bucket().url()))
            .hint("nothing was changed: a published backup never changes; choose another name"));
    }
    backup.metadata.creation_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(session.clock().now()));
    let bar = Arc::new(JobBar::new(output, &format!("backup {name}")));
    let context = BackupContext {
        cluster,
        store,
        clock: session.clock(),
        own_namespace: session.namespace().to_owned(),
        progress: Arc::clone(&bar) as Arc<dyn backup::BackupObserver>,
    };
    let outcome = backup::run(&context, &backup).await;
    bar.hide();
    let outcome =
        outcome.map_err(|error| CliError::failed(error.to_string()).while_doing(format!("backup \"{name}\"")))?;
    backup.status = Some(outcome.status);
    report(&backup, Some(&outcome.results), output)
}

/// Says how a backup ended; with `results`, what went wrong.
pub(crate) fn report(backup: &Backup, results: Option<&Results>, output: &mut Output) -> Result<Exit, CliError> {
    let status = backup.status.clone().unwrap_or_default();
    let name = backup.name();
    let size = status.archive.as_ref().map_or_else(String::new, |archive| {
        format!(": {}, {}", human::count(archive.items, "object", "objects"), human::size(archive.bytes))
    });
    let line = match status.phase {
        BackupPhase::Completed => format!("Backup \"{name}\" completed{size}{}.", duration(&status)),
        BackupPhase::PartiallyFailed => format!("Backup \"{name}\" partially failed{size}{}.", duration(&status)),
        BackupPhase::FailedValidation => format!("Backup \"{name}\" was refused."),
        _ => format!("Backup \"{name}\" failed."),
    };
    output.line(line)?;
    for message in status.validation_errors.iter().chain(&status.messages) {
        output.note(format_args!("error: {message}"));
    }
    if let Some(results) = results {
        for message in results.warnings.messages() {
            output.note(format_args!("warning: {message}"));
        }
    }
    Ok(match backup.stage() {
        Stage::Ended(exit) => exit,
        Stage::Waiting | Stage::Running(..) => Exit::Failed,
    })
}

/// How long it took. Timestamps that went through a cluster have whole seconds, so less than one is not shown.
fn duration(status: &BackupStatus) -> String {
    let (Some(start), Some(end)) = (&status.start_timestamp, &status.completion_timestamp) else {
        return String::new();
    };
    match std::time::Duration::try_from(end.0.duration_since(start.0)) {
        Ok(took) if took.as_secs() > 0 => format!(" in {}", human::took(took)),
        _ => String::new(),
    }
}

/// `-o` on a create: prints the object instead of sending it (ark-behaviour §9.2).
pub(crate) fn show<K: Kind>(value: &Value, format: Format, object: &K, output: &mut Output) -> Result<Exit, CliError> {
    match format {
        Format::Json => output.document(value, false)?,
        Format::Yaml => output.document(value, true)?,
        Format::Name => output.line(format_args!("{}.{}/{}", K::SINGULAR, crate::api::GROUP, object.name()))?,
        Format::Table | Format::Wide => {
            return Err(CliError::usage("an object that is not sent has no table")
                .hint("`-o json`, `-o yaml` or `-o name` print it; without `-o` it is sent"));
        }
    }
    Ok(Exit::Done)
}
