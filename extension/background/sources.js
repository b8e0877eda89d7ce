/**
 * The table of named sources: what the host may ask of this browser, and how each one signs in.
 *
 * The host names a source, never a URL, a method or a header. Every request is a GET without redirects to an address that is
 * spelled out here. Cookies, the chatgpt access token and the z.ai JWT are used in here (or inside a page of the site itself) and
 * never leave in an answer. What an answer means is the host's business.
 */

import { BOT_CHECK_MARKS, exchange, isBotCheck } from "./exchange.js";

/** @typedef {import("./exchange.js").Answer} Answer */
/** @typedef {import("./exchange.js").Request} Request */

/**
 * @typedef {object} Source
 * @property {"cookies" | "chatgpt" | "zai"} signIn
 * @property {Record<string, "required" | "optional">} params every one is a UUID
 * @property {(params: Record<string, string>) => string} url
 * @property {string} accept
 * @property {string[]} tabs pages in which a request may be repeated after a bot check
 */

export const DEADLINE_MS = 15_000;
export const MAX_BODY_BYTES = 900_000;

const JSON_TYPE = "application/json";
const KEPT_HEADERS = ["retry-after", "content-type", "date", "cf-mitigated"];
const CHATGPT_SESSION = "https://chatgpt.com/api/auth/session";
/** A token whose end cannot be read is kept this long. */
const UNREADABLE_TOKEN_MS = 5 * 60_000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @type {Readonly<Record<string, Source>>} */
export const SOURCES = Object.freeze({
  "claude.organizations": {
    signIn: "cookies",
    params: {},
    url: () => "https://claude.ai/api/organizations",
    accept: JSON_TYPE,
    tabs: ["https://claude.ai/*"],
  },
  "claude.usage": {
    signIn: "cookies",
    params: { org: "required" },
    url: ({ org }) => `https://claude.ai/api/organizations/${org}/usage`,
    accept: JSON_TYPE,
    tabs: ["https://claude.ai/*"],
  },
  "claude.prepaid_credits": {
    signIn: "cookies",
    params: { org: "required" },
    url: ({ org }) => `https://claude.ai/api/organizations/${org}/prepaid/credits`,
    accept: JSON_TYPE,
    tabs: ["https://claude.ai/*"],
  },
  "codex.usage": {
    signIn: "chatgpt",
    params: { account: "optional" },
    url: () => "https://chatgpt.com/backend-api/wham/usage",
    accept: JSON_TYPE,
    tabs: ["https://chatgpt.com/*"],
  },
  "zai.quota": {
    signIn: "zai",
    params: {},
    url: () => "https://api.z.ai/api/monitor/usage/quota/limit",
    accept: JSON_TYPE,
    tabs: ["https://z.ai/*", "https://chat.z.ai/*", "https://api.z.ai/*"],
  },
  "ollama.settings": {
    signIn: "cookies",
    params: {},
    url: () => "https://ollama.com/settings",
    accept: "text/html",
    tabs: ["https://ollama.com/*"],
  },
});

/**
 * Until when an access token may be kept, in milliseconds since 1970.
 * @param {string} token
 * @param {number} now
 */
export function tokenEnd(token, now) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    if (Number.isFinite(claims.exp)) return claims.exp * 1000;
  } catch {
    // Not a JWT that we can read; the short life below is the answer.
  }
  return now + UNREADABLE_TOKEN_MS;
}

/**
 * The source and its parameters, if both are exactly as the table wants them.
 * @param {unknown} name
 * @param {unknown} params
 * @returns {{source: Source, params: Record<string, string>} | null}
 */
export function resolve(name, params) {
  if (typeof name !== "string" || !Object.hasOwn(SOURCES, name)) return null;
  const source = SOURCES[name];
  const given = params ?? {};
  if (typeof given !== "object" || Array.isArray(given)) return null;
  /** @type {Record<string, string>} */
  const checked = {};
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(source.params, key) || typeof value !== "string" || !UUID.test(value)) return null;
    checked[key] = value;
  }
  const complete = Object.entries(source.params).every(([key, need]) => need === "optional" || key in checked);
  return complete ? { source, params: checked } : null;
}

/**
 * Whoever is asked may repeat the token that the request carries.
 * @param {Request} request
 * @param {Answer} answer
 * @returns {Answer}
 */
function withoutToken(request, answer) {
  const token = request.headers.Authorization?.slice("Bearer ".length);
  return token && "body" in answer ? { ...answer, body: answer.body.replaceAll(token, "") } : answer;
}

/**
 * A frozen tab may keep a script waiting for ever, and a tab may close or show an error page.
 * @param {number} ms
 * @param {Promise<Answer>} promise
 * @param {Answer} otherwise
 */
