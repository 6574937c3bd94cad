/** Pictures that were asked for at once, as one pile each: the best of them on top. */
import type { PictureCard } from '../bindings';

export interface Stack {
  /** The one that is seen: the best marked of them, and of those the latest. */
  top: PictureCard;
  /** All of them, in the order in which they were given. */
  cards: readonly PictureCard[];
}

/**
 * Piles of `cards`, each at the place of the first of its run that is met. What has no run, or is alone in it, is a
 * pile of one; so is each picture of a run that is `open`.
 */
export function stacksOf(cards: readonly PictureCard[], open: ReadonlySet<string> = new Set()): Stack[] {
  const stacks: { top: PictureCard; cards: PictureCard[] }[] = [];
  const places = new Map<string, number>();
  for (const card of cards) {
    const place = card.run === null || open.has(card.run) ? undefined : places.get(card.run);
    const stack = place === undefined ? undefined : stacks[place];
    if (stack) {
      stack.cards.push(card);
      if (better(card, stack.top)) stack.top = card;
      continue;
    }
    if (card.run !== null) places.set(card.run, stacks.length);
    stacks.push({ top: card, cards: [card] });
  }
  return stacks;
}

function better(a: PictureCard, b: PictureCard): boolean {
  return a.rating > b.rating || (a.rating === b.rating && a.created_at > b.created_at);
}
