import { mount } from '@vue/test-utils'
import type { UIMessage } from 'ai'
import { defineComponent, h, onUpdated, type PropType } from 'vue'
import { expect, it } from 'vitest'
import { useClientSession, useView } from '../../src'
import { aiPlugins } from '../support/app'
import { promptMessage, startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'

it('a token renders exactly one of 500 message components again, and keeps the list', async () => {
  const { endpoint, writer, agent } = await startConversation('ai:long')
  const channel = writer.channels.get('ai:long')
  const ids = Array.from({ length: 499 }, (_, index) => `m${String(index).padStart(3, '0')}`)
  for (let start = 0; start < ids.length; start += 50) {
    await channel.publish(
      ids.slice(start, start + 50).map((id, index) => promptMessage(id, id, ids[start + index - 1])),
    )
  }
  const run = await agent.startRun('run-1', ids.at(-1)!)
  const text = await run.text()
  await text.append('Once')

  const updates = new Map<string, number>()
  const Bubble = defineComponent({
    props: { message: { type: Object as PropType<UIMessage>, required: true }, id: { type: String, required: true } },
    setup(props) {
      onUpdated(() => updates.set(props.id, (updates.get(props.id) ?? 0) + 1))
      return () =>
        h(
          'p',
          props.message.parts.map((part) => (part.type === 'text' ? part.text : '')),
        )
    },
  })
  let lists = 0
  const Conversation = defineComponent({
    components: { Bubble },
    setup() {
      const { ready } = useClientSession('long')
      const view = useView({ limit: 600 })
      onUpdated(() => lists++)
      return { ready, ...view }
    },
    template: `<Bubble v-for="m in messages" :key="m.id" :id="m.id" :message="m.message" />`,
  })
  const { plugins } = aiPlugins({ client: () => endpoint.client({ clientId: 'reader' }) })
  const wrapper = mount(Conversation, { global: { plugins } })
  await eventually(() => expect(wrapper.findAll('p')).toHaveLength(500))
  const list = wrapper.vm.messages
  updates.clear()
  lists = 0

  await text.append(' upon')
  await text.append(' a time')
  await eventually(() => expect(wrapper.findAll('p').at(-1)!.text()).toBe('Once upon a time'))

  expect([...updates.keys()]).toEqual(['run-1-reply'])
  expect(lists).toBe(0)
  expect(wrapper.vm.messages).toBe(list)
  wrapper.unmount()
})
