import { expect, test } from 'vitest';
import { onPage } from './place';

// As the three engines name themselves on a screen with two device pixels to one of the page.
test.each([
  ['WebView2', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0', { x: 200, y: 150 }],
  ['WebKitGTK', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15', { x: 400, y: 300 }],
  ['WKWebView', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)', { x: 400, y: 300 }],
])('files land where they are let go: %s', (_, agent, place) => {
  expect(onPage({ x: 400, y: 300 }, agent, 2)).toEqual(place);
});
