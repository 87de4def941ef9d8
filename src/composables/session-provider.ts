import { defineComponent, type PropType, type SlotsType } from 'vue'
import { useClientSession, type UseClientSessionReturn } from './use-client-session'

/** Gives a session to everything in its slot. `<SessionProvider name="trip"> ... </SessionProvider>` */
// NOTE: marked as pure, so that bundlers drop it from apps that do not use it
export const SessionProvider = /* #__PURE__ */ defineComponent({
  name: 'SessionProvider',
  props: {
    /** The session's name; null or undefined for none yet. */
    name: { type: String as PropType<string | null>, default: undefined },
  },
  slots: Object as SlotsType<{ default: Pick<UseClientSessionReturn, 'session' | 'ready'> }>,
  setup(props, { slots }) {
    const used = useClientSession(() => props.name)
    return () => slots.default?.({ session: used.session, ready: used.ready })
  },
})
