//! The handle of the server and its locked core.
//!
//! Owns the lock, the registry of served resources, the audit log, and the waking of those who wait for writes. The verbs are in
//! `read`, `write`, `delete` and `watch`. Every call is atomic: it takes the lock once, and nobody sees half of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;

use crate::access::{Access, Authorization, Caller, SigningKey, UserInfo};
use crate::admission::Allocations;
use crate::bootstrap;
use crate::builtin;
use crate::clock::Clock;
use crate::exec::{ExecCall, ExecScript, emulate};
use crate::options::Target;
use crate::resource::{GroupResource, Origin, ResourceDef};
use crate::rng::Rng;
use crate::status::Status;
use crate::store::Store;
use crate::webhook::Webhooks;

/// The audit log forgets its oldest lines beyond this many: it is for tests, and memory must have an end.
const LOG_LIMIT: usize = 1_000_000;

/// How many writes a watch or a page may lie behind, unless the caller says otherwise.
const HISTORY_LIMIT: usize = 10_000;

/// How a server starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// What uids, generated names and allocated addresses come from.
    pub seed: u64,
    /// The time.
    pub clock: Clock,
    /// Whether the objects of a bare cluster are there; if not, only its four namespaces are.
    pub bootstrap: bool,
    /// How many writes the past holds, for watches and for lists of old revisions.
    pub history_limit: usize,
    /// Whether definitions of custom resources are established by themselves, right after the write that makes them, and finished
    /// when they are deleted. If not, [`ApiServer::establish_definitions`] does it when the caller says so.
    pub auto_establish: bool,
    /// Whether the rules and defaults of each kind are applied, and names checked. Without, what is written is taken as it is, but
    /// for the metadata that only the server sets: for tests that must lose no field of objects that no cluster would take.
    pub admission: bool,
    /// Who decides what somebody may do; everybody may do everything unless it is said here.
    pub authorization: Authorization,
    /// What stands for the backends of admission webhooks; without, their configurations are stored and nobody is asked.
    pub webhooks: Option<Webhooks>,
    /// Bearer tokens, and whose they are. Service accounts have tokens of their own.
    pub tokens: BTreeMap<String, UserInfo>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            clock: Clock::manual("2026-01-01T00:00:00Z".parse().expect("a constant in the right form")),
            bootstrap: false,
            history_limit: HISTORY_LIMIT,
            auto_establish: true,
            admission: true,
            authorization: Authorization::default(),
            webhooks: None,
            tokens: BTreeMap::new(),
        }
    }
}

/// One write, for tests of determinism. Shown as `5 create v1 configmaps t/one`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The revision that it made.
    pub revision: u64,
    /// `create`, `update`, `delete`.
    pub verb: &'static str,
    /// Group, or nothing, and plural name.
    pub resource: GroupResource,
    /// `namespace/name`, or the name alone.
    pub key: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, verb, resource, key } = self;
        write!(f, "{revision} {verb} {resource} {key}")
    }
}

/// A Kubernetes API server in memory: a cheap handle, every clone the same server. What is asked through it is asked by the
/// administrator, unless [`ApiServer::acting_as`] made it.
#[derive(Clone)]
pub struct ApiServer {
    inner: Arc<Inner>,
    caller: Caller,
}

struct Inner {
    clock: Clock,
    core: Mutex<Core>,
    wakers: Mutex<BTreeMap<u64, Waker>>,
    script: Mutex<Arc<dyn ExecScript>>,
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

/// Everything behind the lock.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) rng: Rng,
    pub(crate) allocations: Allocations,
    /// Claims, by their uid, that nobody has written since they were created: their phase is only a default, which the next write stores.
    pub(crate) untouched: BTreeSet<String>,
    pub(crate) auto_establish: bool,
    pub(crate) admission: bool,
    pub(crate) access: Access,
    pub(crate) webhooks: Option<Arc<Webhooks>>,
    log: VecDeque<LogLine>,
    next_waiter: u64,
}

