/** What could be tried where an edit changed nothing, each at the same seed, so that only this differs. */
import type { RenderRequest } from '../../bindings';

/** Without the guard, which puts back whatever an instruction leaves alone; null where it was off. */
export function unguarded(request: RenderRequest): RenderRequest | null {
  if (!request.references.some(({ role, guard }) => role === 'edit' && guard !== false)) return null;
  return { ...request, references: request.references.map((one) => (one.role === 'edit' ? { ...one, guard: false } : one)) };
}

/** Farther from the starting picture; null where it goes all the way already. */
export function stronger(request: RenderRequest, usual: number): RenderRequest | null {
  const { init } = request;
  const strength = init?.strength ?? usual;
  if (!init || strength >= 1) return null;
  return { ...request, init: { ...init, strength: Math.min(1, Math.round((strength + 0.25) * 20) / 20) } };
}
