//! Includes and excludes: the algebra by which namespaces and resources are selected (ark-behaviour §0.3).
//!
//! [`IncludesExcludes`] works on names as they are written and is what namespaces use. [`ResourceFilter`] is the same
//! over resources, after every name went through the [`ResourceMapper`].
//!
//! # Differences
//! * A list of resources to include of which nothing resolves selects nothing; in Ark v0.6 it selected everything
//!   (design decision 6). Names that do not resolve are handed back, so that the caller can warn; v0.6 dropped them silently.
//! * A name that the cluster does not serve still selects a resource of exactly that name. In a backup that selects
//!   nothing more; in a restore it finds a custom resource whose definition comes back in the same restore.
//! * An empty list of excludes prints as `<none>`, as from v0.9 on.

use std::collections::BTreeSet;

use super::{GroupResource, ResourceMapper};

/// In a list of includes: everything.
const ALL: &str = "*";

/// Two sets of names. Excludes win; no includes, or `*` among them, means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncludesExcludes {
    includes: BTreeSet<String>,
    excludes: BTreeSet<String>,
}

impl IncludesExcludes {
    /// A selection from two lists; duplicates collapse.
    pub fn new<I, E>(includes: I, excludes: E) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
        E: IntoIterator,
        E::Item: Into<String>,
    {
        Self {
            includes: includes.into_iter().map(Into::into).collect(),
            excludes: excludes.into_iter().map(Into::into).collect(),
        }
    }

    /// Whether `name` is selected. `*` among the excludes matches only itself.
    pub fn includes(&self, name: &str) -> bool {
        !self.excludes.contains(name)
            && (self.includes.is_empty() || self.includes.contains(ALL) || self.includes.contains(name))
    }

    /// Whether nothing is left out.
    pub fn everything(&self) -> bool {
        self.excludes.is_empty()
            && (self.includes.is_empty() || (self.includes.len() == 1 && self.includes.contains(ALL)))
    }

    /// The includes by name, where they name something: `None` means that everything is included.
    pub fn named(&self) -> Option<&BTreeSet<String>> {
        (!self.includes.is_empty() && !self.includes.contains(ALL)).then_some(&self.includes)
    }

    /// The excludes.
    pub fn excluded(&self) -> &BTreeSet<String> {
        &self.excludes
    }

    /// The includes as one text for a log: sorted, `*` where there are none.
    pub fn includes_text(&self) -> String {
        joined(&self.includes, ALL)
    }

    /// The excludes as one text for a log: sorted, `<none>` where there are none.
    pub fn excludes_text(&self) -> String {
        joined(&self.excludes, "<none>")
    }

    /// What is wrong with a pair of lists as the user wrote them; nothing where they are fine.
    pub fn validate(includes: &[String], excludes: &[String]) -> Vec<String> {
        let lists = Self::new(includes, excludes);
        let mut errors = Vec::new();
        if lists.includes.len() > 1 && lists.includes.contains(ALL) {
            errors.push("includes list must either contain '*' only, or a non-empty list of items".to_owned());
        }
        if lists.excludes.contains(ALL) {
            errors.push("excludes list cannot contain '*'".to_owned());
        }
        for both in lists.excludes.intersection(&lists.includes) {
            errors.push(format!("excludes list cannot contain an item in the includes list: {both}"));
        }
        errors
    }
}

