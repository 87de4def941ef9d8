/** Splits text into the tokens of the demo model: up to six letters of a word, with the space before it. */
export const tokensOf = (text: string): string[] => text.match(/\s*\S{1,6}/g) ?? []

export const countTokens = (text: string): number => tokensOf(text).length
