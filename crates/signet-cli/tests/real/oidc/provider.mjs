// A certified OpenID provider as a token endpoint: node provider.mjs DIRECTORY CONFIGURATION
//
// DIRECTORY is where npm installed oidc-provider. CONFIGURATION is a JSON file: issuer, port, scopes, clients, and for
// https the certificate and its key.
import { createPublicKey, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as http } from 'node:http';
import { createServer as https } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// What Node.js 18, which Debian 12 has, lacks of the web's interfaces.
globalThis.crypto ??= webcrypto;
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);

const [directory, configuration] = process.argv.slice(2);
const installed = createRequire(`${directory}/`).resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(installed));
const { issuer, port, scopes, clients, tls } = JSON.parse(readFileSync(configuration, 'utf8'));

const client = ({ public_key: pem, ...metadata }) => ({
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  ...metadata,
  ...(pem && { jwks: { keys: [createPublicKey(pem).export({ format: 'jwk' })] } }),
});

const provider = new Provider(issuer, {
  clients: clients.map(client),
  scopes,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
  ttl: { ClientCredentials: 600 },
});
provider.on('server_error', (context, error) => console.error(error));

const server = tls ? https(tls, provider.callback()) : http(provider.callback());
server.listen(port, '127.0.0.1');
