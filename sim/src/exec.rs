//! What runs when somebody calls `exec` on a container: a script, or a few well-known programs.
//!
//! The server asks an [`ExecScript`] what a process answers: its output, its exit code and how long it takes. A script is
//! any `Fn(&ExecCall) -> Process`, or a [`Script`]: rules by namespace, pod, container and command, the first that
//! matches answers. What no rule matches goes to [`emulate`], which knows `echo`, `true`, `false`, `sleep`, `exit`,
//! `cat` of the standard input, and `sh -c` with a list of those.
//!
//! # Differences
//!
//! There is no file system and no process: a program that [`emulate`] does not know succeeds silently, so that a hook
//! like `fsfreeze` can be driven without a script. Time passes only on the server's clock.

use std::time::Duration;

use bytes::Bytes;

/// The longest `sleep` that is emulated: a day. A longer one is cut, since a virtual clock would have to be moved there.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);

/// How many commands one `sh -c` line may hold before the rest is refused: the line comes from a request.
const MOST_COMMANDS: usize = 256;

/// What the caller of `exec` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOptions {
    /// The container; may be left out where the pod has only one.
    pub container: Option<String>,
    /// Program and arguments.
    pub command: Vec<String>,
    /// What goes to the standard input.
    pub stdin: Bytes,
}

/// One call of `exec`, with the container already chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecCall {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Name of the container: the one asked for, or the only one.
    pub container: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// What the caller sent to the standard input.
    pub stdin: Bytes,
}

/// What a process answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Bytes of the standard output.
    pub stdout: Bytes,
    /// Bytes of the standard error.
    pub stderr: Bytes,
    /// Exit code; 0 is success.
    pub exit_code: i32,
    /// How long it runs before it answers, on the server's clock.
    pub delay: Duration,
}

impl Process {
    /// A process that prints `stdout` and succeeds at once.
    pub fn ok(stdout: impl Into<Bytes>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// A process that prints `stderr` and ends with `exit_code`.
    pub fn failed(exit_code: i32, stderr: impl Into<Bytes>) -> Self {
        Self { stderr: stderr.into(), exit_code, ..Self::default() }
    }

    /// The same process, `delay` later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// Answers `exec` calls.
pub trait ExecScript: Send + Sync + 'static {
    /// What the process of this call does. Called outside the server's lock.
    fn run(&self, call: &ExecCall) -> Process;
}

impl<F> ExecScript for F
where
    F: Fn(&ExecCall) -> Process + Send + Sync + 'static,
{
    fn run(&self, call: &ExecCall) -> Process {
        self(call)
    }
}

/// Which calls a rule of a [`Script`] is for. What is not set matches everything.
#[derive(Clone, Debug, Default)]
pub struct ExecMatch {
    namespace: Option<String>,
    pod: Option<String>,
    container: Option<String>,
    command: Option<Vec<String>>,
}

impl ExecMatch {
    /// Every call.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only pods of this namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only the pod of this name.
    #[must_use]
    pub fn pod(mut self, pod: &str) -> Self {
        self.pod = Some(pod.to_owned());
        self
    }

    /// Only containers of this name.
    #[must_use]
    pub fn container(mut self, container: &str) -> Self {
        self.container = Some(container.to_owned());
        self
    }

    /// Only commands that start with these words.
    #[must_use]
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = Some(words.iter().map(|&word| word.to_owned()).collect());
        self
    }

    fn matches(&self, call: &ExecCall) -> bool {
        let is = |wanted: &Option<String>, found: &String| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.namespace, &call.namespace)
            && is(&self.pod, &call.pod)
            && is(&self.container, &call.container)
            && self.command.as_ref().is_none_or(|words| call.command.starts_with(words))
    }
}

/// Rules in order; the first that matches answers, and [`emulate`] where none does.
#[derive(Clone, Debug, Default)]
pub struct Script {
    rules: Vec<(ExecMatch, Process)>,
}

impl Script {
    /// A script without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn on(mut self, calls: ExecMatch, process: Process) -> Self {
        self.rules.push((calls, process));
        self
    }
}

