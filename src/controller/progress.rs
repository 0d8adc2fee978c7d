//! From an engine that says often how far it is to a status that says so at most once a second, and at least as often as
//! those who listen expect to hear that somebody works on it.

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::silence::BEAT;
use super::status::StatusWriter;
use crate::api::{Progress, RestoreProgress};
use crate::backup::BackupObserver;
use crate::restore::RestoreObserver;

/// At least so long between two writes: every one is a write to etcd and an event to every watcher.
const INTERVAL: Duration = Duration::from_secs(1);

/// The last word of an engine.
#[derive(Clone, Copy, Debug)]
struct Report<P> {
    latest: Option<P>,
    ended: bool,
}

/// What an engine reports to. It never blocks.
#[derive(Debug)]
pub(super) struct Reporter<P>(watch::Sender<Report<P>>);

impl<P: Copy + Debug + Serialize> Reporter<P> {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Report { latest: None, ended: false }))
    }

    /// Nothing is written any more: the final status comes next, and no older word may follow it.
    pub(super) fn end(&self) {
        self.0.send_modify(|report| report.ended = true);
    }

    fn say(&self, progress: P) {
        self.0.send_modify(|report| report.latest = Some(progress));
    }

    /// Writes what is reported until the end, and a heartbeat where nothing is.
    pub(super) async fn write_to(&self, status: &StatusWriter<'_>) {
        let mut reports = self.0.subscribe();
        let mut silent = false;
        loop {
            let report = *reports.borrow_and_update();
            if report.ended {
                return;
            }
            if silent || report.latest.is_some() {
                status.progress(report.latest.as_ref()).await;
                let mut end = reports.clone();
                tokio::select! {
                    biased;
                    _ = end.wait_for(|report| report.ended) => return,
                    () = status.clock.sleep(INTERVAL) => {}
                }
            }
            silent = tokio::select! {
                biased;
                changed = reports.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    false
                }
                () = status.clock.sleep(BEAT) => true,
            };
        }
    }
}

impl BackupObserver for Reporter<Progress> {
    fn progress(&self, progress: &Progress) {
        self.say(*progress);
    }
}

impl RestoreObserver for Reporter<RestoreProgress> {
    fn progress(&self, progress: &RestoreProgress) {
        self.say(*progress);
    }
}
