//! Writes the tables of what a team does and of what agents use in docs/benchmarks.md, with their plots.
//! `benches/run-table sync agents` runs it.
//!
//! ```text
//! cargo bench -p agentsecrets-benches --bench table -- [sync | memory | agents] [DOCS]
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, unreachable_pub)] // A benchmark may print, and fail.

#[path = "../../agentsecrets-core/tests/host/mod.rs"]
mod host;
#[path = "../../relay-reference/tests/common/in_process.rs"]
mod in_process;

mod agents;
mod figure;
mod sync;

use std::{fmt::Write, fs, path::Path};

use figure::{Series, plot};

#[cfg(feature = "count")]
#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// One measurement: what, at which size, of which unit, and its milliseconds (or MiB).
pub(crate) struct Row {
    title: String,
    size: usize,
    unit: &'static str,
    value: f64,
}

impl Row {
    pub(crate) fn new(title: &str, size: usize, unit: &'static str, value: f64) -> Self {
        println!("{title}, {size} {unit}: {value:.4}");
        Self { title: title.to_owned(), size, unit, value }
    }
}

/// Writes a table's text, and its plots beside the page.
type Table = fn(Option<&Path>) -> String;

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if has("--test") {
        try_all();
        return;
    }
    let docs = arguments.iter().find(|argument| argument.contains('/')).map(Path::new);
    let tables: [(&str, Table); 3] =
        [("sync", all_sync), ("memory", all_memory), ("agents", agents::all)];
    for (name, table) in tables.iter().filter(|(name, _)| has(name)) {
        let text = table(docs);
        print!("{text}");
        if let Some(docs) = docs {
            put(docs, name, &text);
        }
    }
}

/// Everything once and small: whether it runs.
fn try_all() {
    agents::try_all();
    let mut rows = Vec::new();
    sync::growth(&mut rows, true);
    sync::operations(&mut rows, true);
    sync::logs(&mut rows, true);
    sync::memory(&mut rows, true);
    assert!(rows.iter().all(|row| row.value >= 0.0 || row.value.is_nan() || row.unit == "MiB"));
    assert!(plot("t", "x", "y", &series_of(&rows, "secrets")).contains("</svg>"));
}

/// Replaces what stands between a page's marks.
fn put(docs: &Path, name: &str, text: &str) {
    let page = docs.join("benchmarks.md");
    let old = fs::read_to_string(&page).unwrap();
    let (begin, end) = (format!("<!-- table {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = old.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    fs::write(page, format!("{before}{begin}{text}{end}{after}")).unwrap();
}

fn save(docs: Option<&Path>, name: &str, svg: &str) {
    if let Some(docs) = docs {
        let folder = docs.join("benchmarks");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), svg).unwrap();
    }
}

fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(": ").map_or("?", |(_, value)| value).to_owned()
    };
    let date = std::process::Command::new("date")
        .arg("+%-d %B %Y")
        .output()
        .map(|out| out.stdout)
        .unwrap_or_default();
    format!(
        "{}, family {} model {}; agentsecrets {}; {}.\n",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        env!("CARGO_PKG_VERSION"),
        String::from_utf8_lossy(&date).trim(),
    )
}

fn series_of(rows: &[Row], unit: &str) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for row in rows.iter().filter(|row| row.unit == unit) {
        let point = (row.size as f64, row.value.max(1e-9));
        match series.iter_mut().find(|series| series.name == row.title) {
            Some(series) => series.points.push(point),
            None => series.push(Series { name: row.title.clone(), points: vec![point] }),
        }
    }
    series.retain(|series| series.points.len() > 1);
    series
}

fn all_sync(docs: Option<&Path>) -> String {
    let mut rows = Vec::new();
    sync::growth(&mut rows, false);
    sync::logs(&mut rows, false);
    sync::operations(&mut rows, false);
    let mut text = format!(
        "{}\n| what | size | time | per unit | growth |\n|---|---|---|---|---|\n",
        machine()
    );
    for (place, row) in rows.iter().enumerate() {
        let same = rows[..place].iter().rfind(|before| before.title == row.title);
        let growth = same.map_or(String::new(), |before| {
            format!("size × {}, time × {:.1}", row.size / before.size, row.value / before.value)
        });
        let each = row.value * 1e3 / row.size as f64;
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {each:.3} µs | {growth} |",
            row.title,
            row.size,
            row.unit,
            time(row.value)
        );
    }
    let find = |title: &str, size: usize| {
        rows.iter().find(|row| row.title == title && row.size == size).map(|row| row.value)
    };
    for entries in [10_000, 60_000] {
        if let (Some(fold), Some(bare)) =
            (find("fold", entries), find("bare verify_strict", entries))
        {
            let _ = writeln!(
                text,
                "\nFold of {entries} entries: {:.2} of the speed of bare `verify_strict` calls over the same bytes.",
                bare / fold
            );
        }
    }
    for (unit, label) in
        [("secrets", "secrets"), ("members", "members"), ("entries", "entries of a log")]
    {
        save(
            docs,
            &format!("growth-{unit}.svg"),
            &plot(
                &format!("Cost by number of {label}"),
                label,
                "milliseconds",
                &series_of(&rows, unit),
            ),
        );
        let _ = write!(text, "\n![cost by number of {label}](benchmarks/growth-{unit}.svg)\n");
    }
    text
}

/// Peaks of what is allocated, which `--features count` counts.
fn all_memory(_: Option<&Path>) -> String {
    let counted = cfg!(feature = "count");
    assert!(counted, "cargo bench needs --features count");
    let mut peaks = Vec::new();
    sync::memory(&mut peaks, false);
    let mut text = machine() + "\n| at most allocated beyond what was before | MiB |\n|---|---|\n";
    for row in &peaks {
        let _ = writeln!(text, "| {} | {:.1} |", row.title, row.value);
    }
    text
}

fn time(milliseconds: f64) -> String {
    match milliseconds {
        t if t < 1e-3 => format!("{:.1} ns", t * 1e6),
        t if t < 1.0 => format!("{:.1} µs", t * 1e3),
        t => format!("{t:.1} ms"),
    }
}
