//! The one figure a bench ends with: how much longer the product takes than the raw work under it.

use std::time::{Duration, Instant};

/// Alternating runs of each side; the median of them is what counts.
const RUNS: usize = 7;

/// How long `work` takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Runs both sides in turn and prints their medians and the ratio. With `--test`, each side runs once.
#[expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
pub(crate) fn print(name: &str, mut product: impl FnMut() -> Duration, mut raw: impl FnMut() -> Duration) {
    let runs = if is_smoke() { 1 } else { RUNS };
    let (mut products, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        products.push(product());
        raws.push(raw());
    }
    products.sort();
    raws.sort();
    let (product, raw) = (products[runs / 2], raws[runs / 2]);
    let ratio = product.as_secs_f64() / raw.as_secs_f64();
    println!("{name}: {:.1} ms / {:.1} ms = {ratio:.2}", product.as_secs_f64() * 1e3, raw.as_secs_f64() * 1e3);
}

/// Whether everything is to run once, to see that it runs.
pub(crate) fn is_smoke() -> bool {
    // `cargo test --benches` gives no argument, `cargo bench` gives `--bench`.
    std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|argument| argument == "--bench")
}
