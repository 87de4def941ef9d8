/** The title of lines in a terminal, the same in Vite and in Nuxt. */
export const noticeTitle = 'AI sessions'

/** The first words about a local endpoint. */
export const localNotice = 'local Ably endpoint, for development only'
