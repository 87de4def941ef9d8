import { signIn } from '~~/server/utils/user'

/** Signs in any user. */
export default defineEventHandler(async (event) => {
  const { user } = await readBody<{ user: string }>(event)
  await signIn(event, user)
  return {}
})
