/** The platform over Tauri: one command for the studio, and the shell's own for what a desktop does. */
import { Channel, convertFileSrc, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import type { Event, RenderEvent } from '../../bindings';
import { copyPicture } from '../clipboard';
import { Failure, type ChannelSink, type PictureSize, type Platform, type Startup } from '../types';
import { onPage } from './place';

export function tauriPlatform(): Platform {
  return {
    kind: 'tauri',
    call: (name, request) => command('call', { name, arguments: request, channel: null }),
    watch: (name, request, sink) => command('call', { name, arguments: request, channel: channelTo(sink) }),
    listen: (hear) => until(listen<Event>('likeness://event', (told) => hear(told.payload))),
    url: pictureUrl,

    startup: () => command<Startup>('shell_startup', {}),
    openLibrary: (folder) => command<Startup>('shell_open_library', { folder }),
    rebuildLibrary: () => command<Startup>('shell_rebuild', {}),
    setMenu: (groups, shown) => command('shell_menu', { groups, shown }),
    onMenu: (hear) => until(listen<string>('likeness://menu', (chosen) => hear(chosen.payload))),
    close: () => command('shell_close', {}),

    openFiles: () => command('shell_open_files', {}),
    openFolder: () => command('shell_open_folder', {}),
    saveFile: (name) => command('shell_save_file', { name }),
    reveal: (path) => command('shell_reveal', { path }),
    pasteImage: (name, reference = false) => command('shell_paste_image', { name, reference }),
    copyPicture: (id) => copyPicture(pictureUrl('picture', id)),
    startDrag: (ids) => command('shell_start_drag', { ids }),
    onDrop: (hear) =>
      until(
        getCurrentWebview().onDragDropEvent(({ payload }) => {
          if (payload.type === 'leave') return hear({ kind: 'leave' });
          const place = onPage(payload.position);
          if (payload.type === 'drop') hear({ kind: 'drop', ...place, paths: payload.paths });
          else hear({ kind: 'over', ...place });
        }),
      ),
  };
}

async function command<T>(name: string, args: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(name, args);
  } catch (error) {
    throw Failure.of(error);
  }
}

/** A channel carries events as JSON and step previews as bytes: the job in eight, then a PNG. */
function channelTo(sink: ChannelSink): Channel<RenderEvent | ArrayBuffer | number[]> {
  return new Channel((message) => {
    if (message instanceof ArrayBuffer || Array.isArray(message)) {
      const bytes = message instanceof ArrayBuffer ? message : new Uint8Array(message).buffer;
      if (bytes.byteLength <= 8) return;
      const job = Number(new DataView(bytes).getBigUint64(0, true));
      sink.preview?.(job, new Blob([new Uint8Array(bytes, 8)], { type: 'image/png' }));
    } else {
      sink.event?.(message);
    }
  });
}

function pictureUrl(size: PictureSize, id: string): string {
  const path = size === 'picture' ? `picture/${id}` : `thumb/${size.slice('thumb'.length)}/${id}`;
  // Gives the scheme's form on this system; the path itself must stay readable to the protocol.
  return convertFileSrc('', 'likeness') + path;
}

/** Turns a listening that is still being set up into one that can be ended at any time. */
function until(listening: Promise<() => void>): () => void {
  return () => void listening.then((end) => end());
}
