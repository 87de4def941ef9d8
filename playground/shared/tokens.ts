/** Cuts text the way the demo model emits it: a word, or six letters of a long one, with the space before it. */
export const tokensOf = (text: string): string[] => text.match(/\s*\S{1,6}/g) ?? []

export const countTokens = (text: string): number => tokensOf(text).length
