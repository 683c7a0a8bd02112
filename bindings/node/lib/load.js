"use strict";
// What an application calls at its start.

const native = require("./native.js");
const { AgentSecretsError, call, settle } = require("./errors.js");
const { Secrets } = require("./secrets.js");

// What tests put in the place of everything else; see testing.js.
const overrides = [];

function asked(given) {
  if (given === undefined) return { wanted: [null, "", "", null, false] };
  const { options } = require("./options.js");
  const { require: names = "", env = "", maxAge = null, offline = false, config = null, signal } = options(given);
  signal?.throwIfAborted();
  return { signal, wanted: [config, env, names, maxAge, offline] };
}

/** How values were loaded, to load them again and to watch them. */
function again([config, environment, require]) {
  return {
    environment,
    own: true,
    refresh: () => native.load(config, environment, require, 0, false),
    client: () => settle(() => native.openClient(config)),
  };
}

function overridden(require) {
  const secrets = overrides.at(-1);
  const missing = require.split(" ").filter((name) => name !== "" && !secrets.has(name));
  if (missing.length === 0) return secrets;
  throw new AgentSecretsError(`missing in the test: ${missing.join(", ")}; looked in the values of this test`, { code: "missing_secrets" });
}

/** The values of the configured environment, from the vault; no network where it is warm. */
async function load(options) {
  const { signal, wanted } = asked(options);
  if (overrides.length > 0) return overridden(wanted[2]);
  return new Secrets(await settle(() => native.load(...wanted), signal), again(wanted));
}

/** As `load`, at once: for configuration files. */
function loadSync(options) {
  const { wanted } = asked(options);
  if (overrides.length > 0) return overridden(wanted[2]);
  return new Secrets(call(() => native.loadSync(...wanted)), again(wanted));
}

module.exports = { load, loadSync, overrides };
