//! The table that a run prints.

use std::collections::BTreeMap;
use std::time::Duration;

/// One kind of work.
#[derive(Debug)]
pub(crate) struct Row {
    /// What was done.
    pub(crate) name: String,
    /// The median.
    pub(crate) time: Duration,
    /// The raw work of the same objects.
    pub(crate) raw: Duration,
    /// Processor time and peak memory of the process, where it was Ark.
    pub(crate) process: Option<(Duration, u64)>,
    /// Requests by verb.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Bytes of the answers, or of the archive, where they were counted.
    pub(crate) bytes: Option<u64>,
}

/// Prints the rows of one size.
#[expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
pub(crate) fn print(objects: usize, rows: &[Row]) {
    println!("\n| {objects} objects | s | objects/s | ratio to raw | processor s | peak MiB | MB | API calls |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows {
        let seconds = row.time.as_secs_f64();
        let (processor, peak) = row.process.map_or_else(Default::default, |(time, bytes)| {
            (format!("{:.2}", time.as_secs_f64()), format!("{:.0}", bytes as f64 / f64::from(1 << 20)))
        });
        let megabytes = row.bytes.map_or_else(String::new, |bytes| format!("{:.1}", bytes as f64 / 1e6));
        let calls: Vec<String> = row.calls.iter().map(|(verb, count)| format!("{verb} {count}")).collect();
        println!(
            "| {} | {seconds:.2} | {:.0} | {:.2} | {processor} | {peak} | {megabytes} | {} |",
            row.name,
            objects as f64 / seconds,
            seconds / row.raw.as_secs_f64(),
            calls.join(", "),
        );
    }
}
