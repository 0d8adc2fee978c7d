//! `demo`: the whole product in one process, and the proof that it works.
//!
//! An API server in memory with its controllers, Ark's server, and a bucket in a folder. A world is loaded and backed up,
//! one namespace of it is destroyed with everything that only it used, and restored. Then every object is compared with
//! what it was. The exit code says whether the comparison is clean.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use kubesim::actors::{Actors, Settings};
use kubesim::{ApiServer, Clock as SimClock, Options};
use tokio::sync::oneshot;

use super::cmd_look;
use super::cmd_server::stop_signal;
use super::columns::Table;
use super::demo::compare::{Comparison, compare};
use super::demo::leftout::left_out;
use super::demo::picture::{self, Key, Picture};
use super::demo::{belongings, disaster, world};
use super::error::{CliError, Exit};
use super::human;
use super::listing;
use super::objects::{Kind, Objects};
use super::output::{Output, Style};
use super::session::{Access, Session};
use crate::api::{Backup, BackupPhase, BackupSpec, Restore, RestorePhase, RestoreSpec};
use crate::clock::Clock;
use crate::cluster::{Cluster, SimCluster};
use crate::server::{self, ServerOptions};
use crate::storage::BackupStore;

/// Name of the demo's backup and restore.
const NAME: &str = "demo";

/// Objects that a line of the comparison names before it says how many more there are.
const NAMED_MAX: usize = 3;

/// Width of running text, in characters.
const TEXT_WIDTH: usize = 100;

/// `demo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// Manifests of a world of your own, in YAML or JSON; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Vec<PathBuf>,
    /// Namespace to destroy; by default `shop`, or the first one of your own world
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) destroy: Option<String>,
    /// Stay up afterwards and serve the cluster to kubectl, until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
    /// What the cluster's uids, names and addresses are made from
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Where `--keep` listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Folder for the bucket; by default one that is removed at the end
    #[arg(long, value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
}

