// Texts -> what model.onnx takes, in a browser or in Node. tokenizer.py is the same in Python.
//
//     const tokenizer = await Tokenizer.open(new URL("tokenizer/", document.baseURI));
//     const { input_ids, attention_mask, words } = tokenizer.inputs("one text");
//
// Every rule of the model's tokenizer that depends on Unicode stands in a table beside this file, so that the answer does
// not depend on the browser that runs it.

// Of a text of more than PIECES * PIECE characters so many pieces of so many characters are read, and of those as many
// windows of at most WINDOW tokens. Shorter texts go into the graph whole, which cuts them into windows itself.
const PIECES = 64;
const PIECE = 2048;
const WINDOW = 254;
const BEGINNING = 101;
const END = 102;
const UNKNOWN = 100;
const LONGEST_WORD = 100;
// What becomes of a character: the same, nothing, a word of its own, others, its letters, nothing but ends a run.
const [KEPT, REMOVED, SPACED, CHANGED, HANGUL] = [0, 1, 2, 3, 4];
const [WORD, , ALONE] = [0, 1, 2];

const LONGEST_COUNTED = 20000;
const BUCKETS = 1n << 22n;
const BASE = 0x9e3779b97f4a7c15n;
const MASK = (1n << 64n) - 1n;
const [BLANK, LETTER, UNASSIGNED] = [0, 3, 5];

/** The tokenizer of one exported model. */
export class Tokenizer {
  /**
   * @param {string} vocabulary content of vocabulary.txt
   * @param {object} characters content of characters.json
   * @param {object|null} words content of words.json, of a model that looks at words
   */
  constructor(vocabulary, characters, words = null) {
    this.vocabulary = new Map(vocabulary.split("\n").map((token, number) => [token, number]));
    this.fates = table(characters.fates);
    this.kinds = table(characters.kinds);
    this.changed = new Map(Object.entries(characters.changed));
    this.order = new Map(Object.entries(characters.order));
    this.words = words && new Words(words);
  }

  /**
   * @param {URL|string} folder where the files lie; it ends with a slash
   * @param {{words?: boolean, fetch?: (address: URL) => Promise<Response>}} how whether there is a words.json
   */
  static async open(folder, { words = false, fetch: get = (address) => fetch(address) } = {}) {
    const file = async (name) => {
      const answer = await get(new URL(name, folder));
      if (!answer.ok) throw new Error(`${name} of the tokenizer is not there.`);
      return answer;
    };
    const [vocabulary, characters, grams] = await Promise.all([
      file("vocabulary.txt").then((answer) => answer.text()),
      file("characters.json").then((answer) => answer.json()),
      words ? file("words.json").then((answer) => answer.json()) : null,
    ]);
    return new Tokenizer(vocabulary, characters, grams);
  }

  /**
   * What the graph takes of one text: input_ids and attention_mask (1, length), and words (1, w) or null.
   * @throws {RangeError} The text has no character that can be read.
   * @returns {{input_ids: BigInt64Array, attention_mask: BigInt64Array, words: Float32Array|null}}
   */
  inputs(text) {
    const ids = [];
    const mask = [];
    this.segments(text).forEach((segment, index) => {
      for (const token of [BEGINNING, ...segment, END]) {
        ids.push(BigInt(token));
        mask.push(BigInt(index + 1));
      }
    });
    return {
      input_ids: BigInt64Array.from(ids),
      attention_mask: BigInt64Array.from(mask),
      words: this.words && this.words.row(clean(text)),
    };
  }

  /** The tokens of a text: in one list, or of a very long one those of the windows that are read. */
  segments(text) {
    const characters = Array.from(clean(text));
    let found;
    if (characters.length <= PIECES * PIECE) {
      found = [this.ids(characters)];
    } else {
      found = spread(characters.length - PIECE, PIECES, Math.trunc).flatMap((start) => {
        const piece = this.ids(characters.slice(start, start + PIECE));
        const count = Math.ceil(piece.length / WINDOW);
        const bound = (part) => Math.floor((piece.length * part) / count);
        return Array.from({ length: count }, (_, part) => piece.slice(bound(part), bound(part + 1)));
      });
      if (found.length > PIECES) found = spread(found.length - 1, PIECES, Math.round).map((index) => found[index]);
    }
    if (!found.some((segment) => segment.length)) throw new RangeError("The text has no character that can be read.");
    return found;
  }

