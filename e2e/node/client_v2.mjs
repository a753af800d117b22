/** The second TypeScript SDK (`@modelcontextprotocol/client`), in the mode that its argument names: `auto` or `legacy`. */
import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { everyResource, run, token, url } from './checks.mjs';

const mode = process.argv[2];
const version = { auto: '2026-07-28', legacy: '2025-11-25' }[mode];
assert.ok(version, 'usage: client_v2.mjs auto|legacy');

async function open(bearer) {
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { Authorization: `Bearer ${bearer}` } },
  });
  const client = new Client({ name: 'autri-e2e', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

await run(
  async () => {
    const client = await open(token);
    return {
      version: client.getNegotiatedProtocolVersion(),
      listTools: async () => (await client.listTools()).tools,
      callTool: (name, args) => client.callTool({ name, arguments: args }),
      listResources: () => everyResource(client),
      listResourceTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
      readResource: uri => client.readResource({ uri }),
      connectWith: open,
      close: () => client.close(),
    };
  },
  { [`negotiates ${version}`]: async client => assert.equal(client.version, version) },
);
