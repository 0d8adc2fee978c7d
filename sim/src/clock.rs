//! The time of the simulated cluster.
//!
//! Owns the one source of time: nothing else in the crate reads a clock. Three of them: *manual* moves only when told and needs no
//! runtime, *tokio* follows the runtime's time (paused in tests), *system* is real.
//!
//! Promises: clones share the time; a sleeper on a manual clock wakes when it is advanced past its deadline. Does not: run
//! backwards.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The time of a server: see the module.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    Manual(Arc<Mutex<Manual>>),
    Tokio { start: Timestamp, base: tokio::time::Instant },
    System,
}

struct Manual {
    now: Timestamp,
    next_sleeper: u64,
    sleepers: BTreeMap<u64, Waker>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Source::Manual(_) => "manual",
            Source::Tokio { .. } => "tokio",
            Source::System => "system",
        };
        write!(f, "Clock({kind}, {})", self.now())
    }
}

impl Clock {
    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(Manual { now: start, next_sleeper: 0, sleepers: BTreeMap::new() }))))
    }

    /// A clock that shows `start` now and then follows tokio's time, which a test may pause.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rest of the crate is given")]
    pub fn tokio(start: Timestamp) -> Self {
        Self(Source::Tokio { start, base: tokio::time::Instant::now() })
    }

    /// The real time of this machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rest of the crate is given")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Manual(manual) => lock(manual).now,
            Source::Tokio { start, base } => {
                later(*start, tokio::time::Instant::now().saturating_duration_since(*base))
            }
            Source::System => Timestamp::now(),
        }
    }

    /// Moves a manual clock on and wakes its sleepers. The other clocks move by themselves: nothing happens.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let woken = {
                let mut manual = lock(manual);
                manual.now = later(manual.now, by);
                std::mem::take(&mut manual.sleepers)
            };
            woken.into_values().for_each(Waker::wake);
        }
    }

    /// Returns once `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::Manual(manual) => {
                let (deadline, id) = {
                    let mut manual = lock(manual);
                    manual.next_sleeper += 1;
                    (later(manual.now, duration), manual.next_sleeper)
                };
                let sleeper = Sleeper { manual, id };
                poll_fn(|context| {
                    let mut manual = lock(sleeper.manual);
                    if manual.now >= deadline {
                        return Poll::Ready(());
                    }
                    manual.sleepers.insert(sleeper.id, context.waker().clone());
                    Poll::Pending
                })
                .await;
            }
            Source::Tokio { .. } | Source::System => tokio::time::sleep(duration).await,
        }
    }
}

/// Takes its waker along when the sleep is dropped.
struct Sleeper<'a> {
    manual: &'a Mutex<Manual>,
    id: u64,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        lock(self.manual).sleepers.remove(&self.id);
    }
}

fn lock(manual: &Mutex<Manual>) -> std::sync::MutexGuard<'_, Manual> {
    manual.lock().expect("nothing panics while it holds the clock")
}

fn later(start: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| start.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// A time as the API server writes it: RFC 3339, UTC, whole seconds.
pub fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().expect("a valid time")
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(start());
        let same = clock.clone();
        clock.advance(Duration::from_millis(61_500));
        assert_eq!(rfc3339(same.now()), "2026-01-01T00:01:01Z");
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tokio_clock_follows_paused_time() {
        let clock = Clock::tokio(start());
        clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(rfc3339(clock.now()), "2026-01-01T01:00:00Z");
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_manual_clock_passes() {
        let clock = Clock::manual(start());
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(5)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.expect("the sleeper ends");
    }
}
