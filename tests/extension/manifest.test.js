import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SOURCES } from "../../extension/background/sources.js";
import { ORG } from "./stand_ins.js";

const ROOT = fileURLToPath(new URL("../../extension", import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8"));
const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" });
const text = (name) => readFileSync(join(ROOT, name), "utf8");
/** @param {string} name the program without its comments, which may speak of anything */
const program = (name) => text(name).replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
const code = files.filter((name) => name.endsWith(".js"));

/** Reviewed. A permission more needs a reason here and a word in the changelog. */
const REASONS = {
  nativeMessaging: "the port to the host: without it there is no gauge",
  storage: "the z.ai token, the last snapshot, the profile's random name, the count of failures",
  alarms: "re-opening a lost host, ageing the badge, the reminder",
  scripting: "repeating a request inside a page after a bot check",
};
const OPTIONAL = { notifications: "the reminder that a window is back; asked for on that click" };
const HOSTS = {
  "https://claude.ai/*": "usage of Claude",
  "https://chatgpt.com/*": "session and usage of Codex",
  "https://z.ai/*": "the content script that sees the token; the repeat after a bot check",
  "https://chat.z.ai/*": "the same, for people who sign in there",
  "https://api.z.ai/*": "usage of Z.ai",
  "https://ollama.com/*": "settings page of Ollama",
};

test("the permissions are the reviewed ones", () => {
  assert.deepEqual([...manifest.permissions].sort(), Object.keys(REASONS).sort());
  assert.deepEqual(manifest.optional_permissions, Object.keys(OPTIONAL));
  assert.deepEqual([...manifest.host_permissions].sort(), Object.keys(HOSTS).sort());
  assert.equal("optional_host_permissions" in manifest, false);
});

test("nobody outside may connect, and nothing of ours may be embedded", () => {
  assert.deepEqual(manifest.externally_connectable, { ids: [] });
  assert.equal("web_accessible_resources" in manifest, false);
  for (const name of code) assert.doesNotMatch(text(name), /onMessageExternal|onConnectExternal/, name);
});

test("the content script runs on the z.ai sites and nowhere else", () => {
  assert.deepEqual(
    manifest.content_scripts.map(({ matches, js }) => [matches, js]),
    [[["https://z.ai/*", "https://chat.z.ai/*"], ["content/zai_token.js"]]],
  );
});

const policy = new Map(
  manifest.content_security_policy.extension_pages.split(";").map((rule) => rule.trim().split(/ (.*)/).slice(0, 2)),
);
const RULES = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
};
for (const [kind, rule] of Object.entries(RULES))
  test(`pages of ours have ${kind} ${rule}`, () => assert.equal(policy.get(kind), rule));
test("no other rule of our pages loosens these", () =>
  assert.deepEqual([...policy.keys()].sort(), [...Object.keys(RULES), "connect-src"].sort()));
test("private windows have no aimo", () => assert.equal(manifest.incognito, "not_allowed"));

test("pages of ours talk to the providers' sources only", () => {
  const asked = Object.values(SOURCES).map((source) => new URL(source.url({ org: ORG })).origin);
  assert.deepEqual(new Set(policy.get("connect-src").split(" ")), new Set(["'self'", ...asked]));
});

test("no markup from text, no code from text, no code from elsewhere", () => {
  for (const name of code)
    assert.doesNotMatch(
      program(name),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|importScripts|import\(/,
      name,
    );
  for (const name of files.filter((file) => file.endsWith(".html"))) {
    assert.doesNotMatch(text(name), /<script(?![^>]* src="\/)|<style|\son\w+=|\sstyle=|https?:/, name);
  }
});

test("only the worker opens the native port", () => {
  const callers = code.filter((name) => /connectNative|sendNativeMessage/.test(program(name)));
  assert.deepEqual(callers, [join("background", "main.js")]);
});

test("nothing is written to a console", () => {
  for (const name of code) assert.doesNotMatch(text(name), /console\./, name);
});

test("what the dashboard shares with the popup needs no browser extension", () => {
  const shared = code.filter((name) => name.startsWith("view") || name.startsWith("dashboard"));
  for (const name of shared) assert.doesNotMatch(program(name), /\bchrome\./, name);
  for (const name of shared) assert.doesNotMatch(text(name), /from "(\.\.\/|\/)(background|faces|popup|options)/, name);
});

test("every import and every named file is there", () => {
  const named = [
    ...Object.values(manifest.icons),
    ...Object.values(manifest.action.default_icon),
    manifest.background.service_worker,
  ];
  named.push(manifest.action.default_popup, manifest.options_ui.page, ...manifest.content_scripts.flatMap(({ js }) => js));
  for (const name of files.filter((file) => file.endsWith(".html")))
    named.push(...[...text(name).matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path));
  for (const name of code) named.push(...[...text(name).matchAll(/from "(\.[^"]+)"/g)].map(([, path]) => join(name, "..", path)));
  for (const name of named) assert.ok(existsSync(join(ROOT, name)), name);
});
