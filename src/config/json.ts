/** The deepest nesting read from outside: alerts and messages have less than ten levels. */
const deepest = 64;

/**
 * One JSON document from outside. What is nested without end is refused before it is read: it parses, and then takes
 * whoever walks it, copies it or sends it on to the end of the stack.
 * Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  requireShallow(text);
  return JSON.parse(text);
}

const quote = 0x22;
const backslash = 0x5c;

function requireShallow(text: string): void {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (isString) {
      // Most of an alert is inside of its frames' texts: jump to where one ends.
      const end = text.indexOf('"', at);
      if (end < 0) return;
      at = end;
      if (!isEscaped(text, end)) isString = false;
    } else if (char === quote) isString = true;
    // [ and {, ] and }
    else if (char === 0x5b || char === 0x7b) depth++;
    else if (char === 0x5d || char === 0x7d) depth--;
    if (depth > deepest) throw new SyntaxError(`nested more than ${deepest} levels deep`);
  }
}

/** Whether an odd number of backslashes stands before a quote. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === backslash) before--;
  return (at - before) % 2 === 1;
}
