import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Invocation } from '../../src/agent'
import { readInvocation } from '../../src/agent/intake'

const good = { inputEventId: 'e1', sessionName: 'ai:trip' }

const post = (body: unknown, init: RequestInit = {}) =>
  new Request('http://agent.example/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  })

describe('a wake-up request', () => {
  it('names the input and the session', async () => {
    const invocation = await readInvocation(post(good))
    expect(invocation.toJSON()).toEqual(good)
  })

  it('can have a charset and fields of the app', async () => {
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' }
    const invocation = await readInvocation(post({ ...good, locale: 'fr' }, { headers }))
    expect(invocation.toJSON()).toEqual(good)
  })

  it.each([
    ['405 for another method', new Request('http://agent.example/'), 405, 'use POST'],
    ['415 for a form', post(good, { headers: { 'content-type': 'text/plain' } }), 415, 'application/json'],
    [
      '415 without a content type',
      new Request('http://agent.example/', { method: 'POST', body: new Uint8Array(2) }),
      415,
      'application/json',
    ],
    ['413 for a large body', post({ ...good, more: 'x'.repeat(9000) }), 413, '8192 bytes'],
    ['400 for a body that is not JSON', post('{'), 400, 'not JSON'],
    [
      '400 for a compressed body',
      post('\u001f', { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }),
      400,
      'compressed with gzip: send it without',
    ],
    ['400 for an empty body', post(''), 400, 'not JSON'],
    ['400 for null', post('null'), 400, 'inputEventId'],
    ['400 for a missing event id', post({ sessionName: 'ai:trip' }), 400, 'inputEventId'],
    ['400 for an event id that is not a string', post({ ...good, inputEventId: 7 }), 400, 'inputEventId'],
    ['400 for a long event id', post({ ...good, inputEventId: 'x'.repeat(201) }), 400, 'inputEventId'],
    ['400 for a missing session name', post({ inputEventId: 'e1' }), 400, 'session name'],
    ['400 for a name without namespace', post({ ...good, sessionName: 'trip' }), 400, '"ai:trip"'],
    ['400 for a name with channel options', post({ ...good, sessionName: '[rewind=1]ai:trip' }), 400, '"["'],
    ['400 for an empty namespace', post({ ...good, sessionName: ':trip' }), 400, 'begin with ":"'],
    ['400 for a name with control characters', post({ ...good, sessionName: 'ai:trip\n' }), 400, 'control characters'],
    [
      '400 for a name with half a character',
      post({ ...good, sessionName: 'ai:trip\ud83d' }),
      400,
      'control characters',
    ],
    ['400 for a long name', post({ ...good, sessionName: `ai:${'x'.repeat(200)}` }), 400, '203 characters'],
  ])('is refused with %s', async (_, request, status, words) => {
    await expect(readInvocation(request)).rejects.toMatchObject({ status, message: expect.stringContaining(words) })
  })

  it('that a middleware has read before fails with the fix', async () => {
    const request = post(good)
    await request.text()
    await expect(readInvocation(request)).rejects.toThrow(/its body was read before.*request\.clone\(\)/)
  })

  it('is refused with 408 if its body takes longer than 10 seconds', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"inputEventId"')),
      cancel: () => void (isCancelled = true),
    })
    const reading = readInvocation(post('', { body, duplex: 'half' } as RequestInit)).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await reading).toMatchObject({ status: 408, message: expect.stringContaining('10 s') })
    expect(isCancelled).toBe(true)
  })

  it('is not read beyond the limit, whatever its length header says', async () => {
    let sent = 0
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 4096
        controller.enqueue(new Uint8Array(4096).fill(32))
      },
      cancel: () => void (isCancelled = true),
    })
    const request = post('', {
      body,
      headers: { 'content-type': 'application/json', 'content-length': '2' },
      duplex: 'half',
    } as RequestInit)
    await expect(readInvocation(request)).rejects.toMatchObject({ status: 413 })
    expect(sent).toBeLessThan(40_000)
    expect(isCancelled).toBe(true)
  })
})

it('is refused with 400 if its body breaks off', async () => {
  const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('gone')) })
  const headers = { 'content-type': 'application/json' }
  const request = post('', { body, headers, duplex: 'half' } as RequestInit)
  await expect(readInvocation(request)).rejects.toMatchObject({ status: 400 })
})

describe('Invocation', () => {
  it('survives a round trip through JSON', () => {
    const invocation = Invocation.fromJSON(good)
    expect(Invocation.fromJSON(JSON.parse(JSON.stringify(invocation)))).toEqual(invocation)
  })

  it('refuses malformed values with 40003', () => {
    expect(() => Invocation.fromJSON({ inputEventId: '' })).toThrow(expect.objectContaining({ code: 40003 }))
    expect(() => Invocation.fromJSON('ai:trip')).toThrow(expect.objectContaining({ code: 40003 }))
  })
})
