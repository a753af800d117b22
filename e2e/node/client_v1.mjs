/** The first TypeScript SDK (`@modelcontextprotocol/sdk`): most clients in use are built on it. Speaks up to 2025-11-25. */
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { everyResource, run, token, url } from './checks.mjs';

async function open(bearer) {
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { Authorization: `Bearer ${bearer}` } },
  });
  const client = new Client({ name: 'autri-e2e', version: '1' });
  await client.connect(transport);
  return { client, transport };
}

await run(
  async () => {
    const { client, transport } = await open(token);
    return {
      version: transport.protocolVersion,
      listTools: async () => (await client.listTools()).tools,
      callTool: (name, args) => client.callTool({ name, arguments: args }),
      listResources: () => everyResource(client),
      listResourceTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
      readResource: uri => client.readResource({ uri }),
      connectWith: open,
      close: () => client.close(),
    };
  },
  { 'negotiates 2025-11-25': async client => assert.equal(client.version, '2025-11-25') },
);
