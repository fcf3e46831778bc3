"use strict";
const at = (id) => document.getElementById(id);
const query = at("query"), variables = at("variables"), operation = at("operation");
const SHOWN = 60;
let types = [];

const START = "# Ctrl+Enter runs the document.\n{\n  me { name email roles }\n}\n";

async function ask(body) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

async function run() {
  let given = {};
  try {
    given = JSON.parse(variables.value.trim() || "{}");
  } catch (error) {
    at("status").textContent = "The variables are no JSON: " + error.message;
    variables.focus();
    return;
  }
  remember();
  at("status").textContent = "running";
  const started = performance.now();
  try {
    const answer = await ask({
      query: query.value, variables: given, operationName: operation.value || null,
    });
    const took = Math.round(performance.now() - started);
    at("status").textContent = "HTTP " + answer.status + ", " + took + " ms";
    at("answer").textContent = pretty(answer.text);
    if (answer.status === 401) location.assign("/sign-in?next=/graphql");
  } catch (error) {
    at("status").textContent = "The server did not answer: " + error.message;
  }
}

// Indents without parsing numbers, so that no digit of the answer is lost.
function pretty(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) || [];
  let depth = 0, out = "";
  const line = () => "\n" + "  ".repeat(depth);
  tokens.forEach((token, index) => {
    const opens = token === "{" || token === "[", closes = token === "}" || token === "]";
    if (closes) {
      depth -= 1;
      const before = tokens[index - 1];
      out += (before === "{" || before === "[" ? "" : line()) + token;
    } else if (opens) {
      depth += 1;
      const next = tokens[index + 1];
      out += token + (next === "}" || next === "]" ? "" : line());
    } else if (token === ",") out += token + line();
    else if (token === ":") out += ": ";
    else out += token;
  });
  return out;
}

function operations() {
  const names = [...query.value.matchAll(/\b(?:query|mutation)\s+([_A-Za-z]\w*)\s*[({@]/g)];
  const chosen = operation.value;
  operation.replaceChildren(new Option("the only one", ""));
  for (const match of names) operation.add(new Option(match[1], match[1]));
  if (names.some((match) => match[1] === chosen)) operation.value = chosen;
  else if (names.length > 1) operation.value = names[0][1];
}

function remember() {
  try {
    localStorage.setItem("hansa.query", query.value);
    localStorage.setItem("hansa.variables", variables.value);
  } catch { /* a browser that keeps nothing still runs documents */ }
}

function recall(name, otherwise) {
  try { return localStorage.getItem(name) || otherwise; } catch { return otherwise; }
}

const named = (type) => type.kind === "NON_NULL" ? named(type.ofType) + "!"
  : type.kind === "LIST" ? "[" + named(type.ofType) + "]" : type.name;

function lines(type) {
  const args = (field) => (field.args || []).map((arg) => arg.name + ": " + named(arg.type));
  const members = [...(type.fields || []), ...(type.inputFields || [])];
  const shown = members.map((field) => {
    const given = args(field);
    return field.name + (given.length ? "(" + given.join(", ") + ")" : "") + ": " + named(field.type);
  });
  return [...shown, ...(type.enumValues || []).map((value) => value.name)];
}

function list() {
  const wanted = at("find").value.trim().toLowerCase();
  const meant = (text) => text.toLowerCase().includes(wanted);
  const found = types.map((type) => meant(type.name) ? type
    : { name: type.name, lines: type.lines.filter(meant) })
    .filter((type) => type.lines.length || meant(type.name));
  const shown = found.slice(0, SHOWN).map((type) => {
    const details = document.createElement("details"), summary = document.createElement("summary");
    const items = document.createElement("ul");
    summary.textContent = type.name;
    details.open = Boolean(wanted) && found.length < 6;
    for (const line of type.lines) {
      const item = document.createElement("li"), code = document.createElement("code");
      code.textContent = line;
      item.append(code);
      items.append(item);
    }
    details.append(summary, items);
    return details;
  });
  const more = document.createElement("p");
  more.textContent = found.length > SHOWN ? found.length - SHOWN + " more; type to find them." : "";
  at("types").replaceChildren(...shown, more);
}

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
const SCHEMA = `{ me { name email } __schema { types { name
  fields { name type { ${TYPE} } args { name type { ${TYPE} } } }
  inputFields { name type { ${TYPE} } } enumValues { name } } } }`;

async function load() {
  const answer = JSON.parse((await ask({ query: SCHEMA })).text);
  if (!answer.data) return;
  at("who").textContent = answer.data.me.name || answer.data.me.email;
  const first = (type) => ["Query", "Mutation"].includes(type.name) ? 0 : 1;
  types = answer.data.__schema.types.filter((type) => !type.name.startsWith("__"))
    .map((type) => ({ name: type.name, lines: lines(type) }))
    .sort((a, b) => first(a) - first(b) || a.name.localeCompare(b.name));
  list();
}

query.value = recall("hansa.query", START);
variables.value = recall("hansa.variables", "");
at("run").addEventListener("click", run);
at("find").addEventListener("input", list);
query.addEventListener("input", operations);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
operations();
load();
