/** Browsers connect to Ably with these tokens; pages are rendered with them too. */
export default defineTokenHandler({ user: userOf, authorize: ownsSession })
