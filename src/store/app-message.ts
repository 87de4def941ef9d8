import type { UIMessage } from 'ai'

/**
 * States an app's message type once, so that every session, view and send of the app infers it.
 *
 * @example
 * declare module 'vue-ai-transport' {
 *   interface SessionTypes { message: UIMessage<MyMetadata, MyDataParts, MyTools> }
 * }
 */
// An interface, and empty, so that apps can add to it
// oxlint-disable-next-line typescript/no-empty-object-type
export interface SessionTypes {}

/** The app's message type; `UIMessage` unless {@link SessionTypes} says otherwise. */
export type AppMessage = SessionTypes extends { message: infer M extends UIMessage } ? M : UIMessage
