//! The writers of one object and what each of them owns: `metadata.managedFields` between its wire forms.
//!
//! A writer is known by name, operation, subresource and, for updates, version: an applier stays the same one in every version.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::set::FieldSet;
use crate::meta;

/// The most updaters that are kept apart.
const UPDATERS_MAX: usize = 10;

/// The writer that the oldest updaters become.
const ANCIENT: &str = "ancient-changes";

/// Who wrote, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    /// Whether it applied; else it updated.
    pub(crate) applies: bool,
    /// Of updates only.
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

impl Manager {
    /// An updater.
    pub(crate) fn updater(name: Option<&str>, api_version: &str, subresource: Option<&str>) -> Self {
        Self::new(name, false, api_version, subresource)
    }

    /// An applier.
    pub(crate) fn applier(name: Option<&str>, subresource: Option<&str>) -> Self {
        Self::new(name, true, "", subresource)
    }

    fn new(name: Option<&str>, applies: bool, api_version: &str, subresource: Option<&str>) -> Self {
        Self {
            name: name.filter(|name| !name.is_empty()).unwrap_or("unknown").to_owned(),
            applies,
            api_version: api_version.to_owned(),
            subresource: subresource.unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {:?}", self.subresource)?;
        }
        if !self.applies {
            write!(f, " using {}", self.api_version)?;
        }
        Ok(())
    }
}

/// What a writer owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) set: FieldSet,
    pub(crate) api_version: String,
    /// Of its last write, as it is on the wire.
    pub(crate) time: Option<String>,
}

/// The writers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Managers(pub(crate) BTreeMap<Manager, Owned>);

impl Managers {
    /// Those of `metadata.managedFields`.
    pub(crate) fn decode(entries: &[Value]) -> Result<Self, String> {
        let mut managers = Self::default();
        for (place, entry) in entries.iter().enumerate() {
            let applies = match meta::text(entry, "operation") {
                "Apply" => true,
                "Update" => false,
                _ => return Err("operation must be `Apply` or `Update`".to_owned()),
            };
            let api_version = meta::text(entry, "apiVersion");
            if api_version.is_empty() {
                return Err("apiVersion must not be empty".to_owned());
            }
            match meta::text(entry, "fieldsType") {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {place}")),
                other => return Err(format!("invalid fieldsType {other:?} in managed fields entry {place}")),
            }
            let set = match entry.get("fieldsV1") {
                None | Some(Value::Null) => FieldSet::default(),
                Some(fields) => FieldSet::from_value(fields)?,
            };
            let manager = Manager {
                name: meta::text(entry, "manager").to_owned(),
                applies,
                api_version: if applies { String::new() } else { api_version.to_owned() },
                subresource: meta::text(entry, "subresource").to_owned(),
            };
            let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
            managers.0.insert(manager, Owned { set, api_version: api_version.to_owned(), time });
        }
        Ok(managers)
    }

    /// Those of an object. What cannot be read is as good as nothing.
    pub(crate) fn of(object: &Value) -> Self {
        entries(object).and_then(|entries| Self::decode(entries).ok()).unwrap_or_default()
    }

    /// The wire form: appliers first, then the older before the younger.
    pub(crate) fn encode(&self) -> Value {
        encode(self.0.iter())
    }

    /// Joins the oldest updaters of a version to one, until few enough are left.
    pub(crate) fn cap(&mut self) {
        let mut updaters: Vec<_> = self.0.iter().filter(|(manager, _)| !manager.applies).collect();
        let mut count = updaters.len();
        if count <= UPDATERS_MAX {
            return;
        }
        updaters.sort_by_key(|(manager, owned)| (seconds(owned), *manager));
        let updaters: Vec<Manager> = updaters.into_iter().map(|(manager, _)| manager.clone()).collect();
        let mut first_of: BTreeMap<String, Manager> = BTreeMap::new();
        for manager in updaters {
            if count <= UPDATERS_MAX {
                break;
            }
            let version = manager.api_version.clone();
            let Some(first) = first_of.get(&version) else {
                first_of.insert(version, manager);
                continue;
            };
            let bucket = Manager::updater(Some(ANCIENT), &version, None);
            if !self.0.contains_key(&bucket)
                && let Some(owned) = self.0.remove(first)
            {
                self.0.insert(bucket.clone(), owned);
            }
            if manager != bucket
                && let Some(owned) = self.0.remove(&manager)
                && let Some(ancient) = self.0.get_mut(&bucket)
            {
                ancient.set = ancient.set.union(&owned.set);
                ancient.time = owned.time;
            }
            count -= 1;
        }
    }

    /// Forgets the writers that own nothing.
    pub(crate) fn tidy(&mut self) {
        self.0.retain(|_, owned| !owned.set.is_empty());
    }
}

