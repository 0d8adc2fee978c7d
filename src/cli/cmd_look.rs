//! Looking into a bucket: `backup logs`, `backup ls`, `backup cat`, `restore logs`.
//!
//! `cat` is one ranged read: the index beside the archive says where the object lies.
//!
//! # Differences
//! v0.6 fetched logs through a `DownloadRequest` that the server answers with a signed address. Here they are read from
//! the bucket itself, so these commands need `--store`.

use std::collections::BTreeSet;
use std::io::Read;

use clap::Args;
use flate2::read::MultiGzDecoder;

use super::args::{Format, StoreArgs};
use super::columns::Table;
use super::error::{CliError, Exit};
use super::human;
use super::listing::stored_backup;
use super::output::Output;
use super::resource_name;
use super::session::{Access, Session};
use crate::archive::{EntryPath, Hash, hash_of};
use crate::object::GroupResource;
use crate::storage::{BackupStore, StorageError, StorageErrorKind};

/// Longest log that is printed, uncompressed: what a bomb of a few megabytes must not exceed.
const LOG_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// One object of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path.
    pub(crate) path: EntryPath,
    /// Length of its content in bytes.
    pub(crate) length: u64,
    /// SHA-256 of its content.
    pub(crate) sha256: Hash,
}

/// `backup logs`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BackupLogsArgs {
    /// Name of the backup
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `restore logs`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RestoreLogsArgs {
    /// Name of the restore
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `backup ls`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LsArgs {
    /// Name of the backup
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Only this resource, such as `pods`, `deployments.apps`, `deploy` or `Deployment`
    #[arg(value_name = "RESOURCE")]
    pub(crate) resource: Option<String>,
    /// How to print: table or wide (with sizes and hashes), name (paths), json
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `backup cat`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CatArgs {
    /// Name of the backup
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The resource, such as `pods`, `deployments.apps`, `deploy` or `Deployment`
    #[arg(value_name = "RESOURCE")]
    pub(crate) resource: String,
    /// The object: namespace/name, or the name of a cluster-scoped one
    #[arg(value_name = "NS/NAME")]
    pub(crate) object: String,
    /// How to print: json (indented), yaml, or `name` for the bytes as they lie in the archive
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

fn bucket(session: &Session, args: &StoreArgs, what: &str) -> Result<BackupStore, CliError> {
    let Some(url) = &args.store else {
        return Err(CliError::usage(format!("{what} is read from the bucket: `--store URL` is missing"))
            .hint("give the `--store` that the server was started with"));
    };
    session.store(url, Access::Read)
}

/// Prints the log of a backup.
pub(crate) async fn backup_logs(
    session: &Session,
    args: &BackupLogsArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let name = args.name.as_deref().ok_or_else(|| CliError::usage("backup name is required"))?;
    let store = bucket(session, &args.store, "the log of a backup")?;
    stored_backup(&store, name).await?;
    let log = store.log(name).await.map_err(|error| absent_log(error, "backup", name))?;
    output.bytes(&gunzip(&log, name)?)?;
    Ok(Exit::Done)
}

/// Prints the log of a restore.
pub(crate) async fn restore_logs(
    session: &Session,
    args: &RestoreLogsArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let name = args.name.as_deref().ok_or_else(|| CliError::usage("restore name is required"))?;
    let store = bucket(session, &args.store, "the log of a restore")?;
    let restores = store.restores().await?;
    let Some(found) = restores.into_iter().find(|found| found.restore == name) else {
        return Err(CliError::failed(format!("restore \"{name}\" not found in {}", store.bucket().url()))
            .hint("`ark restore get --store` lists them"));
    };
    let log = store.restore_log(&found.backup, name).await.map_err(|error| absent_log(error, "restore", name))?;
    output.bytes(&gunzip(&log, name)?)?;
    Ok(Exit::Done)
}

/// The text of a compressed log.
pub(crate) fn gunzip(file: &[u8], name: &str) -> Result<Vec<u8>, CliError> {
    let mut text = Vec::new();
    MultiGzDecoder::new(file)
        .take(LOG_BYTES_MAX)
        .read_to_end(&mut text)
        .map_err(|error| CliError::failed(format!("the log of \"{name}\" is not a readable gzip file: {error}")))?;
    Ok(text)
}

/// What an archive holds, in its order: from the index, or from the archive itself where v0.6 wrote it without one.
pub(crate) async fn entries(store: &BackupStore, name: &str) -> Result<Vec<Entry>, CliError> {
    match store.index(name).await {
        Ok(index) => {
            let entries = index.entries.into_iter();
            return Ok(entries.map(|e| Entry { path: e.path, length: e.length, sha256: e.sha256 }).collect());
        }
        Err(error) if error.kind == StorageErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut found = Vec::new();
    let mut archive = store.entries(name).await?;
    while let Some(entry) = archive.next().await {
        let (path, raw) = entry.map_err(|error| CliError::failed(format!("the archive of \"{name}\": {error}")))?;
        found.push(Entry { path, length: raw.bytes().len() as u64, sha256: hash_of(raw.bytes()) });
    }
    Ok(found)
}

/// The resources in an archive.
fn directories(entries: &[Entry]) -> BTreeSet<GroupResource> {
    entries.iter().map(|entry| entry.path.resource().clone()).collect()
}

fn absent_log(error: StorageError, what: &str, name: &str) -> CliError {
    if error.kind == StorageErrorKind::NotFound {
        CliError::failed(format!("the {what} \"{name}\" has left no log"))
    } else {
        error.into()
    }
}

/// Lists the objects in a backup.
pub(crate) async fn ls(session: &Session, args: &LsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let store = bucket(session, &args.store, "the content of a backup")?;
    stored_backup(&store, &args.name).await?;
    let mut entries = entries(&store, &args.name).await?;
    if let Some(resource) = &args.resource {
        let wanted = resource_name::resolve(resource, &directories(&entries));
        entries.retain(|entry| Some(entry.path.resource()) == wanted.as_ref());
        if entries.is_empty() {
            output.note(format_args!("No {resource} in this backup."));
        }
    }
    match args.output {
        Format::Name => {
            for entry in &entries {
                output.line(&entry.path)?;
            }
        }
        Format::Table | Format::Wide => {
            let mut table = Table::new(&["RESOURCE", "NAMESPACE", "NAME"]);
            let wide = args.output == Format::Wide;
            if wide {
                table.column("SIZE");
                table.column("SHA-256");
            }
            for entry in &entries {
                let path = &entry.path;
                let mut row = vec![
                    path.resource().to_string(),
                    path.namespace().unwrap_or("").to_owned(),
                    path.name().to_owned(),
                ];
                if wide {
                    row.push(human::size(entry.length));
                    row.push(entry.sha256.to_string());
                }
                table.row(row);
            }
            output.text(&table.render())?;
        }
        format @ (Format::Json | Format::Yaml) => {
            let list: Vec<serde_json::Value> = entries
                .iter()
                .map(|entry| {
                    serde_json::json!({
                        "resource": entry.path.resource().to_string(),
                        "namespace": entry.path.namespace(),
                        "name": entry.path.name(),
                        "bytes": entry.length,
                        "sha256": entry.sha256.to_string(),
                    })
                })
                .collect();
            output.document(&serde_json::Value::Array(list), format == Format::Yaml)?;
        }
    }
    Ok(Exit::Done)
}

/// Prints one object of a backup.
pub(crate) async fn cat(session: &Session, args: &CatArgs, output: &mut Output) -> Result<Exit, CliError> {
    let store = bucket(session, &args.store, "the content of a backup")?;
    let (namespace, name) = match args.object.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, args.object.as_str()),
    };
    stored_backup(&store, &args.name).await?;
    let index = match store.index(&args.name).await {
        Ok(index) => Some(index),
        Err(error) if error.kind == StorageErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let directories = match &index {
        Some(index) => index.entries.iter().map(|entry| entry.path.resource().clone()).collect(),
        None => directories(&entries(&store, &args.name).await?),
    };
    let resource = resource_name::resolve(&args.resource, &directories)
        .unwrap_or_else(|| GroupResource::from(args.resource.clone()));
    let path = EntryPath::new(resource, namespace, name).map_err(|error| CliError::usage(error.to_string()))?;
    let found = match &index {
        Some(index) => store.entry_by(&args.name, index, &path).await,
        None => store.entry(&args.name, &path).await,
    };
    let raw = found.map_err(|error| {
        if error.kind == StorageErrorKind::NotFound {
            CliError::failed(format!("{path} is not in the backup \"{}\"", args.name))
                .hint(format!("`ark backup ls {} -o name --store …` lists what is", args.name))
        } else {
            error.into()
        }
    })?;
    match args.output {
        Format::Name => output.bytes(raw.bytes())?,
        format => {
            let value = raw.value().map_err(|error| CliError::failed(format!("{path}: {error}")))?;
            output.document(&value, format == Format::Yaml)?;
        }
    }
    Ok(Exit::Done)
}
