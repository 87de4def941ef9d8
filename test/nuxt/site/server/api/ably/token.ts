/** As in the example, and visitors may read boards. */
export default defineTokenHandler({
  user: async (event) => (await userOf(event)) ?? 'visitor',
  authorize: async (event, sessionName) => sessionName.startsWith('ai:board-') || ownsSession(event, sessionName),
})
