// What of the consent question can be measured, read off the page. Runs in the page and changes nothing.
const pressure = new RegExp("PRESSURE", "i");
const question = document.querySelector("#question");
const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
        const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
        if (alpha > 0) return [red, green, blue];
    }
    return [255, 255, 255];
};
const light = (colour) => {
    const [red, green, blue] = colour.map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
};
const chroma = ([red, green, blue]) => Math.max(red, green, blue) - Math.min(red, green, blue);
const tabbable = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter((one) => one.checkVisibility() && one.tabIndex >= 0 && one.type !== "hidden" && !one.disabled);
const submits = (element) => {
    let sent = false;
    const catcher = (event) => { sent = event.submitter === element; event.preventDefault(); };
    addEventListener("submit", catcher, true);
    element.click();
    removeEventListener("submit", catcher, true);
    for (const form of document.forms) delete form.dataset.sent;
    return sent;
};
const measured = (answer) => {
    const element = question.querySelector(`[name=answer][value=${answer}]`);
    const seen = Boolean(element?.checkVisibility());
    if (!seen) return { seen };
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const text = channels(style.color).slice(0, 3);
    const behind = ground(element);
    return {
        seen,
        kind: `${element.tagName} ${element.type} ${element.form?.getAttribute("action")}`,
        width: box.width, height: box.height, middle: box.top + box.height / 2, left: box.left,
        contrast: contrast(text, behind) * Number(style.opacity),
        edge: contrast(channels(style.borderTopColor).slice(0, 3), behind) * Number(style.opacity),
        look: [style.color, style.backgroundColor, style.borderTopColor, style.borderTopWidth, style.fontSize,
            style.fontWeight, style.boxShadow, style.textDecorationLine, style.opacity, style.animationName].join(" "),
        chroma: Math.max(chroma(text), chroma(behind), chroma(channels(style.borderTopColor).slice(0, 3))),
        chosen: document.activeElement === element || element.hasAttribute("autofocus") || element.checked === true ||
            element.getAttribute("aria-pressed") === "true" || element.getAttribute("aria-checked") === "true",
        stop: tabbable.indexOf(element),
        chord: element.accessKey.length === 1,
        answers: submits(element),
    };
};
const words = (selector) => [...question.querySelectorAll(selector)].map((one) => one.textContent.trim()).join(" ");
const sentences = [...question.querySelectorAll("h1, .notice-text p, .side h2, .side li, .until, .hint")]
    .filter((one) => one.checkVisibility()).map((one) => one.textContent.trim().replace(/\s+/g, " ")).join(" . ");
const no = question.querySelector("[name=answer][value=no]");
const refusing = [no?.textContent, no?.getAttribute("aria-label"), words(".side:last-child"), words("form ~ .hint"),
    words("form.answers")].join(" ").toLowerCase();
const outside = question.cloneNode(true);
outside.querySelector("#deadline")?.remove();
return {
    yes: measured("yes"), no: measured("no"), sentences, refusing,
    deadline: document.querySelector("#deadline")?.textContent.trim() ?? null,
    pressed: pressure.test(outside.textContent) || Boolean(document.querySelector("[role=timer], meter, progress")),
    chosenElsewhere: question.querySelectorAll(":checked, [aria-checked=true], [aria-pressed=true]").length,
};