impl ExecScript for Script {
    fn run(&self, call: &ExecCall) -> Process {
        self.rules
            .iter()
            .find(|(calls, _)| calls.matches(call))
            .map_or_else(|| emulate(&call.command, &call.stdin), |(_, process)| process.clone())
    }
}

/// Runs the few programs that need no file system; any other succeeds silently.
pub fn emulate(command: &[String], stdin: &Bytes) -> Process {
    let Some(program) = command.first() else {
        return Process::ok(Bytes::new());
    };
    match (base_name(program), &command[1..]) {
        ("sh" | "bash" | "ash" | "dash", [flag, line, ..]) if flag.starts_with('-') && flag.ends_with('c') => {
            shell(line, stdin)
        }
        (program, arguments) => simple(program, arguments, stdin),
    }
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// One program with its arguments, no shell around it.
fn simple(program: &str, arguments: &[String], stdin: &Bytes) -> Process {
    match program {
        "echo" => {
            let (words, end) = match arguments.split_first() {
                Some((first, rest)) if first == "-n" => (rest, ""),
                _ => (arguments, "\n"),
            };
            Process::ok(format!("{}{end}", words.join(" ")))
        }
        "printf" => Process::ok(arguments.first().map_or_else(String::new, |format| format.replace("\\n", "\n"))),
        "cat" if arguments.is_empty() || arguments == ["-"] => Process::ok(stdin.clone()),
        "false" => Process::failed(1, Bytes::new()),
        "exit" => Process::failed(arguments.first().and_then(|code| code.parse().ok()).unwrap_or(0), Bytes::new()),
        "sleep" => Process::default().after(arguments.first().map_or(Duration::ZERO, |time| sleep_time(time))),
        _ => Process::default(),
    }
}

/// `5`, `0.5`, `5s`, `2m`, `1h`, as `sleep` reads them.
fn sleep_time(text: &str) -> Duration {
    let (number, unit) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1.0),
        Some(b'm') => (&text[..text.len() - 1], 60.0),
        Some(b'h') => (&text[..text.len() - 1], 3600.0),
        _ => (text, 1.0),
    };
    let seconds = number.parse::<f64>().unwrap_or(0.0) * unit;
    Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST_SLEEP.as_secs_f64())).unwrap_or_default()
}

/// How a command of a list is joined to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    Always,
    And,
    Or,
}

/// A list of commands joined by `;`, a newline, `&&` and `||`, each with an optional `>&2`.
fn shell(line: &str, stdin: &Bytes) -> Process {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (mut exit_code, mut delay) = (0, Duration::ZERO);
    let commands = match split(line) {
        Ok(commands) => commands,
        Err(message) => return Process::failed(2, format!("sh: syntax error: {message}\n")),
    };
    for (join, mut words) in commands {
        let runs = match join {
            Join::Always => true,
            Join::And => exit_code == 0,
            Join::Or => exit_code != 0,
        };
        if !runs || words.is_empty() {
            continue;
        }
        let to_stderr = take_word(&mut words, &[">&2", "1>&2", ">/dev/stderr"]);
        let silent = take_word(&mut words, &[">/dev/null"]);
        take_word(&mut words, &["2>/dev/null", "2>&1"]);
        let Some(program) = words.first().cloned() else {
            continue;
        };
        let process = simple(base_name(&program), &words[1..], stdin);
        exit_code = process.exit_code;
        delay = delay.saturating_add(process.delay).min(LONGEST_SLEEP);
        if to_stderr {
            stderr.extend_from_slice(&process.stdout);
        } else if !silent {
            stdout.extend_from_slice(&process.stdout);
        }
        stderr.extend_from_slice(&process.stderr);
        if program == "exit" {
            break;
        }
    }
    Process { stdout: stdout.into(), stderr: stderr.into(), exit_code, delay }
}

fn take_word(words: &mut Vec<String>, wanted: &[&str]) -> bool {
    let before = words.len();
    words.retain(|word| !wanted.contains(&word.as_str()));
    words.len() != before
}