impl Core {
    /// Notes a write that has been done.
    pub(crate) fn note(&mut self, verb: &'static str, resource: &GroupResource, key: &str) {
        if self.log.len() == LOG_LIMIT {
            self.log.pop_front();
        }
        self.log.push_back(LogLine {
            revision: self.store.revision(),
            verb,
            resource: resource.clone(),
            key: key.to_owned(),
        });
    }

    pub(crate) fn waiter(&mut self) -> u64 {
        self.next_waiter += 1;
        self.next_waiter
    }
}

/// What is served.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) defs: Vec<Arc<ResourceDef>>,
    /// Aggregated group versions and whether they answer.
    pub(crate) aggregated: BTreeMap<(String, String), bool>,
}

impl Registry {
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<ResourceDef>> {
        self.defs.iter().find(|def| def.plural == plural && def.group == group && def.version == version)
    }

    /// The definition of a target, and its scope checked.
    pub(crate) fn resolve(&self, target: &Target) -> Result<Arc<ResourceDef>, Status> {
        let (group, version) = (&target.group, &target.version);
        if self.aggregated.get(&(group.clone(), version.clone())) == Some(&false) {
            return Err(Status::unavailable());
        }
        let Some(def) = self.find(group, version, &target.resource) else {
            // A group of custom resources knows nothing beyond its definitions: there the absence is that of the page.
            let known = self.defs.iter().any(|def| def.group == *group && def.version == *version && !def.is_custom());
            return Err(if known { Status::unknown_resource() } else { Status::unknown_group() });
        };
        if target.namespace.is_some() && !def.namespaced {
            return Err(Status::unknown_resource());
        }
        if let Some(subresource) = &target.subresource
            && def.subresource(subresource).is_none()
        {
            return Err(Status::unknown_resource());
        }
        Ok(Arc::clone(def))
    }
}

impl ApiServer {
    /// A new server.
    pub fn new(options: Options) -> Self {
        let caller = Caller::new(UserInfo::admin());
        let mut core = Core {
            store: Store::new(options.history_limit),
            registry: Registry { defs: builtin::resources(), aggregated: BTreeMap::new() },
            rng: Rng::new(options.seed),
            allocations: Allocations::default(),
            untouched: BTreeSet::new(),
            auto_establish: options.auto_establish,
            admission: options.admission,
            access: Access {
                authorization: options.authorization,
                tokens: options.tokens,
                key: SigningKey::of_seed(options.seed),
                caller: Arc::clone(&caller.user),
            },
            webhooks: options.webhooks.map(Arc::new),
            log: VecDeque::new(),
            next_waiter: 0,
        };
        bootstrap::load(&mut core, options.bootstrap, options.clock.now());
        Self {
            inner: Arc::new(Inner {
                clock: options.clock,
                core: Mutex::new(core),
                wakers: Mutex::new(BTreeMap::new()),
                script: Mutex::new(Arc::new(|call: &ExecCall| emulate(&call.command, &call.stdin))),
            }),
            caller,
        }
    }

    /// The same server for another caller.
    pub(crate) fn for_caller(&self, caller: Caller) -> Self {
        Self { inner: Arc::clone(&self.inner), caller }
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The server's time.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.lock().store.revision()
    }

    /// Forgets the past: lists and watches that need a revision before the present one get 410 from now on.
    pub fn compact(&self) {
        self.lock().store.compact();
    }

    /// Everything that is served, in discovery order: built-in groups, then custom ones in order of their definitions' names,
    /// then aggregated ones.
    pub fn resources(&self) -> Vec<Arc<ResourceDef>> {
        self.lock().registry.defs.clone()
    }

    /// One served resource.
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<ResourceDef>> {
        self.lock().registry.find(group, version, plural).cloned()
    }

