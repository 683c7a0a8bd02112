//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use agentsecrets_core::request_signature;

#[cfg(feature = "postgres")]
use crate::store::postgres::Watching;
use crate::{
    app::QUOTA,
    database::Database,
    registration::{Registration, read_list},
};

/// What `--help` prints.
pub const USAGE: &str = "\
usage: relay-reference --data DIR | --database URL [OPTION...]
       relay-reference backup --data DIR --to DIR     a verified copy, while the relay runs
       relay-reference verify --data DIR | --database URL
       relay-reference export --data DIR | --database URL --to FILE
       relay-reference import --data DIR | --database URL --from FILE
       relay-reference prune --data DIR | --database URL   sealed bytes that nobody needs

  --data DIR         folder of a SQLite database, made where it is missing
  --database URL     postgres://USER@HOST/NAME, shared by any number of relays
  --database-file F  the same, read from a file: a URL may hold a password
  --watch HOW        how commits of other relays are noticed: listen (default) or poll
  --registration WHO who may begin workspaces: open (default on loopback), invite:FILE (whoever is
                     listed, and members of workspaces here) or allowlist:FILE
  --quota MIB        most that one workspace may hold; default 1024
  --listen ADDRESS   IP:PORT to serve on; default 127.0.0.1:8787, port 0 takes a free one
  --admin ADDRESS    IP:PORT for /healthz, /readyz and /metrics; default none
  --public-url URL   the address that clients use, which their signatures name; default the
                     listening address
  --tls CERT KEY     speaks TLS itself, with a chain and a key in PEM files
  --behind-proxy     a proxy in front speaks TLS; this or --tls is needed to listen beyond loopback
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
    /// Files of the certificate chain and its key, to speak TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may begin workspaces.
    pub registration: Registration,
    /// Bytes that a workspace may hold.
    pub quota: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: Database::Memory,
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
            admin: None,
            authority: None,
            behind_proxy: false,
            tls: None,
            registration: Registration::Open,
            quota: QUOTA,
        }
    }
}

impl Config {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut database, mut registration) = (Choice::default(), None);
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
                "--tls" => config.tls = Some(tls(value()?, value()?)?),
                "--registration" => registration = Some(who(&value()?)?),
                "--quota" => config.quota = mebibytes(&value()?)?,
                "--behind-proxy" => config.behind_proxy = true,
                other => return Err(format!("unknown argument {other}")),
            }
        }
        config.database = database.chosen()?;
        config.check_reach(registration.is_some())?;
        config.registration = registration.unwrap_or_default();
        Ok(config)
    }

    /// What is reachable from outside speaks TLS, and whom it serves is a decision.
    fn check_reach(&self, registration: bool) -> Result<(), String> {
        let listen = self.listen;
        if listen.ip().is_loopback() {
            return Ok(());
        }
        if !self.behind_proxy && self.tls.is_none() {
            return Err(format!(
                "{listen} is reachable from outside and would speak without TLS: put a proxy in \
                 front and say --behind-proxy, or say --tls"
            ));
        }
        match registration {
            true => Ok(()),
            false => Err(format!("{listen} is reachable from outside: say --registration")),
        }
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

#[cfg(feature = "tls")]
fn tls(chain: String, key: String) -> Result<(PathBuf, PathBuf), String> {
    Ok((chain.into(), key.into()))
}

#[cfg(not(feature = "tls"))]
fn tls(_: String, _: String) -> Result<(PathBuf, PathBuf), String> {
    Err("this relay was built without TLS: build with --features tls".to_owned())
}

fn who(text: &str) -> Result<Registration, String> {
    let list = |path: &str| {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        read_list(&text)
    };
    match text.split_once(':') {
        None if text == "open" => Ok(Registration::Open),
        Some(("invite", file)) => Ok(Registration::Invite(list(file)?)),
        Some(("allowlist", file)) => Ok(Registration::Allowlist(list(file)?)),
        _ => Err(format!("--registration {text} is none of open, invite:FILE, allowlist:FILE")),
    }
}

fn mebibytes(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << 20));
    bytes.ok_or_else(|| format!("--quota {text} is no number of MiB"))
}

/// The first line of a file.
pub(crate) fn line_of(path: &str) -> Result<String, String> {
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
        let outside = "--data d --listen 0.0.0.0:1 --behind-proxy";
        assert!(parse(outside).err().unwrap().contains("--registration"));
        assert!(parse(&format!("{outside} --registration open")).is_ok());
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
            "--data d --registration friends",
            "--data d --registration allowlist:/no/such/file",
            "--data d --quota 0",
            "--data d --watch poll",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
