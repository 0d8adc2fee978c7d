//! Reading: get and list.
//!
//! Owns pages, continue tokens and the meaning of `resourceVersion`. All pages of a list read the revision of the first one, however
//! much is written in between; when that revision is forgotten the answer is 410 with a token to go on inconsistently.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::access::Attributes;
use crate::object::{List, Object};
use crate::options::{ListOptions, Target};
use crate::resource::ResourceDef;
use crate::select::Selection;
use crate::server::{ApiServer, Core};
use crate::status::{Cause, Status};
use crate::store;
use crate::subresource;
use crate::write::present;

/// Tokens are written without padding and read as leniently as a real server reads them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

const TOKEN_VERSION: &str = "meta.k8s.io/v1";

impl ApiServer {
    /// One object, or one of its subresources. 404 when it is not there.
    pub fn get(&self, target: &Target) -> Result<Object, Status> {
        let core = self.lock();
        self.may(&core, "get", target)?;
        let def = core.registry.resolve(target)?;
        if let Some(sub) = target.subresource.as_deref().and_then(|name| def.subresource(name))
            && !sub.verbs.iter().any(|verb| verb == "get")
        {
            return Err(Status::method_not_allowed());
        }
        let object = core.existing(&def, target)?;
        match target.subresource.as_deref() {
            None if !def.supports("get") => Err(Status::method_not_allowed()),
            None => Ok(present(&def, &object)),
            Some(name) => subresource::get(&def, name, &object),
        }
    }

    /// A page of objects: see [`ListOptions`].
    pub fn list(&self, target: &Target, options: &ListOptions) -> Result<List, Status> {
        let core = self.lock();
        self.authorize(&core, &Attributes::of("list", target).selecting(options.field_selector.as_deref()))?;
        let def = core.registry.resolve(target)?;
        if !def.supports("list") {
            return Err(Status::method_not_allowed());
        }
        core.list(&def, target, options)
    }
}

/// What the storage prefixes keys of a collection with.
pub(crate) fn prefix(target: &Target) -> String {
    match &target.namespace {
        Some(namespace) => format!("{namespace}/"),
        None => String::new(),
    }
}

impl Core {
    /// The stored object of a target, or 404.
    pub(crate) fn existing(&self, def: &ResourceDef, target: &Target) -> Result<Object, Status> {
        let name = target.name.as_deref().unwrap_or_default();
        let namespace = match (&target.namespace, def.namespaced) {
            (namespace, true) => Some(namespace.as_deref().unwrap_or_default()),
            (_, false) => None,
        };
        let object = self.store.get(&def.storage(), &store::key(namespace, name));
        object.cloned().ok_or_else(|| Status::not_found(&def.group, &def.plural, name))
    }

    pub(crate) fn list(&self, def: &ResourceDef, target: &Target, options: &ListOptions) -> Result<List, Status> {
        validate(options)?;
        let selection = Selection::parse(def, options.label_selector.as_deref(), options.field_selector.as_deref())?;
        let prefix = prefix(target);
        let limit = options.limit.filter(|limit| *limit > 0);
        let (at, start) = match options.continue_token.as_deref() {
            Some(token) if !token.is_empty() => self.resume(token, &prefix)?,
            _ => (self.revision_for(options, limit)?, prefix.clone()),
        };

        let storage = def.storage();
        let mut all = self.store.snapshot(&storage, &prefix, &start, at);
        let wanted = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut items = Vec::new();
        let mut last = None;
        for (key, object) in all.by_ref().filter(|(_, object)| selection.matches(object)).take(wanted) {
            items.push(present(def, object));
            last = Some(key);
        }
        // Behind a selector it is enough to know that there is more, selected or not; without one nobody needs to look at the rest.
        let remaining = match last {
            Some(last) if selection.is_empty() => self.store.count_behind(&storage, &prefix, last, at),
            _ => usize::from(all.next().is_some()),
        };
        let remaining = remaining as u64;
        let continue_token = last.filter(|_| remaining > 0).map(|key| token(at, &key[prefix.len()..]));
        Ok(List {
            api_version: def.api_version(),
            kind: def.list_kind(),
            items,
            resource_version: at,
            remaining_item_count: (continue_token.is_some() && selection.is_empty()).then_some(remaining),
            continue_token,
        })
    }

    /// The revision that a first page reads.
    fn revision_for(&self, options: &ListOptions, limit: Option<u64>) -> Result<u64, Status> {
        let current = self.store.revision();
        let asked = parse_revision(options.resource_version.as_deref())?;
        if asked > current {
            return Err(Status::too_large_resource_version(asked, current));
        }
        let exact = match options.resource_version_match.as_deref() {
            Some("Exact") => true,
            Some(_) => false,
            // The older meaning, kept by the real server: a limited list at a revision is exact.
            None => limit.is_some() && asked > 0,
        };
        if !exact {
            return Ok(current);
        }
        if asked < self.store.history.floor() {
            return Err(Status::expired("The resourceVersion for the provided list is too old.", None));
        }
        Ok(asked)
    }