  /** The tokens of a text, without marks at its ends. */
  ids(text) {
    const found = [];
    for (const word of this.split(text)) this.pieces(word, found);
    return found;
  }

  /** Its words, each a list of characters, as the vocabulary spells them. */
  *split(text) {
    let word = [];
    for (const character of this.normalised(text)) {
      const kind = this.kinds[character.codePointAt(0)];
      if (kind === WORD) {
        word.push(character);
        continue;
      }
      if (word.length) yield word;
      if (kind === ALONE) yield [character];
      word = [];
    }
    if (word.length) yield word;
  }

  /** Characters in lower case, without accents, with spaces around those that are words of their own. */
  normalised(text) {
    const found = [];
    const barriers = new Set();
    for (const character of text) {
      const code = character.codePointAt(0);
      const fate = this.fates[code];
      if (fate === KEPT) found.push(character);
      else if (fate === SPACED) found.push(" ", character, " ");
      else if (fate === CHANGED) found.push(...this.changed.get(character));
      else if (fate === HANGUL) found.push(...letters(code - 0xac00));
      else if (fate !== REMOVED) barriers.add(found.length);
    }
    this.#sort(found, barriers);
    return found;
  }

  /** Marks that follow each other stand in the order that Unicode gives them. */
  #sort(found, barriers) {
    for (let start = 0, end; start < found.length; start = Math.max(end, start + 1)) {
      end = start;
      while (end < found.length && this.order.has(found[end]) && (end === start || !barriers.has(end))) end += 1;
      if (end - start < 2) continue;
      const sorted = found.slice(start, end).sort((one, other) => this.order.get(one) - this.order.get(other));
      found.splice(start, end - start, ...sorted);
    }
  }

  /** The tokens of a word, added to found: the longest that the vocabulary has, one after another. */
  pieces(word, found) {
    const tokens = [];
    let start = 0;
    while (start < word.length && word.length <= LONGEST_WORD) {
      let end = word.length;
      let token;
      while (end > start) {
        token = this.vocabulary.get((start ? "##" : "") + word.slice(start, end).join(""));
        if (token !== undefined) break;
        end -= 1;
      }
      if (token === undefined) break;
      tokens.push(token);
      start = end;
    }
    if (start === word.length) for (const token of tokens) found.push(token);
    else found.push(UNKNOWN);
  }

  /** Why a text may be read otherwise here than by the model, or "". */
  cannot(text) {
    const odd = this.words && this.words.newer(text);
    if (odd) {
      const code = odd.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      return `This browser does not know the character U+${code}, the model does.`;
    }
    const zeros = text.split("\0").length - 1;
    return zeros * 5 > Array.from(text).length ? "The text holds so many zeros that it looks like one in UTF-16." : "";
  }
}

/** How much of which n-grams a text has: the row of TF-IDF that a model takes beside the tokens. */
export class Words {
  constructor(tables) {
    this.classes = table(tables.classes);
    this.folds = new Map(Object.entries(tables.folds));
    this.columns = new Map();
    let bucket = 0;
    tables.buckets.forEach((step, column) => this.columns.set((bucket += step), column));
    this.firstCharacters = Array.from(this.columns.keys()).filter((one) => one < Number(BUCKETS)).length;
    this.idf = tables.idf;
  }

  /** A text -> (w). */
  row(text) {
    const counts = new Map();
    for (const bucket of this.buckets(text)) {
      const column = this.columns.get(bucket);
      if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
    }
    const squares = [0, 0];
    const values = Array.from(counts, ([column, count]) => [column, (1 + Math.log(count)) * this.idf[column]]);
    for (const [column, value] of values) squares[Number(column >= this.firstCharacters)] += value * value;
    const kinds = squares.filter((square) => square > 0).length;
    const row = new Float32Array(this.idf.length);
    for (const [column, value] of values) {
      row[column] = value / Math.sqrt(squares[Number(column >= this.firstCharacters)] * kinds);
    }
    return row;
  }

