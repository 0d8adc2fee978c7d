//! The order of a list after a strategic merge.
//!
//! What the patch (or its `$setElementOrder`) names is in that order; what only the server has keeps its place among the others: it
//! comes before the first named item that it stood before.

use serde_json::Value;

/// The same item: equal, or equal at the key.
fn same(one: &Value, other: &Value, key: Option<&str>) -> bool {
    match key {
        Some(key) => one.get(key).is_some() && one.get(key) == other.get(key),
        None => one == other,
    }
}

/// The items that an order names, and the others.
pub(super) fn partition(list: Vec<Value>, order: &[Value], key: Option<&str>) -> (Vec<Value>, Vec<Value>) {
    list.into_iter().partition(|item| order.iter().any(|known| same(item, known, key)))
}

/// Both in one list: `named` in their order, `rest` where they stood in the server's list.
pub(super) fn ordered(
    mut named: Vec<Value>,
    mut rest: Vec<Value>,
    order: &[Value],
    before: &[Value],
    key: Option<&str>,
) -> Vec<Value> {
    let place = |item: &Value, list: &[Value]| list.iter().position(|known| same(item, known, key));
    named.sort_by_key(|item| place(item, order));
    rest.sort_by_key(|item| place(item, before));
    let mut merged = Vec::with_capacity(named.len() + rest.len());
    let mut rest = rest.into_iter().peekable();
    for item in named {
        let stood = place(&item, before);
        // A new item goes before what only the server has; a known one after what stood before it.
        while let (Some(stood), Some(other)) = (stood, rest.peek()) {
            if place(other, before).is_some_and(|place| place < stood) {
                merged.extend(rest.next());
            } else {
                break;
            }
        }
        merged.push(item);
    }
    merged.extend(rest);
    merged
}
