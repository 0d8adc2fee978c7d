//! Watching: the changes of a collection, from a revision on, as they happen.
//!
//! Owns the cursor of one watcher. It reads the store's history and is woken by writes; nothing is pushed to it, so that a slow
//! watcher costs nothing and falls off the end of the history like a real one: with an error event 410. Works without a runtime
//! ([`Watch::try_next`]) and as a stream that also has a bookmark every minute, and ends at its timeout, on the server's clock.
//!
//! # Differences
//!
//! A watch without a timeout ends after half an hour to an hour, as on a real server, by its number and not by chance.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::access::Attributes;
use crate::meta;
use crate::object::Object;
use crate::options::{Target, WatchOptions};
use crate::read::{invalid_options, parse_revision, prefix};
use crate::resource::ResourceDef;
use crate::select::Selection;
use crate::server::{ApiServer, Core, Waiter};
use crate::status::{Cause, Status};
use crate::write::present;

/// How long before its end a watch gets its last bookmark; one that is not longer gets none, as on a real server.
const BOOKMARK_LEAD: SignedDuration = SignedDuration::from_secs(2);

/// How long after one bookmark the next one comes.
const BOOKMARK_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// The shortest watch of a client that does not say how long; the longest is twice that.
const TIMEOUT_SECONDS: u64 = 1_800;

/// One event of a watch.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchEvent {
    /// The object is new, or new to the selection.
    Added(Object),
    /// The object changed.
    Modified(Object),
    /// The object is gone, or left the selection; in its last state there, at the revision of the change.
    Deleted(Object),
    /// Everything up to this revision has been told.
    Bookmark {
        /// The revision.
        revision: u64,
        /// Whether it ends the objects that the watch began with.
        initial_events_end: bool,
    },
    /// The watch cannot go on: 410 when its revision was forgotten.
    Error(Status),
}

