declare module 'virtual:local-ably' {
  /**
   * Options for an Ably client in the page, connecting to the dev server that served it.
   * @param clientId - The identity to use. @default a guest that the server creates and remembers with a cookie
   */
  export function clientOptions(clientId?: string): import('ably').ClientOptions
}
