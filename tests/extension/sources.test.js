import assert from "node:assert/strict";
import { test } from "node:test";
import { BOT_CHECK_MARKS, exchange, isBotCheck } from "../../extension/background/exchange.js";
import { MAX_BODY_BYTES, resolve, SOURCES, Sources, tokenEnd } from "../../extension/background/sources.js";
import { jwt, NOW, ORG, redirect, response, scripted } from "./stand_ins.js";

const SESSION = "https://chatgpt.com/api/auth/session";
const USAGE = "https://chatgpt.com/backend-api/wham/usage";
const QUOTA = "https://api.z.ai/api/monitor/usage/quota/limit";
const TOKEN = jwt({ exp: NOW / 1000 + 86400 });
const signedIn = (token = TOKEN) => response(200, JSON.stringify({ accessToken: token, account: { id: ORG } }));
const challenge = () =>
  response(403, "<title>Just a moment...</title>", { "content-type": "text/html", "cf-mitigated": "challenge" });

function sourcesWith(script, world = {}) {
  const { fetch, calls } = scripted(script);
  const rest = {
    now: () => NOW,
    zaiToken: async () => TOKEN,
    findTab: async () => null,
    inTab: async () => ({ failed: "network" }),
  };
  return { sources: new Sources({ fetch, ...rest, ...world }), calls };
}

test("every source is a GET of a page of its own provider, without redirects", async () => {
  const home = { claude: "claude.ai", codex: "chatgpt.com", zai: "api.z.ai", ollama: "ollama.com" };
  for (const [name, source] of Object.entries(SOURCES)) {
    const url = new URL(source.url({ org: ORG }));
    assert.equal(url.protocol, "https:");
    assert.equal(url.host, home[name.split(".")[0]]);
    const { sources, calls } = sourcesWith({ [url.href]: () => response(200, "{}"), [SESSION]: () => signedIn() });
    await sources.ask(name, "org" in source.params ? { org: ORG } : {});
    for (const call of calls) assert.deepEqual([call.method, call.redirect, call.cache], ["GET", "manual", "no-store"]);
  }
});

const REFUSED = [
  ["a name that is not in the table", "claude.conversations", {}],
  ["a name of every object", "constructor", {}],
  ["a URL", "https://claude.ai/api/organizations", {}],
  ["no name", undefined, {}],
  ["a missing parameter", "claude.usage", {}],
  ["a parameter that climbs out of the path", "claude.usage", { org: "../../account" }],
  ["a UUID with something behind it", "claude.usage", { org: `${ORG}/..` }],
  ["a UUID with a line end", "claude.usage", { org: `${ORG}\n` }],
  ["a parameter that is no text", "claude.usage", { org: [ORG] }],
  ["a parameter too many", "claude.usage", { org: ORG, url: "https://x.test" }],
  ["a parameter of another source", "ollama.settings", { org: ORG }],
  ["parameters that are a list", "ollama.settings", [ORG]],
  ["parameters that are text", "ollama.settings", "org"],
];
for (const [what, name, params] of REFUSED) {
  test(`${what} is an unknown source and asks nobody`, async () => {
    const { sources, calls } = sourcesWith({});
    assert.equal(resolve(name, params), null);
    assert.deepEqual(await sources.ask(name, params), { failed: "unknown_source" });
    assert.equal(calls.length, 0);
  });
}

test("the host sees four headers and no others", async () => {
  const headers = {
    "content-type": "application/json",
    "retry-after": "9",
    "x-account": "c@example.test",
    "cf-mitigated": "no",
    "x-token": "t",
    "set-cookie": "session=s",
  };
  const { sources } = sourcesWith({ "https://claude.ai/api/organizations": () => response(200, "[]", headers) });
  const answer = await sources.ask("claude.organizations", {});
  assert.deepEqual(Object.keys(answer.headers).sort(), ["cf-mitigated", "content-type", "retry-after"]);
});

test("a redirect is told as a redirect, without its target", async () => {
  const { sources } = sourcesWith({ "https://ollama.com/settings": redirect });
  assert.deepEqual(await sources.ask("ollama.settings", {}), { status: 0, headers: {}, body: "", redirected: true });
});

test("a cut connection is a network failure", async () => {
  const { sources } = sourcesWith({});
  assert.deepEqual(await sources.ask("ollama.settings", {}), { failed: "network" });
});

test("a body at the cap passes, one byte more is too large", async () => {
  const body = (size) =>
    sourcesWith({ "https://ollama.com/settings": () => response(200, "a".repeat(size)) }).sources.ask("ollama.settings", {});
  assert.equal((await body(MAX_BODY_BYTES)).body.length, MAX_BODY_BYTES);
  assert.deepEqual(await body(MAX_BODY_BYTES + 1), { failed: "too_large" });
});

test("the cap counts bytes, not letters", async () => {
  const { sources } = sourcesWith({ "https://ollama.com/settings": () => response(200, "週".repeat(MAX_BODY_BYTES / 2)) });
  assert.deepEqual(await sources.ask("ollama.settings", {}), { failed: "too_large" });
});

