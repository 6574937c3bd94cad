/** Where on the page files are dragged over it, as the shell tells it. */
export interface Place {
  x: number;
  y: number;
}

/** Told on Windows alone in device pixels; WebKit, on Linux and macOS, counts as the page does. */
export function onPage({ x, y }: Place, agent = navigator.userAgent, ratio = devicePixelRatio): Place {
  return agent.includes('Windows') ? { x: x / ratio, y: y / ratio } : { x, y };
}
