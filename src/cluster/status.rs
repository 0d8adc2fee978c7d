//! Reads a `metav1.Status` and decides what a caller can do about it.
//!
//! One classification for every backend. It looks at the reason *and* the code: a proxy answers without a reason, a
//! watch reports errors under HTTP 200, and some reasons come with more than one code (rust-stack §1.3).

use std::time::Duration;

use serde::Deserialize;

use super::{ClusterError, ClusterErrorKind};

/// Longest message kept of an answer; what a server or a proxy says more is not for a log line.
const MESSAGE_CHARS_MAX: usize = 2_048;

/// How many causes are kept: a validation may name every field of an object.
const CAUSES_MAX: usize = 32;

/// The longest wait a server may ask for. What asks for more is broken, and a caller has its own limits.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// As much of a `metav1.Status` as there was.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StatusBody {
    pub(super) kind: Option<String>,
    pub(super) code: Option<u16>,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) details: Option<StatusDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StatusDetails {
    pub(super) causes: Option<Vec<StatusCause>>,
    pub(super) retry_after_seconds: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StatusCause {
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
}

impl StatusBody {
    /// Reads an answer's body. Anything that is no `Status` gives an empty one: the code decides then.
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice::<Self>(body)
            .ok()
            .filter(|status| status.kind.as_deref() == Some("Status"))
            .unwrap_or_default()
    }

    /// The failure it tells of. `http_code` is the code of the answer, zero inside a watch.
    pub(super) fn into_error(self, operation: &str, http_code: u16) -> ClusterError {
        let code = if http_code >= 400 { http_code } else { self.code.unwrap_or(http_code) };
        let reason = self.reason.unwrap_or_default();
        let message = self.message.unwrap_or_default();
        let details = self.details.unwrap_or_default();
        let causes = details.causes.unwrap_or_default();
        let terminating = causes.iter().any(|cause| cause.reason.as_deref() == Some("NamespaceTerminating"))
            || message.contains("because it is being terminated");
        let retry_after =
            details.retry_after_seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs).map(bounded);
        let kind = match classify(&reason, code) {
            ClusterErrorKind::Forbidden if terminating => ClusterErrorKind::NamespaceTerminating,
            ClusterErrorKind::Server if retry_after.is_some() => ClusterErrorKind::Retry,
            kind => kind,
        };
        let message = match (message.is_empty(), reason.is_empty()) {
            (false, _) => clip(&message),
            (true, false) => format!("the server answered {code} {}", clip(&reason)),
            (true, true) => format!("the server answered {code} without a reason"),
        };
        ClusterError {
            kind,
            operation: operation.to_owned(),
            message,
            code,
            retry_after,
            causes: causes.into_iter().take(CAUSES_MAX).map(StatusCause::into_text).collect(),
        }
    }
}

impl StatusCause {
    fn into_text(self) -> String {
        let message = clip(&self.message.or(self.reason).unwrap_or_default());
        match self.field {
            Some(field) if !field.is_empty() => format!("{}: {message}", clip(&field)),
            _ => message,
        }
    }
}

/// Holds a wait that a server asks for within reason.
pub(super) fn bounded(wait: Duration) -> Duration {
    wait.min(RETRY_AFTER_MAX)
}

fn clip(text: &str) -> String {
    if text.chars().count() <= MESSAGE_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(MESSAGE_CHARS_MAX).chain(['…']).collect()
}

fn classify(reason: &str, code: u16) -> ClusterErrorKind {
    match reason {
        "NotFound" => ClusterErrorKind::NotFound,
        "AlreadyExists" => ClusterErrorKind::AlreadyExists,
        "Conflict" => ClusterErrorKind::Conflict,
        "Expired" | "Gone" => ClusterErrorKind::Expired,
        "Unauthorized" | "Forbidden" => ClusterErrorKind::Forbidden,
        "Invalid"
        | "BadRequest"
        | "MethodNotAllowed"
        | "NotAcceptable"
        | "UnsupportedMediaType"
        | "RequestEntityTooLarge" => ClusterErrorKind::Invalid,
        "TooManyRequests" | "ServiceUnavailable" | "ServerTimeout" => ClusterErrorKind::Retry,
        "Timeout" => ClusterErrorKind::Timeout,
        _ => match code {
            404 => ClusterErrorKind::NotFound,
            409 => ClusterErrorKind::Conflict,
            410 => ClusterErrorKind::Expired,
            401 | 403 => ClusterErrorKind::Forbidden,
            400 | 405 | 406 | 413 | 415 | 422 => ClusterErrorKind::Invalid,
            429 | 503 => ClusterErrorKind::Retry,
            // A gateway gave up waiting: what it passed on may have been done.
            408 | 502 | 504 => ClusterErrorKind::Timeout,
            _ => ClusterErrorKind::Server,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::StatusBody;
    use crate::cluster::ClusterErrorKind as Kind;

    fn error(body: &str, code: u16) -> crate::cluster::ClusterError {
        StatusBody::read(body.as_bytes()).into_error("get pods a/b", code)
    }

    #[test]
    fn reason_and_code_decide_together() {
        for (body, code, kind) in [
            (r#"{"kind":"Status","reason":"NotFound","code":404}"#, 404, Kind::NotFound),
            ("<html>no route</html>", 404, Kind::NotFound),
            (r#"{"kind":"Status","reason":"AlreadyExists","code":409}"#, 409, Kind::AlreadyExists),
            (r#"{"kind":"Status","reason":"Conflict","code":409}"#, 409, Kind::Conflict),
            (r#"{"kind":"Status","reason":"Expired","code":410}"#, 0, Kind::Expired),
            (r#"{"kind":"Status","reason":"Gone","code":410}"#, 0, Kind::Expired),
            (r#"{"kind":"Status","reason":"Forbidden","code":403}"#, 403, Kind::Forbidden),
            (
                r#"{"kind":"Status","reason":"Forbidden","code":403,"details":{"causes":[{"reason":"NamespaceTerminating"}]}}"#,
                403,
                Kind::NamespaceTerminating,
            ),
            (r#"{"kind":"Status","reason":"Invalid","code":422}"#, 422, Kind::Invalid),
            (r#"{"kind":"Status","reason":"ServerTimeout","code":500}"#, 500, Kind::Retry),
            (r#"{"kind":"Status","code":500,"details":{"retryAfterSeconds":2}}"#, 500, Kind::Retry),
            (r#"{"kind":"Status","reason":null,"code":500}"#, 500, Kind::Server),
            ("", 429, Kind::Retry),
            ("", 502, Kind::Timeout),
            ("", 418, Kind::Server),
        ] {
            assert_eq!(error(body, code).kind, kind, "{body} {code}");
        }
    }

    #[test]
    fn causes_and_waits_are_kept_within_limits() {
        let body = format!(
            r#"{{"kind":"Status","code":429,"message":"{}","details":{{"retryAfterSeconds":99999,"causes":[
            {{"field":"spec.x","message":"Required value"}},{{"reason":"Lonely"}}]}}}}"#,
            "m".repeat(9_000)
        );
        let error = error(&body, 429);
        assert_eq!(error.causes, ["spec.x: Required value", "Lonely"]);
        assert_eq!(error.retry_after, Some(Duration::from_mins(5)));
        assert!(error.message.chars().count() < 2_100);
    }
}
