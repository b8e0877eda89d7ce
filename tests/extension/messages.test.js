import assert from "node:assert/strict";
import { test } from "node:test";
import { accept, faceOf, tierOf } from "../../extension/background/messages.js";
import { jwt, ORG, OWN } from "./stand_ins.js";

const ORIGIN = `chrome-extension://${OWN}`;
const TAB = { id: 1 };
const POPUP = { id: OWN, origin: ORIGIN, url: `${ORIGIN}/popup/popup.html` };
const OPTIONS = { id: OWN, origin: ORIGIN, url: `${ORIGIN}/options/options.html#zai`, tab: TAB, frameId: 0 };
const ZAI = { id: OWN, origin: "https://z.ai", url: "https://z.ai/manage-apikey", tab: TAB, frameId: 0 };
const CHAT = { id: OWN, origin: "https://chat.z.ai", url: "https://chat.z.ai/", tab: TAB, frameId: 0 };

const SENDERS = [
  ["the popup", POPUP, "face"],
  ["the options page in a tab", OPTIONS, "face"],
  ["z.ai", ZAI, "zai_page"],
  ["chat.z.ai", CHAT, "zai_page"],
  ["another extension", { ...POPUP, id: "b".repeat(32) }, null],
  ["another extension on z.ai", { ...ZAI, id: "b".repeat(32) }, null],
  ["a web page that calls itself popup", { ...POPUP, origin: "https://x.test" }, null],
  ["a page of ours that is no face", { ...POPUP, url: `${ORIGIN}/dashboard/index.html` }, null],
  ["a popup inside a frame", { ...OPTIONS, frameId: 3 }, null],
  ["a frame of z.ai", { ...ZAI, frameId: 4 }, null],
  ["z.ai without a tab", { ...ZAI, tab: undefined }, null],
  ["z.ai over http", { ...ZAI, origin: "http://z.ai", url: "http://z.ai/" }, null],
  ["z.ai on another port", { ...ZAI, origin: "https://z.ai:8443", url: "https://z.ai:8443/" }, null],
  ["a site that ends in z.ai", { ...ZAI, origin: "https://evilz.ai", url: "https://evilz.ai/" }, null],
  ["a subdomain of z.ai", { ...ZAI, origin: "https://blog.z.ai", url: "https://blog.z.ai/" }, null],
  ["an origin and a URL that differ", { ...ZAI, url: "https://z.ai.evil.test/" }, null],
  ["claude.ai", { ...ZAI, origin: "https://claude.ai", url: "https://claude.ai/" }, null],
  ["a sandboxed page", { ...ZAI, origin: "null" }, null],
  ["nobody", {}, null],
];
for (const [who, sender, tier] of SENDERS) {
  test(`${who} is of tier ${tier}`, () => assert.equal(tierOf(sender, OWN), tier));
}

test("a face is told by its page", () =>
  assert.deepEqual(
    [POPUP, OPTIONS, ZAI].map((sender) => faceOf(sender, OWN)),
    ["popup", "options", null],
  ));

const TOKEN = jwt({});
const MESSAGES = [
  ["zai_page", { type: "zai_token", token: TOKEN }],
  ["zai_page", { type: "zai_token", token: null }],
  ["face", { type: "recheck" }],
  ["face", { type: "refresh" }],
  ["face", { type: "refresh", providers: ["zai", "ollama"] }],
  ["face", { type: "serve" }],
  ["face", { type: "serve", stop: true }],
  ["face", { type: "settings", changed: { wake: ["ollama"] } }],
  [
    "face",
    {
      type: "settings",
      changed: { providers: { claude: "off" }, names: { c3f9a1: "仕事", d4: null }, badge: false, language: "ja" },
    },
  ],
  ["face", { type: "settings", changed: { order: ["zai", "claude", "ollama", "codex"], claude_organization: ORG } }],
  ["face", { type: "settings", changed: { claude_organization: null } }],
  ["face", { type: "secret", name: "ZAI_API_KEY", value: "abc.def" }],
];
for (const [owner, message] of MESSAGES) {
  for (const tier of ["face", "zai_page", null]) {
    const may = tier === owner;
    test(`${tier} ${may ? "may" : "may not"} send ${JSON.stringify(message)}`, () => {
      assert.deepEqual(accept(tier, message), may ? message : null);
    });
  }
  test(`a field too many is refused: ${JSON.stringify(message)}`, () =>
    assert.equal(accept(owner, { ...message, url: "https://x.test" }), null));
}

