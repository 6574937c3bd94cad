/** Parts of the Library screen that actions reach for: the search field, the grid, and what is open over them. */

export type Question = 'purge' | 'empty_trash';

class LibraryScreen {
  search = $state<HTMLInputElement>();
  grid = $state<HTMLElement>();
  filters = $state(false);
  /** A dialog that waits for an answer. */
  question = $state<Question | null>(null);
  /** The menu of boards to put the chosen pictures on. */
  boardMenu = $state(false);
  /** The field that tags the chosen pictures. */
  tag = $state<HTMLInputElement>();

  focusSearch(): void {
    this.search?.focus();
    this.search?.select();
  }

  focusGrid(): void {
    this.grid?.querySelector<HTMLElement>('[role="listbox"], [role="tree"] [tabindex="0"]')?.focus();
  }
}

export const screen = new LibraryScreen();
