import "./env.js";
