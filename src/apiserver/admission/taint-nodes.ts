import type { core } from '#api'
import type { AdmissionStep } from '../contract.ts'
import { isAbout } from './refuse.ts'

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const

/** A new node gets no pods before it has said that it is ready. */
export const taintNodes: AdmissionStep = {
  name: 'TaintNodesByCondition',
  replaces: true,
  handles: (request) => request.operation === 'CREATE' && isAbout(request, '', 'nodes'),
  mutate(_scope, request) {
    const node = request.object as core.Node
    const taints = node.spec?.taints ?? []
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return
    node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] }
  },
}
