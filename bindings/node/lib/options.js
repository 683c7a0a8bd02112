"use strict";
// The options of load() and loadSync().

const check = require("./check.js");
const { config } = require("./config.js");

const OPTIONS = {
  require: check.require,
  env: check.text,
  maxAge: check.duration,
  offline: check.flag,
  config,
  signal: check.signal,
};

module.exports = { options: (given) => check.options(given, OPTIONS) };
