//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use agentsecrets_core::request_signature;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: relay-reference --data DIR [--listen ADDRESS] [--admin ADDRESS] [--public-url URL]
                       [--behind-proxy]

  --data DIR         folder of the database, made where it is missing
  --listen ADDRESS   IP:PORT to serve on; default 127.0.0.1:8787, port 0 takes a free one
  --admin ADDRESS    IP:PORT for /healthz, /readyz and /metrics; default none
  --public-url URL   the address that clients use, which their signatures name; default the
                     listening address
  --behind-proxy     a proxy in front speaks TLS; needed to listen beyond loopback
";

/// How a relay is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the database.
    pub data: PathBuf,
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
            data: PathBuf::new(),
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
        let mut data = None;
        let mut config = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--data" => data = Some(PathBuf::from(value()?)),
                "--listen" => config.listen = address(&value()?)?,
                "--admin" => config.admin = Some(address(&value()?)?),
                "--public-url" => config.authority = Some(authority(&value()?)?),
                "--behind-proxy" => config.behind_proxy = true,
                other => return Err(format!("unknown argument {other}")),
            }
        }
        config.data = data.ok_or("--data is missing")?;
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
