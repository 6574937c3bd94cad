/**
 * A tooltip, as an attachment: the name of a thing and the key that does the same. It is for those
 * who see and point; the element's own name serves everyone else.
 */
import type { Attachment } from 'svelte/attachments';
import { spoken } from '../actions/keys';

const WAIT_MS = 450;
const GAP = 6;
/** What ends before here is in the rail, and told of beside it. */
const RAIL = 64;
let shown: HTMLElement | null = null;

export function tip(text: string, key?: string): Attachment<HTMLElement> {
  return (element) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const begin = (wait: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => show(element, text, key), wait);
    };
    const end = () => {
      clearTimeout(timer);
      hide();
    };
    const enter = (event: PointerEvent) => event.pointerType === 'mouse' && begin(shown ? 80 : WAIT_MS);
    const focus = () => element.matches(':focus-visible') && begin(WAIT_MS);
    element.addEventListener('pointerenter', enter);
    element.addEventListener('pointerleave', end);
    element.addEventListener('pointerdown', end);
    element.addEventListener('focus', focus);
    element.addEventListener('blur', end);
    return () => {
      end();
      element.removeEventListener('pointerenter', enter);
      element.removeEventListener('pointerleave', end);
      element.removeEventListener('pointerdown', end);
      element.removeEventListener('focus', focus);
      element.removeEventListener('blur', end);
    };
  };
}

function show(element: HTMLElement, text: string, key?: string): void {
  hide();
  if (!element.isConnected || (text === '' && !key)) return;
  const box = document.createElement('div');
  box.className = 'tip';
  box.ariaHidden = 'true';
  if (text !== '') box.append(text);
  if (key) {
    const cap = document.createElement('kbd');
    cap.textContent = spoken(key);
    box.append(cap);
  }
  // Within an open dialog, since what lies outside one is covered.
  (element.closest('dialog') ?? document.body).append(box);
  const at = element.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const beside = at.right <= RAIL;
  const above = at.top > height + GAP && at.bottom + height + GAP > innerHeight - 200;
  const x = beside ? at.right + GAP : at.left + at.width / 2 - width / 2;
  const y = beside ? at.top + at.height / 2 - height / 2 : above ? at.top - height - GAP : at.bottom + GAP;
  box.style.left = `${Math.max(GAP, Math.min(innerWidth - width - GAP, x))}px`;
  box.style.top = `${Math.max(GAP, Math.min(innerHeight - height - GAP, y))}px`;
  shown = box;
}

function hide(): void {
  shown?.remove();
  shown = null;
}
