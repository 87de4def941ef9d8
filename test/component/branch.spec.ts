import { mount } from '@vue/test-utils'
import { mapActions, mapState } from 'pinia'
import type { UIMessage } from 'ai'
import { defineComponent, h, nextTick, onUpdated, ref, type PropType } from 'vue'
import { describe, expect, it } from 'vitest'
import { defineSessionStore, UIMessageCodec, useBranch, useClientSession, useView } from '../../src'
import { aiPlugins } from '../support/app'
import { promptMessage, startConversation, type Conversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { textOf } from '../support/scene'

const renders = new Map<string, number>()
const count = (id: string): void => void renders.set(id, (renders.get(id) ?? 0) + 1)

/** A message with arrows if there are other versions of it. */
const Bubble = defineComponent({
  props: { message: { type: Object as PropType<UIMessage>, required: true }, id: { type: String, required: true } },
  setup(props) {
    const { index, count: total, hasSiblings, previous, next } = useBranch(() => props.id)
    onUpdated(() => count(props.id))
    return () =>
      h('article', [
        h('p', textOf(props.message)),
        hasSiblings.value && [
          h('button', { class: 'previous', onClick: previous }, '<'),
          h('i', `${index.value + 1}/${total.value}`),
          h('button', { class: 'next', onClick: next }, '>'),
        ],
      ])
  },
})

const Conversation = defineComponent({
  components: { Bubble },
  props: { name: { type: String, required: true } },
  setup(props) {
    useClientSession(() => props.name)
    onUpdated(() => count('list'))
    return useView({ limit: 600 })
  },
  template: `<Bubble v-for="m in messages" :key="m.id" :id="m.id" :message="m.message" />`,
})

const show = (scene: Conversation, name: string) => {
  renders.clear()
  const { plugins, pinia } = aiPlugins({ client: () => scene.endpoint.client({ clientId: 'reader' }), linger: 0 })
  const calls: string[] = []
  pinia.use(({ store }) => void store.$onAction((call) => calls.push(call.name)))
  return { calls, wrapper: mount(Conversation, { props: { name }, global: { plugins } }) }
}

const edited = (id: string, of: string) => {
  const message = promptMessage(id, id)
  const transport = { ...message.extras.ai.transport, 'fork-of': of }
  return { ...message, extras: { ai: { ...message.extras.ai, transport } } }
}

describe('useBranch', () => {
  it('switches between versions of a prompt with arrows, in one render of the list, as a store action', async () => {
    const scene = await startConversation('ai:arrows')
    const channel = scene.agent.channel
    await channel.publish([promptMessage('v1', 'v1')])
    await channel.publish([edited('v2', 'v1')])
    await channel.publish([promptMessage('after', 'after', 'v2')])
    const { wrapper, calls } = show(scene, 'arrows')
    await eventually(() => expect(wrapper.text()).toBe('v2<2/2>after'))
    renders.clear()
    await wrapper.get('.previous').trigger('click')
    expect(wrapper.text()).toBe('v1<1/2>')
    expect(renders.get('list')).toBe(1)
    expect(calls).toContain('select')
    await wrapper.get('.previous').trigger('click')
    expect(wrapper.text()).toBe('v1<1/2>')
    await wrapper.get('.next').trigger('click')
    expect(wrapper.text()).toBe('v2<2/2>after')
    expect(renders.get('list')).toBe(2)
    wrapper.unmount()
  })

  it('renders nothing for a token, and only its own message for a new message', async () => {
    const scene = await startConversation('ai:mounted')
    const ids = Array.from({ length: 99 }, (_, index) => `m${index}`)
    await scene.agent.channel.publish(ids.slice(0, 50).map((id, index) => promptMessage(id, id, ids[index - 1])))
    await scene.agent.channel.publish(ids.slice(50).map((id, index) => promptMessage(id, id, ids[index + 49])))
    const run = await scene.agent.startRun('run-1', ids.at(-1)!)
    const text = await run.text()
    await text.append('Once')
    const { wrapper } = show(scene, 'mounted')
    await eventually(() => expect(wrapper.findAll('p')).toHaveLength(100))
    renders.clear()
    for (const token of [' upon', ' a', ' time']) await text.append(token)
    await eventually(() => expect(wrapper.findAll('p').at(-1)!.text()).toBe('Once upon a time'))
    expect([...renders.keys()]).toEqual(['run-1-reply'])
    renders.clear()
    await scene.prompt('next', 'And then?', 'run-1-reply')
    await eventually(() => expect(wrapper.findAll('p')).toHaveLength(101))
    expect([...renders.keys()]).toEqual(['list'])
    wrapper.unmount()
  })

  it('follows a change of the message or session it was called with', async () => {
    const scene = await startConversation('ai:first')
    await scene.agent.channel.publish([promptMessage('v1', 'v1')])
    await scene.agent.channel.publish([edited('v2', 'v1')])
    const other = scene.writer.channels.get('ai:second')
    await other.publish([promptMessage('w1', 'w1')])
    const name = ref('first')
    const id = ref<string | undefined>('v1')
    const branches: ReturnType<typeof useBranch>[] = []
    const Page = defineComponent({
      setup() {
        useClientSession(name)
        useView()
        branches.push(useBranch(id))
        return () => null
      },
    })
    const { plugins } = aiPlugins({ client: () => scene.endpoint.client({ clientId: 'reader' }), linger: 0 })
    const wrapper = mount(Page, { global: { plugins } })
    const [branch] = branches
    await eventually(() => expect(branch!.count.value).toBe(2))
    expect(branch!.siblings.value.map((sibling) => sibling.id)).toEqual(['v1', 'v2'])
    expect(branch!.selected.value?.id).toBe('v2')
    branch!.select(0)
    expect(branch!.index.value).toBe(0)
    id.value = undefined
    expect([branch!.index.value, branch!.count.value, branch!.hasSiblings.value]).toEqual([-1, 0, false])
    id.value = 'w1'
    name.value = 'second'
    await eventually(() => expect(branch!.index.value).toBe(0))
    expect(branch!.hasSiblings.value).toBe(false)
    await nextTick()
    wrapper.unmount()
  })
})

describe('a session store', () => {
  it('edits, regenerates, answers, steers and switches branches for the Options API', async () => {
    const scene = await startConversation('ai:verbs')
    const useTrip = defineSessionStore('trip', { name: 'verbs' })
    const Page = defineComponent({
      computed: { ...mapState(useTrip, ['messages', 'runs', 'status']) },
      methods: { ...mapActions(useTrip, ['send', 'edit', 'regenerate', 'answer', 'steer', 'select', 'cancel']) },
      template: `<p v-for="m in messages" :key="m.id">{{ m.message.parts.map((part) => part.text ?? '').join('') }}</p>`,
    })
    const { plugins, pinia } = aiPlugins({ client: () => scene.endpoint.client({ clientId: 'alice' }), linger: 0 })
    const calls: string[] = []
    pinia.use(({ store }) => {
      if (store.$id === 'ai-session:verbs') store.$onAction(({ name }) => name !== 'synced' && calls.push(name))
    })
    const wrapper = mount(Page, { global: { plugins } })
    const { vm } = wrapper
    await eventually(() => expect(vm.status).toBe('ready'))
    const first = await vm.send('v1')
    const second = await vm.edit(first.inputId, 'v2')
    const run = await scene.agent.startRun('run-1', second.inputId)
    await second.started
    await vm.steer('run-1', 'cheaper').published
    await run.say('reply', 'a bus', [])
    await run.call('call-1')
    await run.suspend()
    await eventually(() => expect(vm.runs[0]?.status).toBe('suspended'))
    const answers = UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 1 })
    const goingOn = await vm.answer('reply', answers)
    await run.resume('reply')
    await goingOn.started
    await run.end()
    await goingOn.finished
    await vm.regenerate('reply')
    vm.select(second.inputId, 0)
    await eventually(() => expect(wrapper.text()).toBe('v1'))
    expect(calls.filter((name) => name !== 'loadOlder')).toEqual([
      'send',
      'edit',
      'steer',
      'answer',
      'regenerate',
      'select',
    ])
    wrapper.unmount()
  })
})
