//! [`JobLog`]: the log file of one job.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::clock::Clock;

/// Compressed bytes after which lines of level info are counted instead of written. A log lies in memory until its job
/// ends, and it must not grow with the cluster: this is some half a million objects, one line each.
const INFO_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The same for warnings and errors, which have the last quarter to themselves.
const ALL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of lines that are compressed at once: one by one costs as much as compressing.
const LINES_BYTES: usize = 32 * 1024;

/// Longest value of a field or message, in bytes. A hook's output is one.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What happened.
    Info,
    /// What a person should look at.
    Warning,
    /// What failed.
    Error,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The log of one job: gzip of text lines `time="…" level=info msg="…" key=value…`, as Ark v0.6 wrote them
/// (ark-behaviour §2.9).
///
/// # Differences
/// There is no field `logSource`: a message says what it is about, and a line of source would change with every release.
pub struct JobLog {
    clock: Arc<dyn Clock>,
    context: Vec<(&'static str, String)>,
    file: GzEncoder<Vec<u8>>,
    /// Lines that are not compressed yet.
    lines: String,
    omitted: u64,
}

impl fmt::Debug for JobLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobLog").field("context", &self.context).field("omitted", &self.omitted).finish_non_exhaustive()
    }
}

impl JobLog {
    /// An empty log whose every line carries `context`.
    pub fn new(clock: Arc<dyn Clock>, context: Vec<(&'static str, String)>) -> Self {
        // Lines of a log are so much alike that the fastest level which looks for repetitions does.
        let file = GzEncoder::new(Vec::new(), Compression::new(2));
        Self { clock, context, file, lines: String::new(), omitted: 0 }
    }

    /// Writes a line of level info.
    pub fn info(&mut self, message: &str, fields: &[(&str, &str)]) {
        self.write(LogLevel::Info, message, fields);
    }

    /// Writes a line of level warning.
    pub fn warning(&mut self, message: &str, fields: &[(&str, &str)]) {
        self.write(LogLevel::Warning, message, fields);
    }

    /// Writes a line of level error.
    pub fn error(&mut self, message: &str, fields: &[(&str, &str)]) {
        self.write(LogLevel::Error, message, fields);
    }

    /// Writes a line; the fields come out sorted. A field without a value is left out.
    pub fn write(&mut self, level: LogLevel, message: &str, fields: &[(&str, &str)]) {
        let limit = if level == LogLevel::Info { INFO_BYTES_MAX } else { ALL_BYTES_MAX };
        if self.file.get_ref().len() > limit {
            self.omitted += 1;
            return;
        }
        self.compose(level, message, fields);
        if self.lines.len() >= LINES_BYTES {
            self.compress();
        }
    }

    fn compress(&mut self) {
        self.file.write_all(self.lines.as_bytes()).expect("a vector takes every write");
        self.lines.clear();
    }

    /// Ends the file, after a line that counts what did not fit.
    pub fn finish(mut self) -> Vec<u8> {
        if self.omitted > 0 {
            let message = format!("{} lines were left out: the log reached its size limit", self.omitted);
            self.compose(LogLevel::Warning, &message, &[]);
        }
        self.compress();
        self.file.finish().expect("a vector takes every write")
    }

    fn compose(&mut self, level: LogLevel, message: &str, fields: &[(&str, &str)]) {
        let own = self.context.iter().map(|(key, value)| (*key, value.as_str()));
        let mut fields: Vec<(&str, &str)> = own.chain(fields.iter().copied()).filter(|f| !f.1.is_empty()).collect();
        fields.sort_unstable();
        let line = &mut self.lines;
        write!(line, "time=\"{}\" level={level} msg=", self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
            .expect("a string takes every write");
        push_value(line, message);
        for (key, value) in fields {
            line.push(' ');
            line.push_str(key);
            line.push('=');
            push_value(line, value);
        }
        line.push('\n');
    }
}

/// A value as logrus prints it: bare where it is a plain word, else quoted as Go quotes.
fn push_value(line: &mut String, value: &str) {
    let value = &value[..value.floor_char_boundary(VALUE_BYTES_MAX)];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/' | '@' | '^' | '+');
    if !value.is_empty() && value.chars().all(plain) {
        line.push_str(value);
        return;
    }
    line.push('"');
    for c in value.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c.is_ascii_control() => write!(line, "\\x{:02x}", c as u32).expect("a string takes every write"),
            c if c.is_control() => write!(line, "\\u{:04x}", c as u32).expect("a string takes every write"),
            c => line.push(c),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;
    use std::time::Duration;

    use flate2::read::GzDecoder;

    use super::{ALL_BYTES_MAX, INFO_BYTES_MAX, JobLog, VALUE_BYTES_MAX};
    use crate::clock::TokioClock;

    fn text(file: &[u8]) -> String {
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).expect("gzip of text");
        text
    }

    fn log() -> JobLog {
        let clock = TokioClock::starting_at("2026-01-02T03:04:05.678Z".parse().expect("a timestamp"));
        JobLog::new(Arc::new(clock), vec![("backup", "heptio-ark/nightly".to_owned())])
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_those_of_logrus_with_the_clocks_time() {
        let mut log = log();
        log.info("Starting", &[]);
        tokio::time::sleep(Duration::from_mins(1)).await;
        log.error("it said \"no\"\n\u{1b}", &[("name", "db-0"), ("group", ""), ("groupResource", "pods")]);
        assert_eq!(
            text(&log.finish()),
            "time=\"2026-01-02T03:04:05Z\" level=info msg=Starting backup=heptio-ark/nightly\n\
             time=\"2026-01-02T03:05:05Z\" level=error msg=\"it said \\\"no\\\"\\n\\x1b\" \
             backup=heptio-ark/nightly groupResource=pods name=db-0\n"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_bounded_keeps_errors_longest_and_counts_the_rest() {
        let mut log = log();
        let mut state = 1_u64;
        // Text that does not compress, so that the limit is reached with few lines.
        let mut noise = || -> String {
            (0..VALUE_BYTES_MAX)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    char::from(b'0' + (state >> 59) as u8)
                })
                .collect()
        };
        for _ in 0..INFO_BYTES_MAX / VALUE_BYTES_MAX * 3 {
            log.info(&noise(), &[]);
        }
        log.error("the one that matters", &[]);
        let file = log.finish();
        assert!(file.len() < ALL_BYTES_MAX);
        let text = text(&file);
        assert!(text.contains("the one that matters"));
        assert!(text.trim_end().lines().next_back().expect("a line").contains("lines were left out"));
    }
}
