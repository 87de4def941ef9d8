import { expect, it } from 'vitest'
import { output, prompt, runMessage } from '../core/wire'
import { aSession, ended, headerOf, started } from '../support/told-session'

const text = (run: string, id: string, body: string) =>
  output(run, { kind: 'text' }, body, { 'codec-message-id': id, parent: 'p', stream: 'false' })

it('a prompt that follows a reply stays visible when a reply arrives that was requested before the prompt', async () => {
  const { view, hear, shown, published } = await aSession()
  hear(prompt('p'), started('R', 'p'), text('R', 'm', 'first'), ended('R'))
  await view.regenerate('m')
  await view.send('next')
  const asked = { 'input-codec-message-id': headerOf(published[0], 'codec-message-id'), 'invocation-id': 'S-1' }
  hear(runMessage('ai-run-start', 'S', { ...asked, parent: 'p', 'msg-regenerate': 'm' }), text('S', 'n', 'second'))
  hear(ended('S'))
  expect(shown().at(-1)).toBe('sent: next')
  expect(view.branch('m')).toMatchObject({ index: 0, hasSiblings: true })
})

it('without such a prompt, the requested reply shows', async () => {
  const { view, hear, published } = await aSession()
  hear(prompt('p'), started('R', 'p'), text('R', 'm', 'first'), ended('R'))
  await view.regenerate('m')
  const asked = { 'input-codec-message-id': headerOf(published[0], 'codec-message-id'), 'invocation-id': 'S-1' }
  hear(runMessage('ai-run-start', 'S', { ...asked, parent: 'p', 'msg-regenerate': 'm' }), text('S', 'n', 'second'))
  expect(view.getMessages().map(({ id }) => id)).toEqual(['p', 'n'])
})
