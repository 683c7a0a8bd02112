//! The command line's grammar.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

/// Share environment secrets with your team, end-to-end encrypted, through a relay that nobody has to trust.
#[derive(Parser)]
#[command(name = "agentsecrets", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Print results, and failures, as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make this device's identity; with --import also a local workspace in this folder
    Init {
        /// What members will call this device
        #[arg(long)]
        label: Option<String>,
        /// A .env, .json, .yaml or .csv file to import; - reads it from stdin
        #[arg(long, value_name = "FILE")]
        import: Option<PathBuf>,
    },
    /// Begin a workspace, or publish a local one
    #[command(subcommand)]
    Workspace(Workspace),
    /// Make an invitation; its code, alone on stdout, goes to the invitee by another way
    Invite {
        /// owner, admin, writer or reader
        #[arg(long, default_value = "writer")]
        role: String,
        /// ENV or ENV:NAME,NAME; repeat for more; without it every environment
        #[arg(long)]
        scope: Vec<String>,
        /// For how long it admits: 90s, 30m, 24h, 7d
        #[arg(long, default_value = "24h", value_parser = duration)]
        expires: Duration,
        /// Stay until somebody has joined
        #[arg(long)]
        wait: bool,
    },
    /// List open invitations
    Invitations,
    /// Withdraw an invitation
    Uninvite {
        /// The beginning of its id, as in `invitations`
        id: String,
    },
    /// Answer an invitation, and write .agentsecrets.toml here
    Join {
        /// The code; - reads it from stdin
        code: String,
        /// What members will call this device
        #[arg(long)]
        label: Option<String>,
        /// Stay until this device is admitted
        #[arg(long)]
        wait: bool,
    },
    /// Admit whoever answered an invitation, or a recipient by its string
    Admit {
        /// A recipient string, as `agentsecrets identity` prints it
        recipient: Option<String>,
        /// owner, admin, writer or reader
        #[arg(long, default_value = "reader")]
        role: String,
        /// ENV or ENV:NAME,NAME; repeat for more; without it every environment
        #[arg(long)]
        scope: Vec<String>,
        /// What members will call it
        #[arg(long)]
        label: Option<String>,
    },
    /// List members
    Members {
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
    },
    /// End a person's membership, on all their devices; then say what needs a new value
    Remove {
        /// Label, fingerprint or beginning of the id
        member: String,
        /// Only this device, not the person's others
        #[arg(long)]
        device: bool,
        /// departed, lost-device, compromised or retired
        #[arg(long, default_value = "departed")]
        reason: String,
        /// Keep the workspace key: names and labels to come stay readable to who left
        #[arg(long)]
        no_rekey: bool,
    },
    /// End this device's own membership
    Leave,
    /// Begin a new generation of the workspace key, for names and labels to come
    Rekey,
    /// Give a member another role
    Role {
        /// Label, fingerprint or beginning of the id
        member: String,
        /// owner, admin, writer or reader
        role: String,
    },
    /// Give a member another scope
    Scope {
        /// Label, fingerprint or beginning of the id
        member: String,
        /// all, or ENV, or ENV:NAME,NAME
        #[arg(required = true)]
        scope: Vec<String>,
    },
    /// What a member could read; without one, what needs a new value, and who could read it
    Exposure {
        /// Label, fingerprint or beginning of the id
        member: Option<String>,
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
    },
    /// The newest entry's number and hash, to compare by another way than the relay
    Head {
        /// As eight words, for the voice
        #[arg(long)]
        words: bool,
        /// Write .agentsecrets.head beside the project file, for git
        #[arg(long)]
        write: bool,
        /// After a fork: leave this device's history for the relay's, if that contains this head,
        /// which a person confirmed by another way, as SEQ:HEX
        #[arg(long, value_name = "HEAD", conflicts_with_all = ["write", "words", "offline"])]
        adopt: Option<String>,
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
    },
    /// The 60 digits that this device and a member's must show alike
    SafetyNumber {
        /// Label, fingerprint or beginning of the id
        member: String,
        /// It was compared: this member's word on the log counts from now on
        #[arg(long)]
        confirm: bool,
    },
    /// This device's recipient string; or identities for others
    Identity {
        #[command(subcommand)]
        command: Option<IdentityCommand>,
    },
    /// Make this identity again from its 24 words, read from stdin
    Recover {
        /// What members call this device
        #[arg(long)]
        label: Option<String>,
        /// A head of the workspace that came by another way, as SEQ:HEX; else .agentsecrets.head
        #[arg(long)]
        head: Option<String>,
        /// Go on without a head: the relay could show an old log
        #[arg(long, conflicts_with = "head")]
        unpinned: bool,
    },
    /// List and change environments
    #[command(subcommand)]
    Env(Env),
    /// Set, get, push, pull and compare secrets
    #[command(subcommand)]
    Secrets(Secrets),
    /// How two environments differ
    Diff {
        /// The first
        a: String,
        /// The second
        b: String,
        /// Exit with 3 where they differ
        #[arg(long)]
        exit_code: bool,
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
    },
    /// What one secret may be used for; without options shows it, with them an admin sets it anew
    Policy(PolicyArgs),
    /// Run a command with the environment's secrets as variables
    Run {
        #[arg(long)]
        env: Option<String>,
        /// Only these names, separated by commas
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Hand over no value: a broker beside the command uses the secrets for it
        #[arg(long)]
        broker: bool,
        /// VARIABLE=NAME@URL: set VARIABLE to an address that stands for URL, where NAME is used
        #[arg(long, value_name = "VARIABLE=NAME@URL", requires = "broker")]
        base_url: Vec<String>,
        #[command(flatten)]
        lease: LeaseArgs,
        /// The command, after --
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Use secrets for agents that never get them, at a Unix socket; its token goes to stdout
    Broker {
        /// The socket; it must be in a folder of yours
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        #[arg(long)]
        env: Option<String>,
        /// Only these names, separated by commas
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// The number of a user, beside yours, who may connect
        #[arg(long, value_name = "UID")]
        peer: Option<u32>,
        /// VARIABLE=NAME@URL: an address that stands for URL, where NAME is used
        #[arg(long, value_name = "VARIABLE=NAME@URL")]
        base_url: Vec<String>,
        /// End with the process that started it
        #[arg(long, hide = true)]
        with_parent: bool,
        #[command(flatten)]
        lease: LeaseArgs,
    },
    /// Serve Model Context Protocol on stdin and stdout: an agent's tools to use secrets
    Mcp {
        #[arg(long)]
        env: Option<String>,
        /// Only these names, separated by commas
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// A program that the agent may have run; repeat for more
        #[arg(long = "command", value_name = "PROGRAM")]
        commands: Vec<String>,
        #[command(flatten)]
        lease: LeaseArgs,
    },
    /// The record of every use of a secret by an agent
    Calls {
        #[command(subcommand)]
        command: Option<Calls>,
    },
    /// Who could read what, since when: the log, entry by entry
    Audit {
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
        /// Write the signed log to a file, which `verify` checks without any secret
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// A history that this device left for another one, by its number from 1
        #[arg(long, value_name = "NUMBER")]
        left: Option<u32>,
    },
    /// Verify a log, this vault's or an exported one, entry by entry
    Verify {
        /// A file from `audit --export`
        file: Option<PathBuf>,
        /// A head that came by another way, as SEQ:HEX; the log must contain it
        #[arg(long)]
        head: Option<String>,
    },
    /// Check vault, identity, workspace and relay
    Doctor,
    /// Change the vault's key, or move it
    #[command(subcommand)]
    Vault(Vault),
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What an agent's lease is good for.
#[derive(clap::Args)]
pub(crate) struct LeaseArgs {
    /// The agent's name in the record of calls
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Only these methods, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "METHODS")]
    pub(crate) methods: Vec<String>,
    /// Only these paths, separated by commas; * is one segment, ** the rest
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    pub(crate) paths: Vec<String>,
    /// Only for so long: 90s, 30m, 24h
    #[arg(long, value_parser = duration)]
    pub(crate) ttl: Option<Duration>,
    /// Only so many uses
    #[arg(long)]
    pub(crate) uses: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum Calls {
    /// List them
    List,
    /// Print them with this device's signature, a line of JSON each
    Export,
    /// Verify an export, with nothing secret
    Verify {
        /// The export
        file: PathBuf,
        /// A log from `audit --export`, which has the signer's key; without it this vault's
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Workspace {
    /// Begin a workspace with the environments development, staging and production
    Create {
        /// Its name, which only members can read
        name: String,
        /// The relay's address; without it the workspace is local
        #[arg(long)]
        relay: Option<String>,
    },
    /// Publish a local workspace to a relay
    Connect {
        /// The relay's address
        #[arg(long)]
        relay: String,
    },
    /// Bring back to a relay that was restored from a backup what it lost of the log
    Repush,
    /// What the workspace does where nobody else was heard of for long; an owner changes it
    Policy {
        /// After how long without news the log counts as stale: 12h, 7d
        #[arg(long, value_parser = duration)]
        fresh: Option<Duration>,
        /// What a stale log does: warns, blocks-push, blocks-both
        #[arg(long)]
        stale: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum IdentityCommand {
    /// A new identity for a job or an agent
    New {
        /// agent or ci
        #[arg(long, default_value = "agent")]
        kind: NewKind,
        /// Write the identity string to this file, for its owner alone
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Print the identity string, which is secret, to stdout
        #[arg(long)]
        reveal: bool,
    },
    /// The 24 words from which this identity can be made again
    Backup {
        /// Yes, print them
        #[arg(long)]
        reveal: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum NewKind {
    Agent,
    Ci,
}

#[derive(Subcommand)]
pub(crate) enum Env {
    /// List environments
    List,
    /// Make one
    Create { name: String },
    /// Give one another name
    Rename { name: String, to: String },
    /// Close one: it takes no more changes
    Archive { name: String },
}

#[derive(Subcommand)]
pub(crate) enum Secrets {
    /// Set a secret to what stdin holds, byte for byte, and push it
    Set {
        name: String,
        #[arg(long)]
        env: Option<String>,
        /// Keep the change in the vault until `secrets push`
        #[arg(long)]
        no_push: bool,
    },
    /// Print a value, byte for byte
    Get {
        name: String,
        #[arg(long)]
        env: Option<String>,
        /// Yes, print it
        #[arg(long)]
        reveal: bool,
    },
    /// List names and versions
    List {
        #[arg(long)]
        env: Option<String>,
    },
    /// Delete a secret, and push that
    Delete {
        name: String,
        #[arg(long)]
        env: Option<String>,
        /// Keep the change in the vault until `secrets push`
        #[arg(long)]
        no_push: bool,
    },
    /// Set every entry of a .env, .json, .yaml or .csv file, and push them
    Import {
        /// The file; - reads it from stdin, as from `sops -d` or `dotenvx get`
        file: PathBuf,
        /// dotenv, json, yaml, csv or sops-dotenv; without it the file's name or content says
        #[arg(long)]
        format: Option<String>,
        #[arg(long)]
        env: Option<String>,
        /// Keep the changes in the vault until `secrets push`
        #[arg(long)]
        no_push: bool,
    },
    /// Print all values
    Export {
        #[arg(long)]
        env: Option<String>,
        /// Yes, print them
        #[arg(long)]
        reveal: bool,
        /// dotenv, json or shell
        #[arg(long, default_value = "dotenv")]
        format: String,
    },
    /// Push what was changed here
    Push {
        #[arg(long)]
        env: Option<String>,
        /// Put own changes on top of others' where they clash
        #[arg(long)]
        mine: bool,
        /// Push values although they left this device for a member who is removed since
        #[arg(long)]
        sent_to_removed: bool,
    },
    /// Pull every environment in scope, or one
    Pull {
        #[arg(long)]
        env: Option<String>,
        /// Give own changes up where they clash; the history keeps them
        #[arg(long)]
        theirs: bool,
    },
    /// How this vault and the log differ
    Diff {
        #[arg(long)]
        env: Option<String>,
        /// Exit with 3 where they differ
        #[arg(long)]
        exit_code: bool,
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
        /// Instead, who is how many entries behind, by their own signed word
        #[arg(long, conflicts_with = "exit_code")]
        team: bool,
    },
    /// The versions of a secret
    History {
        name: String,
        #[arg(long)]
        env: Option<String>,
        /// Do not ask the relay first
        #[arg(long)]
        offline: bool,
    },
    /// Set a secret to the value of an older version, and push it
    Rollback {
        name: String,
        version: u64,
        #[arg(long)]
        env: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Vault {
    /// Seal the vault under another key
    Rekey {
        /// File of the new key, 32 bytes raw or in hexadecimal
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// File of the new passphrase
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Move the vault to another kind
    Move {
        /// keychain or file
        #[arg(long)]
        to: String,
        /// For file: the key, 32 bytes raw or in hexadecimal
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// For file: the passphrase
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    let bad = || "a duration is a number with s, m, h or d, as in 24h".to_owned();
    let split =
        text.len().checked_sub(1).filter(|split| text.is_char_boundary(*split)).ok_or_else(bad)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    number
        .checked_mul(unit)
        .filter(|seconds| (1..=10 * 365 * 86_400).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(bad)
}

/// A policy has one rule for each `--host`; more than that takes `--add` or `--file`.
#[derive(clap::Args)]
pub(crate) struct PolicyArgs {
    /// Name of the secret
    pub(crate) name: String,
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// It may be used and not read (this is so unless --readable is there)
    #[arg(long, conflicts_with = "readable")]
    pub(crate) use_only: bool,
    /// Whoever holds it may read it
    #[arg(long)]
    pub(crate) readable: bool,
    /// Where requests may carry it: HOST or HOST:PORT; repeat for more
    #[arg(long)]
    pub(crate) host: Vec<String>,
    /// GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, separated by commas; GET unless given
    #[arg(long, value_delimiter = ',')]
    pub(crate) method: Vec<String>,
    /// Paths: `*` is one segment, `**` at the end the rest; repeat for more; /** unless given
    #[arg(long)]
    pub(crate) path: Vec<String>,
    /// bearer, basic, basic:USER, header:NAME, header:NAME:WORD, query:NAME, json:/POINTER, form:NAME; repeat for more
    #[arg(long)]
    pub(crate) place: Vec<String>,
    /// Without TLS
    #[arg(long)]
    pub(crate) http: bool,
    /// The host's name may lead to an address of a private network
    #[arg(long)]
    pub(crate) private: bool,
    /// Longest answer in bytes; 4194304 unless given
    #[arg(long, value_name = "BYTES")]
    pub(crate) response_limit: Option<u32>,
    /// Messages may be signed with it (HMAC)
    #[arg(long)]
    pub(crate) sign: bool,
    /// Commands may get it in their environment, where they can read it
    #[arg(long)]
    pub(crate) environment: bool,
    /// Add to the rules that are there
    #[arg(long)]
    pub(crate) add: bool,
    /// Take the whole policy from a file of JSON, - for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Take the policy away
    #[arg(long)]
    pub(crate) none: bool,
}

impl PolicyArgs {
    /// Whether any option asks for a change.
    pub(crate) fn changes(&self) -> bool {
        let flags =
            [self.use_only, self.readable, self.sign, self.environment, self.add, self.none];
        flags.contains(&true) || !self.host.is_empty() || self.file.is_some()
    }
}
