/**
 * What every client must see: the checks of ../python/checks.py for clients written in TypeScript.
 *
 * A client script passes `runChecks` a way to list the tools, to call one, to list and read resources, and to connect with
 * another token. One TAP line a check goes to stdout (testanything.org).
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

export const url = new URL(process.env.AUTRI_URL);
export const token = process.env.AUTRI_TOKEN;
const expected = JSON.parse(await readFile(process.env.AUTRI_EXPECTATIONS, 'utf8'));
// Well formed enough to reach the verifier, and signed by nobody.
const badToken = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2JvZHkifQ.bm90LWEtc2lnbmF0dXJl';
// No walk over pages is longer than this: a cursor that never ends must fail, not hang.
const maxPages = 200;

/** The tool answered with `isError`. */
class ToolError extends Error {}

const words = text => text.replace(/\s+/g, ' ');

/** The structured answer of a tool, having checked that the text item says the same. */
async function call(client, name, args) {
  const result = await client.callTool(name, args);
  const text = result.content.map(item => item.text ?? '').join('');
  if (result.isError) throw new ToolError(text);
  assert.deepEqual(JSON.parse(text), result.structuredContent, 'the text item differs from structuredContent');
  return result.structuredContent;
}

/** Every page of a tool's answer, following `next_cursor`. */
async function pages(client, name, args) {
  const found = [await call(client, name, args)];
  while (found.at(-1).next_cursor) {
    assert.ok(found.length < maxPages, `${name} still has a next page after ${maxPages}`);
    found.push(await call(client, name, { ...args, cursor: found.at(-1).next_cursor }));
  }
  return found;
}

/** Every resource that a client of either SDK lists, following `nextCursor`. */
export async function everyResource(client) {
  const listed = [];
  let cursor;
  do {
    const page = await client.listResources(cursor ? { cursor } : {});
    listed.push(...page.resources);
    assert.ok(page.resources.length > 0 && listed.length < 100 * maxPages, `the list does not end after ${listed.length}`);
    cursor = page.nextCursor;
  } while (cursor);
  return listed;
}

/** Every part of a document that is read as a resource, following what `_meta` says of the next one. */
async function resourceParts(client, uri) {
  const parts = [];
  for (let next = uri; next; next = parts.at(-1)._meta?.['ai.autri/next']) {
    assert.ok(parts.length < maxPages, `${uri} still has a next part after ${maxPages}`);
    const { contents } = await client.readResource(next);
    assert.deepEqual(contents.map(part => [part.uri, part.mimeType]), [[next, 'text/plain']]);
    parts.push(contents[0]);
  }
  return parts;
}

