import { createRequire } from "node:module";

const io = createRequire(import.meta.url)("./io.js");

export const { Machine, fetchTransport, operation, run } = io;
