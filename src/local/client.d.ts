declare module 'virtual:local-ably' {
  /**
   * Options for an Ably client in the page, connecting to the dev server that served it.
   * @param clientId who to be; left out, the server makes up a guest and remembers it by a cookie
   */
  export function clientOptions(clientId?: string): import('ably').ClientOptions
}
