"use strict";
// Who is called with the changes of one environment: `secrets.on("change", ...)`.

const EventEmitter = require("node:events");
const check = require("./check.js");
const { follow } = require("./watch.js");

function known(event) {
  if (event !== "change" && event !== "error") throw check.invalid("an event is change or error");
}

/** The listeners of one Secrets; they share one watch, which lasts as long as there is a listener for changes. */
class Listeners {
  #source;
  #events = new EventEmitter();
  #watching;

  /** `source` says how to load again and where newer values go. */
  constructor(source) {
    this.#source = source;
  }

  /** `how` is "on" or "once". */
  add(how, event, listener) {
    known(event);
    check.fn(listener, "a listener");
    this.#events[how](event, listener);
    if (event === "change" && this.#watching === undefined) this.#begin();
  }

  #begin() {
    const events = this.#events;
    this.#watching = follow(this.#source, false, (error, change) => {
      if (error === undefined) events.emit("change", change);
      // Without a listener the watch ends and the values stay: a relay must not be able to end the process.
      else if (events.listenerCount("error") > 0) events.emit("error", error);
      if (error !== undefined) this.#watching = undefined;
      this.#rest();
    });
  }

  /** Takes one away; with the last one for changes the watch ends. */
  remove(event, listener) {
    known(event);
    this.#events.off(event, check.fn(listener, "a listener"));
    this.#rest();
  }

  #rest() {
    if (this.#watching === undefined || this.#events.listenerCount("change") > 0) return;
    this.#watching();
    this.#watching = undefined;
  }

  /** Takes all away. */
  close() {
    this.#events.removeAllListeners();
    this.#rest();
  }
}

module.exports = { Listeners };
