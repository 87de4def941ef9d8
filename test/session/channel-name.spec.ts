import { expect, it } from 'vitest'
import { Invocation } from '../../src/agent'
import { createClientSession, UIMessageCodec } from '../../src'
import { channelNameOf } from '../../src/ably/channel-name'

it('a session name without a namespace gets the namespace of the app', () => {
  expect(channelNameOf('trip')).toBe('ai:trip')
  expect(channelNameOf('trip', 'chat')).toBe('chat:trip')
  expect(channelNameOf('team:trip', 'chat')).toBe('team:trip')
})

const invocation = (sessionName: string) => Invocation.fromJSON({ inputEventId: 'e', sessionName })

it.each([
  ['an empty name', ''],
  ['a name with channel options', '[rewind=1]ai:trip'],
  ['a name with channel options in the middle', 'ai:[?rewind=1]trip'],
  ['an empty namespace', ':trip'],
  ['a name that is too long', `ai:${'x'.repeat(198)}`],
])('the client refuses %s, as the agent does', (_, name) => {
  const refusal = { code: 40003, message: expect.stringContaining('unable to') as string }
  expect(() => channelNameOf(name)).toThrow(expect.objectContaining(refusal) as Error)
  expect(() => invocation(name)).toThrow(expect.objectContaining(refusal) as Error)
  expect(() => createClientSession({ sessionName: name, codec: UIMessageCodec })).toThrow(/unable to open session/)
})

it('the client allows names as long as the agent allows', () => {
  const longest = `ai:${'x'.repeat(197)}`
  expect(channelNameOf(longest)).toBe(longest)
  expect(invocation(longest).sessionName).toBe(longest)
})
