/** From where one writes to what is looked at: there letters are keys. Answers whether there is anything to look at. */
export function toPicture(): boolean {
  const viewer = document.querySelector<HTMLElement>('[data-region="viewer"]');
  const chosen = viewer?.querySelector<HTMLElement>('[aria-selected="true"], [role="option"][tabindex="0"]') ?? viewer;
  chosen?.focus({ preventScroll: true });
  return chosen !== undefined && chosen !== null;
}
