"use strict";
// Sealed boxes, byte for byte those of libsodium: to a bare X25519 key (Uint8Array) or to a recipient string.

const native = require("./native.js");
const { call, raised } = require("./errors.js");
const check = require("./check.js");
const { Secret, withBytes } = require("./secret.js");
const { Identity, nativeIdentity } = require("./identity.js");

function recipient(value) {
  if (value instanceof Uint8Array) return check.bytes(value, "a public key");
  if (typeof value !== "string") throw check.wrong("a recipient", "a public key or a recipient string", value);
  return check.text(value, "a recipient");
}

/** Runs with the native key of an Identity, Uint8Array or Secret. */
function withKey(key, run) {
  if (key instanceof Identity) return run(nativeIdentity(key));
  if (!(key instanceof Uint8Array || key instanceof Secret)) throw check.wrong("a secret key", "a Uint8Array, Secret or Identity", key);
  return withBytes(key, "a secret key", run);
}

/** A fresh pair: `publicKey`, and `secretKey` as a Secret. */
function generateKeys() {
  const { publicKey, secretKey } = call(() => native.generateKeys());
  return { publicKey, secretKey: new Secret(secretKey) };
}

/** The public half of a secret key. */
function publicKey(secretKey) {
  if (secretKey instanceof Identity) throw check.wrong("a secret key", "a Uint8Array or Secret", secretKey);
  return withKey(secretKey, (key) => call(() => native.publicKey(key)));
}

/** Seals a message: string, Uint8Array or Secret. */
function seal(to, message) {
  const key = recipient(to);
  return withBytes(message, "a message", (bytes) => call(() => native.seal(key, bytes)));
}

/** Seals many messages to one key, faster than one by one. */
function sealMany(to, messages) {
  const key = recipient(to);
  const own = [];
  try {
    const all = check.list(messages, "messages", (message, what) =>
      message instanceof Uint8Array
        ? check.bytes(message, what)
        : withBytes(message, what, (bytes) => own[own.push(Uint8Array.from(bytes)) - 1]),
    );
    return call(() => native.sealMany(key, all));
  } finally {
    for (const copy of own) copy.fill(0);
  }
}

/** Opens a box with a secret key or an identity. */
function unseal(by, sealed) {
  const box = check.bytes(sealed, "a box");
  return withKey(by, (key) => new Secret(call(() => native.unseal(key, box))));
}

/** Opens many boxes: for each a Secret, or the AgentSecretsError that says why not. */
function unsealMany(by, sealed) {
  const boxes = check.list(sealed, "boxes", check.bytes);
  const opened = withKey(by, (key) => call(() => native.unsealMany(key, boxes)));
  return opened.map((one) => (typeof one === "string" ? raised(new Error(one)) : new Secret(one)));
}

module.exports = { generateKeys, publicKey, seal, sealMany, unseal, unsealMany };
