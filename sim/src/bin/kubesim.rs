//! The `kubesim` command: a simulated cluster on a socket, for `kubectl` and any other client.
//!
//! Exit codes: 0 after a signal, 1 where the cluster could not be set up or served, 2 for wrong input.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kubesim::actors::{Actors, Settings};
use kubesim::manifest::{self, Manifest};
use kubesim::{ApiServer, Authorization, Clock, Options, UserInfo, kubeconfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The longest manifest that is read into memory.
const MANIFEST_LENGTH_MAX: u64 = 256 << 20;

#[derive(Debug, Parser)]
#[command(name = "kubesim", version, about = "A Kubernetes API server in memory")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a cluster until a signal comes
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8001")]
    listen: SocketAddr,
    /// Create the objects of a manifest before serving; may be repeated. Namespaces and definitions go first
    #[arg(long, value_name = "FILE")]
    load: Vec<PathBuf>,
    /// Write a kubeconfig that leads here. A file that kubesim did not write is left alone
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,
    /// What uids and generated names come from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Only the API: no objects of a fresh cluster beyond four namespaces, no controllers, no node
    #[arg(long)]
    bare: bool,
    /// Hold requests to the roles and bindings in the cluster. Whoever sends no token is still the administrator, see --anonymous
    #[arg(long)]
    rbac: bool,
    /// A bearer token and whose it is, as `secret=jane:devs,ops` (user, then groups); may be repeated
    #[arg(long, value_name = "TOKEN=USER[:GROUP,…]", value_parser = token)]
    token: Vec<(String, UserInfo)>,
    /// Take whoever sends no token for system:anonymous instead of the administrator
    #[arg(long)]
    anonymous: bool,
}

/// `TOKEN=USER[:GROUP,…]`.
fn token(text: &str) -> Result<(String, UserInfo), String> {
    let (token, user) = text.split_once('=').ok_or("it has to be TOKEN=USER[:GROUP,…]")?;
    let (name, groups) = match user.strip_prefix("system:") {
        // The names of a cluster's own parts are full of colons.
        Some(_) => (user, ""),
        None => user.split_once(':').unwrap_or((user, "")),
    };
    if token.is_empty() || token.contains(' ') || name.is_empty() {
        return Err("neither token nor user may be empty, and a token has no spaces".to_owned());
    }
    let groups = groups.split(',').filter(|group| !group.is_empty());
    Ok((token.to_owned(), groups.fold(UserInfo::new(name), UserInfo::in_group)))
}

/// What ends the command early, with its exit code.
struct Failure(u8, String);

fn wrong_input(what: impl Display) -> Failure {
    Failure(2, what.to_string())
}

fn failed(what: impl Display) -> Failure {
    Failure(1, what.to_string())
}

fn main() -> ExitCode {
    let Command::Serve(options) = Cli::parse().command;
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(format!("the runtime did not start: {error}")))
        .and_then(|runtime| runtime.block_on(serve(&options)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, message)) => {
            // Nothing is left to do where even this fails.
            writeln!(io::stderr(), "error: {message}").ok();
            ExitCode::from(code)
        }
    }
}

async fn serve(options: &Serve) -> Result<(), Failure> {
    let manifests = read_manifests(&options.load)?;
    if let Some(path) = &options.write_kubeconfig {
        check_kubeconfig(path)?;
    }
    let server = ApiServer::new(Options {
        seed: options.seed,
        clock: Clock::system(),
        bootstrap: !options.bare,
        authorization: if options.rbac { Authorization::Rbac } else { Authorization::AlwaysAllow },
        tokens: options.token.iter().cloned().collect(),
        ..Options::default()
    });
    load(&server, manifests)?;

    // Before the address is announced: whoever reads it may stop us at once.
    let listening = |error| failed(format!("signals cannot be watched: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(listening)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(listening)?;

    let address = options.listen;
    let cannot_listen = |error: io::Error| failed(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    if let Some(path) = &options.write_kubeconfig {
        fs::write(path, kubeconfig::kubeconfig(address))
            .map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
    }
    match announce(address, options.write_kubeconfig.as_deref()) {
        // A reader that has seen enough is no reason to stop serving.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(failed(format!("cannot write to standard output: {error}")));
        }
        _ => {}
    }

    let served = if options.anonymous { server.acting_as(UserInfo::anonymous()) } else { server.clone() };
    let actors = async {
        if options.bare {
            std::future::pending::<()>().await;
        } else {
            let settings = Settings { provisioner: true, ..Settings::default() };
            Actors::all(&server).with(settings).run().await;
        }
    };
    tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        () = actors => Err(failed("the controllers stopped")),
        served = served.serve(listener) => served.map_err(|error| failed(format!("stopped serving: {error}"))),
    }
}

fn announce(address: SocketAddr, kubeconfig: Option<&Path>) -> io::Result<()> {
    let url = kubeconfig::server_url(address);
    let mut out = io::stdout().lock();
    writeln!(out, "serving on {url}")?;
    match kubeconfig {
        Some(path) => writeln!(out, "try: kubectl --kubeconfig {} get all -A", path.display())?,
        None => writeln!(out, "try: kubectl --server {url} get all -A")?,
    }
    out.flush()
}

/// A kubeconfig of somebody's own holds credentials: it is never overwritten.
fn check_kubeconfig(path: &Path) -> Result<(), Failure> {
    match fs::read_to_string(path) {
        Ok(text) if text.starts_with(kubeconfig::MARK) || text.is_empty() => Ok(()),
        Ok(_) => Err(wrong_input(format!(
            "{} exists and was not written by kubesim: name another file for --write-kubeconfig",
            path.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(wrong_input(format!("cannot read {}: {error}", path.display()))),
    }
}

/// One object to load, and the file it comes from.
struct Loading<'a> {
    file: &'a Path,
    manifest: Manifest,
}

fn read_manifests(files: &[PathBuf]) -> Result<Vec<Loading<'_>>, Failure> {
    let mut all = Vec::new();
    for file in files {
        let unread = |why: &dyn Display| wrong_input(format!("cannot load {}: {why}", file.display()));
        let length = fs::metadata(file).map_err(|error| unread(&error))?.len();
        if length > MANIFEST_LENGTH_MAX {
            return Err(unread(&format!("longer than {MANIFEST_LENGTH_MAX} bytes")));
        }
        let text = fs::read_to_string(file).map_err(|error| unread(&error))?;
        let manifests = manifest::parse(&text).map_err(|error| unread(&error))?;
        all.extend(manifests.into_iter().map(|manifest| Loading { file, manifest }));
    }
    // Stable: the rest keeps the order of the files.
    all.sort_by_key(|loading| match loading.manifest.object["kind"].as_str() {
        Some("CustomResourceDefinition") => 0,
        Some("Namespace") => 1,
        _ => 2,
    });
    Ok(all)
}

/// Creates everything, and says all that went wrong.
fn load(server: &ApiServer, objects: Vec<Loading<'_>>) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for Loading { file, manifest } in objects {
        let document = manifest.document;
        for loaded in server.load(vec![manifest.object]) {
            if let Err(error) = loaded {
                wrong.push(format!("{} document {document}: {error}", file.display()));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(failed(wrong.join("\nerror: "))) }
}
