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
  ['an empty name', '', 'must not be empty'],
  ['a name with channel options', '[rewind=1]ai:trip', 'must not contain "["'],
  ['a name with channel options in the middle', 'ai:[?rewind=1]trip', 'must not contain "["'],
  ['a name with a line break', 'ai:trip\n', 'must not contain control characters'],
  ['a name with a control character above ASCII', 'ai:trip\u0085', 'must not contain control characters'],
  ['a name with a line separator', 'ai:trip\u2028', 'must not contain control characters'],
  ['a name with half a character', 'ai:trip\ud83d', 'must not contain control characters'],
  ['an empty namespace', ':trip', 'must not begin with ":"'],
  ['a name that is too long', `ai:${'x'.repeat(198)}`, 'has 201 characters, at most 200 are allowed'],
])('the client refuses %s, as the agent does, for the same reason', (_, name, fault) => {
  const refusal = (message: string) => expect.objectContaining({ code: 40003, message }) as Error
  const onClient = `unable to open session ${JSON.stringify(name)}; its name ${fault}`
  expect(() => channelNameOf(name)).toThrow(refusal(onClient))
  expect(() => createClientSession({ sessionName: name, codec: UIMessageCodec })).toThrow(refusal(onClient))
  expect(() => invocation(name)).toThrow(refusal(`unable to use the session name; the name ${fault}`))
})

it('the client allows names as long as the agent allows', () => {
  const longest = `ai:${'x'.repeat(197)}`
  expect(channelNameOf(longest)).toBe(longest)
  expect(invocation(longest).sessionName).toBe(longest)
})
