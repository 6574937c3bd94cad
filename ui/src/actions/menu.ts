/** The system's own menu, made of the actions that belong there. */
import type { MenuGroup } from '../platform';
import { t } from '../strings';
import { action } from './index';

export function systemMenu(): MenuGroup[] {
  const items = (...ids: string[]) => ids.map((id) => (id === '-' ? { id, text: '' } : { id, text: action(id).name() }));
  return [
    { text: t('menu.file'), items: items('create.run', 'create.run_next', '-', 'picture.save', 'picture.save_plain', 'picture.reveal', '-', 'app.quit') },
    { text: t('menu.edit'), items: items('undo.undo', 'undo.redo', '-', 'picture.copy') },
    { text: t('menu.view'), items: items('view.create', 'view.library', 'view.models', 'view.settings', '-', 'view.palette', 'view.keys') },
  ];
}
