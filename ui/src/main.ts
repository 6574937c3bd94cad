import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { usePlatform } from './platform';
import { showLastTheme } from './store/settings.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no place for the interface');

// Each build holds one of the two: the other is cut out with its imports.
if (__FAKE__) {
  const { fakePlatform, optionsFrom } = await import('./platform/fake');
  const fake = fakePlatform(optionsFrom(location.search));
  usePlatform(fake);
  Object.assign(window, { fake });
} else {
  const { tauriPlatform } = await import('./platform/tauri');
  usePlatform(tauriPlatform());
}
showLastTheme();
mount(App, { target });
