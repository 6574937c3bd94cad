/** Which pictures the one that is asked for will come from. A family that is not so is worse than none. */
import type { ParentChoice, RenderRequest } from '../bindings';

type Made = Pick<RenderRequest, 'references' | 'init'>;

/** The parents of a request after what it is made of has changed: those that it was made of and is not any more go. */
export function parentsAfter(before: Made & Pick<RenderRequest, 'parents'>, after: Made, more: readonly ParentChoice[] = []): ParentChoice[] {
  const [was, is] = [usedBy(before), usedBy(after)];
  const came = more.filter(({ id }) => is.has(id));
  const kept = before.parents.filter(({ id }) => (is.has(id) || !was.has(id)) && !came.some((one) => one.id === id));
  return [...kept, ...came];
}

/** Of these parents the ones that a request is made of; of two that are one picture the first is right. */
export function parentsIn(request: Made, said: readonly ParentChoice[]): ParentChoice[] {
  const is = usedBy(request);
  return said.filter(({ id }, n) => is.has(id) && said.findIndex((one) => one.id === id) === n);
}

/** Pictures are called the same as references and as parents: by what is in their file. */
function usedBy({ references, init }: Made): ReadonlySet<string> {
  const used = references.map(({ asset }) => asset);
  return new Set(init ? [...used, init.asset] : used);
}
