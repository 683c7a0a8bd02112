// An Express application that asks for its secrets at its start, and follows a rotation without a restart.
import { createHmac } from "node:crypto";

import express from "express";
import { load } from "agentsecrets-core";

const secrets = await load({ require: ["SESSION_KEY"] });
const sign = (text) => createHmac("sha256", secrets.get("SESSION_KEY").revealBytes()).update(text).digest("base64url");

const app = express();
app.get("/health", (_, response) => response.json({ environment: secrets.environment, version: secrets.version, names: secrets.names }));
app.get("/session/:user", ({ params: { user } }, response) => response.json({ user, mark: sign(user) }));
// What a careless line would send: it is an error, and not the value.
app.get("/careless", (_, response) => response.json({ key: secrets.get("SESSION_KEY") }));

secrets.on("change", ({ updated }) => console.log(`rotated: ${updated.join(", ")}`));

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
process.on("SIGTERM", () => server.close(() => secrets.close()));
