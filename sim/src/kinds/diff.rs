//! Differences of two values as messages of a real server show them: unified, three lines of context, no headers.
//!
//! The longest run that both texts share stays, then those before and after it, as the usual library does it. Lines that are
//! everywhere in a long text start no run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

const CONTEXT: usize = 3;
/// From that many lines on, lines that are more than a hundredth of them are everywhere.
const LONG: usize = 200;

/// A run of equal lines: where it starts in both texts, and its length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    old: usize,
    new: usize,
    length: usize,
}

/// One changed stretch in both texts.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// The difference of two JSON texts, laid out a field a line; empty where there is none.
pub(crate) fn json(old: &str, new: &str) -> String {
    unified(&pretty(old), &pretty(new))
}

/// JSON with a line for every field, indented by one space.
fn pretty(text: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut letters = text.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth));
    };
    while let Some(letter) = letters.next() {
        if quoted {
            out.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '{' | '[' => {
                out.push(letter);
                if letters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(letters.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                quoted = letter == '"';
                out.push(letter);
            }
        }
    }
    out
}

fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let changes = changes(&old, &new);
    let mut text = String::new();
    let mut first = 0;
    while first < changes.len() {
        // Changes with little between them are shown in one.
        let mut last = first;
        while last + 1 < changes.len() && changes[last + 1].old.start - changes[last].old.end <= 2 * CONTEXT {
            last += 1;
        }
        hunk(&old, &new, &changes[first..=last], &mut text);
        first = last + 1;
    }
    text
}

fn hunk(old: &[&str], new: &[&str], changes: &[Change], text: &mut String) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
        return;
    };
    let before = CONTEXT.min(first.old.start).min(first.new.start);
    let after = CONTEXT.min(old.len() - last.old.end);
    let header = |start: usize, end: usize| match end - start {
        1 => format!("{}", start + 1),
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    };
    let (from, to) = (first.old.start - before, last.old.end + after);
    let (new_from, new_to) = (first.new.start - before, last.new.end + after);
    let _ = writeln!(text, "@@ -{} +{} @@", header(from, to), header(new_from, new_to));
    let mut show = |mark: char, lines: &[&str]| {
        for line in lines {
            let _ = writeln!(text, "{mark}{line}");
        }
    };
    let mut at = from;
    for change in changes {
        show(' ', &old[at..change.old.start]);
        show('-', &old[change.old.clone()]);
        show('+', &new[change.new.clone()]);
        at = change.old.end;
    }
    show(' ', &old[at..to]);
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= LONG {
        let most = new.len() / 100 + 1;
        places.retain(|_, indexes| indexes.len() <= most);
    }
    let mut runs = Vec::new();
    let mut open = vec![(0..old.len(), 0..new.len())];
    while let Some((from, to)) = open.pop() {
        let run = longest(old, new, &places, &from, &to);
        if run.length == 0 {
            continue;
        }
        open.push((from.start..run.old, to.start..run.new));
        open.push((run.old + run.length..from.end, run.new + run.length..to.end));
        runs.push(run);
    }
    runs.sort_unstable();
    let (mut i, mut j, mut changes) = (0, 0, Vec::new());
    runs.push(Run { old: old.len(), new: new.len(), length: 0 });
    for run in runs {
        if i < run.old || j < run.new {
            changes.push(Change { old: i..run.old, new: j..run.new });
        }
        (i, j) = (run.old + run.length, run.new + run.length);
    }
    changes
}

fn longest(
    old: &[&str],
    new: &[&str],
    places: &BTreeMap<&str, Vec<usize>>,
    from: &Range<usize>,
    to: &Range<usize>,
) -> Run {
    let mut best = Run { old: from.start, new: to.start, length: 0 };
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for i in from.clone() {
        let mut next = BTreeMap::new();
        for &j in places.get(old[i]).into_iter().flatten().filter(|j| to.contains(j)) {
            let length = j.checked_sub(1).and_then(|before| lengths.get(&before)).unwrap_or(&0) + 1;
            next.insert(j, length);
            if length > best.length {
                best = Run { old: i + 1 - length, new: j + 1 - length, length };
            }
        }
        lengths = next;
    }
    // Lines that start no run may still lengthen one.
    while best.old > from.start && best.new > to.start && old[best.old - 1] == new[best.new - 1] {
        best = Run { old: best.old - 1, new: best.new - 1, length: best.length + 1 };
    }
    while best.old + best.length < from.end
        && best.new + best.length < to.end
        && old[best.old + best.length] == new[best.new + best.length]
    {
        best.length += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_field_is_shown_between_its_neighbours() {
        let old = r#"{"A":null,"B":[],"C":"","D":1,"E":{"F":2},"G":0}"#;
        let new = r#"{"A":null,"B":[],"C":"x","D":1,"E":{"F":2},"G":0}"#;
        let expected = "@@ -1,7 +1,7 @@\n {\n  \"A\": null,\n  \"B\": [],\n- \"C\": \"\",\n+ \"C\": \"x\",\n  \"D\": 1,\n  \"E\": {\n   \"F\": 2\n";
        assert_eq!(json(old, new), expected);
        assert_eq!(json(old, old), "");
    }

    #[test]
    fn applying_the_changes_gives_the_new_text() {
        let text = |seed: usize| (0..30).map(|i| ["a", "b", "c"][(i * seed + i / 4) % 3]).collect::<Vec<_>>();
        for (a, b) in [(1, 2), (2, 5), (4, 7), (3, 3)] {
            let (old, new) = (text(a), text(b));
            let (mut out, mut at) = (Vec::new(), 0);
            for change in changes(&old, &new) {
                out.extend_from_slice(&old[at..change.old.start]);
                out.extend_from_slice(&new[change.new]);
                at = change.old.end;
            }
            out.extend_from_slice(&old[at..]);
            assert_eq!(out, new);
        }
    }
}
