/** The sizes that places ask for: the studio's list, in the window's words. */
import type { ChannelSize } from '../bindings';
import { platform } from '../platform';
import { t, TABLES, type Key } from '../strings';

class ChannelsMirror {
  list = $state.raw<readonly ChannelSize[]>([]);
  #asking: Promise<void> | null = null;

  /** They do not change while the program runs, so they are asked for once. */
  load(): Promise<void> {
    this.#asking ??= platform()
      .call('channels', {})
      .then((answer) => void (this.list = answer.channels))
      .catch((error: unknown) => {
        this.#asking = null;
        throw error;
      });
    return this.#asking;
  }
}

/** What the studio calls a place, in the window's language where it has a word for it. */
export const channelName = ({ id, name }: ChannelSize): string => (`create.channel.${id}` in TABLES.en ? t(`create.channel.${id}` as Key) : name);

export const channels = new ChannelsMirror();
