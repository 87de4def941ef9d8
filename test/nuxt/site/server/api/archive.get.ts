/** As in the example, and visitors may read boards. */
export default defineArchiveHandler({
  archive,
  authorize: async (event, sessionName) => sessionName.startsWith('ai:board-') || ownsSession(event, sessionName),
})
