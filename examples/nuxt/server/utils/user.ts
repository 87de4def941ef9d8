import type { H3Event } from 'h3'

/** A stub in place of your login: two people, and a sealed cookie that says which of them is signed in. */
export const people = ['ada', 'grace']

const loginOf = (event: H3Event) =>
  useSession<{ user?: string }>(event, { password: useRuntimeConfig(event).sessionPassword })

export async function userOf(event: H3Event): Promise<string | undefined> {
  const { data } = await loginOf(event)
  return data.user
}

export async function signIn(event: H3Event, user: string | undefined): Promise<void> {
  const login = await loginOf(event)
  await (user === undefined ? login.clear() : login.update({ user }))
}

/** The one rule of who may use a session: its name begins with its owner. */
export async function ownsSession(event: H3Event, sessionName: string): Promise<boolean> {
  const user = await userOf(event)
  return user !== undefined && sessionName.startsWith(`ai:${user}:`)
}
