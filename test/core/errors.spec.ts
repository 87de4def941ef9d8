import { describe, expect, it } from 'vitest'
import { about, toSessionError } from '../../src/core/errors'

describe('the error of a token route', () => {
  const page =
    '<!DOCTYPE html><html lang="en"><head><style>.x{a:b}</style><title>404 - Page not found</title></head>\n<body><h1>404</h1></body></html>'

  it.each([
    ['a page', JSON.stringify(page), 'it answered 404 with text/html: 404 - Page not found'],
    ['a page with a heading', '"<h1>Not found</h1>"', 'it answered 404 with text/html: Not found'],
    ['a page without words', '"<html></html>"', 'it answered 404 with text/html'],
    ['text of two lines', JSON.stringify('Not here\nLook elsewhere'), 'it answered 404: Not here'],
    ['nothing', '""', 'it answered 404'],
    ['a message', '{"error":{"code":40400,"message":"no \\"route\\""}}', 'it answered 404: no "route"'],
    ['other JSON', '{"status":404}', 'it answered 404: {"status":404}'],
    ['a page in a Node process', '<Buffer 3c 21 44 ... 91 more bytes>', 'it answered 404'],
    ['a message in a Node process', "{ message: 'Gone' }", "it answered 404: { message: 'Gone' }"],
  ])('says in one line what the response was: %s', (_, body, said) => {
    const reason = Object.assign(new Error('Client configured authentication provider request failed'), {
      code: 80019,
      cause: new Error(`Error response received from server: 404 body was: ${body}`),
    })
    expect(toSessionError('connect', 80000, about(reason, '/api/ably/token')).message).toBe(
      `unable to connect; the token route /api/ably/token failed: ${said}. It must answer with an Ably token, as tokenRoute() does`,
    )
  })
})
