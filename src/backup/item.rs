//! [`Engine`]: what happens to one object, and what is kept while a backup runs.
//!
//! An object is admitted (selected, not being deleted, not in the archive yet), brings along what belongs to it, and is
//! written. A pod brings its claims, a claim its volume: they are read one by one where no list will reach them, and
//! always where the pod has hooks, so that they are saved between them. Label selectors do not apply to what is brought
//! along, filters of namespaces and resources do (ark-behaviour §2.2 step E, §2.5).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::api::{ArchiveSummary, Backup, BackupStatus, Progress};
use crate::archive::{ArchiveError, ArchiveWriter, EntryPath, PackedMember};
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::object::{ApiResource, GroupResource, Head, RawObject};
use crate::results::{JobLog, Results, Scope};
use crate::storage::{BackupUpload, StorageError};

use super::hooks::{Command, Pod, PodHooks, exec};
use super::packing::Packing;
use super::pages::Page;
use super::places::Place;
use super::plan::{Plan, is_core};
use super::retry::patiently;
use super::{BackupContext, BackupError, BackupOutcome, status};

/// After so many objects of a page, less than a millisecond, the connections get their turn: the next page is on its way.
const ITEMS_AT_A_STRETCH: usize = 16;

/// A backup that runs.
pub(super) struct Engine<'a> {
    pub(super) ctx: &'a BackupContext,
    pub(super) plan: &'a Plan,
    pub(super) log: JobLog,
    pub(super) results: Results,
    name: &'a str,
    upload: BackupUpload,
    writer: ArchiveWriter,
    packing: Packing,
    counts: BTreeMap<GroupResource, u64>,
    /// Objects that were met and are not in the archive: not to be met twice.
    left_out: BTreeSet<EntryPath>,
    deleting: u64,
    /// Objects that were listed in a place that is not selected.
    unselected: u64,
    /// Objects of the lists that ended.
    listed: u64,
    /// Objects of the current list so far, and what the server says will follow.
    current: (u64, u64),
    /// Whether lists do not reach all claims, or volumes, so that pods, or claims, must bring them.
    bring: Bring,
}

#[derive(Clone, Copy, Debug)]
struct Bring {
    claims: bool,
    volumes: bool,
}

/// The parts of a claim that its backup reads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Claim {
    spec: Option<ClaimSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSpec {
    volume_name: Option<String>,
}

impl<'a> Engine<'a> {
    /// An engine with an empty archive.
    pub(super) fn new(
        ctx: &'a BackupContext,
        plan: &'a Plan,
        name: &'a str,
        status: &BackupStatus,
        upload: BackupUpload,
        log: JobLog,
    ) -> Self {
        let start = status.start_timestamp.as_ref().map_or(0, |time| time.0.as_second());
        let reached = |resource: &Option<ApiResource>| resource.as_ref().is_some_and(|one| plan.lists_all_of(one));
        Self {
            ctx,
            plan,
            log,
            results: Results::default(),
            name,
            upload,
            writer: ArchiveWriter::new(u64::try_from(start).unwrap_or(0)),
            packing: Packing::default(),
            counts: BTreeMap::new(),
            left_out: BTreeSet::new(),
            deleting: 0,
            unselected: 0,
            listed: 0,
            current: (0, 0),
            bring: Bring { claims: !reached(&plan.known.claims), volumes: !reached(&plan.known.volumes) },
        }
    }

    /// Notes that a list begins.
    pub(super) fn begin_list(&mut self, place: Place<'_>) {
        self.current = (0, 0);
        let namespace = place.namespace.unwrap_or_default();
        self.log.info("Listing items", &[("groupResource", &place.resource.to_string()), ("namespace", namespace)]);
    }

    /// Notes that a list ended.
    pub(super) fn end_list(&mut self, place: Place<'_>) {
        let namespace = place.namespace.unwrap_or_default();
        let message = format!("Retrieved {} items", self.current.0);
        self.log.info(&message, &[("groupResource", &place.resource.to_string()), ("namespace", namespace)]);
        self.listed += self.current.0;
        self.current = (0, 0);
    }

    /// Notes that a list failed.
    pub(super) fn list_failed(&mut self, place: Place<'_>, error: &ClusterError) {
        let (resource, namespace) = (place.resource.to_string(), place.namespace);
        let place = namespace.map_or_else(String::new, |name| format!(" in namespace {name}"));
        let so_far = self.current.0;
        let message = format!("{resource}: error listing items{place} after {so_far} of them: {error}");
        self.log.error(&message, &[("groupResource", &resource), ("namespace", namespace.unwrap_or_default())]);
        self.results.error(namespace.map_or(Scope::Ark, Scope::Namespace), message);
    }

