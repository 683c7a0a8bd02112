//!
//! JSON-RPC 2.0, one message a line, as the protocol's stdio transport says. The tools list names, show
//! drift, send requests and, where that was allowed at the start, run commands. None returns a value.

use std::{
    io::{BufRead, Write},
    sync::Arc,
};

use agentsecrets_core::{Error, ErrorCode, Result};
use serde_json::{Map, Value, json};

use crate::{
    lease::Lease,
    service::Service,
    wire::{Ask, AskRequest, failure, invalid},
};

/// Versions of the protocol that are spoken, the newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const INSTRUCTIONS: &str = "Secrets are used through these tools and never read: name the secret, and the call \
    tool puts it into the request where its policy allows. Values are taken out of every answer. Each use \
    needs a reason, which the secret's owner reads.";

/// Who answers what the tools ask.
pub trait Backend {
    /// Answers a question.
    ///
    /// # Errors
    /// Every error of the library.
    fn ask(&mut self, ask: Ask) -> Result<Value>;

    /// Whether commands are run at all.
    fn runs_commands(&self) -> bool;
}

/// A service in this process, and a lease of it.
pub struct Local {
    /// The service.
    pub service: Service,
    /// The lease.
    pub lease: Arc<Lease>,
}

impl Backend for Local {
    fn ask(&mut self, ask: Ask) -> Result<Value> {
        self.service.answer(&self.lease, ask)
    }

    fn runs_commands(&self) -> bool {
        self.service.runs_commands()
    }
}

#[cfg(unix)]
impl Backend for crate::socket::Connection {
    fn ask(&mut self, ask: Ask) -> Result<Value> {
        Self::ask(self, &ask)
    }

    fn runs_commands(&self) -> bool {
        false
    }
}

/// Serves until the client closes its end.
///
/// # Errors
/// `closed` where the client goes away in the middle.
pub fn serve(
    backend: &mut dyn Backend,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<()> {
    let gone = |_| Error::new(ErrorCode::Closed, "the client hung up");
    let mut line = String::new();
    loop {
        line.clear();
        match input.read_line(&mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(gone(error)),
        }
        if let Some(answer) = answer(backend, line.trim()) {
            writeln!(output, "{answer}").and_then(|()| output.flush()).map_err(gone)?;
        }
    }
}

/// The answer to a message; notifications have none.
fn answer(backend: &mut dyn Backend, line: &str) -> Option<Value> {
    if line.is_empty() {
        return None;
    }
    let Ok(message) = serde_json::from_str::<Value>(line) else {
        return Some(refused(Value::Null, -32700, "not JSON"));
    };
    let id = message.get("id").cloned();
    let (Some("2.0"), Some(method)) = (message["jsonrpc"].as_str(), message["method"].as_str())
    else {
        // An answer to a question that was never asked.
        let answered = message.get("result").or(message.get("error")).is_some();
        let refusal = || refused(id.unwrap_or_default(), -32600, "not a request");
        return (!answered).then(refusal);
    };
    let id = id?;
    let params = message.get("params").cloned().unwrap_or_else(|| json!({}));
    let result = match method {
        "initialize" => initialize(&params),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools(backend.runs_commands()) }),
        "tools/call" => match call(backend, &params) {
            Some(result) => result,
            None => return Some(refused(id, -32602, "no such tool")),
        },
        _ => return Some(refused(id, -32601, "no such method")),
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn refused(id: Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

fn initialize(params: &Value) -> Value {
    let asked = params["protocolVersion"].as_str().unwrap_or_default();
    let version = VERSIONS.iter().find(|version| **version == asked).unwrap_or(&VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "agentsecrets", "version": env!("CARGO_PKG_VERSION") },
        "instructions": INSTRUCTIONS,
    })
}

fn tools(commands: bool) -> Vec<Value> {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let texts = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let reason = text("Why; recorded for the secret's owner");
    let mut tools = vec![
        tool(
            "list_secrets",
            "Names of the secrets that can be used, with where their policies let them go; never a value.",
            json!({}),
            &[],
        ),
        tool(
            "drift",
            "How this vault and the team's log differ, by name; never a value.",
            json!({}),
            &[],
        ),
        tool(
            "call",
            "Sends an HTTPS request that carries a secret, where the secret's policy allows it. \
             The secret is put in on the way, and taken out of the answer.",
            json!({
                "name": text("Name of the secret"),
                "method": text("GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"),
                "url": text("The address, without the secret"),
                "headers": { "type": "object", "additionalProperties": { "type": "string" } },
                "body": text("The body"),
                "place": text("Where the secret stands, if its policy names several places: bearer, basic:USER, \
                               header:NAME, query:NAME, json:/POINTER, form:NAME"),
                "reason": reason,
            }),
            &["name", "method", "url", "reason"],
        ),
    ];
    if commands {
        tools.push(tool(
            "run",
            "Runs a program that was allowed, with secrets among its environment variables; gives its output \
             without them.",
            json!({
                "command": texts("The program and its arguments"),
                "names": texts("Names of the secrets"),
                "timeout": { "type": "integer", "minimum": 1, "description": "Milliseconds" },
                "reason": reason,
            }),
            &["command", "names", "reason"],
        ));
    }
    tools
}

fn tool(name: &str, description: &str, properties: Value, required: &[&str]) -> Value {
    json!({
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        },
    })
}

/// The result of a tool, failures included: the model is meant to read those. `None` for no tool.
fn call(backend: &mut dyn Backend, params: &Value) -> Option<Value> {
    let empty = Map::new();
    let arguments = params["arguments"].as_object().unwrap_or(&empty);
    let ask = match params["name"].as_str()? {
        "list_secrets" => Ok(Ask::Names {}),
        "drift" => Ok(Ask::Drift {}),
        "call" => request(arguments).map(Ask::Request),
        "run" if backend.runs_commands() => run(arguments),
        _ => return None,
    };
    let result = ask.and_then(|ask| backend.ask(ask));
    let failed = result.is_err();
    let content = result.unwrap_or_else(|error| json!({ "error": failure(&error) }));
    Some(json!({
        "content": [{ "type": "text", "text": content.to_string() }],
        "structuredContent": content,
        "isError": failed,
    }))
}

fn request(arguments: &Map<String, Value>) -> Result<AskRequest> {
    let mut arguments = arguments.clone();
    if let Some(Value::Object(headers)) = arguments.remove("headers") {
        let pairs = headers.into_iter().map(|(name, value)| json!([name, value])).collect();
        arguments.insert("headers".to_owned(), pairs);
    }
    read(arguments)
}

fn run(arguments: &Map<String, Value>) -> Result<Ask> {
    let mut arguments = arguments.clone();
    arguments.insert("ask".to_owned(), Value::from("run"));
    read(arguments)
}

fn read<T: serde::de::DeserializeOwned>(arguments: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|_| invalid("the tool's arguments do not keep to its schema"))
}
