// Serves an identity provider over HTTPS: node provider.js PORT FILE, with a certificate and its key
// in FILE. It knows one client, the dashboard of the tests, and signs in every name without a check
// of the password. The groups of a user are the parts of the name: `alice.ops` is in `ops`.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import Provider from "oidc-provider";

const [port, file, dashboard, secret, inIdToken] = process.argv.slice(2);

function account(name) {
  const groups = name.split(".").slice(1);
  return { accountId: name, claims: () => ({ sub: name, preferred_username: name, groups }) };
}

const provider = new Provider(`https://localhost:${port}`, {
  clients: [
    {
      client_id: "swrhook",
      client_secret: secret,
      redirect_uris: [`${dashboard}/sign-in/callback`],
      post_logout_redirect_uris: [`${dashboard}/sign-in`],
    },
  ],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"], email: ["email"] },
  conformIdTokenClaims: inIdToken !== "id-token", // else the claims are on the user's page alone
  cookies: { keys: ["a key of the tests"] },
  findAccount: (_context, name) => account(name),
  pkce: { required: () => true },
});
const pem = readFileSync(file);
createServer({ cert: pem, key: pem }, provider.callback()).listen(port, "127.0.0.1");
