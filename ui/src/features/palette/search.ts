/** Finding an action by what a person remembers of its name. */

/** How well a name answers; null where it does not. Beginnings count most, letters in order least. */
export function score(name: string, asked: string): number | null {
  const text = name.toLowerCase();
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at === 0) sum += 4;
    else if (at > 0 && /[\s(:,-]/.test(text[at - 1] ?? '')) sum += 3;
    else if (at > 0) sum += 2;
    else if (inOrder(text, word)) sum += 0.5;
    else return null;
  }
  return sum;
}

function inOrder(text: string, word: string): boolean {
  // Two letters in order are in nearly every name.
  if (word.length < 3) return false;
  let at = 0;
  for (const letter of word) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
