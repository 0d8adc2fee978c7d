//! What the engines and the server report while they work, drawn as a bar.

use std::fmt;

use super::objects::Stage;
use super::output::{Bar, Output};
use crate::api::{Progress, RestoreProgress};
use crate::backup::BackupObserver;
use crate::restore::RestoreObserver;

/// A bar for one job.
pub(crate) struct JobBar(Bar);

impl fmt::Debug for JobBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobBar")
    }
}

impl JobBar {
    /// A bar, drawn where standard error is a terminal.
    pub(crate) fn new(output: &Output, what: &str) -> Self {
        Self(output.progress(what))
    }

    /// Follows an object's status.
    pub(crate) fn stage(&self, stage: Stage) {
        if let Stage::Running(done, total) = stage {
            self.0.set(done, total);
        }
    }

    /// Takes it off the screen, before a result is printed.
    pub(crate) fn hide(&self) {
        self.0.hide();
    }
}

impl BackupObserver for JobBar {
    fn progress(&self, progress: &Progress) {
        self.0.set(progress.items_backed_up, progress.total_items);
    }
}

impl RestoreObserver for JobBar {
    fn progress(&self, progress: &RestoreProgress) {
        self.0.set(restored(progress), progress.total_items);
    }
}

/// Items of a restore that have their outcome.
pub(crate) fn restored(progress: &RestoreProgress) -> u64 {
    let RestoreProgress { created, updated, unchanged, different, skipped, failed, .. } = progress;
    created + updated + unchanged + different + skipped + failed
}
