// Runs the audit suite of the GraphQL-over-HTTP specification against HANSA_URL with HANSA_KEY,
// and prints one JSON line per audit: {name, status: "ok" | "notice" | "warn" | "error", reason}.
import { serverAudits } from "graphql-http";

const { HANSA_URL: url, HANSA_KEY: key } = process.env;

async function fetchFn(address, options) {
  const headers = new Headers(options?.headers);
  headers.set("Authorization", `Bearer ${key}`);
  return await fetch(address, { ...options, headers });
}

for (const audit of serverAudits({ url, fetchFn })) {
  const { name, status, reason } = await audit.fn();
  console.log(JSON.stringify({ name, status, reason }));
}
