declare module 'virtual:local-ably' {
  /**
   * Options for an Ably client that connects to the dev server: in a page, and in an agent that the dev server loads.
   * @param clientId - The identity to use. @default in a page, a guest that the server creates and remembers with a
   * cookie; in an agent, the client id of the agent
   */
  export function clientOptions(clientId?: string): import('ably').ClientOptions
}
