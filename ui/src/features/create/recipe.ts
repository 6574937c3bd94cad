/** The fields of a request that stand in the inspector: what is wrong with them is said there while it is open. */
export const RECIPE_FIELDS: readonly string[] = ['model', 'seed', 'steps', 'guidance', 'negative', 'sampler', 'schedule', 'precision', 'noise_source'];
