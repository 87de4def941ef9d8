// Keys of `extras.ai.transport`

export const role = 'role'
/** The message this event belongs to. */
export const messageId = 'codec-message-id'
export const eventId = 'event-id'
export const runId = 'run-id'
/** Client id of the run's owner. */
export const owner = 'run-client-id'
/** Ably client id of the publisher of the trigger. */
export const inputClientId = 'input-client-id'
export const stepClientId = 'step-client-id'
export const invocationId = 'invocation-id'
/** Message id of the trigger. */
export const inputId = 'input-codec-message-id'
export const parent = 'parent'
export const forkOf = 'fork-of'
export const regenerates = 'msg-regenerate'
export const supersedes = 'supersedes'
export const runReason = 'run-reason'
export const errorCode = 'error-code'
export const errorMessage = 'error-message'
export const stepId = 'step-id'
/** Serial of the step-start of this attempt. */
export const attempt = 'step-start-serial'
export const stepReason = 'step-reason'
export const steers = 'steer-codec-message-ids'
export const streamed = 'stream'
export const status = 'status'
export const streamId = 'stream-id'
export const discrete = 'discrete'
/** Serial of the cancel that is refused, or that has ended the run. */
export const cancelSerial = 'cancel-serial'
/** On refusals: the client of the refused cancel; empty for anonymous clients. */
export const cancelClient = 'cancel-client-id'
/** On the end of a cancelled run: when its work was aborted, in milliseconds since the epoch. */
export const abortedAt = 'aborted-at'
/** On the end of a cancelled run: how much text, in UTF-16 units, came behind the cancel. */
export const tail = 'cancel-tail'
/** On resumes: serials of the answers that the agent goes on with, as JSON. */
export const answers = 'answer-serials'
/** On inputs and cancels: a label of the device they come from. */
export const device = 'device'
/** On starts and resumes: `true` when the agent's presence on the channel names its live runs. */
export const presence = 'agent-presence'