async function within(ms, promise, otherwise) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<Answer>} */
  const late = new Promise((settle) => {
    timer = setTimeout(() => settle(otherwise), ms);
  });
  try {
    return await Promise.race([promise.catch(() => otherwise), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What the sources need of the outside world.
 * @typedef {object} World
 * @property {typeof fetch} fetch
 * @property {() => number} now
 * @property {() => Promise<string | null>} zaiToken
 * @property {(patterns: string[]) => Promise<number | null>} findTab an open, loaded tab of a site
 * @property {(tab: number, request: Request) => Promise<Answer>} inTab runs `exchange` inside that tab
 */

/** Asks named sources. Holds the chatgpt access token in memory, and nothing else. */
export class Sources {
  /** @type {{value: string, account: string | undefined, until: number} | null} */
  #token = null;
  #world;

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
  }

  /** Somebody may have signed in or out, or changed the workspace: the next answer must be of whoever is there now. */
  forgetToken() {
    this.#token = null;
  }

  /**
   * @param {unknown} name
   * @param {unknown} params
   * @returns {Promise<Answer>}
   */
  async ask(name, params) {
    const asked = resolve(name, params);
    if (!asked) return { failed: "unknown_source" };
    const end = this.#world.now() + DEADLINE_MS;
    const answer = await this.#signedIn(asked.source, asked.params, end);
    return isBotCheck(answer) ? this.#again(asked.source, asked.params, end, answer) : answer;
  }

  /**
   * @param {Source} source
   * @param {Record<string, string>} params
   * @param {number} end
   * @returns {Promise<Answer>}
   */
  async #signedIn(source, params, end) {
    if (source.signIn === "chatgpt") return this.#withAccessToken(source, params, end);
    const request = await this.#request(source, params, end);
    return request ? this.#exchange(request) : { failed: "no_token" };
  }

  /**
   * @param {Source} source
   * @param {Record<string, string>} params
   * @param {number} end
   * @returns {Promise<Request | null>} null: there is no token to sign in with
   */
  async #request(source, params, end) {
    /** @type {Request} */
    const request = {
      url: source.url(params),
      headers: { Accept: source.accept },
      credentials: "include",
      keep: KEPT_HEADERS,
      marks: BOT_CHECK_MARKS,
      maxBytes: MAX_BODY_BYTES,
      ms: Math.max(0, end - this.#world.now()),
    };
    if (source.signIn !== "zai") return request;
    const token = await this.#world.zaiToken();
    if (!token) return null;
    // The language keeps z.ai's messages English, which is how the host tells "no plan" from a fault.
    const headers = { ...request.headers, "Accept-Language": "en-US,en", Authorization: `Bearer ${token}` };
    return { ...request, headers, credentials: "omit" };
  }

  /**
   * @param {Source} source
   * @param {Record<string, string>} params
   * @param {number} end
   * @returns {Promise<Answer>}
   */
  async #withAccessToken(source, params, end) {
    const answer = await this.#askChatgpt(source, params, end);
    if (!this.#token || !("status" in answer) || answer.status !== 401) return answer;
    // A token may be revoked before its time, and chatgpt.com now and then refuses a good one: one new token, one more try.
    this.#token = null;
    return this.#askChatgpt(source, params, end);
  }

  /**
   * @param {Source} source
   * @param {Record<string, string>} params
   * @param {number} end
   * @returns {Promise<Answer>}
   */
  async #askChatgpt(source, params, end) {
    const request = await this.#request(source, params, end);
    if (!request) return { failed: "no_token" };
    if (!this.#token || this.#token.until <= this.#world.now()) {
      const refused = await this.#fetchToken(request);
      if (refused) return refused;
      request.ms = Math.max(0, end - this.#world.now());
    }
    if (!this.#token) return { failed: "no_token" };
    const account = params.account ?? this.#token.account;
    request.headers.Authorization = `Bearer ${this.#token.value}`;
    if (account) request.headers["ChatGPT-Account-Id"] = account;
    return this.#exchange(request);
  }

  /**
   * @param {Request} like
   * @returns {Promise<Answer | null>} why there is no token, or null: it is there
   */
  async #fetchToken(like) {
    const session = await exchange({ ...like, url: CHATGPT_SESSION }, this.#world.fetch);
    if ("failed" in session) return session;
    if (session.status < 200 || session.status > 299) {
      return { ...session, body: like.marks.filter((mark) => session.body.includes(mark)).join(" ") };
    }
    /** @type {any} */
    let parsed = null;
    try {
      parsed = JSON.parse(session.body);
    } catch {
      return { failed: "no_token" };
    }
    if (parsed === null || typeof parsed !== "object") return { failed: "no_token" };
    const { accessToken, account } = parsed;
    if (typeof accessToken !== "string" || accessToken === "") return { failed: "signed_out" };
    const until = tokenEnd(accessToken, this.#world.now());
    this.#token = { value: accessToken, account: typeof account?.id === "string" ? account.id : undefined, until };
    return null;
  }

  /**
   * @param {Request} request
   * @returns {Promise<Answer>}
   */
  async #exchange(request) {
    return withoutToken(request, await exchange(request, this.#world.fetch));
  }

  /**
   * A worker's request never carries partitioned cookies such as `cf_clearance`; a page of the site does. Once, and only if the
   * person has the site open: otherwise, or if that fails too, the bot check itself is the answer.
   * @param {Source} source
   * @param {Record<string, string>} params
   * @param {number} end
   * @param {Answer} answer
   * @returns {Promise<Answer>}
   */
  async #again(source, params, end, answer) {
    const tab = await this.#world.findTab(source.tabs);
    const request = tab === null ? null : await this.#request(source, params, end);
    if (tab === null || !request) return answer;
    request.credentials = "include";
    if (source.signIn === "chatgpt") Object.assign(request, { session: CHATGPT_SESSION, account: params.account });
    const repeated = await within(request.ms, this.#world.inTab(tab, request), { failed: "timeout" });
    const lost = "failed" in repeated && (repeated.failed === "network" || repeated.failed === "timeout");
    return lost ? answer : withoutToken(request, repeated);
  }
}
