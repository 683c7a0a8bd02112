// Packs agentsecrets-core, installs the tarballs into an empty project as a user does, and runs every test there.
//
//     node bindings/node/check.mjs LIBRARIES CACHE [deep]     LIBRARIES: where cargo put the addons
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { pack } from "./pack.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

const QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];

/** A folder with what a package.json names from the registry, kept from run to run. */
function peers(place, described) {
  const wanted = readFileSync(described, "utf8");
  const stamp = join(place, "peers.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return place;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), wanted);
  execFileSync(npm, ["install", ...QUIET], { cwd: place, stdio: "inherit" });
  writeFileSync(stamp, wanted);
  return place;
}

/** The project of a user: the tests' peers, and the tarballs, installed anew. */
function project(cache, tarballs) {
  const place = peers(join(cache, "project"), join(here, "test/package.json"));
  for (const name of readdirSync(join(place, "node_modules"))) {
    if (name.startsWith("agentsecrets-core")) rmSync(join(place, "node_modules", name), { recursive: true });
  }
  execFileSync(npm, ["install", ...QUIET, "--no-save", "--prefer-offline", ...tarballs], { cwd: place, stdio: "inherit" });
  for (const part of ["test", "examples"]) {
    rmSync(join(place, part), { recursive: true, force: true });
    cpSync(join(here, part), join(place, part), { recursive: true });
  }
  mkdirSync(join(place, "pages"), { recursive: true });
  const pages = ["bindings/node/README.md", "README.md", "docs/04-apps.md"];
  pages.forEach((page, at) => cpSync(join(root, page), join(place, "pages", `${at}.md`)));
  return place;
}

/** An empty project that installed the tarballs, as README says it. */
function empty(cache, tarballs) {
  const place = join(cache, "empty");
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  execFileSync(npm, ["init", "--yes"], { cwd: place, stdio: "ignore" });
  execFileSync(npm, ["install", "--no-audit", "--no-fund", ...tarballs], { cwd: place, stdio: "inherit" });
  return place;
}

function run(place, file, deep) {
  return new Promise((done) => {
    const env = { ...process.env, AGENTSECRETS_ROOT: root, AGENTSECRETS_EMPTY: join(place, "../empty"), AGENTSECRETS_DEEP: deep ? "1" : "", NODE_NO_WARNINGS: "" };
    const child = spawn(process.execPath, ["--expose-gc", "--test", "--test-reporter=tap", join("test", file)], { cwd: place, env, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (part) => (out += part));
    child.on("close", (code) => done({ file, out, code }));
  });
}

const count = (out, what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(out)?.[1] ?? 0);

async function main([libraries, cache, deep]) {
  const tarballs = pack(resolve(libraries), join(resolve(cache), "out"));
  const [core, native] = tarballs;
  const mb = (size) => `${(size / 1e6).toFixed(2)} MB`;
  console.log(`    packed: ${mb(core.packed)} and ${mb(native.packed)}; node ${process.version}`);
  const place = project(resolve(cache), tarballs.map(({ path }) => path));
  if (process.platform === "linux" && process.arch === "x64") peers(join(resolve(cache), "runtimes"), join(here, "test/runtimes/package.json"));
  empty(resolve(cache), tarballs.map(({ path }) => path));
  const totals = { pass: 0, fail: 0, skipped: 0 };
  for (const file of readdirSync(join(place, "test")).filter((file) => /\.test\.[cm]js$/.test(file))) {
    const { out, code } = await run(place, file, deep === "deep");
    const [pass, fail, skipped] = ["pass", "fail", "skipped"].map((what) => count(out, what));
    const broken = fail === 0 && (code !== 0 || pass + skipped === 0) ? 1 : fail + count(out, "cancelled");
    totals.pass += pass;
    totals.fail += broken;
    totals.skipped += skipped;
    console.log(`    ${file}: ${pass} passed, ${broken} failed`);
    for (const [, line] of out.matchAll(/^# (figure: .*)$/gm)) console.log(`    ${line}`);
    for (const [line] of out.matchAll(/^ok .* # SKIP.*$/gm)) console.log(`    skipped: ${line}`);
    if (broken) console.log(out.split("\n").filter((line) => !/^# Subtest|^ok |duration_ms/.test(line)).join("\n"));
  }
  console.log(`${totals.pass} passed, ${totals.fail} failed${totals.skipped ? `, ${totals.skipped} skipped` : ""}`);
  process.exitCode = totals.fail === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