test("the deadline covers the body too", async () => {
  const slow = (_url, { signal }) => {
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new Uint8Array(1));
        signal.addEventListener("abort", () => controller.error(new DOMException("late", "AbortError")));
      },
    });
    return new Response(body);
  };
  const request = { url: "https://ollama.com/settings", headers: {}, credentials: "include", keep: [], maxBytes: 10, ms: 20 };
  assert.deepEqual(await exchange(request, slow), { failed: "timeout" });
});

test("chatgpt's usage is asked with the token and workspace of the session", async () => {
  const { sources, calls } = sourcesWith({ [SESSION]: () => signedIn(), [USAGE]: () => response(200, "{}") });
  await sources.ask("codex.usage", {});
  assert.equal(calls[1].headers.Authorization, `Bearer ${TOKEN}`);
  assert.equal(calls[1].headers["ChatGPT-Account-Id"], ORG);
});

test("a workspace that the host names wins over the session's", async () => {
  const other = ORG.replace("0a1b", "ffff");
  const { sources, calls } = sourcesWith({ [SESSION]: () => signedIn(), [USAGE]: () => response(200, "{}") });
  await sources.ask("codex.usage", { account: other });
  assert.equal(calls[1].headers["ChatGPT-Account-Id"], other);
});

test("the access token is fetched once while it is good", async () => {
  const { sources, calls } = sourcesWith({ [SESSION]: () => signedIn(), [USAGE]: () => response(200, "{}") });
  await sources.ask("codex.usage", {});
  await sources.ask("codex.usage", {});
  assert.equal(calls.filter(({ url }) => url === SESSION).length, 1);
});

test("a visit to chatgpt.com makes the next answer one of whoever is signed in now", async () => {
  const { sources, calls } = sourcesWith({ [SESSION]: () => signedIn(), [USAGE]: () => response(200, "{}") });
  await sources.ask("codex.usage", {});
  sources.forgetToken();
  await sources.ask("codex.usage", {});
  assert.equal(calls.filter(({ url }) => url === SESSION).length, 2);
});

test("a refused token is replaced once, and only once", async () => {
  const refused = () => response(401, "{}");
  const { sources, calls } = sourcesWith({ [SESSION]: () => signedIn(), [USAGE]: refused });
  assert.equal((await sources.ask("codex.usage", {})).status, 401);
  assert.deepEqual(
    calls.map(({ url }) => url),
    [SESSION, USAGE, SESSION, USAGE],
  );
});

const inPage = (more) => ({
  ...{ url: USAGE, headers: {}, credentials: "include", session: SESSION, keep: ["date", "content-type", "retry-after"] },
  ...{ marks: BOT_CHECK_MARKS, maxBytes: 1e6, ms: 1000, ...more },
});

const SESSIONS = [
  ["without a token is signed out", () => response(200, '{"WARNING_BANNER": "x"}'), { failed: "signed_out" }],
  ["with an empty token is signed out", () => response(200, '{"accessToken": ""}'), { failed: "signed_out" }],
  ["that is no JSON gives no token", () => response(200, "<html>"), { failed: "no_token" }],
  ["that is a list gives no token", () => response(200, "7"), { failed: "no_token" }],
];
for (const [what, session, expected] of SESSIONS) {
  test(`a chatgpt session ${what}`, async () => {
    assert.deepEqual(await sourcesWith({ [SESSION]: session }).sources.ask("codex.usage", {}), expected);
  });
  test(`the same inside a page: a chatgpt session ${what}`, async () => {
    assert.deepEqual(await exchange(inPage({}), scripted({ [SESSION]: session }).fetch), expected);
  });
}

const REFUSED_SESSIONS = [
  ["that fails", 500, "application/json", JSON.stringify({ accessToken: TOKEN, user: { email: "c@example.test" } }), ""],
  ["behind a page", 503, "text/html", `<p>${TOKEN}</p>`, ""],
  ["behind a bot check", 503, "text/html", `<title>Just a moment...</title>${TOKEN}`, "Just a moment"],
];
for (const [what, status, type, body, left] of REFUSED_SESSIONS) {
  const session = () => response(status, body, { "content-type": type, "retry-after": "9" });
  const told = { status, headers: { "content-type": type, "retry-after": "9" }, body: left, redirected: false };
  test(`a session ${what} is told with its own status and headers, and nothing of what it says`, async () => {
    assert.deepEqual(await sourcesWith({ [SESSION]: session }).sources.ask("codex.usage", {}), told);
  });
  test(`the same inside a page: a session ${what}`, async () => {
    assert.deepEqual(await exchange(inPage({}), scripted({ [SESSION]: session }).fetch), told);
  });
}

test("a token's end is its own, or five minutes where it cannot be read", () => {
  assert.equal(tokenEnd(TOKEN, NOW), NOW + 86_400_000);
  for (const token of ["opaque", "a.b.c", jwt({ exp: "soon" }), jwt({})]) assert.equal(tokenEnd(token, NOW), NOW + 300_000);
});

