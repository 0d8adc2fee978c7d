//! The loop around a [`Reconciler`]: list, watch, queue, one worker. The same on the simulator and on a real cluster.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::SignedDuration;
use tracing::{info, warn};

use super::queue::{Queue, backoff};
use super::{Action, Reconciler};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind, ListOptions, WatchEvent, WatchOptions};
use crate::object::{ApiResource, RawObject};

/// Objects a page of the first list.
const PAGE_ITEMS: u32 = 500;

/// How long one watch lasts; real servers end theirs between five and ten minutes by themselves.
const WATCH_TIMEOUT: Duration = Duration::from_secs(290);

/// A watch that ends sooner was cut off by something that would cut the next one off, too.
const ROUND_MIN: SignedDuration = SignedDuration::from_secs(1);

/// Pause after such a watch.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// Runs `reconciler` on the objects of `namespace` until `shutdown` resolves and the object at hand is finished.
pub async fn run(
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    namespace: &str,
    reconciler: &dyn Reconciler,
    shutdown: impl Future<Output = ()> + Send,
) {
    let queue = Queue::new(Arc::clone(&clock));
    let feed = async {
        tokio::select! {
            biased;
            () = shutdown => {}
            () = feed(cluster.as_ref(), clock.as_ref(), namespace, reconciler.resource(), &queue) => {}
        }
        queue.close();
    };
    tokio::join!(feed, work(cluster.as_ref(), namespace, reconciler, &queue));
}

/// Takes names out of the queue and looks at their objects as they are then.
async fn work(cluster: &dyn Cluster, namespace: &str, reconciler: &dyn Reconciler, queue: &Queue) {
    let resource = reconciler.resource();
    while let Some(name) = queue.next().await {
        let object = match cluster.get(resource, Some(namespace), &name).await {
            Ok(object) => object,
            Err(error) if error.kind == ClusterErrorKind::NotFound => {
                queue.forget(&name);
                continue;
            }
            Err(error) => {
                let failures = queue.add_failed(&name);
                warn!(%resource, name, failures, %error, "an object cannot be read");
                continue;
            }
        };
        match reconciler.reconcile(&object).await {
            Ok(Action::Done) => queue.forget(&name),
            Ok(Action::RequeueAfter(delay)) => {
                queue.forget(&name);
                queue.add_after(&name, delay);
            }
            Err(error) => {
                let failures = queue.add_failed(&name);
                if error.is_conflict() {
                    info!(%resource, name, "an object has changed meanwhile; it is looked at again");
                } else {
                    warn!(%resource, name, failures, %error, "an object could not be brought further");
                }
            }
        }
    }
}

/// Fills the queue for ever: with every object at first, then with what changes.
async fn feed(cluster: &dyn Cluster, clock: &dyn Clock, namespace: &str, resource: &ApiResource, queue: &Queue) {
    let (mut revision, mut failures) = (None, 0_u32);
    loop {
        let began = clock.now();
        let round = match &mut revision {
            None => list(cluster, namespace, resource, queue).await.map(|listed| revision = Some(listed)),
            Some(from) => {
                let round = watch(cluster, namespace, resource, queue, from).await;
                if round.is_ok() && clock.now().duration_since(began) < ROUND_MIN {
                    clock.sleep(ROUND_PAUSE).await;
                }
                round
            }
        };
        let Err(error) = round else {
            failures = 0;
            continue;
        };
        if matches!(error.kind, ClusterErrorKind::Expired | ClusterErrorKind::NotFound) {
            info!(%resource, "everything is listed again");
            revision = None;
        }
        failures = failures.saturating_add(1);
        warn!(%resource, failures, %error, "changes could not be watched");
        clock.sleep(error.retry_after.unwrap_or_default().max(backoff(failures))).await;
    }
}

async fn list(
    cluster: &dyn Cluster,
    namespace: &str,
    resource: &ApiResource,
    queue: &Queue,
) -> Result<String, ClusterError> {
    let mut options = ListOptions { limit: Some(PAGE_ITEMS), ..ListOptions::default() };
    loop {
        let page = cluster.list(resource, Some(namespace), &options).await?;
        for object in &page.items {
            note(object, queue);
        }
        if page.continue_token.is_none() {
            return Ok(page.resource_version);
        }
        options.continue_token = page.continue_token;
    }
}

/// One watch from `revision` on, which moves with what has been seen.
async fn watch(
    cluster: &dyn Cluster,
    namespace: &str,
    resource: &ApiResource,
    queue: &Queue,
    revision: &mut String,
) -> Result<(), ClusterError> {
    let options = WatchOptions {
        resource_version: Some(revision.clone()),
        timeout: Some(WATCH_TIMEOUT),
        ..WatchOptions::default()
    };
    let mut events = cluster.watch(resource, Some(namespace), &options).await?;
    while let Some(event) = events.next().await {
        let seen = match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => note(&object, queue),
            WatchEvent::Deleted(object) => version(&object),
            WatchEvent::Bookmark(now) => Some(now).filter(|now| !now.is_empty()),
        };
        if let Some(seen) = seen {
            *revision = seen;
        }
    }
    Ok(())
}

/// Queues an object and says its revision.
fn note(object: &RawObject, queue: &Queue) -> Option<String> {
    let head = object.head().ok()?;
    if !head.metadata.name.is_empty() {
        queue.add(&head.metadata.name);
    }
    version(object)
}

fn version(object: &RawObject) -> Option<String> {
    let head = object.head().ok()?;
    Some(head.metadata.resource_version.into_owned()).filter(|revision| !revision.is_empty())
}
