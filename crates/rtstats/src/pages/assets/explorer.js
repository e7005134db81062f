// Makes the explorer's forms work: requests by fetch, answers shown, curl lines that follow what is typed.
// Tokens are read from their fields when a request is made and go nowhere else: not into storage, addresses or curl lines.

/** More of an answer than this is cut off: a page is no place for megabytes. */
const SHOWN_CHARS_MAX = 200_000;

const field = (id) => document.getElementById(id);
const announced = field("announced");

/** What a shell takes for one word. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Path, query and headers as the form has them. */
function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("[data-place]")) {
    const { name, value } = input;
    if (input.dataset.place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value === "") continue;
    else if (input.dataset.place === "query") query.set(name, value);
    else headers[name] = value;
  }
  const body = form.querySelector("[data-type]");
  if (body) headers["Content-Type"] = body.dataset.type;
  const search = query.size > 0 ? `?${query}` : "";
  return { method: form.dataset.method.toUpperCase(), path: path + search, headers, body: body?.value };
}

function curl(form) {
  const { path, headers, body } = request(form);
  const tenant = field("tenant").value || "acme";
  const token = form.dataset.token === "data-token" ? "$DATA_TOKEN" : "$ACTION_TOKEN";
  // Within double quotes, since the shell is to put the token in.
  const user = tenant.replaceAll(/["\\$`]/g, "\\$&");
  const words = ["curl", "--cacert", "cert.pem", "-u", `"${user}:${token}"`, quoted(location.origin + path)];
  for (const [name, value] of Object.entries(headers)) {
    if (name !== "Content-Type") words.push("-H", quoted(`${name}: ${value}`));
  }
  if (body !== undefined) words.push("--data-binary", quoted(body));
  return words.join(" ");
}

/** HTTP Basic, in UTF-8. */
function authorization(user, password) {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** XML over several lines, by its elements. */
function prettyXml(text) {
  let depth = 0;
  const lines = text.replaceAll(/>\s*</g, ">\n<").split("\n").map((line) => {
    const closes = line.startsWith("</");
    const opens = /^<[^?!/][^>]*[^/]>$/.test(line) || /^<[^?!/]>$/.test(line);
    if (closes) depth -= 1;
    const shown = "  ".repeat(Math.max(depth, 0)) + line;
    if (opens) depth += 1;
    return shown;
  });
  return lines.join("\n");
}

function pretty(type, text) {
  if (text.length > SHOWN_CHARS_MAX) return text.slice(0, SHOWN_CHARS_MAX);
  try {
    if (type.includes("json") && !type.includes("ndjson")) return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
  return type.includes("xml") ? prettyXml(text) : text;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** An empty place for an answer. */
function cleared(form) {
  const place = form.querySelector(".answer");
  place.className = "answer";
  place.replaceChildren();
  place.hidden = false;
  return place;
}

/** Said where the answer would be, and aloud. */
function refuse(form, message) {
  const place = cleared(form);
  place.classList.add("bad");
  place.append(element("p", message));
  announced.textContent = message;
}

function showHead(place, answer, took) {
  place.classList.add(answer.ok || answer.status === 304 ? "good" : "bad");
  const line = element("p", `${answer.status} ${answer.statusText}`.trim(), { class: "status" });
  line.append(element("span", ` in ${took} ms`, { class: "took" }));
  const details = element("details", "");
  details.append(element("summary", "Headers"));
  const list = element("dl", "", { class: "headers" });
  for (const [name, value] of answer.headers) list.append(element("dt", name), element("dd", value));
  details.append(list);
  place.append(element("h4", "Answer"), line, details);
}

/** Shows a body as it comes: a stream has no end to wait for. */
async function showBody(place, answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  const shown = element("pre", "", { tabindex: "0", role: "group", "aria-label": "Body of the answer" });
  if (!answer.body) return;
  const decoder = new TextDecoder();
  let text = "";
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    text += done ? decoder.decode() : decoder.decode(value, { stream: true });
    if (text !== "" && !shown.isConnected) place.append(shown);
    if (done) break;
    // Of a stream the latest is what one wants to see.
    if (type.startsWith("text/event-stream")) text = text.slice(-SHOWN_CHARS_MAX);
    shown.textContent = text.slice(0, SHOWN_CHARS_MAX);
  }
  shown.textContent = pretty(type, text);
  if (text.length > SHOWN_CHARS_MAX) place.append(element("p", "Cut off here: the answer is longer.", { class: "hint" }));
}

async function send(form) {
  const [tenant, token] = [field("tenant"), field(form.dataset.token)];
  const missing = [tenant, token].find((input) => input.value.trim() === "");
  if (missing) {
    refuse(form, `Type ${missing === tenant ? "the tenant's name" : "the token"} first.`);
    missing.focus();
    return;
  }
  const { method, path, headers, body } = request(form);
  const stop = new AbortController();
  const button = form.querySelector(".stop");
  button.hidden = false;
  button.onclick = () => stop.abort();
  const place = cleared(form);
  const begun = performance.now();
  try {
    const answer = await fetch(path, {
      method,
      body,
      headers: { ...headers, Authorization: authorization(tenant.value.trim(), token.value.trim()) },
      // Neither cookies nor a prompt, and the server's own answer each time.
      credentials: "omit",
      cache: "no-store",
      signal: stop.signal,
    });
    showHead(place, answer, Math.round(performance.now() - begun));
    announced.textContent = `Answer ${answer.status}`;
    await showBody(place, answer);
  } catch (error) {
    const message = stop.signal.aborted ? "Stopped." : `No answer: ${error.message}`;
    place.append(element("p", message));
    if (!stop.signal.aborted) place.classList.add("bad");
    announced.textContent = message;
  } finally {
    button.hidden = true;
  }
}

const forms = document.querySelectorAll("form.try");
const showCurl = (form) => { form.querySelector(".curl code").textContent = curl(form); };

field("credentials").hidden = false;
field("credentials").addEventListener("submit", (event) => event.preventDefault());
field("tenant").addEventListener("input", () => forms.forEach(showCurl));
for (const form of forms) {
  showCurl(form);
  form.querySelector(".buttons").hidden = false;
  form.addEventListener("input", () => showCurl(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  const copy = form.querySelector(".copy");
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const line = form.querySelector(".curl code");
    try {
      await navigator.clipboard.writeText(line.textContent);
      announced.textContent = "Copied.";
      copy.firstChild.textContent = "Copied";
    } catch {
      // The clipboard is closed to us: the line is selected, for the reader to copy.
      getSelection().selectAllChildren(line);
    }
  });
}
