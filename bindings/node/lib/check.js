"use strict";
// Arguments are checked before the native part sees them. An error names the argument and the type that came, never what came.

const { AgentSecretsError } = require("./errors.js");
const { text } = require("./text.js");

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
// Beyond this a number is no whole one.
const MOST = Number.MAX_SAFE_INTEGER;

function invalid(message) {
  return new AgentSecretsError(message, { code: "invalid_argument" });
}

function wrong(what, wanted, value) {
  const kind = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  return invalid(`${what} is ${wanted}, not ${kind}`);
}

function flag(value, what) {
  if (typeof value !== "boolean") throw wrong(what, "true or false", value);
  return value;
}

function count(value, what) {
  if (typeof value !== "number") throw wrong(what, "a number", value);
  if (!Number.isInteger(value) || value < 0 || value > MOST) throw invalid(`${what} is a whole number from 0 on`);
  return value;
}

/** Milliseconds, or text like "90s", "24h", "7d". */
function duration(value, what) {
  if (typeof value === "number") return count(value, what);
  if (typeof value !== "string") throw wrong(what, 'milliseconds or text like "24h"', value);
  const parts = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value);
  if (parts === null) throw invalid(`${what} is milliseconds or text like "90s", "24h", "7d"`);
  return Number(parts[1]) * UNITS[parts[2]];
}

/** A point of time: milliseconds since 1970, or a Date. */
function time(value, what) {
  if (value instanceof Date) return count(Math.trunc(value.getTime()), what);
  return count(value, what);
}

function list(value, what, item) {
  if (!Array.isArray(value)) throw wrong(what, "an array", value);
  return Array.from(value, (one, place) => item(one, `${what}[${place}]`));
}

function name(value, what) {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text(value, what))) {
    throw invalid(`${what} is letters, digits and underscores and does not begin with a digit`);
  }
  return value;
}

/** Bytes; those of shared memory are copied, since another thread may change them meanwhile. */
function bytes(value, what) {
  if (!(value instanceof Uint8Array)) throw wrong(what, "a Uint8Array", value);
  const shared = typeof SharedArrayBuffer === "function" && value.buffer instanceof SharedArrayBuffer;
  return shared ? new Uint8Array(value) : value;
}

function signal(value, what) {
  if (!(value instanceof AbortSignal)) throw wrong(what, "an AbortSignal", value);
  return value;
}

function fn(value, what) {
  if (typeof value !== "function") throw wrong(what, "a function", value);
  return value;
}

const blanks = (value, what) => {
  const items = list(value, what, text);
  if (items.some((item) => item === "" || /\s/.test(item))) throw invalid(`an item of ${what} is empty or has blanks in it`);
  return items.join(" ");
};

const scope = blanks;
const require_ = (value, what) => list(value, what, name).join(" ");

/** An object that is nothing but its properties: a map, an error or a Secret is no object of options. */
function plain(value) {
  if (value === null || typeof value !== "object") return false;
  const parent = Object.getPrototypeOf(value);
  return parent === null || Object.getPrototypeOf(parent) === null;
}

/** Options by name, each checked by its function; a misspelled one is an error, not ignored. */
function options(given, checks) {
  if (given === undefined) return {};
  if (!plain(given)) throw wrong("the last argument", "an object of options", given);
  const made = {};
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(checks, key)) throw invalid(`an option is none of ${Object.keys(checks).join(", ")}`);
    if (given[key] !== undefined) made[key] = checks[key](given[key], key);
  }
  return made;
}

module.exports = { bytes, count, duration, flag, fn, invalid, list, name, options, plain, require: require_, scope, signal, text, time, wrong };