    /// Serves more kinds like built-in ones, as a feature gate does; a definition that is already served is replaced.
    pub fn serve_resources(&self, resources: Vec<ResourceDef>) {
        let mut core = self.lock();
        for resource in resources {
            let defs = &mut core.registry.defs;
            defs.retain(|def| {
                (&def.group, &def.version, &def.plural) != (&resource.group, &resource.version, &resource.plural)
            });
            // Beside its group, so that discovery keeps groups together.
            let last = defs.iter().rposition(|def| def.group == resource.group);
            let place = last.map_or(defs.len(), |last| last + 1);
            defs.insert(place, Arc::new(resource));
        }
    }

    /// Registers an aggregated API. A healthy one is served as if its objects were here; one that is not is stale in discovery and
    /// answers 503.
    pub fn set_aggregated(&self, group: &str, version: &str, resources: Vec<ResourceDef>, healthy: bool) {
        let mut core = self.lock();
        let registry = &mut core.registry;
        registry.aggregated.insert((group.to_owned(), version.to_owned()), healthy);
        registry.defs.retain(|def| def.group != group || def.version != version);
        for mut resource in resources {
            resource.origin = Origin::Aggregated;
            registry.defs.push(Arc::new(resource));
        }
    }

    /// The aggregated APIs: group, version, and whether it answers.
    pub fn aggregated(&self) -> Vec<(String, String, bool)> {
        let core = self.lock();
        let aggregated = core.registry.aggregated.iter();
        aggregated.map(|((group, version), healthy)| (group.clone(), version.clone(), *healthy)).collect()
    }

    /// Every write so far (of a very long run: the last million).
    pub fn log(&self) -> Vec<LogLine> {
        self.lock().log.iter().cloned().collect()
    }

    /// Returns once the store is beyond `revision`, with the revision it is at.
    pub async fn changed_since(&self, revision: u64) -> u64 {
        let waiter = Waiter::new(self);
        poll_fn(|context| {
            // Registered first: a write between the two must wake.
            waiter.register(context);
            let now = self.revision();
            if now > revision { Poll::Ready(now) } else { Poll::Pending }
        })
        .await
    }

    /// The definition of a target; an error where it is not served or its scope is another.
    pub(crate) fn resolve(&self, target: &Target) -> Result<Arc<ResourceDef>, Status> {
        self.lock().registry.resolve(target)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.inner.core.lock().expect("nothing panics while it holds the core")
    }

    /// Runs a write under the lock, then wakes those who wait for one.
    pub(crate) fn transaction<T>(&self, write: impl FnOnce(&mut Core) -> T) -> T {
        let (result, written) = {
            let mut core = self.lock();
            core.access.caller = Arc::clone(&self.caller.user);
            let before = core.store.revision();
            let result = write(&mut core);
            (result, core.store.revision() != before)
        };
        if written {
            let woken = std::mem::take(&mut *self.wakers());
            woken.into_values().for_each(Waker::wake);
        }
        result
    }

    pub(crate) fn script(&self) -> Arc<dyn ExecScript> {
        Arc::clone(&self.inner.script.lock().expect("nothing panics while it holds the script"))
    }

    pub(crate) fn set_script(&self, script: Arc<dyn ExecScript>) {
        *self.inner.script.lock().expect("nothing panics while it holds the script") = script;
    }

    fn wakers(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        self.inner.wakers.lock().expect("nothing panics while it holds the wakers")
    }
}

/// One who waits for writes; takes its waker along when it goes.
#[derive(Debug)]
pub(crate) struct Waiter {
    server: ApiServer,
    id: u64,
}

impl Waiter {
    pub(crate) fn new(server: &ApiServer) -> Self {
        let id = server.lock().waiter();
        Self { server: server.clone(), id }
    }

    /// A number that no other one has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn register(&self, context: &Context<'_>) {
        let mut wakers = self.server.wakers();
        wakers.insert(self.id, context.waker().clone());
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.server.wakers().remove(&self.id);
    }
}