const MALFORMED = [
  ["zai_page", { type: "zai_token", token: "not a token" }],
  ["zai_page", { type: "zai_token", token: `${"a".repeat(8200)}.b.c` }],
  ["zai_page", { type: "zai_token", token: `"${TOKEN}"` }],
  ["zai_page", { type: "zai_token", token: { toString: () => TOKEN } }],
  ["zai_page", { type: "zai_token" }],
  ["face", { type: "ask", source: "claude.usage" }],
  ["face", { type: "answer", id: 1 }],
  ["face", { type: "hello" }],
  ["face", { type: "constructor" }],
  ["face", { type: "toString" }],
  ["face", { type: 7 }],
  ["face", { type: "refresh", providers: [] }],
  ["face", { type: "refresh", providers: ["bing"] }],
  ["face", { type: "refresh", providers: ["zai", "zai"] }],
  ["face", { type: "refresh", providers: "zai" }],
  ["face", { type: "settings" }],
  ["face", { type: "settings", changed: {} }],
  ["face", { type: "settings", changed: { salt: "x" } }],
  ["face", { type: "settings", changed: { constructor: 1 } }],
  ["face", { type: "settings", changed: { providers: { claude: "sometimes" } } }],
  ["face", { type: "settings", changed: { providers: { bing: "on" } } }],
  ["face", { type: "settings", changed: { order: ["zai"] } }],
  ["face", { type: "settings", changed: { names: { c3: "" } } }],
  ["face", { type: "settings", changed: { names: { c3: "two\nlines" } } }],
  ["face", { type: "settings", changed: { names: { "../x": "work" } } }],
  ["face", { type: "settings", changed: { claude_organization: "mine" } }],
  ["face", { type: "settings", changed: { badge: "yes" } }],
  ["face", { type: "settings", changed: { language: "de" } }],
  ["face", { type: "secret", name: "PATH", value: "x" }],
  ["face", { type: "secret", name: "ZAI_API_KEY", value: " " }],
  ["face", { type: "secret", name: "ZAI_API_KEY", value: "a\nB=c" }],
  ["face", { type: "secret", name: "ZAI_API_KEY", value: "a".repeat(5000) }],
  ["face", null],
  ["face", "refresh"],
  ["face", ["refresh"]],
];
for (const [tier, message] of MALFORMED) {
  test(`malformed: ${tier} ${JSON.stringify(message)?.slice(0, 80)}`, () => assert.equal(accept(tier, message), null));
}

/** What promise 11 gives to whom, by the type alone. */
const PROMISED = { face: ["recheck", "refresh", "serve", "settings", "secret"], zai_page: ["zai_token"] };

test("whoever sends whatever, it is accepted exactly where it is promised", () => {
  const wrong = [];
  for (const [who, sender] of SENDERS)
    for (const [, message] of [...MESSAGES, ...MALFORMED]) {
      const accepted = accept(tierOf(sender, OWN), message);
      const page = new Map([
        [POPUP, "face"],
        [OPTIONS, "face"],
        [ZAI, "zai_page"],
        [CHAT, "zai_page"],
      ]).get(sender);
      const wellFormed = MESSAGES.some(([, one]) => one === message);
      const may = wellFormed && page !== undefined && PROMISED[page].includes(message.type);
      if ((accepted !== null) !== may) wrong.push([who, message]);
    }
  assert.deepEqual(wrong, []);
});
