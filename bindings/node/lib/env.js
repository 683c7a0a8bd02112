"use strict";
// node --import agentsecrets-core/env app.js: the values are in process.env before the program begins. What is set there stays.

require("./load.js").loadSync().applyEnv();
