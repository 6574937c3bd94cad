/** The rows of the offer: each setting that was found, what it would do, and what stands in its way. */
import type { Abilities, ForeignSettings, RenderRequest } from '../../bindings';
import { spelled } from '../../store/sizes';
import { changes, fieldNamed, fieldsOf, fitting, problemOf, type Field, type Problem } from './merge';

export interface Row {
  field: Field;
  /** What the program that wrote it calls it; null where it does not say. */
  label: string | null;
  value: string;
  /** The reader's own sentence, else what the chosen model says to it. */
  problem: string | Problem | null;
  /** What is taken in its place: a size of the same shape. */
  instead: string | null;
  /** Taking it over would change something. */
  changes: boolean;
}

/** What of `settings` can be taken over into `draft`, in the order in which fields are offered. */
export function rowsOf(settings: ForeignSettings, draft: RenderRequest, able: Abilities | null, elsewhere = false): Row[] {
  const known = fitting(settings.request, able);
  return fieldsOf(known).map((field) => {
    const instead = field === 'size' && known !== settings.request ? written(known, field) : null;
    const found = settings.fields.find((one) => fieldNamed(one.field) === field);
    return {
      field,
      label: found?.label ?? null,
      value: found?.value ?? written(settings.request, field),
      problem: instead === null ? (found?.problem ?? problemOf(known, field, able, elsewhere)) : null,
      instead,
      changes: changes(draft, known, field),
    };
  });
}

/** Those that are taken when nobody says otherwise: all that nothing stands in the way of. */
export function usual(rows: readonly Row[]): Set<Field> {
  return new Set(rows.filter(({ problem }) => problem === null).map(({ field }) => field));
}

function written(known: RenderRequest, field: Field): string {
  switch (field) {
    case 'size':
      return spelled(known.deliver ?? { width: known.width ?? 0, height: known.height ?? 0 });
    case 'references':
      return String(known.references.length);
    case 'init':
      return known.init?.asset.slice(0, 8) ?? '';
    case 'mask':
      return known.mask?.asset.slice(0, 8) ?? '';
    default:
      return String(known[field] ?? '');
  }
}
