//! The fields of generated definitions: a schema, what fits it and what does not.

use serde_json::{Value, json};

use crate::script::Dice;

/// How many sorts of fields there are.
pub(super) const SORTS: usize = 23;

/// Formats of strings, with one that has it and one that has not.
const FORMATS: &[(&str, &str, &str)] = &[
    ("date-time", "2024-05-06T07:08:09Z", "yesterday"),
    ("date", "2024-05-06", "2024-13-41"),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    ("ipv4", "10.0.0.1", "10.0.0.256"),
    ("ipv6", "fe80::1", "fe80::x"),
    ("cidr", "10.0.0.0/8", "10.0.0.0/40"),
    ("byte", "aGVsbG8=", "a b"),
    ("duration", "5m", "five minutes"),
    ("email", "a@example.com", "a.example.com"),
    ("hostname", "host.example.com", "not a host"),
    ("uri", "https://example.com/a", "no uri"),
    ("mac", "01:23:45:67:89:ab", "01:23"),
];

/// One field.
pub(super) struct Field {
    pub(super) schema: Value,
    pub(super) good: Vec<Value>,
    /// Refused, pruned or defaulted.
    pub(super) bad: Vec<Value>,
}

fn field<const GOOD: usize, const BAD: usize>(schema: Value, good: [Value; GOOD], bad: [Value; BAD]) -> Field {
    Field { schema, good: good.into(), bad: bad.into() }
}

impl Field {
    /// A field of one sort, with details by the dice.
    pub(super) fn new(dice: &mut Dice, sort: usize) -> Self {
        match sort {
            0..=7 => scalar(dice, sort),
            8..=15 => holder(dice, sort),
            _ => joined(sort),
        }
    }
}

/// Strings, numbers and what may be either.
fn scalar(dice: &mut Dice, sort: usize) -> Field {
    match sort {
        0 => {
            let most = 4 + dice.below(4);
            field(
                json!({"type": "string", "minLength": 2, "maxLength": most, "pattern": "^[a-z]+$"}),
                [json!("abc"), json!("zz")],
                [json!("a"), json!("ABC"), json!("abcdefghij"), json!(5), json!(["abc"]), json!("")],
            )
        }
        1 => {
            let (format, good, bad) = *dice.one(FORMATS);
            field(json!({"type": "string", "format": format}), [json!(good)], [json!(bad), json!("")])
        }
        2 => field(
            json!({"type": "string", "enum": ["red", "green", "blue"], "default": *dice.one(&["red", "blue"])}),
            [json!("red"), json!("green")],
            [json!("pink"), json!(1), json!({"a": 1}), json!("")],
        ),
        3 => field(
            json!({"type": "string", "nullable": true, "default": "given"}),
            [json!("mine"), json!(null)],
            [json!(false), json!([])],
        ),
        4 => {
            let most = 50 + dice.below(50);
            field(
                json!({"type": "integer", "format": *dice.one(&["int32", "int64"]), "minimum": 1, "maximum": most}),
                [json!(1), json!(50)],
                [json!(0), json!(1000), json!(1.5), json!(3_000_000_000_u64), json!("5"), json!(true)],
            )
        }
        5 => field(
            json!({"type": "number", "minimum": 0.5, "exclusiveMinimum": true, "maximum": 10, "exclusiveMaximum": true, "multipleOf": 0.25}),
            [json!(1.5), json!(2.5)],
            [json!(0.5), json!(2), json!(1.1), json!("2")],
        ),
        6 => field(
            json!({"type": "boolean", "default": dice.once_in(2)}),
            [json!(true), json!(false)],
            [json!("true"), json!(0)],
        ),
        _ => field(
            json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}], "pattern": "^[0-9]+%?$"}),
            [json!(5), json!("50%")],
            [json!("half"), json!(1.5), json!(true), json!({}), json!([1])],
        ),
    }
}

