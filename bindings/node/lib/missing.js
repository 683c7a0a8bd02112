"use strict";
// What to say where the addon of this platform is not found or does not load.

/** The error; `targets` are the packages that would have it, `known` the platforms that have one, `cause` why the last did not load. */
function missing(platform, targets, known, cause) {
  const there = cause !== undefined && cause.code !== "MODULE_NOT_FOUND";
  const { version } = require("../package.json");
  const names = targets.map((target) => `agentsecrets-core-${target}`).join(" or ");
  const what =
    targets.length === 0
      ? `agentsecrets-core has no native part for ${platform}; it has one for ${known.join(", ")}`
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

module.exports = { missing };
