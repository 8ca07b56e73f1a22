// The reading grade of a notice while it is written. The server computes it, so that there is one formula; without this file the
// page's own check says the same.

const token = document.body.dataset.formToken;
const text = document.querySelector("[data-score-text]");
const score = document.querySelector("[data-score]");
const language = document.querySelector("#language");
const PAUSE_MS = 400;

let timer = 0;
let asked = 0;

async function ask() {
  asked += 1;
  const mine = asked;
  const response = await fetch("/administration/notices/score", {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json", "fiducia-form": token },
    body: JSON.stringify({ language: language.value, text: text.value }),
    credentials: "same-origin",
  });
  // An answer that was overtaken, or none, leaves what stands there.
  if (!response.ok || mine !== asked) return;
  const answer = await response.json();
  score.textContent = answer.text;
  score.classList.toggle("too-hard", !answer.fits);
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(() => ask().catch(() => {}), PAUSE_MS);
}

if (text && score && language) {
  text.addEventListener("input", wait);
  language.addEventListener("input", wait);
}
