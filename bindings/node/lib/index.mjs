// The same package for `import`: one copy of it, whoever loads it how. By `require`, which finds it in half the time.

import { createRequire } from "node:module";

const core = createRequire(import.meta.url)("./index.js");

export const {
  AgentSecretsError,
  Client,
  Config,
  Handle,
  Identity,
  Redactor,
  Secret,
  Secrets,
  Workspace,
  errorCodes,
  generateKeys,
  init,
  load,
  loadSync,
  publicKey,
  seal,
  sealMany,
  spawn,
  unseal,
  unsealMany,
  verify,
} = core;
