//! What the program is asked to do.

use std::path::PathBuf;

use crate::{
    config::{Choice, Config, line_of},
    database::Database,
};

/// One call of the program.
pub enum Command {
    /// Serves until it is told to stop.
    Serve(Box<Config>),
    /// Copies the SQLite database of a folder into a new folder, while its relay runs.
    Backup(PathBuf, PathBuf),
    /// Checks everything that a database holds.
    Verify(Database),
    /// Writes everything to a new file.
    Export(Database, PathBuf),
    /// Reads such a file into an empty database.
    Import(Database, PathBuf),
    /// Forgets sealed bytes whose every value has a newer one.
    Prune(Database),
}

impl Command {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter().peekable();
        let word = arguments.next_if(|first| !first.starts_with('-'));
        let Some(word) = word else { return Ok(Self::Serve(Box::new(Config::parse(arguments)?))) };
        let known = ["backup", "verify", "export", "import", "prune"];
        if !known.contains(&word.as_str()) {
            return Err(format!("unknown command {word}"));
        }
        let options = Options::parse(arguments)?;
        match word.as_str() {
            "backup" => options.backup(),
            "export" => options.with_file("--to").map(|(database, to)| Self::Export(database, to)),
            "import" => {
                options.with_file("--from").map(|(database, file)| Self::Import(database, file))
            }
            "verify" => options.alone().map(Self::Verify),
            _ => options.alone().map(Self::Prune),
        }
    }
}

/// Options of an operator's command.
#[derive(Default)]
struct Options {
    database: Choice,
    /// What came with `--to` or `--from`.
    file: Option<(String, PathBuf)>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--data" => options.database.folder = Some(value),
                "--database" => options.database.url = Some(value),
                "--database-file" => options.database.url = Some(line_of(&value)?),
                "--to" | "--from" => options.file = Some((name, value.into())),
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }

    fn alone(self) -> Result<Database, String> {
        match self.file {
            None => self.database.chosen(),
            Some((name, _)) => Err(format!("{name} has no meaning here")),
        }
    }

    fn with_file(self, expected: &str) -> Result<(Database, PathBuf), String> {
        match self.file {
            Some((name, file)) if name == expected => Ok((self.database.chosen()?, file)),
            _ => Err(format!("{expected} FILE is missing")),
        }
    }

    fn backup(self) -> Result<Command, String> {
        match (self.database, self.file) {
            (Choice { folder: Some(folder), url: None, .. }, Some((name, to)))
                if name == "--to" =>
            {
                Ok(Command::Backup(folder.into(), to))
            }
            (Choice { url: Some(_), .. }, _) => {
                Err("PostgreSQL has its own backups: pg_dump, or an archive of its log".to_owned())
            }
            _ => Err("backup needs --data DIR and --to DIR".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn commands_take_what_they_need_and_nothing_else() {
        assert!(matches!(parse("--data d"), Ok(Command::Serve(_))));
        assert!(matches!(parse("backup --data d --to e"), Ok(Command::Backup(..))));
        assert!(matches!(parse("verify --data d"), Ok(Command::Verify(_))));
        assert!(matches!(parse("export --data d --to f"), Ok(Command::Export(..))));
        assert!(matches!(parse("import --data d --from f"), Ok(Command::Import(..))));
        assert!(matches!(parse("prune --data d"), Ok(Command::Prune(_))));
        for line in [
            "restore --data d",
            "backup --data d",
            "backup --database postgres://a --to f",
            "verify",
            "verify --data d --to f",
            "export --data d --from f",
            "import --from f",
            "prune --data d --all",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
