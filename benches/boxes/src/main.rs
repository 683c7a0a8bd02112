//! Writes the table of sealed boxes in docs/benchmarks.md and its plots: everybody in one process and in turns, medians, and
//! ratios to libsodium. `benches/run-table` runs it.
//!
//! ```text
//! boxes-table main | try | flags [OTHER.txt] [DOCS]
//! ```
//!
//! `flags` prints the promised sizes alone; with what a build with other flags printed, it writes both side by side.

#![allow(clippy::unwrap_used, clippy::print_stdout, unreachable_pub)] // A benchmark may print, and fail.

mod boxes;
#[path = "../../table/figure.rs"]
mod figure;

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use boxes::{Case, WORK, contenders};
use figure::{Series, plot};

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    sodiumoxide::init().unwrap();
    let is_folder = |argument: &&String| argument.contains('/') && !argument.ends_with(".txt");
    let docs = arguments.iter().find(is_folder).map(Path::new);
    if has("try") {
        for (work, _) in WORK {
            assert!(Case::new(32, 3, 2).measure(work, 1, 0.0).iter().all(|time| *time > 0.0));
        }
    } else if has("flags") {
        let other = arguments.iter().find(|argument| argument.ends_with(".txt"));
        let text = flags(other.map(|path| fs::read_to_string(path).unwrap()).as_deref());
        print!("{text}");
        if let Some(docs) = docs.filter(|_| other.is_some()) {
            put(docs, "flags", &text);
        }
    } else {
        let text = all_boxes(docs);
        print!("{text}");
        if let Some(docs) = docs {
            put(docs, "boxes", &text);
        }
    }
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
    let sodium = sodiumoxide::version::version_string().to_owned();
    let date = std::process::Command::new("date")
        .arg("+%-d %B %Y")
        .output()
        .map(|out| out.stdout)
        .unwrap_or_default();
    format!(
        "{}, family {} model {}; libsodium {sodium}, crypto_box 0.9, agentsecrets {}; {}.\n",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        env!("CARGO_PKG_VERSION"),
        String::from_utf8_lossy(&date).trim(),
    )
}

