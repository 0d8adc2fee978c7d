//! A real cluster, and what a test does to it beside Ark.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ark::api::{Backup, BackupSpec, Restore, RestoreSpec};
use ark::backup::{self, BackupContext, BackupError, BackupOutcome};
use ark::clock::SystemClock;
use ark::cluster::{Cluster, ClusterErrorKind, DeleteOptions, KubeCluster, Target};
use ark::object::{ApiResource, RawObject, ResourceMapper};
use ark::restore::{self, RestoreContext, RestoreError, RestoreOutcome, RestoreSettings};
use ark::storage::BackupStore;
use http::Request;
use kube::Client;
use rig::{ControlPlane, Options, RigError};
use serde_json::Value;

/// How often something that happens by itself is looked for: four minutes.
const LOOKS: usize = 1_200;
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// A cluster with its controllers and a node.
pub(crate) struct Real {
    /// Absent where the cluster is given.
    pub(crate) plane: Option<ControlPlane>,
    kubeconfig: PathBuf,
    client: Client,
}

impl Real {
    /// The given cluster, or a new one.
    pub(crate) async fn start() -> Result<Self, RigError> {
        match rig::given::kubeconfig() {
            Some(kubeconfig) => {
                let client = rig::given::client(&kubeconfig).await?;
                Ok(Self { plane: None, kubeconfig, client })
            }
            None => Self::own(Options::full()).await,
        }
    }

    /// One that may be killed.
    pub(crate) async fn own(options: Options) -> Result<Self, RigError> {
        let plane = ControlPlane::start(options).await?;
        let (kubeconfig, client) = (plane.kubeconfig().to_owned(), plane.client().await?);
        Ok(Self { plane: Some(plane), kubeconfig, client })
    }

    /// Its own plane.
    pub(crate) fn plane(&mut self) -> &mut ControlPlane {
        self.plane.as_mut().expect("this test started its own cluster")
    }

    /// As Ark sees it.
    pub(crate) async fn ark(&self) -> Arc<dyn Cluster> {
        Arc::new(KubeCluster::connect(Some(&self.kubeconfig), None).await.expect("a client"))
    }

    /// What an administrator's request is answered, `None` for 404.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", if method == "PATCH" { "application/merge-patch+json" } else { "application/json" })
            .body(body.map(Value::to_string).unwrap_or_default().into_bytes())
            .expect("a request");
        match self.client.request::<Value>(request).await {
            Ok(answer) => Some(answer),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        self.ask("GET", path, None).await
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Value {
        self.ask("POST", path, Some(object)).await.unwrap_or_else(|| panic!("POST {path}: no such resource"))
    }

    pub(crate) async fn make_namespace(&self, name: &str) {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.create("/api/v1/namespaces", &object).await;
    }

    /// The objects of a collection.
    pub(crate) async fn items(&self, path: &str) -> Vec<Value> {
        let list = self.get(path).await.unwrap_or_else(|| panic!("{path} is not served"));
        list["items"].as_array().expect("a list has items").clone()
    }

    /// Waits for something that happens by itself.
    pub(crate) async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        for _ in 0..LOOKS {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        panic!("{what} does not come true");
    }

    /// Waits until an object is gone.
    pub(crate) async fn gone(&self, path: &str) {
        self.eventually(&format!("{path} is gone"), async || self.get(path).await.is_none().then_some(())).await;
    }

    /// What is served now.
    pub(crate) async fn mapper(&self) -> ResourceMapper {
        ResourceMapper::new(&self.ark().await.discover().await.expect("discovery"))
    }

    /// Creates the objects of a manifest in their order. What cannot be created yet, because its definition or its quota is not ready,
    /// is tried again.
    pub(crate) async fn load(&self, manifest: &str) {
        let ark = self.ark().await;
        for found in kubesim::manifest::parse(manifest).expect("a manifest") {
            let object = found.object;
            let (version, kind) = (&object["apiVersion"], &object["kind"]);
            let (version, kind) = (version.as_str().unwrap_or_default(), kind.as_str().unwrap_or_default());
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            self.eventually(&format!("{kind} {name} can be created"), async || {
                let mapper = self.mapper().await;
                let resource = mapper.by_kind(version, kind)?;
                let namespace = object["metadata"]["namespace"].as_str();
                match ark.create(resource, namespace, &RawObject::from_value(&object)).await {
                    Ok(_) => Some(()),
                    Err(error) if error.kind == ClusterErrorKind::AlreadyExists => Some(()),
                    Err(_) => None,
                }
            })
            .await;
        }
    }

    /// Deletes an object, and takes its finalizers off if nobody else does.
    pub(crate) async fn destroy(&self, resource: &ApiResource, namespace: Option<&str>, name: &str) {
        let ark = self.ark().await;
        let target = Target { resource, namespace, name, subresource: None };
        let free =
            ark::cluster::Patch::Merge(RawObject::from_value(&serde_json::json!({"metadata": {"finalizers": null}})));
        for (what, done) in [
            ("freed", ark.patch(target, &free).await.map(drop)),
            ("deleted", ark.delete(target, &DeleteOptions::default()).await),
        ] {
            if let Err(error) = done {
                assert_eq!(error.kind, ClusterErrorKind::NotFound, "{name} is not {what}: {error}");
            }
        }
    }
}

/// Somebody who is told how far a backup or a restore is.
pub(crate) type Told = Arc<dyn Fn(u64) + Send + Sync>;

struct Observer(Told);

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

impl backup::BackupObserver for Observer {
    fn progress(&self, progress: &ark::api::Progress) {
        self.0(progress.items_backed_up);
    }
}

impl restore::RestoreObserver for Observer {
    fn progress(&self, progress: &ark::api::RestoreProgress) {
        self.0(progress.created);
    }
}

/// Backs up through Ark's engine.
pub(crate) async fn save(
    ark: Arc<dyn Cluster>,
    store: &BackupStore,
    name: &str,
    spec: BackupSpec,
    told: Told,
) -> Result<BackupOutcome, BackupError> {
    let ctx = BackupContext {
        cluster: ark,
        store: store.clone(),
        clock: Arc::new(SystemClock),
        own_namespace: "heptio-ark".to_owned(),
        progress: Arc::new(Observer(told)),
    };
    backup::run(&ctx, &Backup::new(name, spec)).await
}

/// Restores through Ark's engine.
pub(crate) async fn bring_back(
    ark: Arc<dyn Cluster>,
    store: &BackupStore,
    name: &str,
    spec: RestoreSpec,
    told: Told,
) -> Result<RestoreOutcome, RestoreError> {
    let ctx = RestoreContext {
        cluster: ark,
        store: store.clone(),
        clock: Arc::new(SystemClock),
        own_namespace: "heptio-ark".to_owned(),
        settings: RestoreSettings::default(),
        observer: Arc::new(Observer(told)),
    };
    restore::run(&ctx, &Restore::new(name, spec)).await
}

/// Nobody is told.
pub(crate) fn nobody() -> Told {
    Arc::new(|_| {})
}
