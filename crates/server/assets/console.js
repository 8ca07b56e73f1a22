// What forms cannot do: passkeys. Everything else works without this file.

const token = document.body.dataset.formToken;

/** Bytes of base64url text. */
function bytes(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Base64url text of bytes. */
function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

class Refused extends Error {}

/** Sends JSON to the console and gives its answer. */
async function send(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json", "fiducia-form": token },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.detail);
  return answer;
}

async function signIn(button) {
  const question = await send("/sign-in/passkey/question", {});
  question.challenge = bytes(question.challenge);
  const credential = await navigator.credentials.get({ publicKey: question });
  const answer = {
    id: credential.id,
    clientDataJSON: text(credential.response.clientDataJSON),
    authenticatorData: text(credential.response.authenticatorData),
    signature: text(credential.response.signature),
  };
  return send("/sign-in/passkey", { answer, next: button.dataset.next });
}

async function add() {
  const question = await send("/account/passkeys/question", {});
  question.challenge = bytes(question.challenge);
  question.user.id = bytes(question.user.id);
  for (const there of question.excludeCredentials) there.id = bytes(there.id);
  const credential = await navigator.credentials.create({ publicKey: question });
  const answer = {
    id: credential.id,
    clientDataJSON: text(credential.response.clientDataJSON),
    authenticatorData: text(credential.response.getAuthenticatorData()),
    publicKey: text(credential.response.getPublicKey()),
    publicKeyAlgorithm: credential.response.getPublicKeyAlgorithm(),
  };
  const name = document.querySelector("[data-passkey-name]").value;
  return send("/account/passkeys", { answer, name });
}

const acts = { "sign-in": signIn, add };

async function act(button) {
  const problem = document.querySelector("[data-passkey-problem]");
  problem.hidden = true;
  button.disabled = true;
  try {
    const { location: next } = await acts[button.dataset.passkey](button);
    location.assign(next);
  } catch (error) {
    problem.textContent = error instanceof Refused ? error.message : button.dataset.failed;
    problem.hidden = false;
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-passkey-only]")) part.hidden = false;
  for (const button of document.querySelectorAll("[data-passkey]")) {
    button.addEventListener("click", () => act(button));
  }
}

// A form is sent once; going back to the page makes it ready again.
for (const form of document.forms) {
  // A download leaves the page as it is, and may be begun again.
  if (form.dataset.repeatable !== undefined) continue;
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