test("z.ai is asked with the captured token and without cookies", async () => {
  const { sources, calls } = sourcesWith({ [QUOTA]: () => response(200, "{}") });
  await sources.ask("zai.quota", {});
  assert.deepEqual([calls[0].headers.Authorization, calls[0].credentials], [`Bearer ${TOKEN}`, "omit"]);
});

test("without a captured token z.ai is not asked", async () => {
  const { sources, calls } = sourcesWith({}, { zaiToken: async () => null });
  assert.deepEqual(await sources.ask("zai.quota", {}), { failed: "no_token" });
  assert.equal(calls.length, 0);
});

const ECHOES = [
  ["codex.usage", USAGE],
  ["zai.quota", QUOTA],
];
for (const [name, url] of ECHOES) {
  test(`a provider that echoes the token does not bring it into an answer: ${name}`, async () => {
    const echo = ({ headers }) => response(400, `refused: ${headers.Authorization}`);
    const { sources } = sourcesWith({ [SESSION]: () => signedIn(), [url]: echo });
    assert.equal(JSON.stringify(await sources.ask(name, {})).includes(TOKEN), false);
  });
}

test("a provider that echoes the token after a bot check does not bring it into an answer either", async () => {
  const echo = scripted({ [QUOTA]: ({ headers }) => response(200, `for ${headers.Authorization}`) }).fetch;
  const world = { findTab: async () => 7, inTab: (_tab, request) => exchange(request, echo) };
  const answer = await sourcesWith({ [QUOTA]: challenge }, world).sources.ask("zai.quota", {});
  assert.equal(answer.body, "for Bearer ");
});

const CHECKS = [
  [true, { status: 403, headers: { "cf-mitigated": "challenge" }, body: "" }],
  [true, { status: 503, headers: { "content-type": "text/html; charset=UTF-8" }, body: "<title>Just a moment...</title>" }],
  [true, { status: 403, headers: { "content-type": "text/html" }, body: '<script src="/cdn-cgi/challenge-platform/x">' }],
  [false, { status: 403, headers: { "content-type": "application/json" }, body: '"Just a moment"' }],
  [false, { status: 200, headers: { "content-type": "text/html" }, body: "Just a moment" }],
  [false, { status: 403, headers: { "content-type": "text/html" }, body: "Forbidden" }],
  [false, { failed: "network" }],
];
for (const [expected, answer] of CHECKS) {
  test(`a bot check is recognised: ${JSON.stringify(answer)} ${expected}`, () => assert.equal(isBotCheck(answer), expected));
}

test("a bot check is tried once more inside an open tab of the site", async () => {
  const repeats = [];
  const good = { status: 200, headers: {}, body: "[]", redirected: false };
  const inTab = async (tab, request) => (repeats.push([tab, request.url, request.credentials]), good);
  const { sources } = sourcesWith({ "https://claude.ai/api/organizations": challenge }, { findTab: async () => 7, inTab });
  assert.deepEqual(await sources.ask("claude.organizations", {}), good);
  assert.deepEqual(repeats, [[7, "https://claude.ai/api/organizations", "include"]]);
});

test("the repeat inside chatgpt.com gets its token there and is given none", async () => {
  let given;
  const inTab = async (_tab, request) => ((given = request), { status: 200, headers: {}, body: "{}", redirected: false });
  const { sources } = sourcesWith({ [SESSION]: challenge }, { findTab: async () => 7, inTab });
  await sources.ask("codex.usage", {});
  assert.equal(given.session, SESSION);
  assert.equal("Authorization" in given.headers, false);
});

const LOST = [
  ["no tab is open", { findTab: async () => null }],
  [
    "the tab shows an error page",
    { findTab: async () => 7, inTab: async () => Promise.reject(new Error("Cannot access contents")) },
  ],
  ["the page may not reach the address", { findTab: async () => 7, inTab: async () => ({ failed: "network" }) }],
];
for (const [what, world] of LOST) {
  test(`the bot check itself is the answer when ${what}`, async () => {
    const { sources } = sourcesWith({ "https://claude.ai/api/organizations": challenge }, world);
    assert.equal((await sources.ask("claude.organizations", {})).headers["cf-mitigated"], "challenge");
  });
}

test("a second bot check is not tried a third time", async () => {
  let repeats = 0;
  const again = { status: 403, headers: { "cf-mitigated": "challenge" }, body: "", redirected: false };
  const { sources } = sourcesWith(
    { "https://claude.ai/api/organizations": challenge },
    { findTab: async () => 7, inTab: async () => (repeats++, again) },
  );
  assert.deepEqual(await sources.ask("claude.organizations", {}), again);
  assert.equal(repeats, 1);
});

test("what runs inside a page uses nothing of the module around it", async () => {
  const alone = new Function(`return ${exchange.toString()}`)();
  const { fetch } = scripted({ [SESSION]: () => signedIn(), [USAGE]: ({ headers }) => response(200, headers.Authorization) });
  assert.deepEqual(await alone(inPage({ keep: ["date"] }), fetch), { status: 200, headers: {}, body: "Bearer ", redirected: false });
});
