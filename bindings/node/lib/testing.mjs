import { createRequire } from "node:module";

const testing = createRequire(import.meta.url)("./testing.js");

export const { MemoryRelay, member, override } = testing;
