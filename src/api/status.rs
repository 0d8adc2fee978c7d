//! What the statuses of all kinds have in common: times in whole seconds, one condition, messages of bounded length.
//!
//! A status lies in etcd, which refuses objects of more than 1.5 MiB, and goes to every watcher: it shows the first few
//! messages, shortened. The bucket has all of them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Messages that a status shows.
pub const STATUS_MESSAGES_MAX: usize = 10;

/// Longest message in a status, in bytes: long enough for the longest names and a reason.
pub const STATUS_MESSAGE_BYTES_MAX: usize = 1024;

/// Type of the one condition of backups and restores.
const SUCCEEDED: &str = "Succeeded";

/// The time as Kubernetes stores it: in whole seconds.
pub fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).expect("a timestamp's seconds are in range"))
}

/// The condition of a job that ended: whether everything in it succeeded, why, and what came of it.
pub fn succeeded(now: Timestamp, yes: bool, reason: &str, message: &str) -> Condition {
    Condition {
        type_: SUCCEEDED.to_owned(),
        status: if yes { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: brief(message),
        last_transition_time: whole_seconds(now),
        observed_generation: None,
    }
}

/// A message as a status shows it: cut off after [`STATUS_MESSAGE_BYTES_MAX`].
pub fn brief(message: &str) -> String {
    let end = message.floor_char_boundary(STATUS_MESSAGE_BYTES_MAX);
    if end < message.len() { format!("{}…", &message[..end]) } else { message.to_owned() }
}

/// The first [`STATUS_MESSAGES_MAX`] messages, each as [`brief`] gives it.
pub fn first_few<'m>(messages: impl IntoIterator<Item = &'m str>) -> Vec<String> {
    messages.into_iter().take(STATUS_MESSAGES_MAX).map(brief).collect()
}

/// Why a request is refused, as its status shows it: the first few reasons, and how many more there are.
pub fn refusal(reasons: &[String]) -> Vec<String> {
    let mut shown = first_few(reasons.iter().map(String::as_str));
    if let Some(more) = reasons.len().checked_sub(shown.len()).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{STATUS_MESSAGE_BYTES_MAX, STATUS_MESSAGES_MAX, brief, refusal};

    #[test]
    fn what_a_status_shows_is_bounded() {
        assert_eq!(brief("é"), "é");
        let long = brief(&"é".repeat(STATUS_MESSAGE_BYTES_MAX));
        assert!(long.ends_with('…') && long.len() <= STATUS_MESSAGE_BYTES_MAX + '…'.len_utf8());
        let reasons: Vec<String> = (0..STATUS_MESSAGES_MAX + 5).map(|number| number.to_string()).collect();
        let shown = refusal(&reasons);
        assert_eq!((shown.len(), shown.last().map(String::as_str)), (STATUS_MESSAGES_MAX + 1, Some("and 5 more")));
        assert_eq!(refusal(&reasons[..2]), ["0", "1"]);
    }
}
