//! Which form an answer takes, by the `Accept` header, and which form a body has, by `Content-Type`.
//!
//! Objects are answered as JSON or YAML. `as=` asks for another shape of the same object: a `Table` of
//! printed columns, or the metadata alone; discovery has its aggregated form.
//!
//! # Differences
//!
//! No answer is written in Protobuf or CBOR: a client that accepts only those gets `406`. Protobuf bodies are read
//! for a few kinds ([`super::protobuf`]), CBOR never. The lists of accepted media types in the messages are the
//! real server's.

use http::{HeaderMap, header};

/// The media types that a real server names when none fits.
const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `application/json`.
    Json,
    /// `application/yaml`.
    Yaml,
}

/// What an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The object itself.
    Plain,
    /// `as=Table`.
    Table,
    /// `as=PartialObjectMetadata`.
    Partial,
    /// `as=PartialObjectMetadataList`.
    PartialList,
    /// `as=APIGroupDiscoveryList`.
    Aggregated,
}

/// The form that an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) encoding: Encoding,
    pub(crate) shape: Shape,
}

impl Form {
    /// Plain JSON: what errors and everything without a choice are answered in.
    pub(crate) const JSON: Self = Self { encoding: Encoding::Json, shape: Shape::Plain };
}

/// No form that the client accepts can be served. The text is the real server's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotAcceptable(pub(crate) String);

impl NotAcceptable {
    fn media_types() -> Self {
        Self(format!("only the following media types are accepted: {ACCEPTED}"))
    }
}

/// What may be answered at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Objects and lists of a resource.
    Objects,
    /// `/api` and `/apis`.
    Discovery,
    /// Everything else: JSON or YAML only.
    Document,
}

/// The first form, by the client's preference, that `offer` has.
pub(crate) fn accept(headers: &HeaderMap, offer: Offer) -> Result<Form, NotAcceptable> {
    let clauses = clauses(headers);
    if clauses.is_empty() {
        return Ok(Form::JSON);
    }
    clauses.iter().find_map(|clause| clause.form(offer)).ok_or_else(NotAcceptable::media_types)
}

/// The first of the offered media types, by the client's preference; the first of all where the client has none.
pub(crate) fn media(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let clauses = clauses(headers);
    if clauses.is_empty() {
        return offered.first().copied();
    }
    clauses.iter().find_map(|clause| {
        let any = matches!(clause.media.as_str(), "*/*" | "application/*");
        offered.iter().find(|media| any || **media == clause.media).copied()
    })
}

/// What the client accepts, the preferred first.
fn clauses(headers: &HeaderMap) -> Vec<Clause> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut clauses: Vec<Clause> = values.flat_map(|value| value.split(',')).filter_map(Clause::parse).collect();
    // Stable: equal weights keep the order of the header.
    clauses.sort_by_key(|clause| std::cmp::Reverse(clause.weight));
    clauses
}

/// One alternative of an `Accept` header.
#[derive(Debug, Default)]
struct Clause {
    media: String,
    /// Quality in thousandths.
    weight: u16,
    shape: Option<String>,
    group: Option<String>,
    version: Option<String>,
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().filter(|media| !media.is_empty())?.to_ascii_lowercase();
        let mut clause = Self { media, weight: 1000, ..Self::default() };
        for part in parts {
            let Some((key, value)) = part.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match key.trim() {
                "as" => clause.shape = Some(value.to_owned()),
                "g" => clause.group = Some(value.to_owned()),
                "v" => clause.version = Some(value.to_owned()),
                "q" => {
                    let quality: f32 = value.parse().unwrap_or(1.0);
                    clause.weight = (quality.clamp(0.0, 1.0) * 1000.0) as u16;
                }
                _ => {}
            }
        }
        Some(clause)
    }

    fn form(&self, offer: Offer) -> Option<Form> {
        let encoding = match self.media.as_str() {
            "application/json" | "application/*" | "*/*" => Encoding::Json,
            "application/yaml" => Encoding::Yaml,
            _ => return None,
        };
        let shape = match &self.shape {
            None => Shape::Plain,
            Some(name) => self.shape(name, offer)?,
        };
        Some(Form { encoding, shape })
    }

    fn shape(&self, name: &str, offer: Offer) -> Option<Shape> {
        let of = (self.group.as_deref(), self.version.as_deref());
        match (offer, name) {
            (Offer::Objects, "Table") if of == (Some("meta.k8s.io"), Some("v1")) => Some(Shape::Table),
            (Offer::Objects, "PartialObjectMetadata") if of == (Some("meta.k8s.io"), Some("v1")) => {
                Some(Shape::Partial)
            }
            (Offer::Objects, "PartialObjectMetadataList") if of == (Some("meta.k8s.io"), Some("v1")) => {
                Some(Shape::PartialList)
            }
            (Offer::Discovery, "APIGroupDiscoveryList") if of == (Some("apidiscovery.k8s.io"), Some("v2")) => {
                Some(Shape::Aggregated)
            }
            _ => None,
        }
    }
}

/// The forms in which a body may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyType {
    Json,
    Yaml,
    Protobuf,
    JsonPatch,
    MergePatch,
    StrategicPatch,
    ApplyPatch,
    Other,
}

/// The type of the body. A request without the header is read as JSON.
pub(crate) fn body_type(headers: &HeaderMap) -> BodyType {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return BodyType::Json;
    };
    let media = value.to_str().unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    match media.to_ascii_lowercase().as_str() {
        "" | "application/json" => BodyType::Json,
        "application/yaml" => BodyType::Yaml,
        "application/vnd.kubernetes.protobuf" => BodyType::Protobuf,
        "application/json-patch+json" => BodyType::JsonPatch,
        "application/merge-patch+json" => BodyType::MergePatch,
        "application/strategic-merge-patch+json" => BodyType::StrategicPatch,
        "application/apply-patch+yaml" => BodyType::ApplyPatch,
        _ => BodyType::Other,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn form(accept_header: &str, offer: Offer) -> Result<Form, NotAcceptable> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept_header).unwrap());
        accept(&headers, offer)
    }

    fn shape(accept_header: &str, offer: Offer) -> Shape {
        form(accept_header, offer).unwrap().shape
    }

    const KUBECTL: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
    const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

    #[test]
    fn the_first_form_that_is_offered_wins() {
        assert_eq!(shape(KUBECTL, Offer::Objects), Shape::Table);
        assert_eq!(shape(KUBECTL, Offer::Document), Shape::Plain);
        assert_eq!(shape(AGGREGATED, Offer::Discovery), Shape::Aggregated);
        assert_eq!(shape(AGGREGATED, Offer::Objects), Shape::Plain);
        assert_eq!(
            shape("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", Offer::Objects),
            Shape::Partial
        );
        assert_eq!(accept(&HeaderMap::new(), Offer::Objects), Ok(Form::JSON));
        assert_eq!(form("application/vnd.kubernetes.protobuf,*/*;q=0.1", Offer::Objects), Ok(Form::JSON));
        assert_eq!(form("application/json;q=0.5, application/yaml", Offer::Objects).unwrap().encoding, Encoding::Yaml);
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        let refused = form("text/html", Offer::Objects).unwrap_err();
        assert!(refused.0.contains("application/json, application/yaml"), "{refused:?}");
        assert!(form("application/json;as=Table;v=v1beta1;g=meta.k8s.io", Offer::Objects).is_err());
        assert!(form("application/json;as=Nonsense;v=v1;g=meta.k8s.io", Offer::Objects).is_err());
    }
}
