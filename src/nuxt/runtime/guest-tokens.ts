import { getCookie, setCookie, type EventHandler } from 'h3'
import { defineTokenHandler } from './server/token'

const cookie = 'ai-guest'

/** The token route of `nuxt dev` while the app has none: each browser is a guest that may use every session. */
const guestTokens: EventHandler = defineTokenHandler({
  user: (event) => {
    const known = getCookie(event, cookie)
    if (known && /^guest-[0-9a-f]{8}$/.test(known)) return known
    const guest = `guest-${crypto.randomUUID().slice(0, 8)}`
    setCookie(event, cookie, guest, { httpOnly: true, sameSite: 'lax' })
    return guest
  },
  authorize: () => true,
})

export default guestTokens
