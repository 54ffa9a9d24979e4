// The documentation page: lists the calls of /openapi.json and makes them.
// Texts come from the document and are only ever set as text, never as HTML.

const byId = (id) => document.getElementById(id);

/** Makes an element with attributes and children; strings become text. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

const api = await (await fetch("/openapi.json")).json();
const resolve = (value) => value?.$ref
  ? value.$ref.slice(2).split("/").reduce((at, key) => at[key], api)
  : value;

/** Every call, with what the search looks through. */
const calls = Object.entries(api.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, operation]) => ({
    path, verb, operation,
    id: operation.operationId,
    tag: operation.tags?.[0] ?? "Other",
    words: `${verb} ${path} ${operation.operationId} ${operation.summary ?? ""}`.toLowerCase(),
  })));
const tags = new Map((api.tags ?? []).map((tag) => [tag.name, tag.description]));

const token = byId("token");
token.value = sessionStorage.getItem("lingkar-token") ?? "";
token.addEventListener("change", () => sessionStorage.setItem("lingkar-token", token.value.trim()));
byId("access").addEventListener("submit", (event) => event.preventDefault());
byId("about").textContent = `${api.info.summary} ${calls.length} calls.`;

const linkedTo = (call) => `#${call.id}` === location.hash;

function list() {
  const wanted = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = calls.filter((call) => wanted.every((word) => call.words.includes(word)));
  byId("count").textContent = found.length === calls.length ? "" : `${found.length} of ${calls.length} calls`;
  const groups = Map.groupBy
    ? Map.groupBy(found, (call) => call.tag)
    : found.reduce((map, call) => map.set(call.tag, [...(map.get(call.tag) ?? []), call]), new Map());
  byId("calls").replaceChildren(...[...groups.keys()].sort().map((tag) =>
    el("details", { open: wanted.length > 0 || groups.get(tag).some(linkedTo) },
      el("summary", { title: tags.get(tag) }, `${tag} `, el("small", {}, String(groups.get(tag).length))),
      el("ul", {}, ...groups.get(tag).map((call) => el("li", {},
        el("button", { type: "button", "data-call": call.id, "aria-current": String(linkedTo(call)), onclick: () => choose(call) },
          el("span", { class: `verb ${call.verb}` }, call.verb), el("span", {}, call.path))))))));
}

function choose(call) {
  history.replaceState(null, "", `#${call.id}`);
  for (const button of document.querySelectorAll("[data-call]")) {
    button.setAttribute("aria-current", String(button.dataset.call === call.id));
  }
  show(call);
  byId("operation").focus();
}

/** An example of a schema: its writable fields, three levels deep. */
function example(schema, depth = 0) {
  schema = resolve(schema) ?? {};
  if (schema.enum) return schema.enum.find((value) => !String(value).endsWith("_UNSPECIFIED")) ?? schema.enum[0];
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(part, depth)));
  if (schema.oneOf || schema.anyOf) return example((schema.oneOf ?? schema.anyOf)[0], depth);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "object":
      return depth > 2 ? {} : Object.fromEntries(Object.entries(schema.properties ?? {})
        .filter(([name, field]) => !resolve(field).readOnly && !["name", "etag"].includes(name))
        .map(([name, field]) => [name, example(field, depth + 1)]));
    case "array": return depth > 2 ? [] : [example(schema.items, depth + 1)];
    case "boolean": return false;
    case "integer": case "number": return 0;
    default: return schema.format === "date-time" ? new Date().toISOString() : "";
  }
}

