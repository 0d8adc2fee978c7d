//! What a server says of an object, without what it quotes of it (design decision 18).
//!
//! A refusal names the field, quotes its value and says what is wrong with it. The value may be a password; the field and
//! the reason are what a person needs. Numbers and words without quotes stay: a port that is taken is worth naming.

/// What stands before a quoted value in the errors of Kubernetes.
const BEFORE_VALUES: [&str; 4] = ["Invalid value: ", "Unsupported value: ", "Duplicate value: ", "Not found: "];

/// What stands before a piece of the request itself, up to the end, where it could not be decoded.
const BEFORE_REQUEST: &str = "error found in #";

/// The message without the values of fields.
pub(super) fn without_values(message: &str) -> String {
    let message = message.split(BEFORE_REQUEST).next().unwrap_or_default();
    let mut text = String::with_capacity(message.len());
    let mut rest = message;
    loop {
        let next = BEFORE_VALUES.iter().filter_map(|marker| Some((rest.find(marker)?, marker.len()))).min();
        let Some((at, length)) = next else { break };
        let (before, after) = rest.split_at(at + length);
        let value = value_length(after);
        rest = after[value..].trim_start_matches(": ");
        text.push_str(if value > 0 && rest.len() == after.len() - value {
            before.trim_end_matches(": ")
        } else {
            before
        });
    }
    text.push_str(rest);
    text.trim_end_matches([',', ' ']).to_owned()
}

/// Length of the quoted text, list or map at the beginning of `text`; zero where there is none. What is not closed goes to
/// the end.
fn value_length(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ if !quoted && depth == 0 => return at,
            _ => {}
        }
        if !quoted && depth == 0 {
            return if matches!(byte, b'"' | b'}' | b']') { at + 1 } else { at };
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::without_values;

    #[test]
    fn fields_and_reasons_stay_and_values_go() {
        for (said, kept) in [
            (
                r#"Secret "a" is invalid: data[k]: Invalid value: "s3c\"ret": too short"#,
                r#"Secret "a" is invalid: data[k]: Invalid value: too short"#,
            ),
            (
                r#"spec.x: Invalid value: {"a":["s3cret"]}: no, spec.y: Invalid value: "s3cret""#,
                "spec.x: Invalid value: no, spec.y: Invalid value",
            ),
            (
                r#"spec.mode: Unsupported value: "s3cret": supported values: "a", "b""#,
                r#"spec.mode: Unsupported value: supported values: "a", "b""#,
            ),
            (
                "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
                "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
            ),
            (r#"[a: Duplicate value: "s3cret", b: Required value]"#, "[a: Duplicate value, b: Required value]"),
            (
                r#"illegal base64 data at input byte 4, error found in #10 byte of ...|"s3cret"|..."#,
                "illegal base64 data at input byte 4",
            ),
            (r#"x: Invalid value: "s3cret"#, "x: Invalid value"),
            ("exceeded quota: shop, requested: pods=1", "exceeded quota: shop, requested: pods=1"),
        ] {
            assert_eq!(without_values(said), kept);
        }
    }

    proptest! {
        #[test]
        fn a_quoted_value_never_stays(value in "\\PC{1,20}", number in 10_000..99_999_u32) {
            let secret = format!("{value}s3cret{number}");
            let kept = without_values(&format!("data: Invalid value: {secret:?}: too short"));
            prop_assert_eq!(kept, "data: Invalid value: too short");
        }

        #[test]
        fn no_message_panics(text in "(Invalid value: |Not found: |[\"\\\\{}\\[\\]é: ]){0,12}") {
            without_values(&text);
        }
    }
}
