// What reaches the browser: it has the mark that the server made, and nothing that it was made of.
import { show } from "./show.js";

document.querySelector("#page").dataset.ready = show(document.querySelector("#page").textContent);
