import { describe, expect, test } from 'vitest'
import { allows, intersect, readCapability, writeCapability } from '../../src/local/auth/capability'

describe('a pattern', () => {
  test.each([
    ['*', 'a', true],
    ['*', 'a:b:c', true],
    ['*', '[meta]log', false],
    ['[*]*', '[meta]log', true],
    ['[*]*', 'a:b', true],
    ['a:*', 'a:b:c', true],
    ['a:*', 'a', false],
    ['a:*', 'ab:c', false],
    ['a:*:c', 'a:b:c', true],
    ['a:*:c', 'a:b:b:c', false],
    ['a:*:*', 'a:b', false],
    ['foo*', 'foobar', false],
    ['foo*', 'foo*', true],
    ['a:b', 'a:b', true],
    ['a:b', 'a:b:c', false],
  ])('%s over %s: %s', (pattern, channel, expected) => {
    expect(allows(readCapability({ [pattern]: ['publish'] }), channel, 'publish')).toBe(expected)
  })

  test('applies to its operations only', () => {
    const capability = readCapability({ a: ['publish'], 'b:*': ['*'] })
    expect(allows(capability, 'a', 'publish')).toBe(true)
    expect(allows(capability, 'a', 'subscribe')).toBe(false)
    expect(allows(capability, 'b:c', 'anything')).toBe(true)
  })
})

describe('the intersection of two capabilities', () => {
  test.each([
    [{ a: ['publish', 'subscribe'] }, { a: ['subscribe'] }, { a: ['subscribe'] }],
    [{ a: ['*'] }, { '*': ['subscribe'] }, { a: ['subscribe'] }],
    [{ '*': ['subscribe'] }, { 'a:*': ['*'], b: ['publish'] }, { 'a:*': ['subscribe'] }],
    [{ 'a:b:*': ['*'] }, { 'a:*': ['publish'] }, { 'a:b:*': ['publish'] }],
    [{ 'a:*': ['*'] }, { 'a:*:c': ['publish'] }, { 'a:*:c': ['publish'] }],
    [{ a: ['publish'] }, { b: ['publish'] }, {}],
    [{ 'a:b': ['*'] }, { 'a:*': ['publish'], '*:b': ['subscribe'] }, { 'a:b': ['publish', 'subscribe'] }],
  ])('%j and %j', (asked, held, expected) => {
    expect(writeCapability(intersect(readCapability(asked), readCapability(held)))).toBe(JSON.stringify(expected))
  })
})

describe('the text of a capability', () => {
  test('is sorted and has no spaces', () => {
    const source = '{ "b": ["subscribe", "publish"], "a": ["*"] }'
    expect(writeCapability(readCapability(source))).toBe('{"a":["*"],"b":["publish","subscribe"]}')
  })

  test('has push operations behind the others', () => {
    const source = { a: ['push-subscribe', 'subscribe', 'push-admin', 'publish'] }
    expect(writeCapability(readCapability(source))).toBe('{"a":["publish","subscribe","push-admin","push-subscribe"]}')
  })

  test.each(['', '{', '[]', '{"a":[]}', '{"a":"publish"}', '{"a":[1]}', 5])('%j is refused', (source) => {
    expect(() => readCapability(source)).toThrow(expect.objectContaining({ code: 40_003, statusCode: 400 }))
  })
})