/// Lists, maps and objects.
fn holder(dice: &mut Dice, sort: usize) -> Field {
    match sort {
        8 => field(
            json!({"type": "array", "x-kubernetes-list-type": "atomic", "minItems": 1, "maxItems": 3, "items": {"type": "integer", "minimum": 0}}),
            [json!([1]), json!([3, 1, 3])],
            [json!([]), json!([1, 2, 3, 4]), json!([-1, "x"]), json!("1"), json!([null])],
        ),
        9 => field(
            json!({"type": "array", "x-kubernetes-list-type": "set", "maxItems": 4, "items": {"type": "string", "minLength": 1}}),
            [json!(["a"]), json!(["b", "a", "c"])],
            [json!(["a", "a"]), json!([""]), json!(["a", "b", "a", "b"]), json!({})],
        ),
        10 => {
            let item = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
                "port": {"type": "integer", "default": 80 + dice.below(3)}, "note": {"type": "string", "nullable": true}}});
            field(
                json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"], "items": item}),
                [
                    json!([{"name": "a"}]),
                    json!([{"name": "a", "port": 1, "note": "x"}, {"name": "a", "port": 2}, {"name": "b"}]),
                ],
                [
                    json!([{"name": "a"}, {"name": "a"}]),
                    json!([{"port": 1}]),
                    json!([{"name": "a", "odd": 1}]),
                    json!([5]),
                    json!([{"name": 5, "note": null}]),
                ],
            )
        }
        11 => field(
            json!({"type": "object", "minProperties": 1, "maxProperties": 2, "additionalProperties": {"type": "string", "maxLength": 5}}),
            [json!({"a": "b"}), json!({"a": "c", "d": "e"})],
            [
                json!({}),
                json!({"a": "1", "b": "2", "c": "3"}),
                json!({"a": 5}),
                json!({"a": "too long for it"}),
                json!({"a": null}),
            ],
        ),
        12 => field(
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"known": {"type": "integer"}}}),
            [json!({"free": [{"a": 1}]}), json!({"known": 1, "other": null})],
            [json!({"known": "x"}), json!([]), json!("x"), json!({"known": null})],
        ),
        13 => field(
            json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}),
            [
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "inner", "labels": {"a": "b"}}, "data": {}}),
                json!({"apiVersion": "example.com/v1", "kind": "Odd", "metadata": {"name": "o"}}),
            ],
            [
                json!({}),
                json!({"apiVersion": "v1"}),
                json!({"apiVersion": "a/b/c", "kind": "K", "metadata": {"name": "x"}}),
                json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "Not_A", "labels": {"a b": "c"}, "odd": 1}}),
                json!([]),
            ],
        ),
        14 => field(
            json!({"type": "object", "required": ["a"], "default": {"a": "x"}, "properties": {"a": {"type": "string"},
                "b": {"type": "object", "default": {}, "properties": {"c": {"type": "integer", "default": 3}}}}}),
            [json!({"a": "y"}), json!({"a": "z", "b": {"c": 4}})],
            [json!({}), json!({"b": null}), json!({"a": "x", "b": {"c": null, "d": 1}}), json!({"a": 1})],
        ),
        _ => field(
            json!({"type": "array", "items": {"type": "array", "maxItems": 2, "items": {"type": "object", "x-kubernetes-map-type": "atomic",
                "properties": {"k": {"type": "string", "enum": ["x", "y"]}}}}}),
            [json!([[{"k": "x"}]]), json!([[], [{"k": "y"}, {}]])],
            [json!([[{"k": "z"}]]), json!([[{}, {}, {}]]), json!([{}]), json!([[{"odd": 1}]]), json!([null])],
        ),
    }
}

/// Schemas with others in them.
fn joined(sort: usize) -> Field {
    let pair = json!({"a": {"type": "string"}, "b": {"type": "integer"}});
    match sort {
        16 => field(
            json!({"type": "string", "anyOf": [{"pattern": "^a"}, {"maxLength": 2}]}),
            [json!("abcdef"), json!("zz")],
            [json!("zzz"), json!(5)],
        ),
        17 => field(
            json!({"type": "object", "properties": pair, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            [json!({"a": "x"}), json!({"b": 1})],
            [json!({}), json!({"a": "x", "b": 1}), json!({"b": "x"}), json!({"a": null})],
        ),
        18 => field(
            json!({"type": "integer", "not": {"enum": [3, 4]}}),
            [json!(1), json!(5)],
            [json!(3), json!(4), json!("3")],
        ),
        19 => field(
            json!({"type": "object", "properties": pair, "allOf": [{"required": ["a"]}, {"properties": {"b": {"minimum": 2}}}]}),
            [json!({"a": "x"}), json!({"a": "x", "b": 2})],
            [json!({"b": 1}), json!({"a": "x", "b": 1}), json!({})],
        ),
        20 => field(
            json!({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}}),
            [json!({"x": ["a", "b"]}), json!({})],
            [json!({"x": ["a", "a"]}), json!({"x": null}), json!({"x": [5]})],
        ),
        21 => field(
            json!({"type": "object", "additionalProperties": {"type": "object", "nullable": true, "properties": {"d": {"type": "boolean", "default": true}}}}),
            [json!({"x": {}}), json!({"x": null, "y": {"d": false}})],
            [json!({"x": {"e": 1}}), json!({"x": 5})],
        ),
        _ => field(
            json!({"type": "string", "oneOf": [{"enum": ["up", "down"]}, {"format": "ipv4"}], "not": {"enum": ["10.0.0.9"]}}),
            [json!("up"), json!("10.0.0.1")],
            [json!("left"), json!("10.0.0.9"), json!(1)],
        ),
    }
}
