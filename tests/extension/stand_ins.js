/**
 * Stand-ins that the tests share: an answer, a fetch that plays a script, a storage area, a clock, a document without a browser.
 */

import { readFileSync } from "node:fs";
import { Words } from "../../extension/view/words.js";

export const OWN = "a".repeat(32);
export const ORG = "0a1b2c3d-0000-4000-8000-000000000001";
export const NOW = Date.parse("2026-11-22T10:00:00Z");
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** @param {string} language */
export function wordsOf(language) {
  const file = new URL(`../../extension/_locales/${language}/messages.json`, import.meta.url);
  return new Words(language, JSON.parse(readFileSync(file, "utf8")));
}

/** @param {object} claims */
export const jwt = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;

/** @param {number} status @param {string} body @param {Record<string, string>} headers */
export const response = (status, body = "", headers = {}) => new Response(body, { status, headers });

/** What a manual redirect looks like to a page: no status, no target. */
export const redirect = () => ({ type: "opaqueredirect", status: 0, headers: new Headers(), body: null });

/**
 * A fetch that answers by address and remembers what it was asked.
 * @param {Record<string, ((init: RequestInit) => any) | (() => any)[]>} script
 */
export function scripted(script) {
  const calls = [];
  const fetch = async (url, init) => {
    calls.push({ url, ...init });
    const row = script[url];
    if (!row) throw new TypeError("Failed to fetch");
    return Array.isArray(row) ? row.shift()(init) : row(init);
  };
  return { fetch, calls };
}

/** A storage area in memory. @param {Record<string, unknown>} kept */
export function storage(kept = {}) {
  return {
    kept,
    get: async (key) => (key in kept ? { [key]: structuredClone(kept[key]) } : {}),
    set: async (items) => void Object.assign(kept, structuredClone(items)),
    remove: async (key) => void delete kept[key],
  };
}

/** Time that passes when the test says so. */
export class Clock {
  now = NOW;
  timers = new Map();
  #next = 1;
  setTimeout = (run, ms) => {
    this.timers.set(this.#next, { run, at: this.now + ms });
    return this.#next++;
  };
  clearTimeout = (timer) => void this.timers.delete(timer);
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
      await settled();
    }
    this.now = end;
  }
}

/** All promises that can go on have gone on. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Somebody to listen to. */
export function event() {
  const listeners = [];
  return {
    addListener: (listener) => listeners.push(listener),
    fire: (...args) => listeners.forEach((listener) => listener(...args)),
  };
}

/** One end of a port. */
export function port() {
  const posted = [];
  const self = { posted, open: true, onMessage: event(), onDisconnect: event() };
  return Object.assign(self, {
    postMessage: (message) => {
      if (!self.open) throw new Error("Attempting to use a disconnected port object");
      posted.push(message);
    },
    disconnect: () => void (self.open = false),
    lose: () => {
      self.open = false;
      self.onDisconnect.fire();
    },
  });
}

/** @param {number} at */
export const iso = (at) => new Date(at).toISOString();

/** @param {object} fields */
export function windowOf(fields) {
  const plain = {
    label: "weekly (all)",
    used_pct: 50,
    resets_at: iso(NOW + 3 * DAY),
    kind: "weekly",
    scope: null,
    window_seconds: 604800,
  };
  return { ...plain, state: "active", binding: true, pace: null, ...fields };
}

/** @param {object} fields */
export function entryOf(fields) {
  const plain = {
    provider: "claude",
    ok: true,
    plan_label: "Pro",
    account: "c3f9a1",
    account_name: null,
    headroom_pct: 50,
    tightest: "weekly (all)",
  };
  const times = { observed_at: iso(NOW - 4_000), attempted_at: iso(NOW - 4_000) };
  return {
    ...plain,
    ...times,
    windows: [windowOf({})],
    balances: [],
    blocked: null,
    stale: false,
    error: null,
    problem: null,
    ...fields,
  };
}

/** @param {string} code @param {object} fields */
export function problemOf(code, fields = {}) {
  return { code, params: {}, action: null, url: null, retry_at: null, ...fields };
}
