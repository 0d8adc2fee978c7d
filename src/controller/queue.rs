//! Names of objects to look at: each at most once, some of them later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::Clock;

/// The first wait after a failure; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest wait after failures.
const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// After `failures` failures in a row, the pause before the next try.
pub(super) fn backoff(failures: u32) -> Duration {
    BACKOFF_FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX)).min(BACKOFF_MAX)
}

/// The queue of one worker.
#[derive(Debug)]
pub(super) struct Queue {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<String>,
    delayed: BTreeSet<(Timestamp, String)>,
    failures: BTreeMap<String, u32>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), changed: Notify::new() }
    }

    /// Adds a name, unless it waits already.
    pub(super) fn add(&self, name: &str) {
        let mut state = self.lock();
        if !state.ready.iter().any(|waiting| waiting == name) {
            state.ready.push_back(name.to_owned());
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Adds a name once `delay` has passed. What was delayed before is replaced.
    pub(super) fn add_after(&self, name: &str, delay: Duration) {
        let at = self.clock.now().saturating_add(delay).unwrap_or(Timestamp::MAX);
        let mut state = self.lock();
        state.delayed.retain(|(_, waiting)| waiting != name);
        state.delayed.insert((at, name.to_owned()));
        drop(state);
        self.changed.notify_one();
    }

    /// Adds a name again after a failure, later with each failure in a row. Says how many there were.
    pub(super) fn add_failed(&self, name: &str) -> u32 {
        let failures = {
            let mut state = self.lock();
            let failures = state.failures.entry(name.to_owned()).or_default();
            *failures = failures.saturating_add(1);
            *failures
        };
        self.add_after(name, backoff(failures));
        failures
    }

    /// Forgets the failures of a name.
    pub(super) fn forget(&self, name: &str) {
        self.lock().failures.remove(name);
    }

    /// No name comes out any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// The next name; `None` once the queue is closed. One caller only.
    pub(super) async fn next(&self) -> Option<String> {
        loop {
            let wait = {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                let now = self.clock.now();
                while state.delayed.first().is_some_and(|(at, _)| *at <= now) {
                    let (_, name) = state.delayed.pop_first().expect("there is a first one");
                    if !state.ready.contains(&name) {
                        state.ready.push_back(name);
                    }
                }
                if let Some(name) = state.ready.pop_front() {
                    return Some(name);
                }
                state.delayed.first().map(|(at, _)| Duration::try_from(at.duration_since(now)).unwrap_or_default())
            };
            match wait {
                None => self.changed.notified().await,
                Some(wait) => tokio::select! {
                    biased;
                    () = self.changed.notified() => {}
                    () = self.clock.sleep(wait) => {}
                },
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the queue")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Queue, backoff};
    use crate::clock::{Clock, TokioClock};

    #[test]
    fn waits_double_up_to_a_limit() {
        let waits: Vec<u64> = [1, 2, 3, 9, 10, 40, u32::MAX].map(|failures| backoff(failures).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn names_come_out_once_in_order_and_delayed_ones_in_time() {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")));
        let queue = Queue::new(Arc::clone(&clock));
        let start = clock.now();
        for name in ["b", "a", "b"] {
            queue.add(name);
        }
        queue.add_after("late", Duration::from_secs(9));
        queue.add_after("late", Duration::from_secs(5));
        for (name, at) in [("b", 0), ("a", 0), ("late", 5)] {
            assert_eq!(queue.next().await.as_deref(), Some(name));
            assert_eq!(clock.now().duration_since(start).as_secs(), at, "{name}");
        }
        assert_eq!((queue.add_failed("x"), queue.add_failed("x")), (1, 2));
        assert_eq!(queue.next().await.as_deref(), Some("x"));
        assert_eq!(clock.now().duration_since(start).as_secs(), 7);
        queue.add("never");
        queue.close();
        assert_eq!(queue.next().await, None);
    }
}
