/**
 * One request to a provider and its answer, in the worker or inside a page of the provider's own site.
 *
 * Knows no provider and keeps nothing. An access token that it fetches on the way stays in here.
 */

/** What the page of a bot check has, in whatever language it speaks. */
export const BOT_CHECK_MARKS = ["Just a moment", "/cdn-cgi/challenge-platform/"];

/** @typedef {{status: number, headers: Record<string, string>, body: string, redirected: boolean}} Reply */
/** @typedef {{failed: "signed_out" | "no_token" | "network" | "timeout" | "too_large" | "unknown_source"}} Failure */
/** @typedef {Reply | Failure} Answer */

/**
 * Everything that one conversation with a provider needs, as plain data (it may travel into a page).
 * @typedef {object} Request
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {RequestCredentials} credentials
 * @property {string} [session] page that gives the access token; asked first
 * @property {string} [account] workspace to ask for; without it, the one that the session names
 * @property {string[]} keep response headers that the host may see
 * @property {string[]} marks all that is kept of the body of a session that was refused: it may hold the token all the same
 * @property {number} maxBytes
 * @property {number} ms
 */

/**
 * One conversation with a provider. Self-contained, because the very same text also runs inside a page of the site after a bot
 * check: it may use nothing of this module. An access token that it obtains stays in here and is cut out of the answer.
 * @param {Request} request
 * @param {typeof fetch} [fetcher]
 * @returns {Promise<Answer>}
 */
export async function exchange(request, fetcher = (input, init) => fetch(input, init)) {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), request.ms);

  /** @param {Response} response @returns {Promise<string | null>} null: longer than allowed */
  const read = async (response) => {
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    let text = "";
    let size = 0;
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      size += part.value.byteLength;
      if (size > request.maxBytes) return null;
      text += decoder.decode(part.value, { stream: true });
    }
    return text + decoder.decode();
  };

  /** @param {string} url @param {Record<string, string>} headers @returns {Promise<Answer>} */
  const get = async (url, headers) => {
    const { credentials } = request;
    const response = await fetcher(url, {
      method: "GET",
      headers,
      credentials,
      redirect: "manual",
      cache: "no-store",
      signal: deadline.signal,
    });
    if (response.type === "opaqueredirect") return { status: 0, headers: {}, body: "", redirected: true };
    /** @type {Record<string, string>} */
    const kept = {};
    for (const name of request.keep) {
      const value = response.headers.get(name);
      if (value !== null) kept[name] = value;
    }
    const body = await read(response);
    return body === null ? { failed: "too_large" } : { status: response.status, headers: kept, body, redirected: false };
  };

  try {
    if (!request.session) return await get(request.url, request.headers);
    const session = await get(request.session, { Accept: "application/json" });
    if ("failed" in session) return session;
    if (session.status < 200 || session.status > 299) {
      return { ...session, body: request.marks.filter((mark) => session.body.includes(mark)).join(" ") };
    }
    /** @type {any} */
    let parsed = null;
    try {
      parsed = JSON.parse(session.body);
    } catch {
      return { failed: "no_token" };
    }
    const token = parsed?.accessToken;
    if (parsed === null || typeof parsed !== "object") return { failed: "no_token" };
    if (typeof token !== "string" || token === "") return { failed: "signed_out" };
    const account = request.account ?? parsed.account?.id;
    const headers = { ...request.headers, Authorization: `Bearer ${token}` };
    const answer = await get(request.url, typeof account === "string" ? { ...headers, "ChatGPT-Account-Id": account } : headers);
    return "body" in answer ? { ...answer, body: answer.body.replaceAll(token, "") } : answer;
  } catch {
    return { failed: deadline.signal.aborted ? "timeout" : "network" };
  } finally {
    clearTimeout(timer);
    deadline.abort();
  }
}

/**
 * Is this answer a page that wants to see a person, instead of the provider's own word?
 * @param {Answer} answer
 */
export function isBotCheck(answer) {
  if ("failed" in answer || (answer.status !== 403 && answer.status !== 503)) return false;
  if (answer.headers["cf-mitigated"] === "challenge") return true;
  const html = (answer.headers["content-type"] ?? "").includes("html");
  return html && BOT_CHECK_MARKS.some((mark) => answer.body.includes(mark));
}