fn header() -> String {
    let names: Vec<&str> = contenders().iter().map(|who| who.name()).collect();
    format!(
        "| size | batch | threads | | {} |\n|---|---|---|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    )
}

/// Each against libsodium in the same turns.
fn line(case: &Case, title: &str, times: &[f64]) -> String {
    let against = times[0];
    let cells: Vec<String> =
        times.iter().map(|time| format!("{time:.2} ({:.2}×)", against / time)).collect();
    format!(
        "| {} | {} | {} | {title} | {} |\n",
        case.size,
        case.batch,
        case.threads,
        cells.join(" | ")
    )
}

fn all_boxes(docs: Option<&Path>) -> String {
    let mut text = format!(
        "{}\nMicroseconds a box, and the multiple of libsodium's speed.\n\n{}",
        machine(),
        header()
    );
    let mut by_batch: BTreeMap<(&str, &str), Vec<(f64, f64)>> = BTreeMap::new();
    let mut by_size = by_batch.clone();
    let mut worst: BTreeMap<&str, (f64, String)> = BTreeMap::new();
    for threads in [1, 2] {
        for size in [64, 32, 1 << 10, 64 << 10] {
            for batch in [1, 16, 256] {
                let case = Case::new(size, batch, threads);
                for (work, title) in WORK {
                    // Few large boxes fit into a turn, so that a single one counts for much.
                    let (rounds, sample) = match size {
                        64 if threads == 1 => (15, 2e-3),
                        size if size > 1 << 10 => (15, 8e-3),
                        _ => (7, 2e-3),
                    };
                    let times = case.measure(work, rounds, sample);
                    let row = line(&case, title, &times);
                    print!("{row}");
                    text += &row;
                    for (who, time) in contenders().iter().zip(&times) {
                        let ratio = times[1] / time;
                        let entry = worst.entry(who.name()).or_insert((f64::MAX, String::new()));
                        if ratio < entry.0 {
                            *entry = (
                                ratio,
                                format!("{title}, {size} B, batch {batch}, {threads} threads"),
                            );
                        }
                        let key = (title, who.name());
                        if threads == 1 && size == 64 {
                            by_batch.entry(key).or_default().push((batch as f64, 1e6 / time));
                        }
                        if threads == 1 && batch == 256 {
                            by_size.entry(key).or_default().push((size as f64, *time));
                        }
                    }
                }
            }
        }
    }
    text += "\nA recipient's table takes ";
    let tables: Vec<String> =
        boxes::tables().iter().map(|(name, time)| format!("{time:.0} µs ({name})")).collect();
    let _ = writeln!(text, "{} to make.", tables.join(", "));
    if !contenders().iter().any(|who| who.name() == "avx512ifma") {
        text += "\nnot measured: no avx512ifma\n";
    }
    text += "\nAgainst the `crypto_box` crate, each back end where it does worst:\n\n| back end | ratio | where |\n|---|---|---|\n";
    for (name, (ratio, place)) in
        worst.iter().filter(|(name, _)| !["libsodium", "crypto_box"].contains(name))
    {
        let _ = writeln!(text, "| {name} | {ratio:.2} | {place} |");
    }
    for (_, title) in WORK {
        let name = title.replace(", ", "-").replace(' ', "-");
        let lines = |map: &BTreeMap<(&str, &str), Vec<(f64, f64)>>| -> Vec<Series> {
            let of = map.iter().filter(|((of, _), _)| *of == title);
            of.map(|((_, who), points)| {
                let mut points = points.clone();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                Series { name: (*who).to_owned(), points }
            })
            .collect()
        };
        save(
            docs,
            &format!("throughput-{name}.svg"),
            &plot(
                &format!("{title}: throughput, 64 B, one core"),
                "boxes in a batch",
                "boxes a second",
                &lines(&by_batch),
            ),
        );
        save(
            docs,
            &format!("size-{name}.svg"),
            &plot(
                &format!("{title}: cost by size, batch 256, one core"),
                "bytes of a message",
                "µs a box",
                &lines(&by_size),
            ),
        );
        let _ = write!(
            text,
            "\n![{title}, by batch](benchmarks/throughput-{name}.svg)\n![{title}, by size](benchmarks/size-{name}.svg)\n"
        );
    }
    text
}

/// 64 B and a batch of 256 alone: a line of multiples of libsodium for each kind of work, or a table with another build's.
fn flags(other: Option<&str>) -> String {
    let case = Case::new(64, 256, 1);
    let names: Vec<&str> = contenders().iter().map(|who| who.name()).collect();
    let mut lines = vec![format!("|{}", names[1..].join("|"))];
    for (work, title) in WORK {
        let times = case.measure(work, 15, 2e-3);
        let ratios: Vec<_> =
            times[1..].iter().map(|time| format!("{:.2}", times[0] / time)).collect();
        lines.push(format!("{title}|{}", ratios.join("|")));
    }
    other.map_or_else(|| lines.join("\n") + "\n", |other| side_by_side(other, &lines))
}

/// Each contender's column beside its column of this build.
fn side_by_side(other: &str, here: &[String]) -> String {
    let mut text = machine() + "\n";
    for (row, (before, with)) in other.lines().zip(here).enumerate() {
        let (before, with): (Vec<_>, Vec<_>) =
            (before.split('|').collect(), with.split('|').collect());
        assert_eq!(before[0], with[0]);
        let pairs = before[1..].iter().zip(&with[1..]);
        let cells: Vec<String> = match row {
            0 => pairs.map(|(name, _)| format!("{name} | with flags")).collect(),
            _ => pairs.map(|(a, b)| format!("{a}× | {b}×")).collect(),
        };
        let _ = writeln!(text, "| {} | {} |", before[0], cells.join(" | "));
        if row == 0 {
            let _ = writeln!(text, "|---|{}", "---|---|".repeat(cells.len()));
        }
    }
    text
}