const checks = {
  'lists exactly the read only tools': async client => {
    const tools = await client.listTools();
    assert.deepEqual(tools.map(tool => tool.name), expected.tools);
    assert.deepEqual(tools.filter(tool => !tool.annotations?.readOnlyHint), [], 'not marked read-only');
  },

  // AgentCore Gateway refuses a target whose schemas refer elsewhere.
  'schemas stand on their own': async client => {
    for (const tool of await client.listTools()) {
      for (const schema of [tool.inputSchema, tool.outputSchema]) {
        assert.ok(schema, `${tool.name} lacks a schema`);
        assert.doesNotMatch(JSON.stringify(schema), /"\$(ref|defs|anchor)"/, tool.name);
      }
    }
  },

  'search finds the passage and fetch reads it': async client => {
    for (const { question, document, passage } of expected.questions) {
      const { results } = await call(client, 'search', { query: question });
      const [first] = results;
      assert.ok(first, `nothing found for ${question}`);
      for (const hit of results) assert.ok(hit.id && hit.title && hit.url, `a citation lacks: ${JSON.stringify(hit)}`);
      assert.ok(first.title.toLowerCase().includes(document.toLowerCase()), `${question} found ${first.title}`);
      const chunk = await call(client, 'fetch', { id: first.id });
      assert.ok(words(chunk.text).includes(passage), `the chunk reads ${chunk.text}`);
      const whole = await call(client, 'fetch', { id: first.id.split('.')[0] });
      assert.ok(words(whole.text).includes(passage), `the document reads ${whole.text}`);
      assert.ok(whole.title && whole.url);
    }
  },

  'search pages by cursor': async client => {
    const query = { query: expected.several_pages_of_hits, limit: 2 };
    const first = await call(client, 'search', query);
    const second = await call(client, 'search', { ...query, cursor: first.next_cursor });
    const ids = [...first.results, ...second.results].map(hit => hit.id);
    assert.equal(ids.length, 4);
    assert.equal(new Set(ids).size, 4, `the pages hold ${ids}`);
  },

  'a long document arrives whole': async client => {
    const { question, document, entries } = expected.long_document;
    const { results } = await call(client, 'search', { query: question });
    const hit = results.find(({ title }) => title.toLowerCase().includes(document.toLowerCase()));
    assert.ok(hit, `not found, but ${results.map(({ title }) => title)}`);
    const parts = await pages(client, 'fetch', { id: hit.id.split('.')[0] });
    assert.ok(parts.length > 1, 'the whole document came in one page');
    const text = parts.map(part => part.text).join('');
    const seen = [...text.matchAll(/Entry (\d+):/g)].map(match => Number(match[1]));
    assert.deepEqual(seen, Array.from({ length: entries }, (_, index) => index + 1));
  },

  'lists name what there is': async client => {
    const { knowledge_bases: bases } = await call(client, 'list_knowledge_bases', {});
    assert.ok(bases.length > 0, 'no knowledge base');
    const listed = (await pages(client, 'list_documents', {})).flatMap(page => page.documents);
    assert.equal(new Set(listed.map(({ id }) => id)).size, listed.length, 'a document is listed twice');
    const titles = listed.map(({ title }) => title.toLowerCase()).join('\n');
    for (const { document } of expected.questions) assert.ok(titles.includes(document.toLowerCase()), document);
  },

  'documents are resources': async client => {
    const listed = await client.listResources();
    const uriOf = title => listed.find(resource => resource.title.toLowerCase().includes(title.toLowerCase()))?.uri;
    for (const { document, passage } of expected.questions) {
      assert.ok(uriOf(document), `${document} is not listed`);
      const text = (await resourceParts(client, uriOf(document))).map(part => part.text).join('');
      assert.ok(words(text).includes(passage), `${document} reads ${text}`);
    }
    const { document, entries } = expected.long_document;
    const parts = await resourceParts(client, uriOf(document));
    assert.ok(parts.length > 1, 'the whole document came in one part');
    const seen = [...parts.map(part => part.text).join('').matchAll(/Entry (\d+):/g)].map(match => Number(match[1]));
    assert.deepEqual(seen, Array.from({ length: entries }, (_, index) => index + 1));
  },

  'a found passage is a resource by the template': async client => {
    const { uriTemplate } = (await client.listResourceTemplates()).find(({ name }) => name === 'document');
    const [{ question, passage }] = expected.questions;
    const { results } = await call(client, 'search', { query: question });
    const { contents } = await client.readResource(uriTemplate.replace('{id}', results[0].id));
    assert.ok(words(contents[0].text).includes(passage), `the passage reads ${contents[0].text}`);
    const nobodys = uriTemplate.replace('{id}', 'doc_00000000-0000-7000-8000-000000000000');
    await assert.rejects(client.readResource(nobodys), /there is no such resource/);
  },

  'a mistake is a tool error that says what to do': async client => {
    for (const [name, args] of [
      ['search', { query: '   ' }],
      ['search', { query: 'gauge', limit: 0 }],
      ['search', { query: 'gauge', cursor: 'not a cursor' }],
      ['fetch', { id: 'doc_00000000-0000-7000-8000-000000000000' }],
    ]) {
      await assert.rejects(call(client, name, args), error => error instanceof ToolError && error.message.trim() !== '');
    }
  },

  'a bad token is refused': async client => {
    await assert.rejects(client.connectWith(badToken), error => {
      assert.match(`${error.code} ${error.status} ${error}`, /\b401\b/);
      return true;
    });
  },
};

/**
 * Runs the checks; a failed one sets the exit status. `extra` holds the client's own.
 *
 * @param {{listTools: Function, callTool: Function, listResources: Function, listResourceTemplates: Function,
 *   readResource: Function, connectWith: Function}} client
 */
export async function runChecks(client, extra = {}) {
  for (const [name, check] of Object.entries({ ...extra, ...checks })) {
    try {
      await check(client);
      console.log(`ok - ${name}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`not ok - ${name}`);
      console.log(String(error.stack).replace(/^/gm, '# '));
    }
  }
}

/** Connects, runs, closes; a client that can't connect is one failed check. */
export async function run(connect, extra) {
  try {
    const client = await connect();
    await runChecks(client, extra);
    await client.close();
  } catch (error) {
    process.exitCode = 1;
    console.log('not ok - connects');
    console.log(String(error.stack).replace(/^/gm, '# '));
  }
}
