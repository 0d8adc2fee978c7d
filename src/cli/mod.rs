//! The command line: what can be said, and where each command is carried out.
//!
//! The tree, the flags and the messages are those of Ark v0.6 (ark-behaviour §9), where `create backup` and
//! `backup create` are the same command. Every command works in one of two ways: on the custom resources of a
//! cluster where a server runs, or, with `--store`, on a bucket directly and without any server, with the engines in this
//! process.
//!
//! This module owns the process's edges: arguments, environment, streams, signals and exit codes. Wrong input ends with
//! exit code 2 before anything is touched.
//!
//! # Differences
//! * `restore create` takes `--from-backup` (a later spelling); v0.6's `restore create BACKUP` means the same where it
//!   is absent. `-n`, `--kubecontext`, `--wait` and the message `… request "N" submitted successfully.` are later ones too.
//! * The flags of Go's logging library do not exist.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Parser, Subcommand};

mod args;
mod cmd_backup;
mod cmd_crds;
#[cfg(feature = "sim")]
mod cmd_demo;
mod cmd_look;
mod cmd_restore;
mod cmd_server;
mod columns;
#[cfg(feature = "sim")]
mod demo;
mod describe;
mod error;
mod human;
mod listing;
mod objects;
mod output;
mod progress;
mod resource_name;
mod selector;
mod session;

use args::GlobalArgs;
use error::{CliError, CliErrorKind, Exit};
use output::Output;
use session::Session;

/// Back up and restore the objects of a Kubernetes cluster.
///
/// `ark demo` shows all of it without a cluster.
#[derive(Debug, Parser)]
#[command(name = "ark", version, disable_help_subcommand = true, args_override_self = true)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work with backups
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Work with restores
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// Create a backup or a restore
    #[command(subcommand)]
    Create(CreateCommand),
    /// List backups or restores
    #[command(subcommand)]
    Get(GetCommand),
    /// Describe backups or restores
    #[command(subcommand)]
    Describe(DescribeCommand),
    /// Show the whole product in this process, without a cluster
    #[cfg(feature = "sim")]
    Demo(cmd_demo::DemoArgs),
    /// Run the server that turns Backup and Restore objects into backups and restores
    Server(cmd_server::ServerArgs),
    /// Print the definitions of Ark's own kinds, for `kubectl apply -f -`
    Crds(cmd_crds::CrdsArgs),
    /// Print the version
    Version,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Create a backup
    Create(cmd_backup::CreateArgs),
    /// List backups
    Get(listing::GetArgs),
    /// Describe backups
    Describe(describe::DescribeArgs),
    /// Print the log of a backup
    Logs(cmd_look::BackupLogsArgs),
    /// List the objects in a backup
    Ls(cmd_look::LsArgs),
    /// Print one object of a backup
    Cat(cmd_look::CatArgs),
}

#[derive(Debug, Subcommand)]
enum RestoreCommand {
    /// Create a restore
    Create(cmd_restore::CreateArgs),
    /// List restores
    Get(listing::GetArgs),
    /// Describe restores
    Describe(describe::DescribeArgs),
    /// Print the log of a restore
    Logs(cmd_look::RestoreLogsArgs),
}

#[derive(Debug, Subcommand)]
enum CreateCommand {
    /// Create a backup
    Backup(cmd_backup::CreateArgs),
    /// Create a restore
    Restore(cmd_restore::CreateArgs),
}

#[derive(Debug, Subcommand)]
enum GetCommand {
    /// List backups
    #[command(alias = "backup")]
    Backups(listing::GetArgs),
    /// List restores
    #[command(alias = "restore")]
    Restores(listing::GetArgs),
}

#[derive(Debug, Subcommand)]
enum DescribeCommand {
    /// Describe backups
    #[command(alias = "backup")]
    Backups(describe::DescribeArgs),
    /// Describe restores
    #[command(alias = "restore")]
    Restores(describe::DescribeArgs),
}