  /** The bucket of each n-gram: words, pairs of words, and 3 to 5 characters within a word. */
  *buckets(text) {
    const codes = [32, ...Array.from(this.folded(text), (character) => character.codePointAt(0)), 32];
    const kinds = codes.map((code) => this.classes[code] % UNASSIGNED);
    let before = null;
    for (const [start, end] of runs(kinds)) {
      let sum = 0n;
      for (let place = end - 1; place >= start; place -= 1) sum = (sum * BASE + mixed(BigInt(codes[place]))) & MASK;
      const word = mixed(sum);
      yield Number(word % BUCKETS);
      if (before !== null) yield Number(mixed((before * BASE + word) & MASK) % BUCKETS);
      before = word;
    }
    const kept = codes
      .map((code, place) => (kinds[place] === BLANK ? 32 : code))
      .filter((_, place) => kinds[place] !== BLANK || !place || kinds[place - 1] !== BLANK);
    const blank = kept.map((code) => this.classes[code] % UNASSIGNED === BLANK);
    const grams = kept.map((code) => mixed(BigInt(code)));
    for (let start = 0; start < grams.length; start += 1) {
      let value = 0n;
      for (let size = 1; size <= 5 && start + size <= grams.length; size += 1) {
        if (size > 2 && blank[start + size - 2]) break;
        value = (value * BASE + grams[start + size - 1]) & MASK;
        if (size > 2) yield Number((mixed((value + BigInt(size)) & MASK) % BUCKETS) + BUCKETS);
      }
    }
  }

  /** The text in compatible characters (NFKC), without regard to case; its beginning. */
  folded(text) {
    const parts = [""]; // in turns with characters that Unicode did not know when the model was made: they stay
    for (const character of Array.from(text).slice(0, LONGEST_COUNTED)) {
      if (this.classes[character.codePointAt(0)] === UNASSIGNED) parts.push(character, "");
      else parts[parts.length - 1] += character;
    }
    const compatible = parts.map((part, place) => (place % 2 ? part : part.normalize("NFKC"))).join("");
    const folded = Array.from(compatible, (character) => this.folds.get(character) ?? character).join("");
    return Array.from(folded).slice(0, LONGEST_COUNTED).join("");
  }

  /** The first character that the model knows and this browser does not, or "". */
  newer(text) {
    for (const character of text) {
      if (/^\p{Cn}$/u.test(character) && this.classes[character.codePointAt(0)] !== UNASSIGNED) return character;
    }
    return "";
  }
}

/** The text without a byte order mark, and with U+FFFD for half a character. */
function clean(text) {
  return text.replace(/\p{Cs}/gu, "\ufffd").replace(/^\ufeff/, "");
}

/** So many whole numbers from 0 to last, evenly; of 64 none is a half, which Python would round otherwise. */
function spread(last, count, whole) {
  return Array.from({ length: count }, (_, place) => (place === count - 1 ? last : whole(place * (last / (count - 1)))));
}

function letters(syllable) {
  const found = [0x1100 + Math.floor(syllable / 588), 0x1161 + Math.floor((syllable % 588) / 28)];
  if (syllable % 28) found.push(0x11a7 + (syllable % 28));
  return found.map((code) => String.fromCodePoint(code));
}

/** First character and end of each word. */
function* runs(kinds) {
  for (let start = 0, end; start < kinds.length; start = end) {
    end = start + 1;
    if (kinds[start] >= LETTER) while (end < kinds.length && kinds[end] >= LETTER) end += 1;
    if (kinds[start] !== BLANK) yield [start, end];
  }
}

/** Spread the bits of a number over all 64 (the finaliser of splitmix64). */
function mixed(value) {
  value = (value + BASE) & MASK;
  value = ((value ^ (value >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  value = ((value ^ (value >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return value ^ (value >> 31n);
}

/** One byte for every code point; runs are first, length and value, all others 0. */
function table(stretches) {
  const found = new Uint8Array(0x110000);
  for (const [first, length, value] of stretches) found.fill(value, first, first + length);
  return found;
}
