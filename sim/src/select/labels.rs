//! The grammar of label selectors: `app=x,tier in (a,b),!gone`.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::validate_name;

/// A conjunction of requirements on labels; the empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Absent,
    Greater,
    Less,
}

impl LabelSelector {
    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every requirement holds.
    pub fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key)).and_then(Value::as_str);
            requirement.matches(value)
        })
    }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let compare = |holds: fn(i64, i64) -> bool| {
            let value = value.and_then(|value| value.parse().ok());
            let bound = self.values.first().and_then(|bound| bound.parse().ok());
            value.zip(bound).is_some_and(|(value, bound)| holds(value, bound))
        };
        let listed = |value: &str| self.values.iter().any(|known| known == value);
        match self.operator {
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::Greater => compare(|value, bound| value > bound),
            Operator::Less => compare(|value, bound| value < bound),
        }
    }

    /// A checked requirement, or the field and what is wrong with it.
    fn new(key: String, operator: Operator, values: Vec<String>) -> Result<Self, String> {
        if let Some(problem) = validate_name::qualified_name(&key).first() {
            return Err(format!("key: Invalid value: {key:?}: {problem}"));
        }
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                return Err(
                    "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty".to_owned()
                );
            }
            Operator::Greater | Operator::Less => {
                for value in &values {
                    if value.parse::<i64>().is_err() {
                        return Err(format!(
                            "values[0]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                        ));
                    }
                }
            }
            _ => {}
        }
        for (index, value) in values.iter().enumerate() {
            if let Some(problem) = validate_name::label_value(value).first() {
                return Err(format!("values[{index}][{key}]: Invalid value: {value:?}: {problem}"));
            }
        }
        Ok(Self { key, operator, values })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    End,
    Comma,
    Open,
    Close,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    Word(String),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "",
            Self::Comma => ",",
            Self::Open => "(",
            Self::Close => ")",
            Self::Not => "!",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Word(word) => word,
        })
    }
}

