// What tests play on: a device with a file vault in a folder of its own, and processes.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client, init } from "agentsecrets-core";

const folders = [];
process.on("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function folder() {
  const made = mkdtempSync(join(tmpdir(), "agentsecrets-node-"));
  folders.push(made);
  return made;
}

/** Settings of a vault in files, with its key beside it. */
export function fileVault() {
  const home = folder();
  const vaultKeyFile = join(home, "key");
  writeFileSync(vaultKeyFile, randomBytes(32), { mode: 0o600 });
  return { vault: "file", vaultKeyFile, home: join(home, "vault") };
}

/** A device whose vault holds these values, in a local workspace or on a relay: settings, and the variables that say the same. */
export async function device(values, relay) {
  const settings = fileVault();
  await init("desk", { config: settings });
  const client = await Client.open(settings);
  const { id } = await client.create("acme", "desk", relay === undefined ? {} : { relay });
  for (const [name, value] of Object.entries(values)) await client.set(name, value);
  await client.push();
  client.close();
  const config = { ...settings, workspace: id, environment: "development" };
  const environment = {
    AGENTSECRETS_VAULT: "file",
    AGENTSECRETS_VAULT_KEY_FILE: settings.vaultKeyFile,
    AGENTSECRETS_HOME: settings.home,
    AGENTSECRETS_WORKSPACE: id,
  };
  return { config, environment };
}

/** Runs node to its end: code, stdout, stderr and milliseconds. A process that does not end in time is killed: code null. */
export function node(words, { env = {}, cwd = process.cwd(), timeout = 30_000, command = process.execPath } = {}) {
  const start = Date.now();
  return new Promise((resolve) => {
    const { PATH, HOME, LANG } = process.env;
    const child = spawn(command, words, { cwd, env: { PATH, HOME, LANG, ...env }, timeout, killSignal: "SIGKILL" });
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (part) => (out.stdout += part));
    child.stderr.on("data", (part) => (out.stderr += part));
    child.on("error", (error) => resolve({ code: -1, ...out, stderr: String(error), spent: 0 }));
    child.on("close", (code) => resolve({ code, ...out, spent: Date.now() - start }));
  });
}
