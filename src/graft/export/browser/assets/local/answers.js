// From what the graph gives to an answer as `graft predict --json` writes it.

// `outputs`: {name: Array of one row's numbers}.
export function answerOf(about, outputs) {
  const threshold = about.unknown_threshold;
  const [score] = outputs.unknown_score;
  const unknown = { unknown: score > threshold, unknown_score: score, threshold };
  if (about.task === "regression") {
    return { value: outputs.value[0], low: outputs.low[0], high: outputs.high[0], ...unknown };
  }
  const p = Array.from(outputs.probabilities);
  const order = p.map((_, place) => place).sort((a, b) => p[b] - p[a] || a - b);
  const scores = Object.fromEntries(order.map((place) => [about.classes[place], p[place]]));
  const set = about.classes.filter((_, place) => outputs.set[place]);
  if (about.task === "multi_label") {
    const confidence = p.reduce((product, share, place) => product * (outputs.set[place] ? share : 1 - share), 1);
    const labels = order.filter((place) => outputs.set[place]).map((place) => about.classes[place]);
    return { label: set.join("|"), confidence, ...unknown, scores, set, labels };
  }
  return { label: about.classes[order[0]], confidence: p[order[0]], ...unknown, scores, set };
}
