/** Words for what is filtered and what a picture is. */
import type { Board } from '../../bindings';
import { language, t } from '../../strings';
import type { Part, Wanted } from './filter';

/** What a chip says of a part of the filter. */
export function labelOf(part: Part, filter: Wanted, boards: readonly Board[]): string {
  switch (part) {
    case 'text':
      return filter.text ?? '';
    case 'model':
      return filter.model ?? '';
    case 'subject':
      return filter.subject ?? '';
    case 'tag':
      return t('library.chip.tag', { tag: filter.tag ?? '' });
    case 'size':
      return `${filter.width ?? '…'} × ${filter.height ?? '…'}`;
    case 'rating':
      return t('library.chip.rating', { n: filter.min_rating ?? 0 });
    case 'board':
      return boards.find(({ id }) => id === filter.board)?.name ?? t('library.boards');
    case 'date':
      if (filter.to === null) return t('library.chip.since', { day: dayText(filter.from ?? 0) });
      if (filter.from === null) return t('library.chip.until', { day: dayText(filter.to - 1) });
      return `${dayText(filter.from)} – ${dayText(filter.to - 1)}`;
  }
}

/** A day as people write it. */
export function dayText(at: number): string {
  return new Date(at).toLocaleDateString(language(), { year: 'numeric', month: 'short', day: 'numeric' });
}

/** A day and the time of it. */
export function momentText(at: number): string {
  return new Date(at).toLocaleString(language(), { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}