/// The folder of the bucket, removed at the end where the demo made it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(given: Option<&Path>) -> Result<Self, CliError> {
        let (path, temporary) = match given {
            Some(path) => (path.to_owned(), false),
            None => (std::env::temp_dir().join(format!("ark-demo-{}", std::process::id())), true),
        };
        let failed = |error| CliError::from(error).while_doing(format!("the folder {}", path.display()));
        std::fs::create_dir_all(&path).map_err(failed)?;
        Ok(Self { path, temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Everything that runs while the demo does.
struct Stage {
    server: ApiServer,
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    store: BackupStore,
    namespace: String,
}

/// Shows the product.
pub(crate) async fn run(session: &Session, args: &DemoArgs, output: &mut Output) -> Result<Exit, CliError> {
    let folder = Folder::new(args.store.as_deref())?;
    let store = session.store(&folder.path.display().to_string(), Access::Write)?;
    if store.exists(NAME).await? {
        return Err(CliError::failed(format!("the folder {} holds a backup {NAME} already", folder.path.display()))
            .hint("choose another folder with `--store`: a backup is never overwritten"));
    }
    let server =
        ApiServer::new(Options { seed: args.seed, clock: SimClock::system(), bootstrap: true, ..Options::default() });
    let stage = Stage {
        cluster: Arc::new(SimCluster::new(server.clone())),
        server,
        clock: session.clock(),
        store,
        namespace: session.namespace().to_owned(),
    };
    output
        .line("Ark demo: a cluster, Ark's server and a bucket, all in this process. Nothing outside it is touched.")?;
    let (stop, stopped) = oneshot::channel::<()>();
    let actors = tokio::spawn(Actors::all(&stage.server).with(Settings { node: true, provisioner: true }).run());
    let arks = stage.start_server(stopped)?;
    let result = perform(&stage, args, &folder, output).await;
    let result = match result {
        Ok(exit) if args.keep => keep(&stage, args, &folder, output).await.map(|()| exit),
        other => other,
    };
    drop(stop);
    actors.abort();
    let ended = arks.await.map_err(|error| CliError::failed(format!("Ark's server has crashed: {error}")))?;
    let exit = result?;
    ended?;
    Ok(exit)
}

impl Stage {
    /// Installs Ark's kinds and starts its server beside the narrative.
    fn start_server(
        &self,
        stopped: oneshot::Receiver<()>,
    ) -> Result<tokio::task::JoinHandle<Result<(), CliError>>, CliError> {
        for definition in crate::api::crds() {
            let value = serde_json::to_value(definition).expect("a definition always serialises");
            for loaded in self.server.load(vec![value]) {
                loaded.map_err(|error| CliError::failed(error.to_string()))?;
            }
        }
        let options = ServerOptions { namespace: self.namespace.clone() };
        let (cluster, store, clock) = (Arc::clone(&self.cluster), self.store.clone(), Arc::clone(&self.clock));
        Ok(tokio::spawn(async move {
            let shutdown = async move {
                // An error means that the narrative has ended, too.
                let _ = stopped.await;
            };
            server::run(cluster, store, clock, options, shutdown)
                .await
                .map_err(|error| CliError::failed(format!("Ark's server: {error}")))
        }))
    }

    async fn objects<K: Kind>(&self) -> Result<Objects, CliError> {
        Objects::of::<K>(Arc::clone(&self.cluster), Arc::clone(&self.clock), &self.namespace).await
    }
}

/// The five acts.
async fn perform(stage: &Stage, args: &DemoArgs, folder: &Folder, output: &mut Output) -> Result<Exit, CliError> {
    let began = stage.clock.now();
    let loaded = world::load(&stage.server, &args.world)?;
    let namespace = destroyed_namespace(args, &loaded)?;
    title(output, "1. The cluster")?;
    let running = disaster::pods_running(&*stage.cluster, &*stage.clock, None, 0).await?;
    let version = "A Kubernetes 1.36 API server in memory, with the controllers that make pods run and volumes bind.";
    output.line(format_args!("   {version}"))?;
    output.line(format_args!(
        "   Loaded {}: {} in {}. {} after {}.",
        loaded.title,
        human::count(loaded.objects.len() as u64, "object", "objects"),
        loaded.namespaces.join(", "),
        running_pods(running),
        human::took(since(stage, began)),
    ))?;

    title(output, "2. The backup")?;
    let backup = back_up(stage, folder, output).await?;
    if backup.status.as_ref().map(|status| status.phase) != Some(BackupPhase::Completed) {
        super::cmd_backup::report(&backup, listing::stored_results(&stage.store, NAME).await?.as_ref(), output)?;
        return Ok(Exit::Failed);
    }
    let before = picture::take(&*stage.cluster).await?;

    title(output, "3. The disaster")?;
    let pods = destroy(stage, &before, &namespace, &loaded, output).await?;

    title(output, "4. The restore")?;
    let restore = bring_back(stage, output).await?;
    if restore.status.as_ref().map(|status| status.phase) != Some(RestorePhase::Completed) {
        let file = stage.store.restore_results(NAME, NAME).await;
        let results = file.ok().map(|file| listing::read_results(&file, NAME)).transpose()?;
        super::cmd_restore::report(&restore, results.as_ref(), output)?;
        return Ok(Exit::Failed);
    }
    let began = stage.clock.now();
    let running = disaster::pods_running(&*stage.cluster, &*stage.clock, Some(&namespace), pods).await?;
    let took = human::took(since(stage, began));
    output.line(format_args!("   {} again in {namespace} after {took}.", running_pods(running)))?;

    title(output, "5. The comparison")?;
    let log = cmd_look::gunzip(&stage.store.restore_log(NAME, NAME).await?, NAME)?;
    let reasons = left_out(&String::from_utf8_lossy(&log));
    let after = picture::take(&*stage.cluster).await?;
    let comparison = compare(&before, &after, &reasons);
    tell(&comparison, output)?;
    Ok(if comparison.is_clean() { Exit::Done } else { Exit::Failed })
}

fn destroyed_namespace(args: &DemoArgs, loaded: &world::World) -> Result<String, CliError> {
    match &args.destroy {
        Some(name) if loaded.namespaces.contains(name) => Ok(name.clone()),
        Some(name) => Err(CliError::usage(format!("nothing in the world lies in the namespace {name}"))
            .hint(format!("its namespaces are {}", loaded.namespaces.join(", ")))),
        None => loaded.namespaces.first().cloned().ok_or_else(|| {
            CliError::usage("the world has no namespace to destroy").hint("give at least one namespaced object")
        }),
    }
}

async fn back_up(stage: &Stage, folder: &Folder, output: &mut Output) -> Result<Backup, CliError> {
    let objects = stage.objects::<Backup>().await?;
    let spec = BackupSpec {
        included_namespaces: vec!["*".to_owned()],
        ttl: crate::api::go::GoDuration::from_seconds(720 * 60 * 60),
        ..BackupSpec::default()
    };
    let mut backup = Backup::new(NAME, spec);
    backup.metadata.namespace = Some(stage.namespace.clone());
    create_when_ready(stage, &objects, &backup).await?;
    let began = stage.clock.now();
    let backup: Backup = objects.wait(NAME, |_| {}).await?;
    let status = backup.status.clone().unwrap_or_default();
    let archive = status.archive.clone().unwrap_or_default();
    if status.phase != BackupPhase::Completed {
        return Ok(backup);
    }
    output.line(format_args!(
        "   A Backup object was created, and Ark's server did it: {:?} after {}, {} in {}.",
        status.phase,
        human::took(since(stage, began)),
        human::count(archive.items, "object", "objects"),
        human::size(archive.bytes),
    ))?;
    output.line(format_args!("   Its files are in {}", folder.path.join(NAME).display()))?;
    output.line("")?;
    let mut counts = BTreeMap::<String, u64>::new();
    for entry in cmd_look::entries(&stage.store, NAME).await? {
        *counts.entry(entry.path.resource().to_string()).or_default() += 1;
    }
    let mut table = Table::new(&["OBJECTS", "RESOURCE"]);
    for (resource, count) in &counts {
        table.row(vec![format!("{count:>7}"), resource.clone()]);
    }
    for line in table.render().lines() {
        output.line(format_args!("   {line}"))?;
    }
    Ok(backup)
}

/// Ark's server makes its namespace when it starts; a moment may pass until then.
async fn create_when_ready<K: Kind>(stage: &Stage, objects: &Objects, object: &K) -> Result<(), CliError> {
    let mut last = Ok(());
    for _ in 0..100 {
        match objects.create(object).await {
            Ok(_) => return Ok(()),
            Err(error) => last = Err(error),
        }
        stage.clock.sleep(Duration::from_millis(50)).await;
    }
    last
}

async fn destroy(
    stage: &Stage,
    before: &Picture,
    namespace: &str,
    loaded: &world::World,
    output: &mut Output,
) -> Result<usize, CliError> {
    let belongings = belongings::of_namespace(before, namespace, &loaded.objects);
    let freed = disaster::strike(&*stage.cluster, &*stage.clock, before, namespace, &belongings).await?;
    let left = picture::take(&*stage.cluster).await?;
    let gone = disaster::gone(before, &left);
    let also = if belongings.is_empty() { "" } else { ", and with it what only it used:" };
    output.line(format_args!("   The namespace {namespace} is deleted{also}"))?;
    for key in &belongings {
        output.line(format_args!("     {key}"))?;
    }
    for key in &freed {
        output.line(format_args!("   {key} was held by a finalizer, which was taken off as its operator would."))?;
    }
    let total = gone.values().sum();
    output.line(format_args!("   {} gone:", human::count(total, "object is", "objects are")))?;
    let parts: Vec<String> = gone.iter().map(|(resource, count)| format!("{} {count}", resource.resource)).collect();
    for line in human::wrapped(&parts, TEXT_WIDTH) {
        output.line(format_args!("     {line}"))?;
    }
    let runs = |key: &Key, pod: &serde_json::Value| {
        key.is("", "pods") && key.namespace.as_deref() == Some(namespace) && pod["status"]["phase"] == "Running"
    };
    Ok(before.iter().filter(|(key, pod)| runs(key, pod)).count())
}

async fn bring_back(stage: &Stage, output: &mut Output) -> Result<Restore, CliError> {
    let objects = stage.objects::<Restore>().await?;
    let spec = RestoreSpec { backup_name: NAME.to_owned(), ..RestoreSpec::default() };
    let mut restore = Restore::new(NAME, spec);
    restore.metadata.namespace = Some(stage.namespace.clone());
    let began = stage.clock.now();
    objects.create(&restore).await?;
    let restore: Restore = objects.wait(NAME, |_| {}).await?;
    let status = restore.status.clone().unwrap_or_default();
    if status.phase == RestorePhase::Completed {
        let took = human::took(since(stage, began));
        output.line(format_args!(
            "   A Restore object was created, and Ark's server did it: {:?} after {took}.",
            status.phase
        ))?;
        let progress = status.progress.unwrap_or_default();
        let counts = [
            (progress.created, "created"),
            (progress.updated, "changed"),
            (progress.unchanged, "there already, and the same"),
            (progress.different, "there already, different, and kept"),
            (progress.skipped, "left out, each for a reason that the log names"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            output.line(format_args!("     {count:>4}  {what}"))?;
        }
    }
    Ok(restore)
}

fn tell(comparison: &Comparison, output: &mut Output) -> Result<(), CliError> {
    let back = comparison.back.len() as u64;
    output
        .line(format_args!("   {} never touched.", human::count(comparison.untouched, "object was", "objects were")))?;
    output.line(format_args!("   {} back.", human::count(back, "object is", "objects are")))?;
    if !comparison.differences.is_empty() {
        output.line("   What differs in them, and why:")?;
        for (why, keys) in &comparison.differences {
            output.line(format_args!("     {:>4}  {why}", keys.len()))?;
        }
    }
    if !comparison.left_out.is_empty() {
        output.line("   What was left out, and why:")?;
        for (why, keys) in &comparison.left_out {
            output.line(format_args!("     {:>4}  {why}: {}", keys.len(), named(keys)))?;
        }
    }
    if !comparison.made_anew.is_empty() {
        output.line("   What controllers made anew:")?;
        output.line(format_args!("     {:>4}  {}", comparison.made_anew.len(), named(&comparison.made_anew)))?;
    }
    output.line("")?;
    if comparison.is_clean() {
        let verdict = output.styled(Style::Good, "Every object is back, and every difference has its reason.");
        return output.line(format_args!("   {verdict}"));
    }
    let verdict = output.styled(Style::Bad, "The comparison is not clean.");
    output.line(format_args!("   {verdict}"))?;
    for key in &comparison.missing {
        output.line(format_args!("     missing: {key}"))?;
    }
    for (key, paths) in &comparison.wrong {
        output.line(format_args!("     differs: {key} in {}", paths.join(", ")))?;
    }
    for key in &comparison.foreign {
        output.line(format_args!("     was not there before: {key}"))?;
    }
    Ok(())
}

/// Serves the cluster until a signal.
async fn keep(stage: &Stage, args: &DemoArgs, folder: &Folder, output: &mut Output) -> Result<(), CliError> {
    let busy = |error| CliError::from(error).while_doing(format!("listening on {}", args.listen));
    let listener = tokio::net::TcpListener::bind(args.listen).await.map_err(busy)?;
    let address = listener.local_addr()?;
    let config = folder.path.join("kubeconfig");
    std::fs::write(&config, kubesim::kubeconfig::kubeconfig(address))
        .map_err(|error| CliError::from(error).while_doing(format!("writing {}", config.display())))?;
    let config = config.display();
    title(output, "The cluster stays up")?;
    output.line(format_args!("   kubectl --kubeconfig {config} get pods --all-namespaces"))?;
    output
        .line(format_args!("   kubectl --kubeconfig {config} get backups,restores --namespace {}", stage.namespace))?;
    let bucket = folder.path.display();
    output.line(format_args!("   ark backup create another --kubeconfig {config} --wait"))?;
    output.line(format_args!("   ark backup ls {NAME} --store {bucket}"))?;
    output.line("   Ctrl-C ends it.")?;
    output.flush()?;
    tokio::select! {
        biased;
        () = stop_signal() => Ok(()),
        served = stage.server.serve(listener) => Ok(served?),
    }
}

fn title(output: &mut Output, text: &str) -> Result<(), CliError> {
    output.line("")?;
    let styled = output.styled(Style::Title, text);
    output.line(styled)
}

/// The first few of them.
fn named(keys: &[Key]) -> String {
    let short = |key: &Key| {
        let namespace = key.namespace.as_ref().map_or_else(String::new, |namespace| format!("{namespace}/"));
        format!("{} {namespace}{}", key.resource.resource, key.name)
    };
    let mut text: Vec<String> = keys.iter().take(NAMED_MAX).map(short).collect();
    if keys.len() > NAMED_MAX {
        text.push(format!("and {} more", keys.len() - NAMED_MAX));
    }
    text.join(", ")
}

fn running_pods(count: usize) -> String {
    human::count(count as u64, "pod runs", "pods run")
}

fn since(stage: &Stage, began: jiff::Timestamp) -> Duration {
    stage.clock.now().duration_since(began).try_into().unwrap_or_default()
}
