//! The command line.

use std::net::SocketAddr;

use agentsecrets_core::request_signature;

use crate::database::Database;
#[cfg(feature = "postgres")]
use crate::store::postgres::Watching;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: relay-reference --data DIR | --database URL [OPTION...]

  --data DIR         folder of a SQLite database, made where it is missing
  --database URL     postgres://USER@HOST/NAME, shared by any number of relays
  --database-file F  the same, read from a file: a URL may hold a password
  --watch HOW        how commits of other relays are noticed: listen (default) or poll
  --listen ADDRESS   IP:PORT to serve on; default 127.0.0.1:8787, port 0 takes a free one
  --admin ADDRESS    IP:PORT for /healthz, /readyz and /metrics; default none
  --public-url URL   the address that clients use, which their signatures name; default the
                     listening address
  --behind-proxy     a proxy in front speaks TLS; needed to listen beyond loopback
";

/// How a relay is to run.
pub struct Config {
    /// Where everything is kept.
    pub database: Database,
    /// Where to serve.
    pub listen: SocketAddr,
    /// Where to serve operators.
    pub admin: Option<SocketAddr>,
    /// The authority that signatures name; `None` for the listening address.
    pub authority: Option<String>,
    /// Whether a proxy in front speaks TLS.
    pub behind_proxy: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: Database::Memory,
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
            admin: None,
            authority: None,
            behind_proxy: false,
        }
    }
}

impl Config {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut database = Choice::default();
        let mut config = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--data" => database.folder = Some(value()?),
                "--database" => database.url = Some(value()?),
                "--database-file" => database.url = Some(line_of(&value()?)?),
                "--watch" => database.watch = Some(value()?),
                "--listen" => config.listen = address(&value()?)?,
                "--admin" => config.admin = Some(address(&value()?)?),
                "--public-url" => config.authority = Some(authority(&value()?)?),
                "--behind-proxy" => config.behind_proxy = true,
                other => return Err(format!("unknown argument {other}")),
            }
        }
        config.database = database.chosen()?;
        config.check()
    }

    fn check(self) -> Result<Self, String> {
        if self.listen.ip().is_loopback() || self.behind_proxy {
            return Ok(self);
        }
        Err(format!(
            "{} is reachable from outside and would speak without TLS: put a proxy in front and \
             say --behind-proxy",
            self.listen
        ))
    }
}

/// What was said of the database.
#[derive(Default)]
pub(crate) struct Choice {
    pub(crate) folder: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) watch: Option<String>,
}

impl Choice {
    pub(crate) fn chosen(self) -> Result<Database, String> {
        match self {
            #[cfg(feature = "sqlite")]
            Self { folder: Some(folder), url: None, watch: None } => {
                Ok(Database::Folder(folder.into()))
            }
            #[cfg(feature = "postgres")]
            Self { folder: None, url: Some(url), watch } => {
                let watching = match watch.as_deref() {
                    None | Some("listen") => Watching::Listen,
                    Some("poll") => Watching::Poll,
                    Some(other) => {
                        return Err(format!("--watch {other} is neither listen nor poll"));
                    }
                };
                Ok(Database::Postgres(url, watching))
            }
            #[cfg(not(feature = "postgres"))]
            Self { url: Some(_), .. } => {
                Err("this relay was built without PostgreSQL: build with --features postgres"
                    .into())
            }
            Self { folder: None, url: None, .. } => Err("--data or --database is missing".into()),
            _ => Err("--data stands alone; --watch goes with --database".into()),
        }
    }
}

/// The first line of a file.
fn line_of(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text} is not IP:PORT"))
}

fn authority(url: &str) -> Result<String, String> {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let authority = request_signature::authority(url).filter(|_| path.is_empty());
    authority.ok_or_else(|| format!("{url} is not http(s)://HOST[:PORT], without a path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Config, String> {
        Config::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn listening_beyond_loopback_needs_a_proxy() {
        assert!(parse("--data d --listen 0.0.0.0:1").is_err());
        assert!(parse("--data d --listen 0.0.0.0:1 --behind-proxy").is_ok());
        assert!(parse("--data d --listen [::1]:1").is_ok());
    }

    #[test]
    fn arguments_are_read_or_refused() {
        let config = parse("--data d --public-url https://Relay.Example:443").unwrap();
        assert_eq!(config.authority.as_deref(), Some("relay.example"));
        for line in [
            "",
            "--data",
            "--listen 127.0.0.1:1",
            "--data d --listen here",
            "--data d -x",
            "--data d --public-url https://host/path",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
