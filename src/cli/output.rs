//! The one place that prints.
//!
//! Standard output carries results and nothing else; standard error carries notes, progress and errors. Colour is used
//! on a terminal only, never where `NO_COLOR` is set, and never carries a meaning alone. A reader that goes away ends
//! the command quietly.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::error::CliError;

/// How often a running progress bar moves by itself.
const PROGRESS_TICK: Duration = Duration::from_millis(120);

/// Emphasis, where there is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A heading.
    Title,
    /// It went well.
    Good,
    /// It did not.
    Bad,
}

/// Both streams of the process.
pub(crate) struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    colour_out: bool,
    colour_err: bool,
    bars: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("bars", &self.bars).finish_non_exhaustive()
    }
}

impl Output {
    /// The process's own streams. `no_colour` is whether the environment has `NO_COLOR`.
    pub(crate) fn standard(no_colour: bool) -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        Self {
            colour_out: out.is_terminal() && !no_colour,
            colour_err: err.is_terminal() && !no_colour,
            bars: err.is_terminal(),
            out: Box::new(std::io::LineWriter::new(out)),
            err: Box::new(err),
        }
    }

    /// One line of the result.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), CliError> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Text of the result that brings its own line ends.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.bytes(text.as_bytes())
    }

    /// Bytes of the result.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        Ok(self.out.write_all(bytes)?)
    }

    /// Hands everything written so far to the reader.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        Ok(self.out.flush()?)
    }

    /// A note on standard error: not part of the result. That nobody reads it changes nothing.
    pub(crate) fn note(&mut self, text: impl Display) {
        let _ = writeln!(self.err, "{text}");
    }

    /// What went wrong and what to do about it.
    pub(crate) fn error(&mut self, error: &CliError) {
        let word = paint(self.colour_err, Style::Bad, "An error occurred:");
        self.note(format_args!("{word} {error}"));
        for hint in &error.hints {
            self.note(format_args!("hint: {hint}"));
        }
    }

    /// `text`, emphasised where standard output is a terminal.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        paint(self.colour_out, style, text)
    }

    /// A value as indented JSON or as YAML.
    pub(crate) fn document(&mut self, value: &Value, yaml: bool) -> Result<(), CliError> {
        let text = if yaml { as_yaml(value)? } else { as_json(value) + "\n" };
        self.text(&text)
    }

    /// A bar on standard error for long work; it draws nothing unless that is a terminal.
    pub(crate) fn progress(&self, what: &str) -> Bar {
        let target = if self.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg} {wide_bar} {human_pos}/{human_len} {elapsed}")
                .expect("a template of known fields"),
        );
        bar.set_message(what.to_owned());
        if self.bars {
            bar.enable_steady_tick(PROGRESS_TICK);
        }
        Bar(bar)
    }
}

/// A progress bar that vanishes when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Shows `done` of `total`.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }

    /// Takes it off the screen.
    pub(crate) fn hide(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.hide();
    }
}

/// Indented JSON, two spaces, keys as the value orders them.
pub(crate) fn as_json(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a Value always serialises")
}

/// YAML with a line end.
pub(crate) fn as_yaml(value: &Value) -> Result<String, CliError> {
    let mut text = serde_saphyr::to_string(value)
        .map_err(|error| CliError::failed(format!("the object cannot be written as YAML: {error}")))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn paint(colour: bool, style: Style, text: &str) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match style {
        Style::Title => "1",
        Style::Good => "32",
        Style::Bad => "31",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
