// Answers of one person to one sheet. Nothing leaves the page but the file that they save themselves.
"use strict";
(() => {
  const root = document.documentElement;
  const of = (query, where = document) => [...where.querySelectorAll(query)];
  const one = (query, where = document) => where.querySelector(query);
  const sheet = one("#sheet");
  const pictures = new Map(of("script.picture").map((block) => {
    const picture = JSON.parse(block.textContent);
    return [picture.key, picture];
  }));
  const cards = of(".card");
  const byId = new Map(cards.map((card) => [card.dataset.id, card]));
  const NAMES = { confirm: "--confirm", cover: "--cover", clear: "--clear" };
  const HIDDEN = Number(sheet.dataset.hidden), MARGIN = Number(sheet.dataset.margin);

  // --- what was answered

  const answers = new Map(); // by the card's id: confirm, cover, clear, looked or missed
  let drawn = []; // of images: {image, key, box}
  const steps = []; // of each: the cards, and what there was before
  let saved = true, saves = 0; // how many files were saved: the browser must not choose the name of the next one
  const store = `bondstore-review ${sheet.dataset.query} ${sheet.dataset.places}`;
  const stateOf = (card) => card.dataset.covered || card.dataset.how; // an answer is about what was to be seen

  function remember() {
    try {
      const some = [...answers].map(([id, word]) => [id, word, stateOf(byId.get(id))]);
      localStorage.setItem(store, JSON.stringify({ answers: some, drawn, saved, saves }));
    } catch { /* a browser may keep nothing for files: then the file to save is all there is */ }
  }

  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(store) || "null");
      if (!kept) return;
      answers.clear();
      for (const [id, word, state] of kept.answers) if (byId.has(id) && stateOf(byId.get(id)) === state) answers.set(id, word);
      drawn = kept.drawn.filter(({ key, box }) => pictures.has(key) && !pictures.get(key).decided.some((each) => `${each}` === `${box}`));
      ({ saved = false, saves = 0 } = kept);
      steps.length = 0;
    } catch { /* as above */ }
  }

  const isSample = (card) => card.dataset.kind === "sample";
  const isCovered = (card) => card.dataset.covered === "true";
  const boxOf = (card) => card.dataset.box.split(",").map(Number);
  const drawnOn = (card) => drawn.filter((each) => each.image === card.dataset.source);

  // c covers and l leaves, whatever is to be seen on a card; where a box is drawn, a face showed.
  function wordOf(card, key) {
    if (isSample(card)) return key === "cover" || drawnOn(card).length ? "missed" : "looked";
    if (isCovered(card)) return key === "cover" ? "confirm" : "clear";
    return key === "cover" ? "cover" : "confirm";
  }

  // The same bytes under two names: one answer holds for both.
  function twins(card) {
    if (isSample(card)) return [card];
    const { source, picture, box } = card.dataset;
    return cards.filter((each) => each.dataset.source === source && each.dataset.picture === picture && each.dataset.box === box);
  }

  function answer(some, word) {
    steps.push({ cards: some, answers: [...answers], drawn });
    for (const each of some.flatMap(twins)) {
      if (word) answers.set(each.dataset.id, word);
      else answers.delete(each.dataset.id);
    }
    changed();
  }

  function draw(card, boxes) {
    steps.push({ cards: [card], answers: [...answers], drawn });
    drawn = boxes;
    changed();
    frames();
  }

  // The answer of the card in front, where it has one; else the last step, wherever that was.
  function undo() {
    const last = steps.at(-1);
    if (current && answers.has(current.dataset.id) && !(last && last.cards.includes(current))) return answer([current], null);
    if (!last) return;
    steps.pop();
    answers.clear();
    for (const [id, word] of last.answers) answers.set(id, word);
    drawn = last.drawn;
    changed();
    const card = last.cards.find((each) => !each.hidden);
    if (card) select(card);
  }

  function changed() {
    for (const each of cards.filter(isSample)) if (drawnOn(each).length) answers.set(each.dataset.id, "missed");
    saved = false;
    remember();
    show();
  }

  // --- what lies under a cover that was made here is not asked again

  function share(box, other) {
    const wide = Math.min(box[0] + box[2], other[0] + other[2]) - Math.max(box[0], other[0]);
    const high = Math.min(box[1] + box[3], other[1] + other[3]) - Math.max(box[1], other[1]);
    return Math.max(0, wide) * Math.max(0, high) / (box[2] * box[3]);
  }

  const grown = ([x, y, w, h]) => [x - MARGIN * w, y - MARGIN * h, w * (1 + 2 * MARGIN), h * (1 + 2 * MARGIN)];

  function coversOf(source) {
    const made = drawn.filter((each) => each.image === source).map((each) => grown(each.box));
    for (const card of cards)
      if (card.dataset.source === source && answers.get(card.dataset.id) === "cover") made.push(grown(boxOf(card)));
    return made;
  }

  function isUnderCover(card) {
    if (isSample(card) || isCovered(card) || answers.has(card.dataset.id)) return false;
    return coversOf(card.dataset.source).some((cover) => share(boxOf(card), cover) >= HIDDEN);
  }

  // --- what is shown

  const filter = { kind: "all", size: 0, low: 0, high: 1, open: false };

  function passes(card) {
    if (isSample(card)) return !filter.open || !answers.has(card.dataset.id);
    if (filter.kind !== "all" && (filter.kind === "covered") !== isCovered(card)) return false;
    const [, , width, height] = boxOf(card), score = Number(card.dataset.score);
    if (Math.max(width, height) < filter.size || score < filter.low || score > filter.high) return false;
    return !(filter.open && answers.has(card.dataset.id));
  }

  const plural = (count, word, words) => `${count.toLocaleString("en")} ${count === 1 ? word : words}`;
  const LABELS = {
    confirm: (card) => isCovered(card) ? "Stays covered" : "No face: stays as it is",
    cover: () => "Will be covered",
    clear: () => "Will be shown",
    looked: () => "No face shows",
    missed: (card) => {
      const count = drawnOn(card).length;
      return count ? `A face showed: ${plural(count, "box", "boxes")} drawn` : "A face shows: draw a box over it (press o)";
    },
  };

  function show() {
    let hidden = 0, under = 0;
    for (const card of cards) {
      const word = answers.get(card.dataset.id), covered = isUnderCover(card);
      card.hidden = !passes(card) || covered;
      hidden += !passes(card);
      under += covered;
      card.dataset.answer = word || "";
      one(".answer", card).textContent = word ? LABELS[word](card) : "";
      for (const button of of("[data-do='cover'], [data-do='leave']", card))
        button.setAttribute("aria-pressed", String(Boolean(word) && word === wordOf(card, button.dataset.do)));
    }
    const boxes = cards.filter((card) => !isSample(card));
    const done = boxes.filter((card) => answers.has(card.dataset.id)).length;
    const notes = [`${done.toLocaleString("en")} of ${plural(boxes.length, "box", "boxes")} decided`];
    const seen = cards.filter((card) => isSample(card) && answers.has(card.dataset.id)).length;
    if (seen) notes.push(`${plural(seen, "image", "images")} of the sample looked at`);
    if (drawn.length) notes.push(`${plural(drawn.length, "box", "boxes")} drawn`);
    if (under) notes.push(`${under} under a cover you made`);
    if (hidden) notes.push(`${hidden} hidden by the filters`);
    one("#count").textContent = notes.join(" · ");
    for (const part of of(".part")) {
      const some = of(".card", part);
      one(".empty", part).hidden = some.some((card) => !card.hidden);
    }
    const total = answers.size + drawn.length;
    one("#save").disabled = !total;
    one("#save").textContent = total ? `Save decisions (${total})` : "Save decisions";
    one("#unsaved").hidden = saved || !total;
    one("#words").textContent = typed();
    bound();
    if (!current || current.hidden) select(visible().find((card) => !answers.has(card.dataset.id)) || visible()[0], false);
  }

  // The same as a command to type, for those who cannot save a file; images of the sample are counted by the file alone.
  function typed() {
    const by = { confirm: [], cover: [], clear: [] };
    for (const [id, word] of answers) if (by[word]) by[word].push(id.slice(0, 12));
    const parts = Object.keys(by).filter((word) => by[word].length).map((word) => `${NAMES[word]} ${by[word].join(",")}`);
    return [...parts, ...drawn.map((each) => `--add-box ${each.image}@${each.box.join(",")}`)].join(" ");
  }

  // --- how much was missed: the one-sided limit of Clopper and Pearson (1934)

  function least(looked, found) {
    if (!looked || found >= looked) return 1;
    const within = (share) => {
      let term = looked * Math.log1p(-share), sum = 0;
      for (let k = 0; k <= found; k++) {
        sum += Math.exp(term);
        term += Math.log((looked - k) / (k + 1)) + Math.log(share) - Math.log1p(-share);
      }
      return sum;
    };
    let low = 0, high = 1;
    for (let turn = 0; turn < 60; turn++) {
      const middle = (low + high) / 2;
      if (within(middle) > 0.05) low = middle;
      else high = middle;
    }
    return high;
  }

  const percent = (share) => `${(Math.ceil(share * 1000 - 1e-6) / 10).toFixed(1)} %`;

  function bound() {
    const place = one("#bound");
    if (!place) return;
    let looked = Number(sheet.dataset.looked), missed = Number(sheet.dataset.missed);
    for (const card of cards.filter(isSample)) {
      const word = answers.get(card.dataset.id);
      looked += word === "looked" || word === "missed";
      missed += word === "missed";
    }
    const showed = missed ? plural(missed, "showed a face", "showed a face") : "none showed a face";
    place.textContent = looked
      ? `You looked at ${plural(looked, "image", "images")}; ${showed}. With 95 % confidence, `
        + `under ${percent(least(looked, missed))} of the images show a face.`
      : "You looked at none yet.";
  }

  // --- going from one to the next

  let current = null;
  const visible = () => cards.filter((card) => !card.hidden);

  function select(card, scroll = true) {
    if (current) current.classList.remove("current");
    current = card || null;
    if (!current) return;
    current.classList.add("current");
    if (scroll) current.scrollIntoView({ block: "center" });
  }

  function move(step) {
    const some = visible(), at = some.indexOf(current);
    if (some.length) select(some[Math.min(some.length - 1, Math.max(0, at < 0 ? 0 : at + step))]);
  }

  function decide(card, key) {
    const some = visible(), word = wordOf(card, key);
    const behind = some.slice(some.indexOf(card) + 1);
    answer([card], word);
    const next = behind.find((each) => !each.hidden); // what is under the new cover is passed over
    if (word === "missed") open(card);
    else if (next) select(next);
    else if (filter.open || card.hidden) move(0);
    else select(card);
  }

  // --- the whole image, to look at and to draw on

  // The sample is looked at whole, and faces may be small.
  for (const card of cards.filter(isSample)) {
    const picture = pictures.get(card.dataset.picture), image = one("img", card);
    if (picture && image) image.src = `data:image/jpeg;base64,${picture.jpeg}`;
  }

  const viewer = one("#viewer"), stage = one("#stage"), whole = one("#whole"), rubber = one("#rubber");
  let opened = null, from = null;

  function open(card) {
    const picture = card && pictures.get(card.dataset.picture);
    if (!picture) return;
    select(card, false);
    opened = { card, picture };
    whole.src = `data:image/jpeg;base64,${picture.jpeg}`;
    one("#title").textContent = one(".title", card).innerText.replace(/\s+/g, " ");
    viewer.hidden = false;
    enlarge(false);
    root.classList.add("viewing");
    whole.decode().then(frames, frames);
    one("#close").focus();
  }

  function close() {
    viewer.hidden = true;
    root.classList.remove("viewing");
    opened = from = null;
    rubber.hidden = true;
    show();
    if (current) current.scrollIntoView({ block: "center" });
  }

  function enlarge(large) {
    viewer.classList.toggle("large", large);
    whole.style.width = large ? `${opened.picture.width}px` : "";
    frames();
  }

  function put(element, [x, y, w, h]) {
    const across = whole.clientWidth / opened.picture.width, down = whole.clientHeight / opened.picture.height;
    Object.assign(element.style, { left: `${x * across}px`, top: `${y * down}px`, width: `${w * across}px`, height: `${h * down}px` });
  }

  function frames() {
    if (!opened) return;
    for (const old of of(".mark", stage)) old.remove();
    const mark = (kind, box) => {
      const element = document.createElement("div");
      element.className = `mark ${kind}`;
      put(element, box);
      stage.append(element);
      return element;
    };
    if (!isSample(opened.card)) mark("found", boxOf(opened.card));
    for (const each of drawnOn(opened.card)) {
      const element = mark("own", each.box), button = document.createElement("button");
      button.type = "button";
      button.textContent = "×";
      button.title = "Remove this box";
      button.addEventListener("click", () => draw(opened.card, drawn.filter((one) => one !== each)));
      element.append(button);
    }
  }

  function pointAt(event) {
    const area = whole.getBoundingClientRect(), { width, height } = opened.picture;
    const within = (value, most) => Math.min(most, Math.max(0, value));
    return [
      within((event.clientX - area.left) / area.width * width, width),
      within((event.clientY - area.top) / area.height * height, height),
    ];
  }

  function boxTo(event) {
    const to = pointAt(event);
    const left = Math.floor(Math.min(from[0], to[0])), top = Math.floor(Math.min(from[1], to[1]));
    return [left, top, Math.ceil(Math.max(from[0], to[0])) - left, Math.ceil(Math.max(from[1], to[1])) - top];
  }

  // A box may begin and end beside the image: its sides are then those of the image.
  viewer.addEventListener("pointerdown", (event) => {
    const beside = event.target === viewer;
    if (!opened || event.button || !(beside ? !viewer.classList.contains("large") : stage.contains(event.target))
      || event.target.tagName === "BUTTON") return;
    event.preventDefault();
    from = Object.assign(pointAt(event), { beside });
    viewer.setPointerCapture(event.pointerId);
  });
  viewer.addEventListener("pointermove", (event) => {
    if (!from) return;
    rubber.hidden = false;
    put(rubber, boxTo(event));
  });
  viewer.addEventListener("pointerup", (event) => {
    if (!from) return;
    const box = boxTo(event), { beside } = from;
    from = null;
    rubber.hidden = true;
    if (box[2] >= 4 && box[3] >= 4)
      draw(opened.card, [...drawn, { image: opened.card.dataset.source, key: opened.card.dataset.picture, box }]);
    else if (beside) close(); // a click beside the image
  });
  viewer.addEventListener("pointercancel", () => { from = null; rubber.hidden = true; });
  addEventListener("resize", frames);

  // --- keys and clicks

  const KEYS = {
    j: () => move(1), ArrowRight: () => move(1), k: () => move(-1), ArrowLeft: () => move(-1),
    c: () => current && decide(current, "cover"), l: () => current && decide(current, "leave"),
    u: undo, o: () => open(current),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key.length > 1 && event.target.matches("input, select")) return; // a filter needs its arrows, and no letters
    if (!viewer.hidden) {
      if (key === "Escape" || key === "o") close();
      else if (key === "z" && opened) enlarge(!viewer.classList.contains("large"));
      else if (key === "u" && opened && !event.repeat) {
        const own = drawnOn(opened.card);
        if (own.length) draw(opened.card, drawn.filter((each) => each !== own.at(-1)));
      }
      return;
    }
    const act = KEYS[key];
    if (!act) return;
    event.preventDefault();
    if (event.repeat && "clu".includes(key)) return; // a key held down decides nothing more
    act();
  });

  for (const card of cards) {
    card.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      select(card, false);
      if (!button) {
        if (event.target.closest("img")) open(card);
      } else if (button.dataset.do === "open") open(card);
      else {
        const word = wordOf(card, button.dataset.do);
        answer([card], answers.get(card.dataset.id) === word ? null : word);
        if (word === "missed" && answers.has(card.dataset.id)) open(card);
      }
    });
  }
  one("#close").addEventListener("click", close);

  for (const input of of("#filters input, #filters select"))
    input.addEventListener("input", () => {
      const value = input.type === "checkbox" ? input.checked : input.value;
      filter[input.name] = typeof filter[input.name] === "number" ? Number(value) : value;
      const shown = one(`#filters output[for="${input.id}"]`);
      if (shown) shown.textContent = value;
      show();
    });

  for (const button of of("button[data-rest]"))
    button.addEventListener("click", () => {
      const some = of(".card", button.closest(".part")).filter((card) => !card.hidden && !answers.has(card.dataset.id));
      if (some.length) answer(some, button.dataset.rest);
    });

  one("#save").addEventListener("click", () => {
    const decisions = [...answers].map(([id, verdict]) => verdict === "looked" || verdict === "missed"
      ? { verdict, image: byId.get(id).dataset.source, how: byId.get(id).dataset.how } : { verdict, id });
    for (const { image, box } of drawn) decisions.push({ verdict: "add-box", image, box });
    const said = { kind: "screenlake-review", version: 1, query: sheet.dataset.query, decisions };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(said, null, 1)], { type: "application/json" }));
    saves += 1;
    link.download = saves > 1 ? sheet.dataset.file.replace(/\.json$/, `-${saves}.json`) : sheet.dataset.file;
    for (const place of of(".file")) place.textContent = link.download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    saved = true;
    remember();
    one("#then").hidden = false;
    show();
  });
  addEventListener("storage", (event) => { // the same sheet in another window
    if (event.key !== store) return;
    recall();
    show();
    frames();
  });
  addEventListener("beforeunload", (event) => { if (!saved && (answers.size || drawn.length)) event.preventDefault(); });

  root.classList.add("scripted");
  recall();
  show();
  if (answers.size) select(current); // where somebody stopped
})();
