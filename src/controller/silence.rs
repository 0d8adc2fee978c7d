//! [`Listener`]: whether anybody still carries out what is `InProgress`.
//!
//! The server that carries an object out writes its heartbeat at least every [`BEAT`]. Whoever finds an object
//! `InProgress` listens: an object that stays as it is for [`SILENCE`] has been left behind. Only its own clock counts, and
//! only how much of it passes, so that servers need not agree on the time. An object without heartbeat was left behind by
//! a server that knew none, such as Ark v0.6.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

/// Longest pause between two heartbeats: two writes a minute and object cost an API server nothing.
pub(super) const BEAT: Duration = Duration::from_secs(30);

/// So long a server that works is never silent: some heartbeats may be lost while an API server restarts.
pub(super) const SILENCE: SignedDuration = SignedDuration::from_mins(2);

/// What was not looked at for so long is forgotten: it has been deleted.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(10);

/// Remembers when each object was last seen to change.
#[derive(Debug)]
pub(super) struct Listener {
    clock: Arc<dyn Clock>,
    /// By uid: the revision, since when, and when it was last looked at.
    heard: Mutex<BTreeMap<String, (String, Timestamp, Timestamp)>>,
}

impl Listener {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, heard: Mutex::default() }
    }

    /// How long to listen on until this object may be taken for left behind; `None` where it is.
    pub(super) fn wait(&self, uid: &str, revision: &str, beats: bool) -> Option<Duration> {
        let now = self.clock.now();
        let mut heard = self.heard.lock().expect("nothing panics while it is held");
        heard.retain(|_, (_, _, looked)| now.duration_since(*looked) < FORGOTTEN);
        if !beats {
            return None;
        }
        let since = match heard.get(uid) {
            // A clock that was set back starts anew.
            Some((known, since, _)) if known == revision && *since <= now => *since,
            _ => now,
        };
        let left = SILENCE - now.duration_since(since);
        if !left.is_positive() {
            heard.remove(uid);
            return None;
        }
        heard.insert(uid.to_owned(), (revision.to_owned(), since, now));
        Some(left.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Listener, SILENCE};
    use crate::clock::{Clock, TokioClock};

    #[tokio::test(start_paused = true)]
    async fn what_stays_as_it_is_has_been_left_behind() {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")));
        let listener = Listener::new(Arc::clone(&clock));
        let whole = SILENCE.unsigned_abs();
        assert_eq!(listener.wait("old", "1", false), None, "it never had a heartbeat");
        assert_eq!(listener.wait("a", "1", true), Some(whole));
        clock.sleep(Duration::from_secs(50)).await;
        assert_eq!(listener.wait("a", "1", true), Some(whole.checked_sub(Duration::from_secs(50)).expect("less")));
        assert_eq!(listener.wait("a", "2", true), Some(whole), "it was heard of");
        clock.sleep(whole).await;
        assert_eq!(listener.wait("b", "2", true), Some(whole), "another one");
        assert_eq!(listener.wait("a", "2", true), None);
        clock.sleep(whole * 9).await;
        listener.wait("c", "1", true);
        assert_eq!(listener.heard.lock().expect("no panic").len(), 1, "what was deleted is forgotten");
    }
}
