// Packs what npm publishes: agentsecrets-core, and the package of this platform with its addons.
//
//     node bindings/node/pack.mjs LIBRARIES OUT      LIBRARIES: target/release, where cargo put the addons
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const ENDINGS = { linux: ["lib", ".so"], darwin: ["lib", ".dylib"], win32: ["", ".dll"] };

/** The name of this platform's package, and what npm is told about it. */
function target() {
  const { platform, arch } = process;
  const libc = platform === "linux" ? (process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl") : undefined;
  const ending = { glibc: "-gnu", musl: "-musl" }[libc] ?? (platform === "win32" ? "-msvc" : "");
  return { name: `agentsecrets-core-${platform}-${arch}${ending}`, os: [platform], cpu: [arch], ...(libc && { libc: [libc] }) };
}

function licences(folder) {
  for (const file of ["LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(root, file), join(folder, file));
}

function fresh(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  licences(folder);
  return folder;
}

// What every start reads, one file instead of seven, since each costs as much as it costs to load twenty secrets; and what all else
// shares, at its first use or when `import` asks for every name. What is seldom used stays apart: its text would be read for nothing.
const files = (names) => names.map((name) => `./${name}.js`);
const START = files(["native", "errors", "text", "secret", "secrets", "load", "index"]);
const MORE = files(["check", "options", "config", "identity", "boxes", "client", "workspace", "agents"]);
const PARTS = 'Symbol.for("agentsecrets-core parts")';

/** A module without its comments and its indentation, which every start would read; its lines stay as they are. */
function bare(name, text) {
  const lines = text.replace(/^ *\/\*\*[^]*?\*\/\n/gm, "").split("\n");
  // Within a template of many lines a blank would be text.
  const broken = lines.find((line) => line.split("`").length % 2 === 0);
  if (broken !== undefined) throw new Error(`${name} has a template that goes over lines: ${broken}`);
  const kept = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("//"));
  // By another name than the file's own, in whose text `import` looks for names.
  return kept.join("\n").replaceAll("module.exports", "own.exports");
}

/** Modules as functions by name. The parentheses tell the engine that each is called at once, so that it is not read twice. */
function functions(lib, modules) {
  const quoted = modules.map((name) => `${JSON.stringify(name)}: (function (own, require) {\n${bare(name, readFileSync(join(lib, name), "utf8"))}\n})`);
  return `{\n${quoted.join(",\n")},\n}`;
}

/** Writes the modules of START into lib/index.js, those of MORE into lib/more.js; files of their names hand them on. */
function merge(lib) {
  const text = `"use strict";
// Made of ${START.join(", ")}: see bindings/node/pack.mjs.
const outer = require;
const made = new Map();
const more = new Set(${JSON.stringify(MORE)});
function part(name) {
  if (more.has(name)) {
    more.clear();
    Object.assign(parts, outer("./more.js"));
  }
  if (!Object.hasOwn(parts, name)) return outer(name);
  let module = made.get(name);
  if (module === undefined) {
    made.set(name, (module = { exports: {} }));
    parts[name](module, part);
  }
  return module.exports;
}
const parts = ${functions(lib, START)};
module.exports = part("./index.js");
// For \`import\`, which finds names in the text alone.
0 && (module.exports = { ${names(lib).join(", ")} });
Object.defineProperty(module.exports, ${PARTS}, { value: part });
`;
  const rest = `"use strict";\n// Made of ${MORE.join(", ")}: see bindings/node/pack.mjs.\nmodule.exports = ${functions(lib, MORE)};\n`;
  for (const name of [...START, ...MORE]) {
    writeFileSync(join(lib, name), `"use strict";\nmodule.exports = require("./index.js")[${PARTS}](${JSON.stringify(name)});\n`);
  }
  writeFileSync(join(lib, "index.js"), text);
  writeFileSync(join(lib, "more.js"), rest);
}

/** What index.js exports, at once and later. */
function names(lib) {
  const text = readFileSync(join(lib, "index.js"), "utf8");
  const now = /^module\.exports = \{ (.*) \};$/m.exec(text)[1].split(", ");
  return [...now, ...[...text.matchAll(/^  (\w+): \(\) => /gm)].map(([, name]) => name)].sort();
}

// What has a name of its own within the package. Files without an ending, which `require` and `import` find alike: with `exports` in
// package.json every start would wait 2 ms for Node to resolve them.
const DOORS = { env: [], io: ["Machine", "fetchTransport", "operation", "run"], testing: ["MemoryRelay", "member", "override"] };

function doors(core) {
  for (const [name, found] of Object.entries(DOORS)) {
    const named = found.length === 0 ? "" : `0 && (module.exports = { ${found.join(", ")} });\n`;
    writeFileSync(join(core, name), `"use strict";\nmodule.exports = require("./lib/${name}.js");\n${named}`);
  }
}

function tarball(folder, out) {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const [made] = JSON.parse(execFileSync(npm, ["pack", "--json", "--ignore-scripts", "--pack-destination", out], { cwd: folder, encoding: "utf8" }));
  return { path: join(out, made.filename), packed: made.size, unpacked: made.unpackedSize };
}

/** The tarballs of the package and of this platform's. */
export function pack(libraries, out) {
  const own = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  const core = fresh(join(out, "agentsecrets-core"));
  for (const part of ["package.json", "README.md", "lib"]) cpSync(join(here, part), join(core, part), { recursive: true });

  merge(join(core, "lib"));
  doors(core);

  const { name, ...where } = target();
  const [before, after] = ENDINGS[process.platform];
  const native = fresh(join(out, name));
  cpSync(join(libraries, `${before}agentsecrets_node${after}`), join(native, "agentsecrets.node"));
  cpSync(join(libraries, `${before}agentsecrets_node_testing${after}`), join(native, "testing.node"));
  const { version, license, engines } = own;
  const described = { name, version, description: "The native part of agentsecrets-core", license, engines, main: "agentsecrets.node", ...where, files: ["*.node", "LICENSE-*"] };
  writeFileSync(join(native, "package.json"), `${JSON.stringify(described, null, 2)}\n`);
  return [tarball(core, out), tarball(native, out)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, packed, unpacked } of pack(resolve(process.argv[2]), resolve(process.argv[3]))) {
    console.log(`${path}: ${(packed / 1e6).toFixed(2)} MB packed, ${(unpacked / 1e6).toFixed(2)} MB unpacked`);
  }
}
