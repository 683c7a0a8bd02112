"use strict";
// Environment secrets of a team, end-to-end encrypted. What is seldom needed at start is read on first use.

const { load, loadSync } = require("./load.js");
const { AgentSecretsError } = require("./errors.js");
const { Secret } = require("./secret.js");
const { Secrets } = require("./secrets.js");

module.exports = { AgentSecretsError, Secret, Secrets, load, loadSync };

const LATER = {
  Config: () => require("./config.js"),
  Handle: () => require("./agents.js"),
  Redactor: () => require("./agents.js"),
  spawn: () => require("./agents.js"),
  Client: () => require("./client.js"),
  init: () => require("./client.js"),
  verify: () => require("./client.js"),
  Workspace: () => require("./workspace.js"),
  Identity: () => require("./identity.js"),
  generateKeys: () => require("./boxes.js"),
  publicKey: () => require("./boxes.js"),
  seal: () => require("./boxes.js"),
  sealMany: () => require("./boxes.js"),
  unseal: () => require("./boxes.js"),
  unsealMany: () => require("./boxes.js"),
  errorCodes: () => ({ errorCodes: require("./errors.js").errorCodes() }),
};
for (const [name, from] of Object.entries(LATER)) {
  const first = () => {
    const value = from()[name];
    Object.defineProperty(module.exports, name, { enumerable: true, value });
    return value;
  };
  Object.defineProperty(module.exports, name, { enumerable: true, configurable: true, get: first });
}