fn joined(names: &BTreeSet<String>, empty: &str) -> String {
    if names.is_empty() {
        return empty.to_owned();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Includes and excludes over resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceFilter {
    /// `None` means everything.
    includes: Option<Names>,
    excludes: Names,
}

/// Resources that were resolved, and names that were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    resolved: BTreeSet<GroupResource>,
    literal: BTreeSet<String>,
}

impl Names {
    fn resolve(names: &[String], mapper: &ResourceMapper) -> Self {
        let mut all = Self::default();
        for name in names {
            match mapper.resolve(name) {
                Some(resource) => drop(all.resolved.insert(resource.group_resource())),
                None => drop(all.literal.insert(name.clone())),
            }
        }
        all
    }

    fn contains(&self, name: &GroupResource) -> bool {
        self.resolved.contains(name)
            || (!self.literal.is_empty()
                && (self.literal.contains(&name.resource) || self.literal.contains(&name.to_string())))
    }

    fn is_empty(&self) -> bool {
        self.resolved.is_empty() && self.literal.is_empty()
    }

    fn text(&self, empty: &str) -> String {
        let names = self.resolved.iter().map(ToString::to_string).chain(self.literal.iter().cloned()).collect();
        joined(&names, empty)
    }
}

impl ResourceFilter {
    /// A filter from two lists as the user wrote them, and the names in them that the cluster does not serve.
    pub fn resolve(includes: &[String], excludes: &[String], mapper: &ResourceMapper) -> (Self, Vec<String>) {
        let everything = includes.is_empty() || includes.iter().any(|name| name == ALL);
        let filter = Self {
            includes: (!everything).then(|| Names::resolve(includes, mapper)),
            excludes: Names::resolve(excludes, mapper),
        };
        let unresolved: BTreeSet<&String> =
            filter.includes.iter().chain([&filter.excludes]).flat_map(|names| &names.literal).collect();
        let unresolved = unresolved.into_iter().cloned().collect();
        (filter, unresolved)
    }

    /// A filter from names that are resources already, such as those of an archive; an empty list of includes selects
    /// everything.
    pub fn of(includes: BTreeSet<GroupResource>, excludes: BTreeSet<GroupResource>) -> Self {
        let names = |resolved| Names { resolved, literal: BTreeSet::new() };
        Self { includes: (!includes.is_empty()).then(|| names(includes)), excludes: names(excludes) }
    }

    /// Whether the resource is selected.
    pub fn includes(&self, name: &GroupResource) -> bool {
        !self.excludes.contains(name) && self.includes.as_ref().is_none_or(|included| included.contains(name))
    }

    /// Whether a resource is selected that has two names, such as one that another group took over: excluded by either
    /// name it is not.
    pub fn includes_as(&self, name: &GroupResource, alias: &GroupResource) -> bool {
        let included = |names: &Names| names.contains(name) || names.contains(alias);
        !included(&self.excludes) && self.includes.as_ref().is_none_or(included)
    }

    /// Whether the list of includes names this resource itself, rather than everything.
    pub fn names(&self, name: &GroupResource) -> bool {
        self.includes.as_ref().is_some_and(|included| included.contains(name))
    }

    /// Whether nothing is left out.
    pub fn everything(&self) -> bool {
        self.includes.is_none() && self.excludes.is_empty()
    }

    /// The includes as one text for a log: sorted, `*` where everything is included.
    pub fn includes_text(&self) -> String {
        self.includes.as_ref().map_or_else(|| ALL.to_owned(), |included| included.text("<none>"))
    }

    /// The excludes as one text for a log: sorted, `<none>` where there are none.
    pub fn excludes_text(&self) -> String {
        self.excludes.text("<none>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::mapper::tests::mapper;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn excludes_win_and_no_includes_means_everything() {
        for (includes, excludes, name, expected) in [
            (&[][..], &[][..], "a", true),
            (&["*"], &[], "a", true),
            (&["a"], &[], "a", true),
            (&["a"], &[], "b", false),
            (&["*"], &["a"], "a", false),
            (&["*"], &["a"], "b", true),
            (&["a"], &["a"], "a", false),
            (&[], &["*"], "a", true),
            (&[], &["*"], "*", false),
        ] {
            let lists = IncludesExcludes::new(strings(includes), strings(excludes));
            assert_eq!(lists.includes(name), expected, "{includes:?} {excludes:?} {name}");
        }
    }

    #[test]
    fn everything_needs_no_excludes_and_no_names() {
        for (includes, excludes, expected) in [
            (&[][..], &[][..], true),
            (&["*", "*"], &[], true),
            (&["*", "a"], &[], false),
            (&["a"], &[], false),
            (&[], &["a"], false),
        ] {
            let lists = IncludesExcludes::new(strings(includes), strings(excludes));
            assert_eq!(lists.everything(), expected, "{includes:?} {excludes:?}");
        }
    }

    #[test]
    fn validation_speaks_the_words_of_ark() {
        let validate =
            |includes: &[&str], excludes: &[&str]| IncludesExcludes::validate(&strings(includes), &strings(excludes));
        assert!(validate(&[], &[]).is_empty());
        assert!(validate(&["*"], &["b", "a"]).is_empty());
        assert!(validate(&["*", "*"], &[]).is_empty());
        assert_eq!(
            validate(&["*", "b", "a"], &["b", "*", "a"]),
            [
                "includes list must either contain '*' only, or a non-empty list of items",
                "excludes list cannot contain '*'",
                "excludes list cannot contain an item in the includes list: *",
                "excludes list cannot contain an item in the includes list: a",
                "excludes list cannot contain an item in the includes list: b",
            ]
        );
    }

    #[test]
    fn lists_print_sorted() {
        let lists = IncludesExcludes::new(["b", "a"], Vec::<String>::new());
        assert_eq!((lists.includes_text().as_str(), lists.excludes_text().as_str()), ("a, b", "<none>"));
        assert_eq!(IncludesExcludes::default().includes_text(), "*");
    }

    #[test]
    fn resources_are_selected_by_any_of_their_names() {
        let (filter, unresolved) = ResourceFilter::resolve(&strings(&["po", "deploy"]), &strings(&["Pod"]), &mapper());
        assert!(unresolved.is_empty());
        assert!(!filter.includes(&GroupResource::new("", "pods")));
        assert!(filter.includes(&GroupResource::new("apps", "deployments")));
        assert!(!filter.includes(&GroupResource::new("extensions", "deployments")));
        assert_eq!(filter.includes_text(), "deployments.apps, pods");
    }

    #[test]
    fn a_list_of_which_nothing_resolves_selects_nothing() {
        let (filter, unresolved) = ResourceFilter::resolve(&strings(&["typo"]), &strings(&["*"]), &mapper());
        assert_eq!(unresolved, ["*", "typo"]);
        assert!(!filter.everything());
        for resource in mapper().all() {
            assert!(!filter.includes(&resource.group_resource()), "{resource}");
        }
    }

    #[test]
    fn a_name_the_cluster_does_not_serve_yet_finds_the_archives_resource() {
        let (filter, _) = ResourceFilter::resolve(&strings(&["widgets", "gears.example.com"]), &[], &mapper());
        assert!(filter.includes(&GroupResource::new("example.com", "widgets")));
        assert!(filter.includes(&GroupResource::new("example.com", "gears")));
        assert!(!filter.includes(&GroupResource::new("other.com", "gears")));
    }
}
