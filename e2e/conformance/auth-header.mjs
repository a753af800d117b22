/**
 * Gives the conformance suite a bearer token, for which it has no option: `node --import auth-header.mjs …`.
 *
 * It hooks into Node's own diagnostics channels rather than `globalThis.fetch`, because some scenarios send their requests
 * through undici or `node:http` so as to forge `Host` and other headers. Requests to other servers stay as they are.
 */
import diagnostics_channel from 'node:diagnostics_channel';

const server = new URL(process.env.AUTRI_URL);
const authorization = `Bearer ${process.env.AUTRI_TOKEN}`;

diagnostics_channel.subscribe('undici:request:create', ({ request }) => {
  if (new URL(request.origin).origin === server.origin) request.addHeader('authorization', authorization);
});

diagnostics_channel.subscribe('http.client.request.created', ({ request }) => {
  // Here `host` is where the connection goes, whatever the `Host` header pretends.
  if (request.host === server.hostname) request.setHeader('authorization', authorization);
});
