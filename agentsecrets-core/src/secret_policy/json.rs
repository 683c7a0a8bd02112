//! A policy as JSON, in which people and bindings write it.

use serde::{Deserialize, Serialize};

use super::{
    Access, DEFAULT_RESPONSE, Host, Method, PathPattern, Place, Rule, Scheme, SecretPolicy,
    malformed,
};
use crate::error::{Error, ErrorCode, Result};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyJson {
    access: String,
    #[serde(default)]
    sign: bool,
    #[serde(default)]
    environment: bool,
    #[serde(default)]
    rules: Vec<RuleJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleJson {
    #[serde(default = "https")]
    scheme: String,
    host: String,
    port: Option<u16>,
    #[serde(default)]
    private: bool,
    methods: Vec<String>,
    paths: Vec<String>,
    places: Vec<String>,
    response_limit: Option<u32>,
}

fn https() -> String {
    "https".to_owned()
}

impl SecretPolicy {
    /// From JSON: `{"access": "use-only", "sign": false, "environment": false, "rules": [{"scheme": "https",
    /// "host": "api.example", "port": 443, "private": false, "methods": ["GET"], "paths": ["/v1/**"],
    /// "places": ["bearer"], "response_limit": 4194304}]}`. `access` and a rule's host, methods, paths and places
    /// must be there; lists come in any order.
    ///
    /// # Errors
    /// `malformed_policy`.
    pub fn from_json(text: &str) -> Result<Self> {
        // The parser's own words may repeat what it could not read.
        let json: PolicyJson = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Error::new(
                ErrorCode::MalformedPolicy,
                format!("the policy is not JSON of its shape at line {line}, column {column}"),
            )
        })?;
        let access = match json.access.as_str() {
            "readable" => Access::Readable,
            "use-only" => Access::UseOnly,
            _ => return Err(malformed("access is `readable` or `use-only`")),
        };
        let rules = json.rules.into_iter().map(rule).collect::<Result<_>>()?;
        Self::new(access, json.sign, json.environment, rules)
    }

    /// The same as JSON, every field written out.
    pub fn to_json(&self) -> String {
        let Self { header: _, access, sign, environment, rules } = self;
        let access = match access {
            Access::Readable => "readable",
            Access::UseOnly => "use-only",
        };
        let rules = rules.iter().map(rule_json).collect();
        let json =
            PolicyJson { access: access.to_owned(), sign: *sign, environment: *environment, rules };
        serde_json::to_string(&json).unwrap_or_default()
    }
}

fn rule(json: RuleJson) -> Result<Rule> {
    let scheme = match json.scheme.as_str() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err(malformed("a scheme is `https` or `http`")),
    };
    Ok(Rule {
        scheme,
        host: Host::parse(&json.host).ok_or_else(|| {
            malformed("a host is a name in ASCII or an address, IPv6 in brackets")
        })?,
        port: json.port.unwrap_or(scheme.default_port()),
        private: json.private,
        methods: list(
            &json.methods,
            Method::parse,
            "a method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS",
        )?,
        paths: list(
            &json.paths,
            PathPattern::parse,
            "a path begins with `/`; `*` is one segment, `**` the rest",
        )?,
        places: list(
            &json.places,
            Place::parse,
            "a place is bearer, basic[:USER], header:NAME[:WORD], query:NAME, json:/POINTER or form:NAME",
        )?,
        response_limit: json.response_limit.unwrap_or(DEFAULT_RESPONSE),
    })
}

/// Sorted, each once.
fn list<T: Ord>(
    texts: &[String],
    parse: fn(&str) -> Option<T>,
    why: &'static str,
) -> Result<Vec<T>> {
    let parsed: Option<Vec<T>> = texts.iter().map(|text| parse(text)).collect();
    let mut parsed = parsed.ok_or_else(|| malformed(why))?;
    parsed.sort_unstable();
    parsed.dedup();
    Ok(parsed)
}

fn rule_json(rule: &Rule) -> RuleJson {
    let Rule { scheme, host, port, private, methods, paths, places, response_limit } = rule;
    RuleJson {
        scheme: scheme.as_str().to_owned(),
        host: host.to_string(),
        port: Some(*port),
        private: *private,
        methods: methods.iter().map(|method| method.as_str().to_owned()).collect(),
        paths: paths.iter().map(ToString::to_string).collect(),
        places: places.iter().map(ToString::to_string).collect(),
        response_limit: Some(*response_limit),
    }
}
