"use strict";
// Finds the addon of this platform: a package of its own, which npm installs by itself and nothing has to be run for.

const TARGETS = {
  "linux-x64": ["linux-x64-gnu", "linux-x64-musl"],
  "linux-arm64": ["linux-arm64-gnu", "linux-arm64-musl"],
  "darwin-x64": ["darwin-x64"],
  "darwin-arm64": ["darwin-arm64"],
  "win32-x64": ["win32-x64-msvc"],
};

/** Where package managers put this platform's package, beside this one: asked there, it costs no search. */
function beside(target, file) {
  const addon = { exports: {} };
  process.dlopen(addon, `${__dirname}/../../agentsecrets-core-${target}/${file}`);
  return addon.exports;
}

/** The addon `file` of this platform's package; an error that says which platform this is and what to do. */
function find(file) {
  const platform = `${process.platform}-${process.arch}`;
  const targets = TARGETS[platform] ?? [];
  try {
    return beside(targets[0], file);
  } catch {
    // The search below finds it elsewhere, or says why it does not load.
  }
  let last;
  // npm installs that of one C library alone.
  for (const target of targets) {
    try {
      return require(`agentsecrets-core-${target}/${file}`);
    } catch (error) {
      // One that is there and does not load is the reason.
      if (last === undefined || error.code !== "MODULE_NOT_FOUND") last = error;
    }
  }
  throw require("./missing.js").missing(platform, targets, Object.keys(TARGETS), last);
}

module.exports = find("agentsecrets.node");
module.exports.find = find;
