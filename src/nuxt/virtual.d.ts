/// <reference types="@nuxt/nitro-server" />

/** The options that the module has written for the plugins. */
declare module '#build/ai-transport.mjs' {
  const options: import('./options').BrowserOptions
  export default options
}

/** Functions of Nitro for server files. */
declare module '#imports' {
  export { useNitroApp, useRuntimeConfig } from 'nitropack/runtime'
}