/// Reads the arguments, carries the command out and returns the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: BTreeMap<String, String>) -> u8 {
    let mut output = Output::standard(environment.get("NO_COLOR").is_some_and(|value| !value.is_empty()));
    let result = match Cli::try_parse_from(arguments) {
        Ok(cli) => start(cli, environment, &mut output),
        Err(error) if error.use_stderr() => {
            output.note(error.render().to_string().trim_end());
            return 2;
        }
        Err(help) => output.text(&help.render().to_string()).map(|()| Exit::Done),
    };
    match result.and_then(|exit| output.flush().map(|()| exit)) {
        Ok(exit) => exit.code(),
        Err(error) => {
            if error.kind != CliErrorKind::BrokenPipe {
                output.error(&error);
            }
            error.code()
        }
    }
}

fn start(cli: Cli, environment: BTreeMap<String, String>, output: &mut Output) -> Result<Exit, CliError> {
    let runtime = runtime_for(&cli.command)
        .enable_all()
        .build()
        .map_err(|error| CliError::from(error).while_doing("the runtime cannot start"))?;
    let session = Session::new(cli.global, environment);
    runtime.block_on(dispatch(cli.command, session, output))
}

/// One job needs one thread for its requests, and the threads that the engines borrow for compressing: an answer that is read
/// on another thread than the one that waits for it costs two system calls for each of its packets, a third of the time of
/// a backup.
fn runtime_for(command: &Command) -> tokio::runtime::Builder {
    match command {
        Command::Server(_) => tokio::runtime::Builder::new_multi_thread(),
        #[cfg(feature = "sim")]
        Command::Demo(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    }
}

async fn dispatch(command: Command, session: Session, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        Command::Backup(BackupCommand::Create(args)) | Command::Create(CreateCommand::Backup(args)) => {
            Box::pin(cmd_backup::create(&session, &args, output)).await
        }
        Command::Restore(RestoreCommand::Create(args)) | Command::Create(CreateCommand::Restore(args)) => {
            cmd_restore::create(&session, &args, output).await
        }
        Command::Backup(BackupCommand::Get(args)) | Command::Get(GetCommand::Backups(args)) => {
            listing::backups(&session, &args, output).await
        }
        Command::Restore(RestoreCommand::Get(args)) | Command::Get(GetCommand::Restores(args)) => {
            listing::restores(&session, &args, output).await
        }
        Command::Backup(BackupCommand::Describe(args)) | Command::Describe(DescribeCommand::Backups(args)) => {
            describe::backups(&session, &args, output).await
        }
        Command::Restore(RestoreCommand::Describe(args)) | Command::Describe(DescribeCommand::Restores(args)) => {
            describe::restores(&session, &args, output).await
        }
        Command::Backup(BackupCommand::Logs(args)) => cmd_look::backup_logs(&session, &args, output).await,
        Command::Backup(BackupCommand::Ls(args)) => cmd_look::ls(&session, &args, output).await,
        Command::Backup(BackupCommand::Cat(args)) => cmd_look::cat(&session, &args, output).await,
        Command::Restore(RestoreCommand::Logs(args)) => cmd_look::restore_logs(&session, &args, output).await,
        #[cfg(feature = "sim")]
        Command::Demo(args) => cmd_demo::run(&session, &args, output).await,
        Command::Server(args) => cmd_server::run(&session, &args, output).await,
        Command::Crds(args) => cmd_crds::run(&args, output),
        Command::Version => version(output),
    }
}

/// Three lines, as Ark v0.6 prints them. A build outside of a release names no commit.
fn version(output: &mut Output) -> Result<Exit, CliError> {
    output.line(format_args!("Version: v{}", env!("CARGO_PKG_VERSION")))?;
    output.line(format_args!("Git commit: {}", option_env!("ARK_GIT_COMMIT").unwrap_or("<unknown>")))?;
    output.line(format_args!("Git tree state: {}", option_env!("ARK_GIT_TREE_STATE").unwrap_or("<unknown>")))?;
    Ok(Exit::Done)
}
