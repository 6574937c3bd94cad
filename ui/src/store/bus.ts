/** Hands the studio's events to whoever mirrors that part of it. */
import type { Event } from '../bindings';

type Kind = Event['kind'];
type Told<K extends Kind> = Extract<Event, { kind: K }>;
type Hearer = (event: Event) => void;

const hearers = new Map<Kind, Set<Hearer>>();

export const bus = {
  on<K extends Kind>(kind: K, hear: (event: Told<K>) => void): () => void {
    const those = hearers.get(kind) ?? new Set<Hearer>();
    hearers.set(kind, those.add(hear as Hearer));
    return () => those.delete(hear as Hearer);
  },
  tell(event: Event): void {
    for (const hear of hearers.get(event.kind) ?? []) hear(event);
  },
};
