// The server's side: only here is agentsecrets-core imported.
import { createHmac } from "node:crypto";

import { load } from "agentsecrets-core";

import { show } from "./show.js";

const secrets = await load({ require: ["SESSION_KEY"] });

/** The page of a user, with a mark that only the server can make. */
export function render(user) {
  const mark = createHmac("sha256", secrets.get("SESSION_KEY").revealBytes()).update(user).digest("hex");
  return show(`${user} ${mark}`);
}
