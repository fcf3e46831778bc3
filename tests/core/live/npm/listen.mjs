// Hears changes with npm's graphql-ws or graphql-sse, as their manuals say, and prints each as a
// line of JSON. Every `dropAfter` changes it breaks the connection and goes on with its cursor.
// Ends after `count` changes, or with a line about why the server ended it.
import { createClient as createSocket } from 'graphql-ws';
import { createClient as createStream } from 'graphql-sse';
import WebSocket from 'ws';

const { mode, url, key, query, variables, count, dropAfter } = JSON.parse(process.argv[2]);

function connect() {
  const authorization = `Bearer ${key}`;
  return mode === 'ws'
    ? createSocket({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        connectionParams: { authorization },
        retryAttempts: 0,
      })
    : createStream({ url, headers: { authorization }, retryAttempts: 0 });
}

let heard = 0;
while (heard < count) {
  const client = connect();
  let inThisOne = 0;
  try {
    for await (const result of client.iterate({ query, variables })) {
      if (result.errors) {
        console.log(JSON.stringify({ errors: result.errors }));
        process.exit(0);
      }
      const [change] = Object.values(result.data);
      console.log(JSON.stringify(change));
      variables.since = change.cursor;
      heard += 1;
      inThisOne += 1;
      if (heard === count || inThisOne === dropAfter) break;
    }
  } catch (problem) {
    const { code, reason } = problem;
    console.log(JSON.stringify({ ended: { code, reason, text: String(problem) } }));
    process.exit(0);
  }
  if (client.terminate) client.terminate();
  else client.dispose();
}
process.exit(0);
