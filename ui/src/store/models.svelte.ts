/** A mirror of the models that were found. */
import type { Model, RenderRequest } from '../bindings';
import { platform } from '../platform';

class ModelsMirror {
  list = $state.raw<Model[]>([]);
  places = $state.raw<string[]>([]);
  /** Where the one lies that a request means which names none: the studio says which. */
  usual = $state.raw<string | null>(null);
  known = $state(false);

  async load(): Promise<void> {
    const answer = await platform().call('models', {});
    this.list = answer.models;
    this.places = answer.places;
    this.usual = answer.usual;
    this.known = true;
  }

  /** The one that a request means: as the studio finds it, by its file's name before its own. */
  chosen(name: string | null): Model | null {
    const found = (is: (one: Model) => boolean) => this.list.find(is);
    if (name === null) return found(({ path }) => path === this.usual) ?? null;
    return found(({ path }) => path === name || stem(path) === name) ?? found((one) => one.name === name) ?? null;
  }

  /** What a request calls it: by its name, or by where it lies where that name means another. */
  asked = (model: Model): string => (this.chosen(model.name)?.path === model.path ? model.name : model.path);

  /** What a request will measure: what it does not say is the model's. */
  sizeOf(request: RenderRequest): { width: number; height: number } {
    const usual = this.chosen(request.model)?.able?.defaults;
    return { width: request.width ?? usual?.width ?? 1, height: request.height ?? usual?.height ?? 1 };
  }

  get running(): Model[] {
    return this.list.filter((one) => one.runs);
  }
}

/** What a model's folder is called, or its file without the ending. */
const stem = (path: string) => path.split(/[\\/]/).at(-1)?.replace(/\.(safetensors|gguf)$/i, '');

export const models = new ModelsMirror();
