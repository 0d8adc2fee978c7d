//! The controllers of a cluster, as far as a backup and a restore meet them.
//!
//! A kube-apiserver alone only stores. What people call Kubernetes (pods run, volumes bind, namespaces vanish) is done by
//! controllers that watch and write like any client. [`Actors`] are those, opt-in: without them the server is a bare
//! API server, as in `envtest`. They talk to the server only through its direct mouth and write as the real ones do:
//! same fields, same annotations, same finalizers, same conditions.
//!
//! # Stepping
//!
//! [`Actors::step`] runs one pass of each actor in a fixed order; a pass looks at everything that its actor manages and
//! moves each of it one stage on, so that the stages between can be seen by a test. [`Actors::settle`] steps until
//! nothing happens. [`Actors::run`] settles after every write, for a server that lives on a socket. Nothing here reads a
//! clock but the server's, and nothing is random: the same calls lead to the same writes in the same order.
//!
//! # Differences
//!
//! Real controllers run side by side and are late by milliseconds to minutes; actors are late only as far as the caller
//! lets them. No events are written. There is one node, `node-1`, on which everything fits; others are only what their
//! objects say. Not played: horizontal scaling, cron jobs, disruption budgets, leases.

mod access;
mod binder;
mod daemonset;
mod deployment;
mod endpoints;
mod gc;
mod hash;
mod indexed;
mod job;
mod kubelet;
mod mirror;
mod namespace;
mod ownership;
mod placement;
mod pods;
mod protection;
mod quota;
mod replicaset;
mod revisions;
mod selector;
mod service_account;
mod statefulset;

use crate::access::UserInfo;
use crate::server::ApiServer;
use access::Access;

/// How many passes [`Actors::settle`] makes at most: far more than any finite amount of work needs, so that two actors
/// that undo each other's writes are found instead of spinning.
const MOST_PASSES: usize = 1_000;

/// One controller, or a few that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActorKind {
    /// Establishes definitions that the server leaves to be established.
    Definitions,
    /// `kube-root-ca.crt` and the `default` account of every namespace, tokens for Secrets that ask for one.
    ServiceAccounts,
    /// What is used of resource quotas.
    Quotas,
    /// Deployment → ReplicaSet, with revisions and rolling updates.
    Deployments,
    /// ReplicaSet → Pod.
    ReplicaSets,
    /// StatefulSet → ControllerRevision, Pods and claims.
    StatefulSets,
    /// `DaemonSet` → ControllerRevision, and a Pod on every node that fits.
    DaemonSets,
    /// Job → Pod, and its completion.
    Jobs,
    /// Volumes and claims: binding, releasing, protection; dynamic provisioning if [`Settings::provisioner`].
    Volumes,
    /// Schedules pods and runs them, on `node-1` and on every other node that says it is ready.
    Kubelet,
    /// Endpoints and EndpointSlices of Services with a selector; EndpointSlices of Endpoints written by hand.
    Endpoints,
    /// Deletes what has lost its owners; foreground and orphan deletion.
    GarbageCollector,
    /// Empties terminating namespaces and lets them go.
    Namespaces,
}

impl ActorKind {
    /// Every kind, in the order in which they step.
    pub const ALL: [Self; 13] = [
        Self::Definitions,
        Self::ServiceAccounts,
        Self::Quotas,
        Self::Deployments,
        Self::ReplicaSets,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::Jobs,
        Self::Volumes,
        Self::Kubelet,
        Self::Endpoints,
        Self::GarbageCollector,
        Self::Namespaces,
    ];
}

/// What the cluster around the server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether the kubelet registers `node-1`. Without any node pods stay unscheduled.
    pub node: bool,
    /// Whether claims of a storage class with a provisioner get a volume made. Off by default: a restore that forgets a
    /// volume must not be covered up by a new, empty one.
    pub provisioner: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { node: true, provisioner: false }
    }
}

/// The actors of one server.
#[derive(Clone, Debug)]
pub struct Actors {
    server: ApiServer,
    kinds: Vec<ActorKind>,
    settings: Settings,
}

impl Actors {
    /// All of them, with the default [`Settings`].
    pub fn all(server: &ApiServer) -> Self {
        Self::only(server, &ActorKind::ALL)
    }

    /// Some of them; they step in the order of [`ActorKind::ALL`] whatever the order here.
    pub fn only(server: &ApiServer, kinds: &[ActorKind]) -> Self {
        let kinds = ActorKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect();
        // Whoever starts them: controllers have rights of their own.
        Self { server: server.acting_as(UserInfo::admin()), kinds, settings: Settings::default() }
    }

    /// The same actors in another cluster.
    #[must_use]
    pub fn with(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// One pass of each actor; whether anything was written.
    pub fn step(&mut self) -> bool {
        let before = self.server.revision();
        for kind in &self.kinds {
            self.act(*kind);
        }
        self.server.revision() != before
    }

    /// One pass of one actor; whether anything was written.
    pub fn step_one(&mut self, kind: ActorKind) -> bool {
        let before = self.server.revision();
        self.act(kind);
        self.server.revision() != before
    }

    /// Steps until nothing happens; how many steps wrote something. Ends after 1,000 steps even if the actors keep
    /// undoing each other's writes.
    pub fn settle(&mut self) -> usize {
        (0..MOST_PASSES).take_while(|_| self.step()).count()
    }

    /// Steps while there is something to do, then waits for the next write; never returns.
    pub async fn run(mut self) {
        loop {
            // Read before the pass: a write that comes in during the pass must start another one.
            let seen = self.server.revision();
            if self.step() {
                tokio::task::yield_now().await;
            } else {
                self.server.changed_since(seen).await;
            }
        }
    }

    fn act(&self, kind: ActorKind) {
        let manager = if kind == ActorKind::Kubelet { "kubelet" } else { "kube-controller-manager" };
        let access = Access::new(&self.server, manager);
        match kind {
            ActorKind::Definitions => {
                self.server.establish_definitions();
            }
            ActorKind::ServiceAccounts => service_account::pass(access),
            ActorKind::Quotas => quota::pass(access),
            ActorKind::Deployments => deployment::pass(access),
            ActorKind::ReplicaSets => replicaset::pass(access),
            ActorKind::StatefulSets => statefulset::pass(access),
            ActorKind::DaemonSets => daemonset::pass(access),
            ActorKind::Jobs => job::pass(access),
            ActorKind::Volumes => {
                binder::pass(access, self.settings.provisioner);
                protection::pass(access);
            }
            ActorKind::Kubelet => kubelet::pass(access, self.settings.node),
            ActorKind::Endpoints => {
                endpoints::pass(access);
                mirror::pass(access);
            }
            ActorKind::GarbageCollector => gc::pass(access),
            ActorKind::Namespaces => namespace::pass(access),
        }
    }
}