/// The wire form of writers: appliers first, then the older before the younger.
pub(crate) fn encode<'a>(writers: impl Iterator<Item = (&'a Manager, &'a Owned)>) -> Value {
    let mut sorted: Vec<_> = writers.collect();
    sorted.sort_by_key(|(manager, owned)| {
        (!manager.applies, seconds(owned), &manager.name, &owned.api_version, &manager.subresource)
    });
    let entries = sorted.into_iter().map(|(manager, owned)| {
        let mut entry = Map::new();
        let operation = if manager.applies { "Apply" } else { "Update" };
        for (key, text) in [
            ("apiVersion", owned.api_version.as_str()),
            ("fieldsType", "FieldsV1"),
            ("manager", &manager.name),
            ("operation", operation),
            ("subresource", &manager.subresource),
            ("time", owned.time.as_deref().unwrap_or_default()),
        ] {
            if !text.is_empty() {
                entry.insert(key.to_owned(), Value::from(text));
            }
        }
        entry.insert("fieldsV1".to_owned(), owned.set.to_value());
        Value::Object(entry)
    });
    entries.collect()
}

fn seconds(owned: &Owned) -> i64 {
    let time = owned.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    time.map(Timestamp::as_second).unwrap_or_default()
}

/// `metadata.managedFields` of an object.
pub(crate) fn entries(object: &Value) -> Option<&Vec<Value>> {
    meta::metadata(object).get("managedFields").and_then(Value::as_array)
}

/// Whether a writer asks to forget all writers: an empty list, or one empty entry.
pub(crate) fn is_reset(object: &Value) -> bool {
    entries(object).is_some_and(|entries| entries.is_empty() || *entries == [json!({})])
}

/// Whether two objects are the same but for the times of their writers.
pub(crate) fn same_but_times(old: &Value, new: &Value) -> bool {
    let (Some(before), Some(after)) = (entries(old), entries(new)) else {
        return false;
    };
    let untimed = |one: &Value, other: &Value| {
        let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
            return false;
        };
        let fields = |entry: &Map<String, Value>| entry.iter().filter(|(key, _)| *key != "time").count();
        fields(one) == fields(other) && one.iter().all(|(key, value)| key == "time" || other.get(key) == Some(value))
    };
    before.len() == after.len()
        && before.iter().zip(after).all(|(one, other)| untimed(one, other))
        && alike_but(old, new, "metadata", |old, new| alike_but(old, new, "managedFields", |_, _| true))
}

/// Whether two objects are equal but for one field, which `same` decides about.
fn alike_but(old: &Value, new: &Value, but: &str, same: impl Fn(&Value, &Value) -> bool) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return old == new;
    };
    old.len() == new.len()
        && old.iter().all(|(key, value)| match new.get(key) {
            Some(other) if key == but => same(value, other),
            other => other == Some(value),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(field: &str, time: i64) -> Owned {
        let mut set = FieldSet::default();
        set.insert_path(&[field]);
        let time = format!("2026-01-01T00:00:{time:02}Z");
        Owned { set, api_version: "v1".to_owned(), time: Some(time) }
    }

    #[test]
    fn the_eleventh_updater_makes_the_two_oldest_one() {
        let mut managers = Managers::default();
        for number in 0..=10 {
            let manager = Manager::updater(Some(&format!("m{number:02}")), "v1", None);
            managers.0.insert(manager, owned(&format!("f{number}"), number));
        }
        managers.0.insert(Manager::applier(Some("applier"), None), owned("a", 0));
        managers.cap();
        assert_eq!(managers.0.len(), 11);
        let wire = managers.encode();
        assert_eq!(wire[0]["manager"], "applier");
        assert_eq!(wire[1]["manager"], ANCIENT);
        assert_eq!(wire[1]["fieldsV1"], json!({"f:f0": {}, "f:f1": {}}));
        assert_eq!(wire[1]["time"], "2026-01-01T00:00:01Z");
        assert_eq!(Managers::decode(wire.as_array().unwrap()), Ok(managers));
    }

    #[test]
    fn what_is_no_entry_is_told() {
        for (entry, said) in [
            (json!({}), "operation must be `Apply` or `Update`"),
            (json!({"operation": "Apply"}), "apiVersion must not be empty"),
            (json!({"operation": "Apply", "apiVersion": "v1"}), "missing fieldsType in managed fields entry 0"),
            (
                json!({"operation": "Apply", "apiVersion": "v1", "fieldsType": "V9"}),
                "invalid fieldsType \"V9\" in managed fields entry 0",
            ),
        ] {
            assert_eq!(Managers::decode(&[entry]).unwrap_err(), said);
        }
    }

    #[test]
    fn times_alone_are_no_change() {
        let object = |time: &str, data: &str| json!({"metadata": {"managedFields": [{"manager": "m", "time": time}], "name": "a"}, "data": data});
        assert!(same_but_times(&object("1", "x"), &object("2", "x")));
        assert!(!same_but_times(&object("1", "x"), &object("2", "y")));
        assert!(is_reset(&json!({"metadata": {"managedFields": []}})));
        assert!(!is_reset(&json!({"metadata": {}})));
    }
}
