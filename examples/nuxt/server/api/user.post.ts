export default defineEventHandler(async (event) => {
  const { user } = await readBody<{ user?: string }>(event)
  if (user !== undefined && !people.includes(user)) throw createError({ status: 400, message: 'unknown user' })
  await signIn(event, user)
  return { user: user ?? null }
})