/// Words of each command, quotes and backslashes resolved, with the way it is joined to the one before.
fn split(line: &str) -> Result<Vec<(Join, Vec<String>)>, &'static str> {
    let mut commands = vec![(Join::Always, Vec::new())];
    let mut word: Option<String> = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\'') => break,
                        Some(letter) => text.push(letter),
                        None => return Err("unterminated quoted string"),
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('"') => break,
                        Some('\\') => text.push(letters.next().ok_or("unterminated quoted string")?),
                        Some(letter) => text.push(letter),
                        None => return Err("unterminated quoted string"),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            ';' | '\n' => start_command(&mut commands, &mut word, Join::Always)?,
            '&' if letters.next_if_eq(&'&').is_some() => start_command(&mut commands, &mut word, Join::And)?,
            '|' if letters.next_if_eq(&'|').is_some() => start_command(&mut commands, &mut word, Join::Or)?,
            letter if letter.is_whitespace() => push_word(&mut commands, &mut word),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    push_word(&mut commands, &mut word);
    Ok(commands)
}

fn push_word(commands: &mut [(Join, Vec<String>)], word: &mut Option<String>) {
    if let (Some((_, words)), Some(word)) = (commands.last_mut(), word.take()) {
        words.push(word);
    }
}

fn start_command(
    commands: &mut Vec<(Join, Vec<String>)>,
    word: &mut Option<String>,
    join: Join,
) -> Result<(), &'static str> {
    push_word(commands, word);
    if commands.len() == MOST_COMMANDS {
        return Err("too many commands");
    }
    commands.push((join, Vec::new()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &[&str]) -> Process {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        emulate(&command, &Bytes::from_static(b"input"))
    }

    #[test]
    fn the_shell_runs_lists_of_echoes() {
        assert_eq!(run(&["/bin/sh", "-c", "echo freeze"]), Process::ok("freeze\n"));
        assert_eq!(run(&["sh", "-c", "false || echo 'a  b' && echo \"c\"; echo -n d"]), Process::ok("a  b\nc\nd"));
        assert_eq!(run(&["sh", "-c", "false && echo no"]).exit_code, 1);
        assert_eq!(run(&["sh", "-c", "echo no >&2; exit 3; echo late"]), Process::failed(3, "no\n"));
        assert_eq!(run(&["sh", "-c", "echo 'open"]).exit_code, 2);
    }

    #[test]
    fn programs_without_a_shell() {
        assert_eq!(run(&["echo", "a", "b"]), Process::ok("a b\n"));
        assert_eq!(run(&["cat"]), Process::ok("input"));
        assert_eq!(run(&["/usr/bin/false"]).exit_code, 1);
        assert_eq!(run(&["fsfreeze", "--freeze", "/data"]), Process::default());
        assert_eq!(run(&["sh", "-c", "sleep 1.5; sleep 2m"]).delay, Duration::from_millis(121_500));
        assert_eq!(run(&["sleep", "1e300"]).delay, LONGEST_SLEEP);
        assert_eq!(run(&["sleep", "-1"]).delay, Duration::ZERO);
        assert_eq!(run(&["sleep", "nan"]).delay, Duration::ZERO);
        assert_eq!(run(&[]), Process::default());
    }

    #[test]
    fn the_first_matching_rule_answers() {
        let script = Script::new()
            .on(ExecMatch::any().namespace("shop").pod("db-0").command(&["psql"]), Process::failed(2, "no"))
            .on(ExecMatch::any().container("db"), Process::ok("db"));
        let mut call = ExecCall {
            namespace: "shop".into(),
            pod: "db-0".into(),
            container: "db".into(),
            command: vec!["psql".into(), "-l".into()],
            stdin: Bytes::new(),
        };
        assert_eq!(script.run(&call).exit_code, 2);
        call.pod = "db-1".into();
        assert_eq!(script.run(&call), Process::ok("db"));
        call.container = "web".into();
        call.command = vec!["echo".into(), "x".into()];
        assert_eq!(script.run(&call), Process::ok("x\n"));
    }
}
