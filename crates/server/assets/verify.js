// Checks a receipt, a certificate, an entry of the log or that one size of it extends another, in this browser: nothing is asked of the server but the file itself.
// The key decides: whoever kept it when they first came here needs to trust nobody for this.

const encoder = new TextEncoder();

class Unfit extends Error {}

function need(holds, why) {
  if (!holds) throw new Unfit(why);
}

function bytesOf(base64) {
  const binary = atob(base64);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const equal = (one, other) => hexOf(one) === hexOf(other);
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

/** Canonical JSON (RFC 8785), which is what this language writes when members are in order. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

/** A verifier key: `name+hash+base64(0x01 || key)`. */
async function keyOf(text) {
  const parts = text.trim().match(/^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/);
  need(parts, "the verifier key has another form");
  const [, name, id, encoded] = parts;
  const key = bytesOf(encoded);
  need(key.length === 33 && key[0] === 1, "the verifier key is of another kind");
  need(id === hexOf((await sha256(encoder.encode(`${name}\n`), key)).slice(0, 4)), "the verifier key is mistyped");
  return key;
}

/** The text of a signed note, if the key signed it under this name. */
async function noteText(note, name, key) {
  const cut = note.lastIndexOf("\n\n");
  need(cut >= 0, "a note has no signature");
  const text = note.slice(0, cut + 1);
  const id = (await sha256(encoder.encode(`${name}\n`), key)).slice(0, 4);
  const verifier = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
  for (const line of note.slice(cut + 2).split("\n")) {
    if (!line.startsWith(`\u2014 ${name} `)) continue;
    const signature = bytesOf(line.slice(name.length + 3));
    if (signature.length !== 68 || !equal(signature.slice(0, 4), id)) continue;
    if (await crypto.subtle.verify("Ed25519", verifier, signature.slice(4), encoder.encode(text))) return text;
  }
  throw new Unfit(`no signature of ${name} holds`);
}

/** A proof that stands alone (c2sp.org/tlog-proof). */
function proofOf(text) {
  const cut = text.indexOf("\n\n");
  need(cut > 0, "the proof has no checkpoint");
  const lines = text.slice(0, cut).split("\n");
  need(lines.shift() === "c2sp.org/tlog-proof@v1", "the proof has another layout");
  need(lines[0]?.startsWith("extra "), "the proof lacks its entry");
  const entry = bytesOf(lines.shift().slice(6));
  const index = lines.shift()?.match(/^index (0|[1-9][0-9]*)$/)?.[1];
  need(index !== undefined, "the proof has no index");
  return { entry, index: BigInt(index), hashes: lines.map(bytesOf), checkpoint: text.slice(cut + 2) };
}

/** The root to which an entry's path leads (RFC 9162, section 2.1.3.2). */
async function rootOf({ entry, index, hashes }, size) {
  need(index < size, "the entry lies beyond the checkpoint");
  let [place, last] = [index, size - 1n];
  let hash = await sha256(Uint8Array.of(0), entry);
  for (const other of hashes) {
    need(last !== 0n && other.length === 32, "the path has another length");
    if (place % 2n === 1n || place === last) {
      hash = await sha256(Uint8Array.of(1), other, hash);
      while (place % 2n === 0n && place !== 0n) [place, last] = [place / 2n, last / 2n];
    } else {
      hash = await sha256(Uint8Array.of(1), hash, other);
    }
    [place, last] = [place / 2n, last / 2n];
  }
  need(last === 0n, "the path has another length");
  return hash;
}

/** What an entry says: a version byte and canonical JSON. */
function leafOf(entry) {
  need(entry[0] === 0x80, "the entry is of another kind");
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(entry.slice(1)));
}

/** The log that a file names, what it signs, and what its entry must say. */
const kinds = {
  "fiducia/consent-receipt-file/v1": async (file) => {
    const { receipt } = file;
    const { origin, organization, event } = receipt["fiducia:entry"];
    const text = canonical(receipt);
    const digest = hexOf(await sha256(encoder.encode(text)));
    const salt = Uint8Array.from(file.salt.match(/../g), (pair) => Number.parseInt(pair, 16));
    const commitment = await sha256(encoder.encode("fiducia/consent/receipt/v1\n"), salt, encoder.encode(text));
    return {
      origin,
      organization,
      signer: `${origin}/consents`,
      signed: `${receipt["dct:hasVersion"]}\n${receipt["dpv:hasIdentifier"]}\n${digest}\n`,
      fits: (leaf) =>
        leaf.type === "consent_changed" && leaf.receipt === hexOf(commitment) && leaf.id === `event_${event}` &&
        leaf.pseudonym === receipt["dpv:hasDataSubject"] && leaf.purpose === receipt["dpv:hasPurpose"]["dct:title"] &&
        leaf.state === receipt["dct:hasPart"]["fiducia:eventState"],
    };
  },
  "fiducia/certificate-file/v1": async (file) => {
    const { certificate } = file;
    const origin = certificate.issuer.ledger_origin;
    const digest = hexOf(await sha256(encoder.encode(canonical(certificate))));
    return {
      origin,
      organization: certificate.organization,
      signer: `${origin}/certificates`,
      signed: `fiducia/certificate/v1\n${certificate.reference}\n${digest}\n`,
      fits: (leaf) =>
        leaf.type === "certificate_issued" && leaf.reference === certificate.reference &&
        leaf.certificate === digest && leaf.id === certificate.issuer.event,
    };
  },
};

const bytesOfHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The head that a checkpoint signs, by the key of the log that the key names. */
async function headOf(checkpoint, keyText) {
  const name = keyText.trim().split("+")[0];
  const head = (await noteText(checkpoint, name, await keyOf(keyText))).split("\n");
  need(head[0] === name && /^[1-9][0-9]*$/.test(head[1]), "the checkpoint is of another log");
  return { size: BigInt(head[1]), root: bytesOf(head[2]) };
}

/** Whether hashes lead from one size and root to another (RFC 9162, section 2.1.4.2). */
async function extend(from, fromRoot, to, toRoot, hashes) {
  need(from > 0n && from <= to, "the sizes do not follow each other");
  if (from === to) {
    need(hashes.length === 0 && equal(fromRoot, toRoot), "one size has two roots");
    return;
  }
  const rest = [...hashes];
  const isWhole = (from & (from - 1n)) === 0n;
  const first = isWhole ? fromRoot : rest.shift();
  need(first?.length === 32, "the proof has another length");
  let [place, last] = [from - 1n, to - 1n];
  while (place % 2n === 1n) [place, last] = [place / 2n, last / 2n];
  let [old, fresh] = [first, first];
  for (const other of rest) {
    need(last !== 0n && other.length === 32, "the proof has another length");
    if (place % 2n === 1n || place === last) {
      old = await sha256(Uint8Array.of(1), other, old);
      fresh = await sha256(Uint8Array.of(1), other, fresh);
      while (place % 2n === 0n && place !== 0n) [place, last] = [place / 2n, last / 2n];
    } else {
      fresh = await sha256(Uint8Array.of(1), fresh, other);
    }
    [place, last] = [place / 2n, last / 2n];
  }
  need(last === 0n && equal(old, fromRoot) && equal(fresh, toRoot), "the hashes lead to other roots");
}

/** What a text is, by its beginning; its steps are taken in this order. */
const orders = {
  proof: ["form", "inclusion", "checkpoint"],
  consistency: ["form", "consistency", "checkpoint"],
  file: ["form", "signature", "commitment", "inclusion", "checkpoint"],
};

function sortOf(text) {
  if (text.startsWith("c2sp.org/tlog-proof@v1\n")) return "proof";
  return text.includes('"fiducia/consistency/v1"') ? "consistency" : "file";
}

async function checkProof(text, keyText, step) {
  const proof = proofOf(text);
  step("form");
  const head = await headOf(proof.checkpoint, keyText);
  need(equal(await rootOf(proof, head.size), head.root), "the path leads to another root");
  step("inclusion");
  step("checkpoint");
}

async function checkConsistency(text, keyText, step) {
  const file = JSON.parse(text);
  need(file.format === "fiducia/consistency/v1", "the file has another layout");
  step("form");
  const [from, to] = [BigInt(file.from), BigInt(file.to)];
  const [fromRoot, toRoot] = [bytesOfHex(file.from_root), bytesOfHex(file.to_root)];
  await extend(from, fromRoot, to, toRoot, file.hashes.map(bytesOfHex));
  step("consistency");
  const head = await headOf(file.checkpoint, keyText);
  await extend(to, toRoot, head.size, head.root, file.to_checkpoint.map(bytesOfHex));
  step("checkpoint");
}

const checks = { proof: checkProof, consistency: checkConsistency, file: check };

/** Checks a file and says of each step, as it is taken, that it holds. The first that does not throws. */
async function check(text, keyText, step) {
  const key = await keyOf(keyText);
  const file = JSON.parse(text);
  need(`${canonical(file)}\n` === text, "the file was changed or written anew");
  const kind = kinds[file.format];
  need(kind, "the file is of a kind that this page does not know");
  const told = await kind(file);
  step("form");
  need((await noteText(file.note, told.signer, key)) === told.signed, "what was signed is something else");
  step("signature");
  const proof = proofOf(file.proof);
  const leaf = leafOf(proof.entry);
  need(leaf.org === told.organization && told.fits(leaf), "the log's entry is about something else");
  step("commitment");
  const log = `${told.origin}/${told.organization.replace(/^[a-z]+_/, "")}`;
  const head = (await noteText(proof.checkpoint, log, key)).split("\n");
  need(head[0] === log && /^[1-9][0-9]*$/.test(head[1]), "the checkpoint is of another log");
  const root = await rootOf(proof, BigInt(head[1]));
  need(equal(root, bytesOf(head[2])), "the path leads to another root");
  step("inclusion");
  step("checkpoint");
}

async function run(section) {
  const list = section.querySelector("[data-steps]");
  list.replaceChildren();
  const say = (sentence, verdict) => {
    const line = document.createElement("li");
    line.dataset.verdict = verdict;
    line.textContent = `${sentence} ${list.dataset[verdict]}`;
    list.append(line);
  };
  let order = orders.file;
  let done = 0;
  try {
    need(window.isSecureContext && crypto.subtle, "unable");
    const answer = await fetch(section.dataset.verify, { credentials: "same-origin" });
    need(answer.ok, "the file could not be fetched");
    const text = await answer.text();
    order = orders[sortOf(text)];
    await checks[sortOf(text)](text, section.querySelector("[data-key]").value, (name) => {
      say(list.dataset[name], "holds");
      done += 1;
    });
  } catch (error) {
    const unable = error.name === "NotSupportedError" || error.message === "unable";
    say(list.dataset[order[done]], unable ? "unable" : "fails");
    list.lastChild.title = error.message;
  }
}

for (const section of document.querySelectorAll("[data-verify]")) {
  for (const part of section.querySelectorAll("[data-script-only]")) part.hidden = false;
  section.querySelector("[data-check]").addEventListener("click", () => run(section));
}