/// A running watch: see the module.
pub struct Watch {
    server: ApiServer,
    waiter: Waiter,
    def: Arc<ResourceDef>,
    prefix: String,
    name: Option<String>,
    selection: Selection,
    allow_bookmarks: bool,
    /// When the next bookmark is due, if there is to be one.
    bookmark: Option<Timestamp>,
    cursor: u64,
    queue: VecDeque<WatchEvent>,
    deadline: Timestamp,
    /// Until the next bookmark or the deadline.
    sleep: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    ended: bool,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("resource", &self.def.group_resource())
            .field("cursor", &self.cursor)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl ApiServer {
    /// Watches a collection, or with a name in the target one object of it.
    pub fn watch(&self, target: &Target, options: &WatchOptions) -> Result<Watch, Status> {
        validate(options)?;
        let waiter = Waiter::new(self);
        let now = self.now();
        let core = self.lock();
        self.authorize(&core, &Attributes::of("watch", target).selecting(options.field_selector.as_deref()))?;
        let def = core.registry.resolve(target)?;
        if !def.supports("watch") {
            return Err(Status::method_not_allowed());
        }
        let selection = Selection::parse(&def, options.label_selector.as_deref(), options.field_selector.as_deref())?;
        let asked = parse_revision(options.resource_version.as_deref())?;
        let current = core.store.revision();
        let initial = match options.send_initial_events {
            Some(wanted) => wanted,
            None => asked == 0,
        };
        let seconds = options.timeout_seconds.filter(|seconds| *seconds > 0);
        // Spread, so that watches which began together do not end together.
        let seconds = seconds.unwrap_or_else(|| TIMEOUT_SECONDS + waiter.id().wrapping_mul(7_919) % TIMEOUT_SECONDS);
        let deadline = after(now, SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
        let mut watch = Watch {
            server: self.clone(),
            waiter,
            prefix: prefix(target),
            name: target.name.clone(),
            selection,
            allow_bookmarks: options.allow_bookmarks,
            bookmark: next_bookmark(now, deadline).filter(|_| options.allow_bookmarks),
            cursor: if initial || asked == 0 { current } else { asked },
            queue: VecDeque::new(),
            deadline,
            sleep: None,
            ended: false,
            def,
        };
        // Once the request itself is right, what goes wrong is told in the stream.
        if options.send_initial_events == Some(true) && asked > current {
            watch.fail(Status::too_large_resource_version(asked, current));
        } else if initial {
            watch.begin(&core, options.send_initial_events == Some(true));
        } else if asked > 0 && asked < core.store.history.floor() {
            watch.fail(Status::too_old(asked, core.store.history.floor()));
        }
        drop(core);
        Ok(watch)
    }
}

fn after(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// When a bookmark is due that is thought of now: every minute, and shortly before the end.
fn next_bookmark(now: Timestamp, deadline: Timestamp) -> Option<Timestamp> {
    let last = deadline.checked_sub(BOOKMARK_LEAD).unwrap_or(now);
    Some(after(now, BOOKMARK_INTERVAL).min(last)).filter(|time| *time > now)
}

fn validate(options: &WatchOptions) -> Result<(), Status> {
    const FIELD: &str = "resourceVersionMatch";
    let matching = options.resource_version_match.as_deref().filter(|matching| !matching.is_empty());
    let cause = match (options.send_initial_events, matching) {
        (Some(_), Some("NotOlderThan")) | (None, None) => return Ok(()),
        (Some(_), _) => "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        (None, Some(_)) => "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    };
    Err(invalid_options(&[Cause::forbidden(FIELD, cause)]))
}

impl Watch {
    /// The resource that is watched.
    pub fn resource(&self) -> &Arc<ResourceDef> {
        &self.def
    }

    /// The next event that is known now; `None` when there is none, and for ever once the watch has ended.
    pub fn try_next(&mut self) -> Option<WatchEvent> {
        if self.queue.is_empty() && !self.ended {
            let server = self.server.clone();
            let core = server.lock();
            self.advance(&core);
        }
        self.queue.pop_front()
    }

    /// Whether no further event will come.
    pub fn has_ended(&self) -> bool {
        self.ended && self.queue.is_empty()
    }

    fn begin(&mut self, core: &Core, announce_end: bool) {
        let storage = self.def.storage();
        let snapshot = core.store.snapshot(&storage, &self.prefix, &self.prefix, self.cursor);
        for (_, object) in snapshot {
            if self.watches(object) && self.selection.matches(object) {
                self.queue.push_back(WatchEvent::Added(present(&self.def, object)));
            }
        }
        if announce_end && self.allow_bookmarks {
            self.queue.push_back(WatchEvent::Bookmark { revision: self.cursor, initial_events_end: true });
        }
    }

    fn watches(&self, object: &Object) -> bool {
        self.name.as_deref().is_none_or(|name| name == object.name())
    }

    /// Queues what happened since the cursor.
    fn advance(&mut self, core: &Core) {
        let floor = core.store.history.floor();
        if self.cursor < floor {
            return self.fail(Status::too_old(self.cursor, floor));
        }
        let storage = self.def.storage();
        for change in core.store.history.after(self.cursor) {
            if change.resource != storage || !change.key.starts_with(&self.prefix) || !self.watches(&change.new) {
                continue;
            }
            let before = change.old.as_ref().filter(|old| self.selection.matches(old));
            let after = !change.deleted && self.selection.matches(&change.new);
            let event = match (before, after) {
                (None, true) => WatchEvent::Added(present(&self.def, &change.new)),
                (Some(_), true) => WatchEvent::Modified(present(&self.def, &change.new)),
                (Some(old), false) => {
                    let mut last: Value = old.value().clone();
                    meta::set(&mut last, "resourceVersion", change.revision.to_string());
                    WatchEvent::Deleted(present(&self.def, &Object::new(last)))
                }
                (None, false) => continue,
            };
            self.queue.push_back(event);
        }
        self.cursor = self.cursor.max(core.store.revision());
        let (group, version) = (&self.def.group, &self.def.version);
        if core.registry.find(group, version, &self.def.plural).is_none() {
            self.ended = true;
        }
    }

    /// Ends the watch with an error.
    fn fail(&mut self, status: Status) {
        self.queue.push_back(WatchEvent::Error(status));
        self.ended = true;
    }

    /// Queues the bookmark that is due, and ends the watch at its time.
    fn tick(&mut self, now: Timestamp) {
        if self.bookmark.is_some_and(|due| due <= now) {
            self.queue.push_back(WatchEvent::Bookmark { revision: self.cursor, initial_events_end: false });
            self.bookmark = next_bookmark(now, self.deadline);
        }
        self.ended |= self.deadline <= now;
    }
}

impl Stream for Watch {
    type Item = WatchEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<WatchEvent>> {
        let this = self.get_mut();
        // Registered before looking: a write in between must wake.
        this.waiter.register(context);
        if let Some(event) = this.try_next() {
            return Poll::Ready(Some(event));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        let clock = this.server.clock().clone();
        loop {
            let now = clock.now();
            this.tick(now);
            if this.ended || !this.queue.is_empty() {
                this.sleep = None;
                return Poll::Ready(this.queue.pop_front());
            }
            let next = this.bookmark.map_or(this.deadline, |due| due.min(this.deadline));
            let left = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            let sleep = this.sleep.get_or_insert_with(|| {
                let clock = clock.clone();
                Box::pin(async move { clock.sleep(left).await })
            });
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            this.sleep = None;
        }
    }
}
