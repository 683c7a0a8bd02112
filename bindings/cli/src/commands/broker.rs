//! broker, mcp, run --broker: secrets that agents use and never get.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use agentsecrets_broker::{
    Service, Terms,
    base_url::{Gateway, PLACEHOLDER},
    mcp::{self, Local},
    protect_memory, wire,
};
use agentsecrets_core::{Error, ErrorCode, Result, name::SecretName};
use serde_json::{Map, Value, json};

use crate::{args::LeaseArgs, context::Context, output};

/// Where an agent finds its broker.
const SOCKET: &str = "AGENTSECRETS_BROKER";
const TOKEN: &str = "AGENTSECRETS_BROKER_TOKEN";

/// What a lease shall be good for.
pub(crate) fn terms(only: &[String], lease: &LeaseArgs) -> Result<Terms> {
    fn each<T>(texts: &[String], read: fn(&str) -> Result<T>) -> Result<Option<Vec<T>>> {
        let read: Vec<T> = texts.iter().map(|text| read(text)).collect::<Result<_>>()?;
        Ok((!read.is_empty()).then_some(read))
    }
    Ok(Terms {
        agent: lease.agent.clone().unwrap_or_else(|| "agent".to_owned()),
        names: each(only, SecretName::parse)?,
        methods: each(&lease.methods, wire::method)?,
        paths: each(&lease.paths, wire::path)?,
        ttl: lease.ttl,
        uses: lease.uses,
    })
}

fn service(context: Context, env: Option<&str>) -> Result<Service> {
    protect_memory();
    let environment = context.environment(&context.view()?, env)?;
    let (workspace, Context { config, setup, .. }) = (context.workspace()?, context);
    Service::new(setup.client, &config.home, workspace, environment)
}

/// `VARIABLE=NAME@URL`.
struct BaseUrl {
    variable: String,
    name: SecretName,
    url: String,
}

impl BaseUrl {
    fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorCode::InvalidArgument, "a base URL is VARIABLE=NAME@URL");
        let (variable, rest) = text.split_once('=').ok_or_else(bad)?;
        let (name, url) = rest.split_once('@').ok_or_else(bad)?;
        let variable = SecretName::parse(variable).map_err(|_| bad())?.to_string();
        Ok(Self { variable, name: SecretName::parse(name)?, url: url.to_owned() })
    }
}

/// Serves until it is ended; says in one line of JSON how to reach it.
#[cfg(unix)]
pub(crate) fn serve(
    context: Context,
    env: Option<&str>,
    terms: &Terms,
    socket: &Path,
    peer: Option<u32>,
    base_urls: &[String],
    with_parent: bool,
) -> Result<()> {
    use agentsecrets_broker::socket::Listener;

    let parent = std::os::unix::process::parent_id();
    let service = Arc::new(service(context, env)?);
    let lease = service.lease(terms)?;
    let listener = Listener::bind(socket, Arc::clone(&service), peer)?;
    let mut variables = Map::new();
    if !base_urls.is_empty() {
        let gateway = Gateway::bind(Arc::clone(&service))?;
        for text in base_urls {
            let BaseUrl { variable, name, url } = BaseUrl::parse(text)?;
            variables.insert(name.to_string(), Value::from(PLACEHOLDER));
            let url = gateway.route(name, &url, Arc::clone(&lease))?;
            variables.insert(variable, Value::from(url));
        }
        std::thread::spawn(move || gateway.serve());
    }
    variables.insert(SOCKET.to_owned(), Value::from(socket.to_string_lossy()));
    let names: Vec<String> = lease.names().map(SecretName::to_string).collect();
    variables.insert(TOKEN.to_owned(), Value::from(service.admit(lease)?));
    output::line(&json!({ "variables": variables, "names": names }).to_string())?;
    if with_parent {
        let socket = socket.to_owned();
        std::thread::spawn(move || end_with(parent, &socket));
    }
    listener.serve()
}

#[cfg(not(unix))]
pub(crate) fn serve(
    _: Context,
    _: Option<&str>,
    _: &Terms,
    _: &Path,
    _: Option<u32>,
    _: &[String],
    _: bool,
) -> Result<()> {
    Err(unsupported())
}

