/** Which screen is shown, and how its panels are laid out. */
import { isBoolean, isNumber, remember, remembered } from './remembered';

export type Screen = 'create' | 'library' | 'models' | 'settings';
export const SCREENS: readonly Screen[] = ['create', 'library', 'models', 'settings'];
/** Where the rail leads: to work, and apart from that to what is set once. Models are a page of that. */
export const RAIL = { work: ['create', 'library'], rest: ['settings'] } as const satisfies Record<string, readonly Screen[]>;

/** What each panel may measure, in pixels: least, as designed, most. */
export const PANELS = {
  inspector: { least: 240, usual: 320, most: 520 },
  filmstrip: { least: 64, usual: 96, most: 200 },
} as const;
export type Panel = keyof typeof PANELS;

class View {
  current = $state<Screen>('create');
  /** Everything but the picture is hidden. */
  solo = $state(false);
  queueOpen = $state(false);
  paletteOpen = $state(false);
  keysOpen = $state(false);
  /** How high the prompt and all that is under it stands, in pixels: what floats keeps above it. */
  foot = $state(0);
  inspectorOpen = $state(remembered('inspector.open', true, isBoolean));
  sizes = $state<Record<Panel, number>>({
    inspector: remembered('inspector', PANELS.inspector.usual, isNumber),
    filmstrip: remembered('filmstrip', PANELS.filmstrip.usual, isNumber),
  });

  show(screen: Screen): void {
    this.current = screen;
    this.solo = false;
  }

  resize(panel: Panel, size: number): void {
    const { least, most } = PANELS[panel];
    this.sizes[panel] = Math.round(Math.min(most, Math.max(least, size)));
    remember(panel, this.sizes[panel]);
  }

  toggleInspector(): void {
    this.inspectorOpen = !this.inspectorOpen;
    remember('inspector.open', this.inspectorOpen);
  }
}

export const view = new View();
