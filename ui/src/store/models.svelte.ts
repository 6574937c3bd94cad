/** A mirror of the models that were found. */
import type { Model, RenderRequest } from '../bindings';
import { platform } from '../platform';

class ModelsMirror {
  list = $state.raw<Model[]>([]);
  places = $state.raw<string[]>([]);
  known = $state(false);

  async load(): Promise<void> {
    const answer = await platform().call('models', {});
    this.list = answer.models;
    this.places = answer.places;
    this.known = true;
  }

  /** The one that a request means: none named is the first that runs. */
  chosen(name: string | null): Model | null {
    if (name !== null) return this.list.find((one) => one.name === name || one.path === name) ?? null;
    return this.list.find((one) => one.runs) ?? null;
  }

  /** What a request will measure: what it does not say is the model's. */
  sizeOf(request: RenderRequest): { width: number; height: number } {
    const usual = this.chosen(request.model)?.able?.defaults;
    return { width: request.width ?? usual?.width ?? 1, height: request.height ?? usual?.height ?? 1 };
  }

  get running(): Model[] {
    return this.list.filter((one) => one.runs);
  }
}

export const models = new ModelsMirror();
