import * as Ably from 'ably'
import { behaviours } from './behaviours'
import { perform, type Target } from './stage'

/** The functions that a page with the contract offers to the test that opened it. */
export interface ContractPage {
  /** Runs the behaviour with this name. */
  performInPage(name: string, target: Target, useBinaryProtocol: boolean): Promise<void>
}

const page: ContractPage = {
  async performInPage(name, target, useBinaryProtocol) {
    const behaviour = behaviours.find((each) => each.name === name)
    if (!behaviour) throw new Error(`no behaviour is called "${name}"`)
    await perform(behaviour, Ably, target, useBinaryProtocol)
  },
}
Object.assign(globalThis, page)
