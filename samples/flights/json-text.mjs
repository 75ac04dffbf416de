// Cuts JSON text into pieces without parsing numbers: JSON.parse would turn 0.0 into 0 and 20-digit integers into something else.

/** Index just behind the JSON value that starts at `at`. */
export function endOfValue(text, at) {
  const first = text[at];
  if (first === '"') {
    for (let i = at + 1; ; i++) {
      if (text[i] === '\\') i++;
      else if (text[i] === '"') return i + 1;
      else if (i >= text.length) throw new Error(`unfinished string at ${at}`);
    }
  }
  if (first === '{' || first === '[') {
    for (let i = at, depth = 0; i < text.length; ) {
      const c = text[i];
      if (c === '"') {
        i = endOfValue(text, i);
        continue;
      }
      if (c === '{' || c === '[') depth++;
      else if ((c === '}' || c === ']') && --depth === 0) return i + 1;
      i++;
    }
    throw new Error(`unfinished value at ${at}`);
  }
  let i = at;
  while (i < text.length && !',]} \t\r\n'.includes(text[i])) i++;
  return i;
}

/** The elements of a JSON array, each as its own text. */
export function* elements(text) {
  let i = skip(text, skip(text, 0) + 1);
  while (text[i] !== ']') {
    const end = endOfValue(text, i);
    yield text.slice(i, end);
    i = skip(text, end);
    if (text[i] === ',') i = skip(text, i + 1);
  }
}

/** The text of one member of a JSON object; undefined when it has none of that name. */
export function member(text, name) {
  let i = skip(text, skip(text, 0) + 1);
  while (text[i] === '"') {
    const endOfName = endOfValue(text, i);
    const found = JSON.parse(text.slice(i, endOfName)) === name;
    const start = skip(text, skip(text, endOfName) + 1);
    const end = endOfValue(text, start);
    if (found) return text.slice(start, end);
    i = skip(text, end);
    if (text[i] === ',') i = skip(text, i + 1);
  }
  return undefined;
}

function skip(text, i) {
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++;
  return i;
}