    /// Revision and first key of the page behind a token.
    fn resume(&self, token: &str, prefix: &str) -> Result<(u64, String), Status> {
        let (revision, start) =
            parse_token(token).map_err(|why| Status::bad_request(format!("invalid continue token: {why}")))?;
        let current = self.store.revision();
        let start = format!("{prefix}{start}");
        // A token for going on after an expiry has no revision: it reads the present.
        let Ok(revision) = u64::try_from(revision) else {
            return Ok((current, start));
        };
        if revision > current {
            return Err(Status::too_large_resource_version(revision, current));
        }
        if revision < self.store.history.floor() {
            return Err(Status::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new \
                    list without the continue parameter, or use the continue token in this response to retrieve the \
                    remainder of the results. Continuing with the provided token results in an inconsistent list - \
                    objects that were created, modified, or deleted between the time the first chunk was returned and \
                    now may show up in the list.",
                Some(write_token(-1, &start[prefix.len()..])),
            ));
        }
        Ok((revision, start))
    }
}

/// A `resourceVersion`; absent is 0.
pub(crate) fn parse_revision(text: Option<&str>) -> Result<u64, Status> {
    match text {
        None | Some("") => Ok(0),
        Some(text) => {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits).ok_or_else(|| {
                let why = if digits {
                    "value out of range"
                } else {
                    "invalid syntax"
                };
                Status::bad_request(format!(
                    "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {why}"
                ))
            })
        }
    }
}

/// 422 for options that do not go together.
pub(crate) fn invalid_options(causes: &[Cause]) -> Status {
    Status::invalid("meta.k8s.io", "ListOptions", "", causes)
}

fn validate(options: &ListOptions) -> Result<(), Status> {
    const FIELD: &str = "resourceVersionMatch";
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let token = given(&options.continue_token);
    let version = given(&options.resource_version);
    if let Some(matching) = given(&options.resource_version_match) {
        let mut causes = Vec::new();
        if version.is_none() {
            causes
                .push(Cause::forbidden(FIELD, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
        }
        if token.is_some() {
            causes.push(Cause::forbidden(FIELD, "resourceVersionMatch is forbidden when continue is provided"));
        }
        if !["Exact", "NotOlderThan"].contains(&matching.as_str()) {
            causes.push(Cause::not_supported(FIELD, &matching, &["Exact", "NotOlderThan", ""]));
        }
        if matching == "Exact" && version.as_deref() == Some("0") {
            causes
                .push(Cause::forbidden(FIELD, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }
        if !causes.is_empty() {
            return Err(invalid_options(&causes));
        }
    }
    if token.is_some() && version.is_some_and(|version| version != "0") {
        return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
    }
    Ok(())
}

/// The token that goes on behind `last`, a key without the prefix of its collection.
fn token(revision: u64, last: &str) -> String {
    // The smallest key behind `last`.
    write_token(i64::try_from(revision).unwrap_or(i64::MAX), &format!("{last}\0"))
}

fn write_token(revision: i64, start: &str) -> String {
    let start = serde_json::Value::from(format!("/{start}"));
    BASE64.encode(format!(r#"{{"v":"{TOKEN_VERSION}","rv":{revision},"start":{start}}}"#))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    v: String,
    #[serde(default)]
    rv: i64,
    #[serde(default)]
    start: String,
}

fn parse_token(token: &str) -> Result<(i64, String), String> {
    let bytes = BASE64.decode(token).map_err(|why| format!("continue key is not valid: {why}"))?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|why| {
        // Said as the real server says it, for what is no JSON from its first byte on.
        match bytes.first() {
            Some(first) if !b"{[\"0123456789-tfn \t\r\n".contains(first) => {
                format!("continue key is not valid: invalid character {} looking for beginning of value", quote(*first))
            }
            _ => format!("continue key is not valid: {why}"),
        }
    })?;
    if token.v != TOKEN_VERSION {
        return Err(format!("continue key is not valid: server does not recognize this encoded version {:?}", token.v));
    }
    let Some(start) = token.start.strip_prefix('/').filter(|start| !start.is_empty()) else {
        return Err(format!("continue key is not valid: encoded start key empty (version {TOKEN_VERSION})"));
    };
    Ok((token.rv, start.to_owned()))
}

/// A byte as Go quotes a character.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        0x20..0x7f | 0xa0..0xad | 0xae.. => format!("'{}'", char::from(byte)),
        0x80..0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_a_real_server() {
        assert_eq!(token(295, "one"), "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mjk1LCJzdGFydCI6Ii9vbmVcdTAwMDAifQ");
        assert_eq!(parse_token(&token(7, "a/b")), Ok((7, "a/b\0".to_owned())));
        assert_eq!(
            parse_token("garbage"),
            Err("continue key is not valid: invalid character '\\u0081' looking for beginning of value".to_owned())
        );
        for bad in ["", "=", "e30", &write_token(1, "")] {
            assert!(parse_token(bad).is_err(), "{bad}");
        }
    }
}
