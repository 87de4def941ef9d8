/** Older messages than Ably keeps. */
export default defineArchiveHandler({ archive, authorize: ownsSession })