function field(parameter) {
  const id = `p-${parameter.in}-${parameter.name}`;
  const schema = resolve(parameter.schema) ?? {};
  const control = schema.enum || schema.type === "boolean"
    ? el("select", { id, "aria-describedby": `${id}-d` }, el("option", { value: "" }, ""),
        ...(schema.enum ?? ["true", "false"]).map((value) => el("option", { value }, value)))
    : el("input", { id, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-d`,
        placeholder: schema.type === "array" ? "several, separated by spaces" : schema.format ?? schema.type ?? "" });
  control.dataset.in = parameter.in;
  control.dataset.name = parameter.name;
  control.dataset.many = schema.type === "array";
  return el("tr", {},
    el("th", { scope: "row" }, el("label", { for: id, class: parameter.required ? "needed" : "" }, parameter.name)),
    el("td", {}, control, el("small", { id: `${id}-d` }, parameter.description ?? "")));
}

function show(call) {
  const { operation } = call;
  const parameters = (operation.parameters ?? []).map(resolve);
  const content = resolve(operation.requestBody)?.content ?? {};
  const bodySchema = content["application/json"]?.schema;
  const result = el("section", { "aria-live": "polite", "aria-label": "Answer" });
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); send(call, form, result); } },
    parameters.length ? el("table", { "aria-label": "Parameters" }, el("tbody", {}, ...parameters.map(field))) : undefined,
    bodySchema ? el("h3", {}, el("label", { for: "body" }, "Body")) : undefined,
    bodySchema ? el("textarea", { id: "body", spellcheck: "false" }, 
      call.verb === "patch" ? "{}" : JSON.stringify(example(bodySchema), null, 2)) : undefined, // a field that is named is changed
    el("div", { class: "actions" }, el("button", { type: "submit" }, "Send"),
      el("button", { type: "button", class: "plain", onclick: () => navigator.clipboard?.writeText(curl(request(call, form))) }, "Copy as curl")));
  byId("operation").replaceChildren(
    el("h2", {}, operation.summary ?? call.id),
    el("p", { class: "path" }, el("span", { class: `verb ${call.verb}` }, call.verb), ` ${call.path}`),
    el("p", { class: "described" }, operation.description ?? ""),
    form, result, answers(operation));
}

/** What the call answers, with the fields of its schema. */
function answers(operation) {
  const schema = resolve(operation.responses?.["200"]?.content?.["application/json"]?.schema);
  if (!schema?.properties) return el("div", {});
  return el("section", {}, el("h3", {}, "Fields of the answer"),
    el("table", {}, el("tbody", {}, ...Object.entries(schema.properties).map(([name, property]) => el("tr", {},
      el("th", { scope: "row" }, el("code", {}, name)),
      el("td", {}, el("small", {}, property.description ?? "")))))));
}

/** The request that the form describes. */
function request(call, form) {
  let path = call.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const control of form.querySelectorAll("[data-in]")) {
    const value = control.value.trim();
    if (control.dataset.in === "path") path = path.replace(`{${control.dataset.name}}`, encodeURIComponent(value));
    else if (value && control.dataset.in === "header") headers[control.dataset.name] = value;
    else if (value) for (const one of control.dataset.many === "true" ? value.split(/\s+/) : [value]) query.append(control.dataset.name, one);
  }
  const body = form.querySelector("#body")?.value;
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const parameters = String(query);
  return { url: path + (parameters && `?${parameters}`), method: call.verb.toUpperCase(), headers, body };
}

/** A command line for the request. It reads the token from the environment. */
function curl({ url, method, headers, body }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const shown = Object.entries(headers).map(([name, value]) =>
    name === "Authorization" ? `-H "Authorization: Bearer $LINGKAR_TOKEN"` : `-H ${quote(`${name}: ${value}`)}`);
  return [`curl -X ${method} ${quote(location.origin + url)}`, ...shown, ...(body === undefined ? [] : [`-d ${quote(body)}`])].join(" \\\n  ");
}

async function send(call, form, result) {
  const asked = request(call, form);
  result.replaceChildren(el("p", {}, "Waiting for the answer…"));
  const started = performance.now();
  try {
    const answer = await fetch(asked.url, asked);
    if (answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return follow(answer, result);
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
    result.replaceChildren(
      el("h3", { class: answer.ok ? "" : "failed" }, `${answer.status} ${answer.statusText} in ${Math.round(performance.now() - started)} ms`),
      el("pre", { tabindex: "0" }, [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n")),
      el("pre", { tabindex: "0" }, shown || "(no body)"));
  } catch (error) {
    result.replaceChildren(el("p", { class: "failed" }, `The gateway could not be reached: ${error.message}`));
  }
}

/** Shows a stream as it comes, until another call is chosen. */
async function follow(answer, result) {
  const shown = el("pre", { tabindex: "0" });
  result.replaceChildren(el("h3", {}, "Following. Choose another call to stop."), shown);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || !result.isConnected) return reader.cancel();
    shown.append(value);
  }
}

byId("search").addEventListener("input", list);
list();
const linked = calls.find(linkedTo);
if (linked) show(linked);