    /// Notes that an object failed.
    pub(super) fn failed(&mut self, resource: &ApiResource, namespace: Option<&str>, name: &str, reason: &str) {
        let message = format!("{}: {reason}", title(resource, namespace, name));
        self.log.error(&message, &fields(&resource.to_string(), namespace, name));
        self.results.error(Scope::of(namespace), message);
    }

    fn warn(&mut self, resource: &ApiResource, namespace: Option<&str>, name: &str, reason: &str) {
        let message = format!("{}: {reason}", title(resource, namespace, name));
        self.log.warning(&message, &fields(&resource.to_string(), namespace, name));
        self.results.warning(Scope::of(namespace), message);
    }

    /// Saves the objects of a page. `false` where its text is no list of objects: the list has failed.
    pub(super) async fn page(&mut self, place: Place<'_>, page: Page) -> Result<bool, BackupError> {
        if page.restarted {
            let resource = place.resource.to_string();
            self.log.info("The list expired and starts over", &[("groupResource", &resource)]);
            self.current = (0, 0);
        }
        let items = match page.uncut.items() {
            Ok(items) => items,
            Err(error) => {
                self.list_failed(place, &error);
                return Ok(false);
            }
        };
        let unselected = self.unselected;
        for (number, raw) in items.iter().enumerate() {
            if number % ITEMS_AT_A_STRETCH == 0 {
                tokio::task::yield_now().await;
            }
            self.item(place.resource, raw, true).await?;
        }
        let selected = items.len() as u64 - (self.unselected - unselected);
        self.current = (self.current.0 + selected, page.remaining);
        self.ctx.progress.progress(&self.progress());
        Ok(true)
    }

    fn progress(&self) -> Progress {
        let saved = self.writer.items();
        Progress { total_items: saved.max(self.listed + self.current.0 + self.current.1), items_backed_up: saved }
    }

    /// Saves one object, and what it brings along.
    ///
    /// # Errors
    /// Where the bucket fails.
    pub(super) async fn item(
        &mut self,
        resource: &ApiResource,
        raw: &RawObject,
        listed: bool,
    ) -> Result<(), BackupError> {
        let Some((path, hooks)) = self.admit(resource, raw, listed) else { return Ok(()) };
        if is_core(resource, "pods") {
            self.pod(resource, &path, raw, hooks).await?;
        } else if is_core(resource, "persistentvolumeclaims") && self.bring.volumes {
            self.volume_of(resource, &path, raw).await?;
        }
        self.write(resource, path, raw).await
    }

    /// Where an object goes in the archive, and its hooks; `None` where it does not go there.
    fn admit(&mut self, resource: &ApiResource, raw: &RawObject, listed: bool) -> Option<(EntryPath, PodHooks)> {
        let head = match raw.head() {
            Ok(head) => head,
            Err(error) => {
                let message = format!("{resource}: an object that the server sent cannot be read: {error}");
                self.log.error(&message, &[("groupResource", &resource.to_string())]);
                self.results.error(Scope::Ark, message);
                return None;
            }
        };
        let name = head.metadata.name.as_ref();
        let namespace = Some(head.metadata.namespace.as_ref()).filter(|namespace| !namespace.is_empty());
        if resource.namespaced != namespace.is_some() {
            let scope = if resource.namespaced { "namespaced, and it has no" } else { "cluster-scoped, and it has a" };
            self.failed(resource, namespace, name, &format!("the server says that the resource is {scope} namespace"));
            return None;
        }
        if !self.plan.selection.takes(resource, namespace, name) {
            self.unselected += u64::from(listed);
            return None;
        }
        if listed && !self.plan.selection.matches(&head) {
            return None;
        }
        let path = match EntryPath::new(resource.group_resource(), namespace, name) {
            Ok(path) => path,
            Err(error) => {
                self.failed(resource, namespace, name, &error.to_string());
                return None;
            }
        };
        // The archive refuses what it has; it is asked before only where more than a write depends on it.
        let deleting = head.metadata.deletion_timestamp.is_some();
        let asked = deleting || is_core(resource, "pods") || is_core(resource, "persistentvolumeclaims");
        if self.left_out.contains(&path) || (asked && self.writer.contains(&path)) {
            return None;
        }
        if deleting {
            self.log.info("Skipping item because it is being deleted", &fields(&resource.to_string(), namespace, name));
            self.deleting += 1;
            self.left_out.insert(path);
            return None;
        }
        let hooks = self.hooks_of(resource, &head);
        Some((path, hooks))
    }

