//! Patience: how often and how long the backup tries a read again.
//!
//! Only reads are repeated. A hook is never: its command may have run although the answer was lost.

use std::time::Duration;

use crate::clock::Clock;
use crate::cluster::ClusterError;

/// Tries after the first one: with the waits below, an API server may be away for half a minute.
const RETRIES_MAX: u32 = 6;

/// First wait; each further one doubles it.
const WAIT_FIRST: Duration = Duration::from_millis(500);

/// Longest wait, whatever a server asks for in `Retry-After`.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The failures of one request so far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
}

impl Patience {
    /// Waits and returns where the request deserves another try.
    ///
    /// # Errors
    /// The error itself where it is of a kind that stays, or patience ran out.
    pub(super) async fn after(&mut self, error: ClusterError, clock: &dyn Clock) -> Result<(), ClusterError> {
        if !error.kind.is_transient() || self.failures >= RETRIES_MAX {
            return Err(error);
        }
        let backoff = WAIT_FIRST * 2_u32.pow(self.failures);
        self.failures += 1;
        clock.sleep(error.retry_after.unwrap_or(backoff).min(WAIT_MAX)).await;
        Ok(())
    }
}

/// Repeats a read until it succeeds or patience runs out.
pub(super) async fn patiently<T, F>(clock: &dyn Clock, mut request: impl FnMut() -> F) -> Result<T, ClusterError>
where
    F: Future<Output = Result<T, ClusterError>>,
{
    let mut patience = Patience::default();
    loop {
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => patience.after(error, clock).await?,
        }
    }
}
