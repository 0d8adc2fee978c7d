//! Responses: JSON, text, and the `Status` of an error.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::negotiate::Encoding;
use super::stream::Body;
use crate::Status;

/// The content type of JSON.
pub(crate) const JSON: &str = "application/json";
/// The content type of pages for people.
const TEXT: &str = "text/plain; charset=utf-8";

/// A response of known length.
pub(crate) fn bytes(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(body.into()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A document.
pub(crate) fn json(value: &Value) -> Response<Body> {
    bytes(200, JSON, value.to_string())
}

/// Plain text.
pub(crate) fn text(code: u16, text: impl Into<Bytes>) -> Response<Body> {
    bytes(code, TEXT, text)
}

/// The page for what nobody serves: no `Status`, as a real server answers.
pub(crate) fn page_not_found() -> Response<Body> {
    text(404, "404 page not found\n")
}

/// What an object or list is sent as.
pub(crate) fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => JSON,
        Encoding::Yaml => "application/yaml",
    }
}

/// An error, or the success of a deletion.
pub(crate) fn status(status: &Status) -> Response<Body> {
    if status.is_plain_404() {
        return page_not_found();
    }
    if *status == Status::unavailable() {
        // The aggregation layer answers for a backend that does not.
        return text(503, "service unavailable\n");
    }
    let mut response = bytes(status.code, JSON, status.to_value().to_string());
    let retry = status.details.as_ref().and_then(|details| details.get("retryAfterSeconds"));
    if let Some(seconds) = retry.and_then(Value::as_u64) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Letters of all warnings of one answer; beyond that, each is cut.
const WARNINGS_LENGTH: usize = 4096;
/// Letters of a warning that is cut.
const WARNING_LENGTH: usize = 256;

/// The answer or the error with a `Warning` header for each text, once. Those that no header can hold are left out.
pub(crate) fn warned(answer: Result<Response<Body>, Status>, warnings: &[String]) -> Result<Response<Body>, Status> {
    let mut once: Vec<&String> = Vec::new();
    for text in warnings {
        if !text.is_empty() && !text.contains(char::is_control) && !once.contains(&text) {
            once.push(text);
        }
    }
    if once.is_empty() {
        return answer;
    }
    let length = |text: &String| text.chars().count();
    let cut = once.iter().map(|text| length(text)).sum::<usize>() > WARNINGS_LENGTH;
    let mut response = answer.unwrap_or_else(|error| status(&error));
    // What an inner layer warns of comes behind.
    let later: Vec<HeaderValue> = response.headers().get_all(header::WARNING).iter().cloned().collect();
    response.headers_mut().remove(header::WARNING);
    let mut written = 0;
    for text in once {
        if cut && written >= WARNINGS_LENGTH {
            break;
        }
        let text: String = if cut { text.chars().take(WARNING_LENGTH).collect() } else { text.clone() };
        written += length(&text);
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{quoted}\"").as_bytes()) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    for value in later {
        response.headers_mut().append(header::WARNING, value);
    }
    Ok(response)
}
