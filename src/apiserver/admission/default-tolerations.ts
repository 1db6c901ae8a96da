import type { core } from '#api'
import type { AdmissionStep } from '../contract.ts'
import { isAbout } from './refuse.ts'

/** How long a pod stays on a node that is in trouble. */
const USUAL_SECONDS = 300
const TROUBLES = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const

/** Pods that say nothing about a node in trouble leave it after a while: five minutes, where nothing else is configured. */
export const defaultTolerations = (tolerationSeconds: number = USUAL_SECONDS): AdmissionStep => ({
  name: 'DefaultTolerationSeconds',
  replaces: true,
  handles: (request) => (request.operation === 'CREATE' || request.operation === 'UPDATE') && isAbout(request, '', 'pods'),
  mutate(_scope, request) {
    const { spec } = request.object as core.Pod
    if (spec === undefined) return
    const given = spec.tolerations ?? []
    const missing = TROUBLES.filter((key) => !given.some((toleration) => covers(toleration, key)))
    if (missing.length === 0) return
    spec.tolerations = [...given, ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }))]
  },
})

const covers = (toleration: core.Toleration, key: string): boolean =>
  (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === 'NoExecute')
