//! Resource quantities (`10Gi`, `500m`, `1e3`), as far as comparing volume sizes needs them.

/// The quantity in thousandths, so that `500m` is 500; `None` for text that is no quantity or does not fit.
pub(crate) fn milli(text: &str) -> Option<i128> {
    let split =
        text.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let scale: i128 = match suffix {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000 * 1_000,
        "M" => 1_000 * 1_000_000,
        "G" => 1_000 * 1_000_000_000,
        "T" => 1_000 * 1_000_000_000_000,
        "P" => 1_000 * 1_000_000_000_000_000,
        "E" => 1_000 * 1_000_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000 << 40,
        "Pi" => 1_000 << 50,
        "Ei" => 1_000 << 60,
        exponent => {
            let power: u32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            1_000_i128.checked_mul(10_i128.checked_pow(power)?)?
        }
    };
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let parse = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i128>().ok() };
    let tail_scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let tail = parse(fraction)?.checked_mul(scale)? / tail_scale;
    Some(sign * parse(whole)?.checked_mul(scale)?.checked_add(tail)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_and_exponents() {
        assert_eq!(milli("500m"), Some(500));
        assert_eq!(milli("10"), Some(10_000));
        assert_eq!(milli("1e3"), milli("1k"));
        assert_eq!(milli("1.5Gi"), milli("1536Mi"));
        assert_eq!(milli("-1"), Some(-1_000));
        assert!(milli("10G") < milli("10Gi"));
        for wrong in ["", ".", "Gi", "1Q", "ten", "1.2.3", "1e99", "--1"] {
            assert_eq!(milli(wrong), None, "{wrong}");
        }
    }
}
