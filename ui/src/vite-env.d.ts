/// <reference types="svelte" />
/// <reference types="vite/client" />

/** Whether this build runs on the in-memory studio in place of the real one. */
declare const __FAKE__: boolean;
