// The same package for `import`: one copy of it, whoever loads it how.

import core from "./index.js";

export const {
  AgentSecretsError,
  Client,
  Config,
  Identity,
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
  unseal,
  unsealMany,
  verify,
} = core;