    fn hooks_of(&self, resource: &ApiResource, head: &Head<'_>) -> PodHooks {
        if is_core(resource, "pods") {
            self.plan.hooks.of(&resource.group_resource(), head)
        } else {
            PodHooks::default()
        }
    }

    /// Whether an object was saved or left out before.
    fn met(&self, path: &EntryPath) -> bool {
        self.writer.contains(path) || self.left_out.contains(path)
    }

    async fn write(&mut self, resource: &ApiResource, path: EntryPath, raw: &RawObject) -> Result<(), BackupError> {
        let (namespace, name) = (path.namespace(), path.name());
        match self.writer.append(&path, raw.bytes()) {
            Ok(()) => {}
            // It came twice: from a list that started over, or brought along by another object.
            Err(ArchiveError::Duplicate { .. }) => return Ok(()),
            Err(error) => {
                self.failed(resource, namespace, name, &error.to_string());
                self.left_out.insert(path);
                return Ok(());
            }
        }
        self.log.info("Backed up item", &fields(&resource.to_string(), namespace, name));
        *self.counts.entry(path.resource().clone()).or_default() += 1;
        while let Some(member) = self.writer.full() {
            if let Some(oldest) = self.packing.begin(member).await {
                self.upload(oldest).await?;
            }
        }
        Ok(())
    }

    /// Uploads the next member of the archive.
    async fn upload(&mut self, member: PackedMember) -> Result<(), BackupError> {
        let bytes = self.writer.store(member);
        self.upload.write(bytes).await.map_err(|source| self.bucket("upload", source))
    }

    /// Runs the hooks of a pod around its claims and volumes.
    async fn pod(
        &mut self,
        resource: &ApiResource,
        path: &EntryPath,
        raw: &RawObject,
        mut hooks: PodHooks,
    ) -> Result<(), BackupError> {
        if hooks.is_empty() && !self.bring.claims {
            return Ok(());
        }
        let (namespace, name) = (path.namespace().unwrap_or_default(), path.name());
        let pod = match Pod::read(raw) {
            Ok(pod) => pod,
            Err(error) => {
                self.failed(resource, path.namespace(), name, &format!("its hooks and claims are unknown: {error}"));
                return Ok(());
            }
        };
        if pod.ended() && !hooks.is_empty() {
            self.log.info("Skipping hooks because the pod has ended", &fields("pods", path.namespace(), name));
            hooks = PodHooks::default();
        }
        for command in &hooks.pre {
            if !self.hook(resource, namespace, name, &pod, command, "pre").await && command.fail {
                break;
            }
        }
        let brought = self.claims_of(&pod, namespace, name, !hooks.is_empty()).await;
        for command in &hooks.post {
            self.hook(resource, namespace, name, &pod, command, "post").await;
        }
        brought
    }

