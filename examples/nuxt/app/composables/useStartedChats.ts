/** The chats that the user has started on this page. The archive knows a chat once its first answer has ended. */
export const useStartedChats = () => useState<{ id: string; title: string }[]>('started-chats', () => [])
