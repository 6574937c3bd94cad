/** The picture whose settings are offered, if any: set from wherever a picture comes in. */
import type { ForeignSettings, Imported } from '../../bindings';

export interface Offer {
  /** The picture in the library, or an asset. */
  id: string;
  settings: ForeignSettings;
}

class Offering {
  current = $state.raw<Offer | null>(null);
}

export const offering = new Offering();

/** Offers what a picture that came in says of how it was made; nothing where it says nothing. */
export function openRestore(imported: Imported): void {
  if (imported.settings === null) return;
  offering.current = { id: imported.picture?.id ?? imported.asset.sha256, settings: imported.settings };
}

/** Offers the settings of a picture of the library. */
export function offerSettings(id: string, settings: ForeignSettings): void {
  offering.current = { id, settings };
}