const SPECIAL: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let length = if SPECIAL.contains(&first) {
            let symbols = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];
            let symbol = symbols.iter().find(|symbol| rest.starts_with(**symbol));
            let symbol = symbol.ok_or_else(|| format!("unexpected character {first:?}"))?;
            tokens.push(match *symbol {
                "==" => Token::DoubleEquals,
                "!=" => Token::NotEquals,
                "=" => Token::Equals,
                "!" => Token::Not,
                "(" => Token::Open,
                ")" => Token::Close,
                ">" => Token::Greater,
                "<" => Token::Less,
                _ => Token::Comma,
            });
            symbol.len()
        } else {
            let end = rest.find(|c| SPECIAL.contains(&c) || is_space(c));
            let end = end.unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            end
        };
        rest = rest[length..].trim_start_matches(is_space);
    }
    Ok(tokens)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn look(&mut self) -> Token {
        self.tokens.peek().cloned().unwrap_or(Token::End)
    }

    fn take(&mut self) -> Token {
        self.tokens.next().unwrap_or(Token::End)
    }

    fn selector(&mut self) -> Result<LabelSelector, String> {
        let mut requirements = Vec::new();
        loop {
            match self.look() {
                Token::Word(_) | Token::Not => {
                    let requirement = self.requirement();
                    requirements.push(requirement.map_err(|why| format!("unable to parse requirement: {why}"))?);
                    match self.take() {
                        Token::End => break,
                        Token::Comma => {
                            let next = self.look();
                            if !matches!(next, Token::Word(_) | Token::Not) {
                                return Err(format!("found '{next}', expected: identifier after ','"));
                            }
                        }
                        other => {
                            return Err(format!("found '{other}', expected: ',' or 'end of string'"));
                        }
                    }
                }
                Token::End => break,
                other => {
                    return Err(format!("found '{other}', expected: !, identifier, or 'end of string'"));
                }
            }
        }
        requirements.sort_by(|a: &Requirement, b: &Requirement| a.key.cmp(&b.key));
        Ok(LabelSelector(requirements))
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.look() == Token::Not;
        if absent {
            self.take();
        }
        let key = match self.take() {
            Token::Word(key) => key,
            other => return Err(format!("found '{other}', expected: identifier")),
        };
        if absent {
            return Requirement::new(key, Operator::Absent, Vec::new());
        }
        if matches!(self.look(), Token::End | Token::Comma) {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let (operator, exact) = match self.take() {
            Token::Word(word) if word == "in" => (Operator::In, false),
            Token::Word(word) if word == "notin" => (Operator::NotIn, false),
            Token::Equals | Token::DoubleEquals => (Operator::In, true),
            Token::NotEquals => (Operator::NotIn, true),
            Token::Greater => (Operator::Greater, true),
            Token::Less => (Operator::Less, true),
            other => {
                return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        };
        let mut values = if exact { vec![self.exact_value()?] } else { self.values()? };
        values.sort();
        values.dedup();
        Requirement::new(key, operator, values)
    }

    fn exact_value(&mut self) -> Result<String, String> {
        match self.look() {
            Token::End | Token::Comma => Ok(String::new()),
            Token::Word(word) => {
                self.take();
                Ok(word)
            }
            other => Err(format!("found '{other}', expected: identifier")),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.take() {
            Token::Open => {}
            other => return Err(format!("found '{other}' expected: '('")),
        }
        let mut values = Vec::new();
        match self.look() {
            Token::Word(_) | Token::Comma => {}
            Token::Close => {
                self.take();
                return Ok(values);
            }
            other => return Err(format!("found '{other}', expected: ',', ')' or identifier")),
        }
        loop {
            // An empty place between commas is the empty value.
            if let Token::Word(word) = self.look() {
                self.take();
                values.push(word);
            } else {
                values.push(String::new());
            }
            match self.take() {
                Token::Comma => {}
                Token::Close => return Ok(values),
                other => return Err(format!("found '{other}', expected: ',' or ')'")),
            }
        }
    }
}

impl FromStr for LabelSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Parser { tokens: tokens(text)?.into_iter().peekable() }.selector()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn matches(selector: &str, labels: &Value) -> bool {
        let selector: LabelSelector = selector.parse().expect("a valid selector");
        selector.matches(labels.as_object())
    }

    #[test]
    fn what_each_operator_holds_of() {
        let labels = json!({"app": "x", "n": "5", "empty": ""});
        for (selector, holds) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("!gone", true),
            ("app=x", true),
            ("app == x", true),
            ("app!=x", false),
            ("gone!=x", true),
            ("app in (x, y)", true),
            ("app notin (x,y)", false),
            ("gone notin (x)", true),
            ("gone in (x)", false),
            ("n>4", true),
            ("n<5", false),
            ("app>4", false),
            ("empty=", true),
            ("empty in (,)", true),
            ("app=x,n notin (1,2),!gone", true),
            ("app=x,gone", false),
            // Words that are operators elsewhere are values and keys here.
            ("in=x", false),
            ("app in (in,notin)", false),
        ] {
            assert_eq!(matches(selector, &labels), holds, "{selector}");
        }
    }

    #[test]
    fn the_messages_of_the_real_parser() {
        for (selector, message) in [
            ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a,", "found '', expected: identifier after ','"),
            ("=a", "found '=', expected: !, identifier, or 'end of string'"),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
        ] {
            assert_eq!(selector.parse::<LabelSelector>().expect_err("an error"), message);
        }
        assert!("-bad=x".parse::<LabelSelector>().is_err());
        assert!("a=ä".parse::<LabelSelector>().is_err());
        assert!("a>x".parse::<LabelSelector>().is_err());
    }

    proptest! {
        /// `in` is the union of equalities, `notin` its complement, a comma the intersection.
        #[test]
        fn the_algebra(labels in proptest::collection::btree_map("[ab]", "[xyz]", 0..3), key in "[ab]", one in "[xyz]", two in "[xyz]") {
            let labels = Value::Object(labels.into_iter().map(|(k, v)| (k, Value::from(v))).collect());
            let holds = |selector: String| matches(&selector, &labels);
            let either = holds(format!("{key}={one}")) || holds(format!("{key}={two}"));
            prop_assert_eq!(holds(format!("{key} in ({one},{two})")), either);
            prop_assert_eq!(holds(format!("{key} notin ({one},{two})")), !either);
            let both = holds(format!("{key}!={one}")) && holds(format!("{key}!={two}"));
            prop_assert_eq!(holds(format!("{key}!={one},{key}!={two}")), both);
            prop_assert_eq!(holds(format!("!{key}")), !holds(key.clone()));
        }

        #[test]
        fn no_text_panics(text in "[a-c=!<>(), \u{e4}]{0,12}") {
            let _ = text.parse::<LabelSelector>();
        }
    }
}