/// Whoever started it is gone: so is what it was started for.
#[cfg(unix)]
fn end_with(parent: u32, socket: &Path) {
    while std::os::unix::process::parent_id() == parent {
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = std::fs::remove_file(socket);
    if let Some(folder) = socket.parent() {
        let _ = std::fs::remove_dir(folder);
    }
    std::process::exit(0);
}

/// Starts a broker, then becomes the command: signals and the exit code pass through by themselves, and
/// this process never held the vault.
#[cfg(unix)]
pub(crate) fn run(
    env: Option<&str>,
    only: &[String],
    base_urls: &[String],
    lease: &LeaseArgs,
    command: &[OsString],
) -> Result<ExitCode> {
    use std::{io::BufRead, process::Stdio};

    terms(only, lease)?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::new(ErrorCode::InvalidArgument, "run takes a command after --"));
    };
    let failed = |_| Error::new(ErrorCode::BrokerUnreachable, "the broker does not start");
    let mut broker = std::process::Command::new(std::env::current_exe().map_err(failed)?);
    broker.args(["broker", "--with-parent", "--socket"]).arg(private_socket()?);
    broker.args(options(env, only, base_urls, lease));
    broker.stdin(Stdio::null()).stdout(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut broker, 0);
    let mut broker = broker.spawn().map_err(failed)?;
    let mut ready = String::new();
    if let Some(stdout) = broker.stdout.take() {
        std::io::BufReader::new(stdout).read_line(&mut ready).map_err(failed)?;
    }
    let ready: Value = serde_json::from_str(&ready).unwrap_or_default();
    let Some(variables) = ready["variables"].as_object() else {
        // It has told why on stderr.
        let code = broker.wait().map_err(failed)?.code().and_then(|code| u8::try_from(code).ok());
        return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
    };
    let mut child = std::process::Command::new(program);
    child.args(arguments);
    for name in agentsecrets_broker::KEPT_FROM_CHILD {
        child.env_remove(name);
    }
    // What was in the environment before under a secret's name may be its value.
    for name in ready["names"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        child.env_remove(name);
    }
    for (name, value) in variables {
        child.env(name, value.as_str().unwrap_or_default());
    }
    super::run::start(child, program)
}

#[cfg(not(unix))]
pub(crate) fn run(
    _: Option<&str>,
    _: &[String],
    _: &[String],
    _: &LeaseArgs,
    _: &[OsString],
) -> Result<ExitCode> {
    Err(unsupported())
}

#[cfg(not(unix))]
fn unsupported() -> Error {
    Error::new(ErrorCode::Unsupported, "the broker needs Unix sockets; use agentsecrets mcp")
}

/// A socket in a new folder that is this user's alone.
#[cfg(unix)]
fn private_socket() -> Result<PathBuf> {
    let failed = |_| Error::new(ErrorCode::InvalidArgument, "no folder for the broker's socket");
    let parent = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let parent = parent.filter(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir);
    let folder = parent.join(format!("agentsecrets-{}", &wire::token()?[..16]));
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(failed)?;
    Ok(folder.join("broker"))
}

/// The same options for the broker.
#[cfg(unix)]
fn options(
    env: Option<&str>,
    only: &[String],
    base_urls: &[String],
    lease: &LeaseArgs,
) -> Vec<String> {
    let LeaseArgs { agent, methods, paths, ttl, uses } = lease;
    let joined = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    let ttl = ttl.map(|ttl: Duration| format!("{}s", ttl.as_secs()));
    let pairs = [
        ("--env", env.map(str::to_owned)),
        ("--only", joined(only)),
        ("--agent", agent.clone()),
        ("--methods", joined(methods)),
        ("--paths", joined(paths)),
        ("--ttl", ttl),
        ("--uses", uses.map(|uses| uses.to_string())),
    ];
    let pairs = pairs.into_iter().filter_map(|(option, value)| Some((option, value?)));
    let urls = base_urls.iter().map(|url| ("--base-url", url.clone()));
    pairs.chain(urls).flat_map(|(option, value)| [option.to_owned(), value]).collect()
}

/// Serves on stdin and stdout: by the broker that the environment names, else with the vault.
pub(crate) fn mcp(
    json: bool,
    env: Option<&str>,
    terms: &Terms,
    commands: Vec<String>,
) -> Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    #[cfg(unix)]
    if let (Some(socket), Ok(token)) = (std::env::var_os(SOCKET), std::env::var(TOKEN)) {
        let mut broker = agentsecrets_broker::socket::Connection::open(Path::new(&socket), &token)?;
        return mcp::serve(&mut broker, &mut input, &mut output);
    }
    let service = service(Context::quiet(json)?, env)?.with_commands(commands);
    let lease = service.lease(terms)?;
    mcp::serve(&mut Local { service, lease }, &mut input, &mut output)
}
