//! [`Packing`]: members of the archive are compressed on other threads, and come back in their order.
//!
//! What goes into which member is decided before, so the archive does not depend on which thread is faster, and no request
//! is made here. At most [`MEMBERS_MAX`] members are away at a time: who is faster than the compressor waits for it.

use std::collections::VecDeque;

use tokio::task::JoinHandle;

use crate::archive::{FullMember, PackedMember};

/// Members that are away at the same time. One thread compresses faster than an API server answers.
const MEMBERS_MAX: usize = 2;

/// Members that are being compressed, oldest first.
#[derive(Debug, Default)]
pub(super) struct Packing(VecDeque<JoinHandle<PackedMember>>);

impl Packing {
    /// Sends a member away. Where too many are away then, returns the oldest.
    pub(super) async fn begin(&mut self, member: FullMember) -> Option<PackedMember> {
        self.0.push_back(tokio::task::spawn_blocking(move || member.pack()));
        if self.0.len() > MEMBERS_MAX { self.end().await } else { None }
    }

    /// The oldest member that is away, `None` where there is none.
    pub(super) async fn end(&mut self) -> Option<PackedMember> {
        // Kept in its place until it is done: whoever drops this future loses no member.
        let packed = self.0.front_mut()?.await;
        self.0.pop_front();
        match packed {
            Ok(packed) => Some(packed),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
