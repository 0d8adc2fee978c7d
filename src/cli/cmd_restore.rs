//! `restore create`: a Restore object for the server, or with `--store` the restore itself, in this process.
//!
//! # Differences
//! The digits of a generated name are UTC; v0.6 took the machine's zone, where the same hour comes twice a year.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::args::{FilterArgs, LabelArgs, OptionalBool, OutputArgs, Pairs, StoreArgs};
use super::args::{NAME_LENGTH_MAX, check_name, check_namespace, merged, tristate};
use super::cmd_backup::show;
use super::columns::Table;
use super::error::{CliError, Exit};
use super::human;
use super::listing::stored_backup;
use super::objects::{Kind, Stage, value_of};
use super::output::Output;
use super::progress::JobBar;
use super::session::{Access, Session};
use crate::api::{Restore, RestorePhase, RestoreSpec};
use crate::restore::{self, ExistingResourcePolicy, RestoreContext, RestoreSettings};
use crate::results::Results;

/// `restore create`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CreateArgs {
    /// Name of the new restore; by default that of the backup and the time. Without `--from-backup`, the backup
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// The backup to restore
    #[arg(long, value_name = "BACKUP")]
    pub(crate) from_backup: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Namespaces to restore under another name, as source:target,source:target
    #[arg(long, value_name = "MAPPINGS")]
    pub(crate) namespace_mappings: Vec<Pairs<':'>>,
    /// Whether to restore volumes from snapshots; where it is not given, wherever one was taken
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) restore_volumes: Option<OptionalBool>,
    #[command(flatten)]
    pub(crate) labels: LabelArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// What happens to objects that exist and differ: keep or update (with `--store` only)
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Existing::Keep)]
    pub(crate) existing_resource_policy: Existing,
    /// Print what a restore would do, and do nothing (with `--store` only)
    #[arg(long, requires = "store")]
    pub(crate) dry_run: bool,
    /// Wait until the server has done it
    #[arg(short, long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What happens to objects that exist and differ from the backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Existing {
    /// They stay, with a warning that names the fields.
    #[default]
    Keep,
    /// They are changed to what the backup says.
    Update,
}

impl From<Existing> for ExistingResourcePolicy {
    fn from(policy: Existing) -> Self {
        match policy {
            Existing::Keep => Self::Keep,
            Existing::Update => Self::Update,
        }
    }
}

/// Creates a restore.
pub(crate) async fn create(session: &Session, args: &CreateArgs, output: &mut Output) -> Result<Exit, CliError> {
    let (name, backup) = names(session, args)?;
    check_name("restore", &name)?;
    let mapping = merged(&args.namespace_mappings);
    mapping.iter().flat_map(|(source, target)| [source, target]).try_for_each(|name| check_namespace(name))?;
    let restore = requested(session, args, &name, &backup, mapping);
    let wrong = restore::validate(&restore.spec);
    if !wrong.is_empty() {
        return Err(CliError::usage(wrong.join("; ")));
    }
    if let Some(format) = args.output.output {
        return show(&value_of(&restore)?, format, &restore, output);
    }
    match &args.store.store {
        Some(url) => directly(session, url, args, restore, output).await,
        None if args.existing_resource_policy != Existing::Keep => {
            Err(CliError::usage("`--existing-resource-policy` works with `--store` only")
                .hint("a Restore object of this version has no field for it"))
        }
        None => through_server(session, &restore, args.wait, output).await,
    }
}

/// The restore's name and the backup's.
fn names(session: &Session, args: &CreateArgs) -> Result<(String, String), CliError> {
    let generated = |backup: &str| {
        let digits = human::digits(session.clock().now());
        let room = NAME_LENGTH_MAX - digits.len() - 1;
        format!("{}-{digits}", &backup[..backup.len().min(room)])
    };
    match (args.names.as_slice(), &args.from_backup) {
        ([name], Some(backup)) => Ok((name.clone(), backup.clone())),
        ([], Some(backup)) | ([backup], None) => {
            // A name of a backup may hold dots, which the restore's own must not.
            if !backup.is_ascii() || backup.is_empty() {
                return Err(CliError::usage(format!("{backup:?} is not the name of a backup")));
            }
            Ok((generated(&backup.replace('.', "-")), backup.clone()))
        }
        ([], None) => Err(CliError::usage("you must specify only one argument, the backup's name")
            .hint("ark restore create --from-backup BACKUP")),
        _ => Err(CliError::usage("you must specify only one argument, the restore's name")
            .hint("ark restore create [NAME] --from-backup BACKUP")),
    }
}

/// The object that the flags describe.
fn requested(
    session: &Session,
    args: &CreateArgs,
    name: &str,
    backup: &str,
    namespace_mapping: BTreeMap<String, String>,
) -> Restore {
    let filter = &args.filter;
    let spec = RestoreSpec {
        backup_name: backup.to_owned(),
        included_namespaces: filter.include_namespaces.0.clone(),
        excluded_namespaces: filter.exclude_namespaces.0.clone(),
        included_resources: filter.include_resources.0.clone(),
        excluded_resources: filter.exclude_resources.0.clone(),
        namespace_mapping,
        label_selector: filter.selector.api(),
        restore_pvs: tristate(args.restore_volumes),
        include_cluster_resources: tristate(filter.include_cluster_resources),
    };
    let mut restore = Restore::new(name, spec);
    restore.metadata.namespace = Some(session.namespace().to_owned());
    restore.metadata.labels = Some(args.labels.merged()).filter(|labels| !labels.is_empty());
    restore
}

