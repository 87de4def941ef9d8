/** The conversations of the signed-in user, the latest first. */
export default defineEventHandler(async (event) => {
  const user = await userOf(event)
  if (user === undefined) return []
  const prefix = `ai:${user}:`
  const sessions = await archive.sessions({ prefix })
  return sessions.map(({ sessionName, title }) => ({
    id: sessionName.slice(prefix.length),
    title: title ?? 'New chat',
  }))
})
