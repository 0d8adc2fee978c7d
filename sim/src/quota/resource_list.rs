//! Amounts by the name of what they are of, and how they are added, compared and shown.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::quantity::Quantity;

/// A `ResourceList`. Equal when the amounts are, however they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourceList(BTreeMap<String, Quantity>);

impl ResourceList {
    /// The list at a place in an object; an amount that cannot be computed with is left out.
    pub(crate) fn read(value: Option<&Value>) -> Self {
        let fields = value.and_then(Value::as_object).into_iter().flatten();
        fields.filter_map(|(name, amount)| Some((name.clone(), Quantity::parse(amount.as_str()?)?))).collect()
    }

    pub(crate) fn to_value(&self) -> Value {
        let fields = self.0.iter().map(|(name, amount)| (name.clone(), Value::from(amount.to_string())));
        Value::Object(fields.collect::<Map<_, _>>())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name)
    }

    pub(crate) fn set(&mut self, name: impl Into<String>, amount: Quantity) {
        self.0.insert(name.into(), amount);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Quantity)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), amount))
    }

    /// Adds what is in the other.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let sum = self.0.get(name).map_or_else(|| amount.clone(), |own| own.plus(amount));
            self.0.insert(name.clone(), sum);
        }
    }

    /// Raises what is less than in the other.
    pub(crate) fn raise(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            if self.0.get(name).is_none_or(|own| own < amount) {
                self.0.insert(name.clone(), amount.clone());
            }
        }
    }

    /// What is more than in the other; what is not more is nothing.
    pub(crate) fn beyond(&self, other: &Self) -> Self {
        let nothing = Quantity::whole(0);
        let more = self.0.iter().map(|(name, amount)| {
            let left = other.0.get(name).map_or_else(|| amount.clone(), |other| amount.minus(other));
            (name.clone(), if left > nothing { left } else { nothing.clone() })
        });
        more.collect()
    }

    /// The part whose names are accepted.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(name, _)| wanted(name));
        kept.map(|(name, amount)| (name.clone(), amount.clone())).collect()
    }

    /// What is not nothing.
    pub(crate) fn without_zeros(&self) -> Self {
        let kept = self.0.iter().filter(|(_, amount)| !amount.is_zero());
        kept.map(|(name, amount)| (name.clone(), amount.clone())).collect()
    }

    /// `cpu=1,memory=1Gi`, as errors say it.
    pub(crate) fn pretty(&self) -> String {
        let parts: Vec<_> = self.0.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
        parts.join(",")
    }
}

impl FromIterator<(String, Quantity)> for ResourceList {
    fn from_iter<I: IntoIterator<Item = (String, Quantity)>>(amounts: I) -> Self {
        Self(amounts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(value: Value) -> ResourceList {
        ResourceList::read(Some(&value))
    }

    #[test]
    fn lists_are_added_name_by_name() {
        let mut sum = list(json!({"cpu": "1", "pods": "2"}));
        sum.add(&list(json!({"cpu": "500m", "memory": "1Gi"})));
        assert_eq!(sum.to_value(), json!({"cpu": "1500m", "pods": "2", "memory": "1Gi"}));
        sum.raise(&list(json!({"cpu": "1", "pods": "3"})));
        assert_eq!(sum.pretty(), "cpu=1500m,memory=1Gi,pods=3");
    }

    #[test]
    fn what_is_beyond_is_never_less_than_nothing() {
        let beyond = list(json!({"cpu": "1", "pods": "2"})).beyond(&list(json!({"cpu": "2", "pods": "1"})));
        assert_eq!(beyond.to_value(), json!({"cpu": "0", "pods": "1"}));
        assert_eq!(beyond.without_zeros().to_value(), json!({"pods": "1"}));
    }
}