async fn through_server(
    session: &Session,
    restore: &Restore,
    wait: bool,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let cluster = session.objects::<Restore>().await?;
    cluster.create(restore).await?;
    let name = restore.name();
    output.line(format_args!("Restore request \"{name}\" submitted successfully."))?;
    if !wait {
        output.line(format_args!("Run `ark restore describe {name}` for more details."))?;
        return Ok(Exit::Done);
    }
    let bar = JobBar::new(output, &format!("restore {name}"));
    let ended: Restore = cluster.wait(name, |stage| bar.stage(stage)).await?;
    drop(bar);
    report(&ended, None, output)
}

async fn directly(
    session: &Session,
    url: &str,
    args: &CreateArgs,
    mut restore: Restore,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let name = restore.name().to_owned();
    if restore.spec.restore_pvs == Some(true) {
        return Err(CliError::usage("volumes cannot be restored from snapshots: no provider is configured")
            .hint("leave `--restore-volumes` out: the PersistentVolume objects themselves are restored"));
    }
    let store = session.store(url, Access::Read)?;
    let backup = stored_backup(&store, &restore.spec.backup_name).await?;
    let cluster = session.answering_cluster().await?;
    restore.metadata.creation_timestamp = Some(Time(session.clock().now()));
    let bar = Arc::new(JobBar::new(output, &format!("restore {name}")));
    let context = RestoreContext {
        cluster,
        store,
        clock: session.clock(),
        own_namespace: session.namespace().to_owned(),
        settings: RestoreSettings { existing: args.existing_resource_policy.into(), ..RestoreSettings::default() },
        observer: Arc::clone(&bar) as Arc<dyn restore::RestoreObserver>,
    };
    if args.dry_run {
        let plan = restore::plan(&context, &restore, &backup).await;
        bar.hide();
        return show_plan(&plan.map_err(|error| CliError::failed(error.to_string()))?, output);
    }
    let outcome = restore::run(&context, &restore).await;
    bar.hide();
    let outcome =
        outcome.map_err(|error| CliError::failed(error.to_string()).while_doing(format!("restore \"{name}\"")))?;
    restore.status = Some(outcome.status);
    report(&restore, Some(&outcome.results), output)
}

/// Prints what a restore would do, object by object, and counts.
fn show_plan(plan: &restore::Plan, output: &mut Output) -> Result<Exit, CliError> {
    let mut table = Table::new(&["OUTCOME", "RESOURCE", "NAMESPACE", "NAME", "WHY"]);
    for item in &plan.items {
        table.row(vec![
            item.outcome.word().to_owned(),
            item.resource.to_string(),
            item.namespace.clone().unwrap_or_default(),
            item.name.clone(),
            item.outcome.detail(),
        ]);
    }
    output.text(&table.render())?;
    let mut totals = BTreeMap::<&str, u64>::new();
    for (word, count) in plan.counts.values().flatten() {
        *totals.entry(word).or_default() += count;
    }
    let totals: Vec<String> = totals.iter().map(|(word, count)| format!("{count} {word}")).collect();
    output.note(format_args!("Nothing was changed. A restore would end with {}.", totals.join(", ")));
    for message in plan.results.warnings.messages() {
        output.note(format_args!("warning: {message}"));
    }
    Ok(Exit::Done)
}

/// Says how a restore ended; with `results`, what to look at.
pub(crate) fn report(restore: &Restore, results: Option<&Results>, output: &mut Output) -> Result<Exit, CliError> {
    let status = restore.status.clone().unwrap_or_default();
    let name = restore.name();
    let counts = status.progress.map_or_else(String::new, |progress| {
        format!(
            ": {} created, {} updated, {} unchanged, {} different, {} skipped, {} failed",
            progress.created,
            progress.updated,
            progress.unchanged,
            progress.different,
            progress.skipped,
            progress.failed
        )
    });
    let line = match status.phase {
        RestorePhase::Completed => format!("Restore \"{name}\" completed{counts}."),
        RestorePhase::PartiallyFailed => format!("Restore \"{name}\" partially failed{counts}."),
        RestorePhase::FailedValidation => format!("Restore \"{name}\" was refused."),
        _ => format!("Restore \"{name}\" failed."),
    };
    output.line(line)?;
    if !status.failure_reason.is_empty() && !status.messages.contains(&status.failure_reason) {
        output.note(format_args!("error: {}", status.failure_reason));
    }
    if let Some(results) = results {
        for message in results.errors.messages() {
            output.note(format_args!("error: {message}"));
        }
        for message in results.warnings.messages() {
            output.note(format_args!("warning: {message}"));
        }
    } else {
        for message in status.validation_errors.iter().chain(&status.messages) {
            output.note(format_args!("error: {message}"));
        }
        if status.warnings > 0 {
            let warnings = human::count(status.warnings.unsigned_abs(), "warning", "warnings");
            output.note(format_args!("{warnings}: `ark restore describe {name} --store URL` shows them"));
        }
    }
    Ok(match restore.stage() {
        Stage::Ended(exit) => exit,
        Stage::Waiting | Stage::Running(..) => Exit::Failed,
    })
}
