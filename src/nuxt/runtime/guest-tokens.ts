import { createError, defineEventHandler, getCookie, getRequestURL, setCookie, type EventHandler } from 'h3'
import { serverOptions } from './server/ably'
import { defineTokenHandler } from './server/token'

const cookie = 'ai-guest'

const handler = defineTokenHandler({
  user: (event) => {
    const known = getCookie(event, cookie)
    if (known && /^guest-[0-9a-f]{8}$/.test(known)) return known
    const guest = `guest-${crypto.randomUUID().slice(0, 8)}`
    setCookie(event, cookie, guest, { httpOnly: true, sameSite: 'lax' })
    return guest
  },
  authorize: () => true,
})

/** The token route of `nuxt dev` while the app has none: each browser is a guest that may use every session. */
const guestTokens: EventHandler = defineEventHandler((event) => {
  if (getRequestURL(event).pathname.endsWith(serverOptions(event).token)) return handler(event) as unknown
  throw createError({ status: 404 })
})

export default guestTokens
