//! `get`: lists of backups and restores, and the finding of objects by name that `describe` shares.
//!
//! Objects come from the cluster, or with `--store` from the bucket, where a backup's own metadata is the truth and a
//! restore has left its results. Columns and order are those of Ark v0.6 (ark-behaviour §9.3).
//!
//! # Differences
//! * CREATED of a backup is when it started, where it says so: the object may have been made anew from the bucket.
//! * `wide` adds items, size, warnings and errors.

use std::cmp::Reverse;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::args::{Format, OutputArgs, StoreArgs};
use super::columns::Table;
use super::error::{CliError, Exit};
use super::human::{self, NONE};
use super::objects::{Kind, value_of};
use super::output::Output;
use super::selector::{self, Selector};
use super::session::{Access, Session};
use crate::api::{Backup, BackupStatus, Restore, RestorePhase, RestoreSpec, RestoreStatus};
use crate::results::Results;
use crate::storage::{BackupStore, StorageErrorKind, StoredRestore};

/// Digits that end the name of a scheduled backup.
const TICK_DIGITS: usize = 14;

/// `backup get`, `restore get`.
#[derive(Args, Clone, Debug)]
pub(crate) struct GetArgs {
    /// Names; all where there are none
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only those whose labels match
    #[arg(short = 'l', long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    pub(crate) selector: Selector,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// An object and, where a bucket was asked, its results.
#[derive(Debug)]
pub(crate) struct Found<K> {
    /// The object.
    pub(crate) object: K,
    /// Its warnings and errors.
    pub(crate) results: Option<Results>,
}

/// Lists backups.
pub(crate) async fn backups(session: &Session, args: &GetArgs, output: &mut Output) -> Result<Exit, CliError> {
    let found = find_backups(session, &args.store, &args.names, &args.selector, output).await?;
    let objects: Vec<Backup> = found.into_iter().map(|found| found.object).collect();
    let now = session.clock().now();
    print(&objects, &args.output, args.names.len() == 1, output, |wide| {
        let mut table = Table::new(&["NAME", "STATUS", "CREATED", "EXPIRES", "SELECTOR"]);
        if wide {
            for column in ["ITEMS", "SIZE", "WARNINGS", "ERRORS"] {
                table.column(column);
            }
        }
        let rows = objects.iter().map(|backup| backup_row(backup, now, wide)).collect();
        (table, rows)
    })
}

/// Lists restores.
pub(crate) async fn restores(session: &Session, args: &GetArgs, output: &mut Output) -> Result<Exit, CliError> {
    let found = find_restores(session, &args.store, &args.names, &args.selector).await?;
    let objects: Vec<Restore> = found.into_iter().map(|found| found.object).collect();
    print(&objects, &args.output, args.names.len() == 1, output, |wide| {
        let header = ["NAME", "BACKUP", "STATUS", "WARNINGS", "ERRORS", "CREATED", "SELECTOR"];
        let mut table = Table::new(&header);
        if wide {
            for column in ["ITEMS MADE", "UPDATED", "UNCHANGED", "DIFFERENT", "SKIPPED", "FAILED"] {
                table.column(column);
            }
        }
        let rows = objects.iter().map(|restore| restore_row(restore, wide)).collect();
        (table, rows)
    })
}

/// The backups of these names, or all whose labels match.
pub(crate) async fn find_backups(
    session: &Session,
    store: &StoreArgs,
    names: &[String],
    selector: &Selector,
    output: &mut Output,
) -> Result<Vec<Found<Backup>>, CliError> {
    let mut found = Vec::new();
    if let Some(url) = &store.store {
        let store = session.store(url, Access::Read)?;
        let mut objects = Vec::new();
        if names.is_empty() {
            for listing in store.list().await? {
                match listing.backup {
                    Ok(backup) => objects.push(backup),
                    Err(reason) => output.note(format_args!("left out: {} is not a backup: {reason}", listing.name)),
                }
            }
        }
        for name in names {
            objects.push(stored_backup(&store, name).await?);
        }
        objects.retain(|backup| selector.matches(&backup.metadata));
        for object in objects {
            let results = stored_results(&store, object.name()).await?;
            found.push(Found { object, results });
        }
    } else {
        let cluster = session.objects::<Backup>().await?;
        let objects = if names.is_empty() {
            cluster.list(selector.text()).await?
        } else {
            let mut objects = Vec::new();
            for name in names {
                objects.push(cluster.get(name).await?);
            }
            objects
        };
        found.extend(objects.into_iter().map(|object| Found { object, results: None }));
    }
    if names.is_empty() {
        sort_backups(&mut found);
    }
    Ok(found)
}

/// The restores of these names, or all whose labels match.
pub(crate) async fn find_restores(
    session: &Session,
    store: &StoreArgs,
    names: &[String],
    selector: &Selector,
) -> Result<Vec<Found<Restore>>, CliError> {
    let Some(url) = &store.store else {
        let cluster = session.objects::<Restore>().await?;
        let mut objects = Vec::new();
        if names.is_empty() {
            objects = cluster.list(selector.text()).await?;
        }
        for name in names {
            objects.push(cluster.get(name).await?);
        }
        return Ok(objects.into_iter().map(|object| Found { object, results: None }).collect());
    };
    if selector.text().is_some() {
        return Err(CliError::usage("a bucket holds results of restores, not their labels")
            .hint("leave `--selector` out, or leave `--store` out"));
    }
    let store = session.store(url, Access::Read)?;
    let mut found = Vec::new();
    for stored in store.restores().await? {
        if !names.is_empty() && !names.contains(&stored.restore) {
            continue;
        }
        let file = store.restore_results(&stored.backup, &stored.restore).await?;
        let results = read_results(&file, &stored.restore)?;
        let object = stored_restore(&stored, &results);
        found.push(Found { object, results: Some(results) });
    }
    match names.iter().find(|name| !found.iter().any(|found| found.object.name() == *name)) {
        Some(name) => Err(CliError::failed(format!("restore \"{name}\" not found in {}", store.bucket().url()))
            .hint("a restore leaves its log and results beside its backup; `ark restore get --store` lists them")),
        None => Ok(found),
    }
}

/// One backup of a bucket.
pub(crate) async fn stored_backup(store: &BackupStore, name: &str) -> Result<Backup, CliError> {
    store.metadata(name).await.map_err(|error| {
        if error.kind == StorageErrorKind::NotFound {
            CliError::failed(format!("backup \"{name}\" not found in {}", store.bucket().url()))
                .hint("`ark backup get --store` lists the backups of a bucket")
        } else {
            error.into()
        }
    })
}

/// The results of a backup, where it has left some: v0.6 did not.
pub(crate) async fn stored_results(store: &BackupStore, name: &str) -> Result<Option<Results>, CliError> {
    match store.results(name).await {
        Ok(file) => read_results(&file, name).map(Some),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a results file.
pub(crate) fn read_results(file: &[u8], name: &str) -> Result<Results, CliError> {
    Results::from_gzip(file).map_err(|error| CliError::failed(format!("the results of \"{name}\": {error}")))
}

/// A restore as its results in the bucket tell of it.
fn stored_restore(stored: &StoredRestore, results: &Results) -> Restore {
    let spec = RestoreSpec { backup_name: stored.backup.clone(), ..RestoreSpec::default() };
    let errors = results.errors.count();
    let phase = if errors == 0 { RestorePhase::Completed } else { RestorePhase::PartiallyFailed };
    let mut restore = Restore::new(&stored.restore, spec);
    restore.status = Some(RestoreStatus {
        phase,
        warnings: i64::try_from(results.warnings.count()).unwrap_or(i64::MAX),
        errors: i64::try_from(errors).unwrap_or(i64::MAX),
        ..RestoreStatus::default()
    });
    restore
}

/// By name; the ticks of one schedule newest first (ark-behaviour §9.3).
fn sort_backups(found: &mut [Found<Backup>]) {
    found.sort_by(|left, right| sort_key(left.object.name()).cmp(&sort_key(right.object.name())));
}

fn sort_key(name: &str) -> (&str, bool, Reverse<&str>) {
    match tick(name) {
        Some((schedule, digits)) => (schedule, true, Reverse(digits)),
        None => (name, false, Reverse("")),
    }
}

/// The schedule's part and the digits of a scheduled name.
fn tick(name: &str) -> Option<(&str, &str)> {
    let (schedule, digits) = name.rsplit_once('-')?;
    (digits.len() == TICK_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some((schedule, digits))
}

fn backup_row(backup: &Backup, now: Timestamp, wide: bool) -> Vec<String> {
    let status = backup.status.clone().unwrap_or_default();
    let deleting = backup.metadata.deletion_timestamp.is_some();
    let phase = if deleting { "Deleting".to_owned() } else { format!("{:?}", status.phase) };
    let created = status.start_timestamp.as_ref().or(backup.metadata.creation_timestamp.as_ref());
    let mut row = vec![
        backup.name().to_owned(),
        phase,
        created.map_or_else(|| NONE.to_owned(), |at| human::time(at.0)),
        human::expiry(now, expiration(backup, &status)),
        selector::text(backup.spec.label_selector.as_ref()).unwrap_or_else(|| NONE.to_owned()),
    ];
    if wide {
        let archive = status.archive.as_ref();
        row.push(archive.map_or_else(|| NONE.to_owned(), |archive| archive.items.to_string()));
        row.push(archive.map_or_else(|| NONE.to_owned(), |archive| human::size(archive.bytes)));
        row.push(status.warnings.unwrap_or(0).to_string());
        row.push(status.errors.unwrap_or(0).to_string());
    }
    row
}

fn expiration(backup: &Backup, status: &BackupStatus) -> Option<Timestamp> {
    if let Some(at) = &status.expiration {
        return Some(at.0);
    }
    let created = backup.metadata.creation_timestamp.as_ref()?;
    let ttl = backup.spec.ttl.to_std().filter(|ttl| !ttl.is_zero())?;
    created.0.checked_add(ttl).ok()
}

fn restore_row(restore: &Restore, wide: bool) -> Vec<String> {
    let status = restore.status.clone().unwrap_or_default();
    let created = restore.metadata.creation_timestamp.as_ref();
    let mut row = vec![
        restore.name().to_owned(),
        restore.spec.backup_name.clone(),
        format!("{:?}", status.phase),
        status.warnings.to_string(),
        status.errors.to_string(),
        created.map_or_else(|| NONE.to_owned(), |at| human::time(at.0)),
        selector::text(restore.spec.label_selector.as_ref()).unwrap_or_else(|| NONE.to_owned()),
    ];
    if wide {
        let cells = status.progress.map(|p| [p.created, p.updated, p.unchanged, p.different, p.skipped, p.failed]);
        row.extend((0..6).map(|index| cells.map_or_else(|| NONE.to_owned(), |cells| cells[index].to_string())));
    }
    row
}

fn print<K: Kind>(
    objects: &[K],
    args: &OutputArgs,
    single: bool,
    output: &mut Output,
    table: impl FnOnce(bool) -> (Table, Vec<Vec<String>>),
) -> Result<Exit, CliError> {
    match args.output.unwrap_or(Format::Table) {
        format @ (Format::Table | Format::Wide) => {
            let (mut table, rows) = table(format == Format::Wide);
            for label in &args.label_columns.0 {
                table.column(label.rsplit('/').next().unwrap_or(label).to_uppercase());
            }
            if args.show_labels {
                table.column("LABELS");
            }
            for (mut row, object) in rows.into_iter().zip(objects) {
                row.extend(label_cells(object.metadata(), args));
                table.row(row);
            }
            if table.is_empty() {
                output.note(format_args!("No {} found.", K::PLURAL));
            } else {
                output.text(&table.render())?;
            }
        }
        Format::Name => {
            for object in objects {
                output.line(format_args!("{}.{}/{}", K::SINGULAR, crate::api::GROUP, object.name()))?;
            }
        }
        format @ (Format::Json | Format::Yaml) => {
            let mut values = objects.iter().map(value_of).collect::<Result<Vec<Value>, CliError>>()?;
            let value = match values.pop() {
                Some(value) if single && values.is_empty() => value,
                last => {
                    values.extend(last);
                    json!({
                        "apiVersion": crate::api::API_VERSION,
                        "kind": format!("{}List", K::KIND),
                        "metadata": {},
                        "items": values,
                    })
                }
            };
            output.document(&value, format == Format::Yaml)?;
        }
    }
    Ok(Exit::Done)
}

fn label_cells(metadata: &ObjectMeta, args: &OutputArgs) -> Vec<String> {
    let labels = metadata.labels.clone().unwrap_or_default();
    let mut cells: Vec<String> =
        args.label_columns.0.iter().map(|key| labels.get(key).cloned().unwrap_or_else(|| NONE.to_owned())).collect();
    if args.show_labels {
        let all: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        cells.push(if all.is_empty() { NONE.to_owned() } else { all.join(",") });
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::{Found, sort_backups};
    use crate::api::{Backup, BackupSpec};
    use crate::cli::objects::Kind;

    #[test]
    fn ticks_of_a_schedule_come_newest_first() {
        let names = ["b", "nightly-20260102000000", "nightly-20260103000000", "nightly", "a"];
        let mut found: Vec<Found<Backup>> = names
            .iter()
            .map(|name| Found { object: Backup::new(name, BackupSpec::default()), results: None })
            .collect();
        sort_backups(&mut found);
        let sorted: Vec<&str> = found.iter().map(|found| found.object.name()).collect();
        assert_eq!(sorted, ["a", "b", "nightly", "nightly-20260103000000", "nightly-20260102000000"]);
    }
}
