// Sends the forms of the API's page, and shows what comes back.
"use strict";

const token = document.getElementById("token");

function asked(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  let body;
  for (const input of form.querySelectorAll("[data-in]")) {
    const { in: place, name } = input.dataset;
    if (input.value === "") continue;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    if (place === "query") query.set(name, input.value);
    if (place === "header") headers[name] = input.value;
    if (place === "file") {
      body = input.files[0];
      headers["Content-Type"] = input.dataset.type;
    }
    if (place === "body") {
      body = JSON.stringify(withoutNulls(JSON.parse(input.value)));
      headers["Content-Type"] = "application/json";
    }
  }
  if (token.value) headers.Authorization = `Bearer ${token.value.trim()}`;
  const address = query.size ? `${path}?${query}` : path;
  return [address, { method: form.dataset.method, headers, body, credentials: "omit" }];
}

function withoutNulls(given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

async function told(answer) {
  const head = `${answer.status} ${answer.statusText}`;
  const type = answer.headers.get("Content-Type") || "";
  if (type.includes("json")) return `${head}\n${JSON.stringify(await answer.json(), null, 2)}`;
  if (!answer.ok || !type) return head;
  return `${head}\n(${type}, saved as ${save(await answer.blob(), named(answer))})`;
}

function named(answer) {
  const found = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") || "");
  return found ? found[1] : "answer";
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  return name;
}

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const shown = form.nextElementSibling;
  shown.hidden = false;
  shown.textContent = "Sent; waiting for the answer …";
  try {
    shown.textContent = await told(await fetch(...asked(form)));
  } catch (error) {
    shown.textContent = `It could not be sent: ${error.message}.`;
  }
}

for (const form of document.querySelectorAll("form.try")) form.addEventListener("submit", send);
