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
  const module = { exports: {} };
  process.dlopen(module, `${__dirname}/../../agentsecrets-core-${target}/${file}`);
  return module.exports;
}

/** The addon `file` of this platform's package; an error that says which platform this is and what to do. */
function find(file) {
  const platform = `${process.platform}-${process.arch}`;
  const targets = TARGETS[platform] ?? [];
  for (const target of targets.slice(0, 1)) {
    try {
      return beside(target, file);
    } catch {
      // The search below finds it elsewhere, or says why it does not load.
    }
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
  throw missing(platform, targets, last);
}

function missing(platform, targets, cause) {
  const known = Object.keys(TARGETS).join(", ");
  const there = cause !== undefined && cause.code !== "MODULE_NOT_FOUND";
  const { version } = require("../package.json");
  const names = targets.map((target) => `agentsecrets-core-${target}`).join(" or ");
  const what =
    targets.length === 0
      ? `agentsecrets-core has no native part for ${platform}; it has one for ${known}`
      : there
        ? `agentsecrets-core: the native part for ${platform} is there and does not load: ${cause.message}`
        : `agentsecrets-core: the native part for ${platform} is not installed (${names})`;
  const hint =
    targets.length === 0
      ? "run on one of these platforms"
      : there
        ? "on Linux the C library has to be glibc 2.34 or later, or musl; otherwise delete node_modules and install again"
        : `npm install agentsecrets-core@${version} without --omit=optional; if package-lock.json was written on another platform, delete it and node_modules first`;
  return Object.assign(new Error(`${what}\nTo mend it: ${hint}`), { code: "ERR_AGENTSECRETS_NATIVE", platform, hint });
}

module.exports = find("agentsecrets.node");
module.exports.find = find;
module.exports.missing = missing;
