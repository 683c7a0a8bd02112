//! Pages that are made from the code say what the code says.

#![allow(clippy::unwrap_used)]

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use agentsecrets_core::ErrorCode;

const WRITE: &str = "AGENTSECRETS_WRITE_DOCS=1 cargo test -p agentsecrets-core --test docs";

const HEAD: &str = "\
# Error codes

Made from `agentsecrets-core/src/error.rs`; do not edit. To write it again:
`AGENTSECRETS_WRITE_DOCS=1 cargo test -p agentsecrets-core --test docs`.

The command prints `error[code]: cause` and `help: command` on stderr. With `--json` the last line of stderr is
`{\"error\":{\"code\",\"message\",\"hint\",\"retryable\"}}`. Numbers are for the C interface. Neither a number nor a word is
ever used for something else, and no message holds a value.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed, with one of the codes below |
| 2 | wrong usage |
| 3 | drift, with `--exit-code` |
";

const BANDS: [(i32, &str); 10] = [
    (0, "General"),
    (100, "Identities and invitations"),
    (200, "Log"),
    (300, "Parcels, grants, values on their way"),
    (400, "Vault"),
    (500, "Relay"),
    (600, "Members"),
    (700, "Workspace and project file"),
    (800, "Secrets"),
    (900, "Use without reading"),
];

fn errors() -> String {
    let mut page = HEAD.to_owned();
    for (start, title) in BANDS {
        let band =
            ErrorCode::ALL.iter().filter(|code| (start..start + 100).contains(&(**code as i32)));
        writeln!(
            page,
            "\n## {title}\n\n| number | code | meaning | help | retry |\n|---|---|---|---|---|"
        )
        .unwrap();
        for code in band {
            let (number, retry) = (*code as i32, if code.retryable() { "yes" } else { "no" });
            let hint = code.hint().replace('|', "\\|");
            writeln!(page, "| {number} | `{code}` | {} | `{hint}` | {retry} |", code.meaning())
                .unwrap();
        }
    }
    page
}

#[test]
fn the_table_of_errors_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let page = errors();
    if std::env::var_os("AGENTSECRETS_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/errors.md is not current; write it again:\n{WRITE}");
}

#[test]
fn every_code_stands_in_the_table() {
    let page = errors();
    for code in ErrorCode::ALL {
        assert!(page.contains(&format!("| `{code}` |")), "{code}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir()
            && !name.starts_with(['.', '_'])
            && !name.starts_with("target")
            && name != "node_modules"
        {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

#[test]
fn tests_that_the_threat_model_names_are_there() {
    let mut sources = Vec::new();
    files(&root(), "rs", &mut sources);
    let page = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let named = page.split('`').skip(1).step_by(2).filter_map(|word| word.split_once("::"));
    let mut count = 0;
    for (file, test) in named {
        let found = sources
            .iter()
            .filter(|path| {
                path.ends_with(format!("{file}.rs")) || path.ends_with(format!("{file}/tests.rs"))
            })
            .any(|path| std::fs::read_to_string(path).unwrap().contains(&format!("fn {test}(")));
        assert!(found, "SECURITY.md names {file}::{test}, which is nowhere");
        count += 1;
    }
    assert!(count >= 20);
}

#[test]
fn links_between_pages_lead_to_files() {
    let mut pages = Vec::new();
    files(&root(), "md", &mut pages);
    let mut count = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let target = link.0.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{} leads to {target}", page.display());
            count += 1;
        }
    }
    assert!(count >= 20);
}
