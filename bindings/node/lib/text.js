"use strict";
// A string that arrives in the native part as it is. What every call at start needs of the checks; the others are in check.js.

const { isWellFormed } = String.prototype;

/** Without halves of surrogate pairs, which would not arrive as they are. Node 18 has no function for it. */
function whole(value) {
  return isWellFormed === undefined ? !/\p{Surrogate}/u.test(value) : isWellFormed.call(value);
}

/** The string; an error that says what came instead, and never the thing itself. */
function text(value, what) {
  if (typeof value === "string" && whole(value)) return value;
  const check = require("./check.js");
  throw typeof value === "string" ? check.invalid(`${what} has half of a surrogate pair in it`) : check.wrong(what, "a string", value);
}

module.exports = { text };
