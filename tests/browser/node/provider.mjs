// A certified OpenID Connect provider on this machine, with one person who can sign in by any password.
// Arguments: its port, the address to return to, the person's e-mail address, whether it is verified.

import Provider from "oidc-provider";

const [port, redirect, email, verified] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: "fiducia", client_secret: "client-secret-of-the-test", redirect_uris: [redirect] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email, email_verified: verified === "verified" }),
  }),
  cookies: { keys: ["a key for the cookies of the test"] },
  features: { devInteractions: { enabled: true } },
});

provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
