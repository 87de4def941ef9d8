/**
 * Provider metadata that the recorded package loses when it reads, although its channel has it. By recording:
 * the parts, with their true values (as the AI SDK's own reader has them).
 */
const corrections: Record<string, [part: Record<string, unknown>, lost: object][]> = {
  'reasoning-text': [
    [{ type: 'reasoning', text: '' }, { providerMetadata: { acme: { sig: 'abc' } } }],
    [{ type: 'reasoning', text: 'Rayleigh scattering.' }, { providerMetadata: { acme: { sig: 'end' } } }],
  ],
  'files-and-sources': [
    [{ type: 'source-url', sourceId: 'src2' }, { providerMetadata: { acme: { rank: 1 } } }],
    [{ type: 'file', mediaType: 'image/png' }, { providerMetadata: { acme: { gen: true } } }],
  ],
  'tool-input-streamed': [[{ type: 'tool-lookup', toolCallId: 'c3' }, { callProviderMetadata: { acme: { x: 1 } } }]],
}

/** Reads a recording, with its parts corrected. */
export function parseCorrected(name: string, text: string): unknown {
  const rules = corrections[name] ?? []
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    const found = rules.find(([part]) => Object.entries(part).every(([key, is]) => (value as typeof part)[key] === is))
    return found ? { ...value, ...found[1] } : value
  })
}