    /// Runs one hook; `false` where it failed.
    async fn hook(
        &mut self,
        resource: &ApiResource,
        namespace: &str,
        name: &str,
        pod: &Pod,
        command: &Command,
        phase: &str,
    ) -> bool {
        let ran = exec::run(self.ctx.cluster.as_ref(), namespace, name, pod, command).await;
        let fields = [
            ("groupResource", "pods"),
            ("hookContainer", ran.container.as_str()),
            ("hookName", command.name.as_str()),
            ("hookPhase", phase),
            ("name", name),
            ("namespace", namespace),
        ];
        self.log.info("Ran exec hook", &fields);
        for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            if !text.is_empty() {
                self.log.info(&format!("{stream}: {text}"), &fields);
            }
        }
        let Some(failure) = ran.failure else { return true };
        let reason = format!("{phase} hook {:?} failed: {failure}", command.name);
        if command.fail {
            self.failed(resource, Some(namespace), name, &reason);
        } else {
            self.warn(resource, Some(namespace), name, &reason);
        }
        false
    }

    /// Saves the claims of a pod, and their volumes.
    async fn claims_of(&mut self, pod: &Pod, namespace: &str, name: &str, now: bool) -> Result<(), BackupError> {
        let Some(resource) = self.plan.known.claims.as_ref().filter(|_| now || self.bring.claims) else {
            return Ok(());
        };
        for claim in pod.claims(name) {
            let Some(raw) = self.fetch(resource, Some(namespace), &claim, &format!("pod {name}")).await else {
                continue;
            };
            let Some((path, _)) = self.admit(resource, &raw, false) else { continue };
            self.volume_of(resource, &path, &raw).await?;
            self.write(resource, path, &raw).await?;
        }
        Ok(())
    }

    /// Saves the volume of a claim.
    async fn volume_of(&mut self, claims: &ApiResource, path: &EntryPath, raw: &RawObject) -> Result<(), BackupError> {
        let Some(resource) = self.plan.known.volumes.as_ref() else { return Ok(()) };
        let Ok(claim) = serde_json::from_slice::<Claim>(raw.bytes()) else {
            self.failed(claims, path.namespace(), path.name(), "its volume is unknown: the text is not a claim's");
            return Ok(());
        };
        let Some(volume) = claim.spec.and_then(|spec| spec.volume_name).filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        let owner = format!("claim {}/{}", path.namespace().unwrap_or_default(), path.name());
        let Some(raw) = self.fetch(resource, None, &volume, &owner).await else { return Ok(()) };
        let Some((path, _)) = self.admit(resource, &raw, false) else { return Ok(()) };
        self.write(resource, path, &raw).await
    }

    /// Reads an object that another one brings along; `None` where it is not wanted, saved already, or not there.
    async fn fetch(
        &mut self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
        owner: &str,
    ) -> Option<RawObject> {
        if !self.plan.selection.takes(resource, namespace, name) {
            return None;
        }
        match EntryPath::new(resource.group_resource(), namespace, name) {
            Ok(path) if !self.met(&path) => {}
            Ok(_) => return None,
            Err(error) => {
                self.failed(resource, namespace, name, &format!("{owner} needs it: {error}"));
                return None;
            }
        }
        let cluster = self.ctx.cluster.as_ref();
        let found = patiently(self.ctx.clock.as_ref(), || cluster.get(resource, namespace, name)).await;
        match found {
            Ok(raw) => return Some(raw),
            Err(error) if error.kind == ClusterErrorKind::NotFound => {
                self.warn(resource, namespace, name, &format!("{owner} needs it, and it does not exist"));
            }
            Err(error) => self.failed(resource, namespace, name, &format!("{owner} needs it: {error}")),
        }
        None
    }

    fn bucket(&self, operation: &'static str, source: StorageError) -> BackupError {
        BackupError::Bucket { operation, name: self.name.to_owned(), source }
    }

    /// Ends the archive and makes the backup visible.
    ///
    /// # Errors
    /// Where the bucket fails; nothing is visible then, and what was uploaded is removed as far as the bucket lets.
    pub(super) async fn publish(
        mut self,
        mut backup: Backup,
        start: BackupStatus,
    ) -> Result<BackupOutcome, BackupError> {
        let name = self.name;
        let failed = |operation| move |source| BackupError::Bucket { operation, name: name.to_owned(), source };
        let progress = self.progress();
        while let Some(member) = self.packing.end().await {
            if let Err(error) = self.upload(member).await {
                self.abort().await;
                return Err(error);
            }
        }
        let finished = self.writer.finish();
        let archive =
            ArchiveSummary { items: finished.items, bytes: finished.bytes, sha256: finished.sha256.to_string() };
        let mut upload = self.upload;
        let (errors, warnings) = (self.results.errors.count(), self.results.warnings.count());
        let message = format!("Backed up {} items with {errors} errors and {warnings} warnings", archive.items);
        self.log.info(&message, &[]);
        let log = self.log.finish();
        let stored = async {
            upload.write(finished.tail).await.map_err(failed("upload"))?;
            upload.finish_archive(&finished.index).await.map_err(failed("upload the index of"))?;
            if let Err(error) = upload.put_log(log).await {
                // A backup without its log is still a backup.
                self.results.warning(Scope::Ark, format!("error uploading the log: {error}"));
            }
            upload.put_results(self.results.to_gzip()).await.map_err(failed("upload the results of"))
        };
        if let Err(error) = stored.await {
            upload.abort().await;
            return Err(error);
        }
        let status = status::ended(start, self.ctx.clock.now(), archive, progress, &self.results);
        backup.status = Some(status.clone());
        upload.publish(&backup).await.map_err(failed("publish"))?;
        Ok(BackupOutcome { status, results: self.results, counts: self.counts, deleting: self.deleting })
    }

    /// Gives up: removes what was uploaded.
    pub(super) async fn abort(self) {
        self.upload.abort().await;
    }
}

fn title(resource: &ApiResource, namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| format!("{resource} {name}"), |namespace| format!("{resource} {namespace}/{name}"))
}

fn fields<'b>(resource: &'b str, namespace: Option<&'b str>, name: &'b str) -> [(&'b str, &'b str); 3] {
    [("groupResource", resource), ("name", name), ("namespace", namespace.unwrap_or_default())]
}
