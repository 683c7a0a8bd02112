"use strict";
// Plays conformance/scenarios through the addon and compares every outcome, byte for byte.
const assert = require("node:assert/strict");
const { readFileSync, readdirSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { test } = require("node:test");

const lib = join(dirname(require.resolve("agentsecrets-core/package.json")), "lib");
const native = require(join(lib, "native.js"));
const { call } = require(join(lib, "errors.js"));
const { errorCodes } = require("agentsecrets-core");

const folder = join(process.env.AGENTSECRETS_ROOT, "conformance/scenarios");
const words = Object.fromEntries(Object.entries(errorCodes).map(([word, number]) => [number, word]));
const hex = (bytes) => (bytes.length === 0 ? "-" : Buffer.from(bytes).toString("hex"));
const bytes = (word) => (word === "-" ? Buffer.alloc(0) : Buffer.from(word, "hex"));
const text = (word) => bytes(word).toString();

/** One host over one file. */
class Stage {
  message = "";

  coded(run) {
    try {
      return `0${call(run) ?? ""}`;
    } catch (error) {
      assert.ok(error.code in errorCodes, error);
      this.message = error.message;
      return String(errorCodes[error.code]);
    }
  }

  identity(string) {
    this.who = native.Identity.parse(Buffer.from(string));
  }

  start(operation, now, entropy, ...rest) {
    this.machine = undefined;
    this.handed = 0;
    const value = operation === "set" ? bytes(rest.pop()) : null;
    return this.coded(() => {
      this.machine = new native.Machine(operation, this.who, Number(now), bytes(entropy), rest.map(text), value, 0);
    });
  }

  next(now) {
    const { kind, step, key, bytes: stored, method, url, headers, body, until } = this.machine.next(Number(now));
    if (step > 0) this.handed = step;
    const lines = () => hex(Buffer.from(headers.map(([name, header]) => `${name}: ${header}\n`).join("")));
    const shown = {
      load: () => [step, key],
      store: () => [step, key, hex(stored)],
      remove: () => [step, key],
      send: () => [step, method, url, lines(), hex(body)],
      sleep: () => [until],
      wait: () => [],
      done: () => [],
    }[kind]();
    return [kind.toUpperCase(), ...shown].join(" ");
  }

  loaded(step, what) {
    return this.coded(() => this.machine.loaded(Number(step), what === "none" ? null : bytes(what)));
  }

  stored(step) {
    return this.coded(() => this.machine.stored(Number(step)));
  }

  answered(step, status, wait, body) {
    const retryAfter = Number(wait) < 0 ? null : Number(wait);
    return this.coded(() => this.machine.answered(Number(step), Number(status), bytes(body), retryAfter));
  }

  failed(step, code) {
    return this.coded(() => this.machine.failed(Number(step), words[code] ?? code));
  }

  close() {
    this.machine.close();
    return "0";
  }

  finish() {
    return this.coded(() => {
      const outcome = this.machine.outcome();
      if (outcome === undefined || outcome === null) return " nothing";
      if (typeof outcome === "string") return ` text ${hex(Buffer.from(outcome))}`;
      const values = outcome.names().map((name) => ` ${name} ${hex(outcome.get(name).bytes())}`);
      return ` secrets ${outcome.size()}${values.join("")}`;
    });
  }
}

const files = readdirSync(folder).filter((file) => file.endsWith(".txt"));

test("there are scenarios", () => assert.ok(files.length >= 50, files.length));

for (const file of files) {
  const lines = readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean);
  test(`scenario ${file}: ${lines[0].slice(2)}`, () => {
    const stage = new Stage();
    let compared = 0;
    for (const [at, line] of lines.entries()) {
      if (line.startsWith("#")) continue;
      if (line.startsWith("message ")) {
        assert.equal(hex(Buffer.from(stage.message)), line.slice(8), `${file}:${at + 1}`);
        continue;
      }
      const [what, expected] = line.split(" = ");
      const [verb, ...rest] = what.split(" ");
      const came = stage[verb](...rest);
      if (expected === undefined) continue;
      assert.equal(came, expected, `${file}:${at + 1}`);
      compared += 1;
    }
    assert.ok(compared > 0, "nothing was compared");
  });
}
