/** Where the caret of a text area is on the screen, found by laying the same text out again unseen. */
const COPIED = ['font', 'letterSpacing', 'lineHeight', 'padding', 'border', 'whiteSpace', 'wordBreak', 'overflowWrap', 'direction', 'tabSize'] as const;

export function caretAt(area: HTMLTextAreaElement, index: number): { x: number; y: number; line: number } {
  const style = getComputedStyle(area);
  const copy = document.createElement('div');
  for (const name of COPIED) copy.style[name] = style[name];
  Object.assign(copy.style, { position: 'fixed', visibility: 'hidden', whiteSpace: 'pre-wrap', boxSizing: 'border-box', width: `${area.offsetWidth}px`, top: '0', left: '0' });
  copy.append(area.value.slice(0, index));
  const mark = document.createElement('span');
  mark.textContent = '​';
  copy.append(mark);
  document.body.append(copy);
  const at = area.getBoundingClientRect();
  const place = { x: at.left + mark.offsetLeft, y: at.top + mark.offsetTop - area.scrollTop, line: parseFloat(style.lineHeight) || 18 };
  copy.remove();
  return place;
}
