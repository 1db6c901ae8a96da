import type { Scope } from '#base'
import type { core } from '#api'
import { type Transport, socketTransport } from '#client'
import type { Candidate } from '../preemption/candidates.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { NodeState } from '../cluster/node-state.ts'
import type { ExtenderConfig } from './extender-config.ts'

/** An answer of an extender is no longer than this. */
const LONGEST_ANSWER_BYTES = 64 << 20
/** Extenders score up to 10, plugins up to 100. */
const SCALE = 10

/** What an extender says of nodes. Reasons by node name. */
export interface FilterAnswer {
  readonly nodes: readonly NodeState[]
  readonly failed: ReadonlyMap<string, string>
  /** Of these, pods that leave would change nothing. */
  readonly failedForGood: ReadonlyMap<string, string>
}

/** A server of somebody else's that has a say in where pods go. Calls throw when it does not answer, or not as it should. */
export class Extender {
  readonly config: ExtenderConfig
  readonly #managed: ReadonlySet<string>
  readonly #transport: Transport

  constructor(config: ExtenderConfig) {
    this.config = config
    this.#managed = new Set(config.managedResources.map(({ name }) => name))
    this.#transport = socketTransport({ server: config.urlPrefix, userAgent: 'sampan-scheduler', ...config.tls })
  }

  /** One that manages resources is asked about pods that want some of them. */
  isInterestedIn({ pod }: PodInfo): boolean {
    if (this.#managed.size === 0) return true
    const { containers = [], initContainers = [] } = pod.spec ?? {}
    return [...containers, ...initContainers].some(({ resources }) =>
      Object.keys({ ...resources?.requests, ...resources?.limits }).some((name) => this.#managed.has(name)),
    )
  }

  async filter(scope: Scope, { pod }: PodInfo, nodes: readonly NodeState[]): Promise<FilterAnswer> {
    const answer = await this.#call(scope, this.config.filterVerb, { Pod: pod, ...this.#asSent(nodes) })
    const error = field(answer, 'Error')
    if (typeof error === 'string' && error !== '') throw new Error(error)
    const names = this.#namesIn(answer)
    const byName = new Map(nodes.map((node) => [node.name, node]))
    const left = names.map((name) => {
      const node = byName.get(name)
      if (node === undefined)
        throw new Error(
          `extender ${JSON.stringify(this.config.urlPrefix)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
        )
      return node
    })
    return {
      nodes: left,
      failed: textsOf(field(answer, 'FailedNodes')),
      failedForGood: textsOf(field(answer, 'FailedAndUnresolvableNodes')),
    }
  }

  /** Scores by node name, weighed and on the scale of the plugins' sums. */
  async prioritize(scope: Scope, { pod }: PodInfo, nodes: readonly NodeState[]): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#call(scope, this.config.prioritizeVerb, { Pod: pod, ...this.#asSent(nodes) })
    const scores = new Map<string, number>()
    for (const one of listOf(answer)) {
      const [host, score] = [field(one, 'Host'), field(one, 'Score')]
      if (typeof host === 'string' && typeof score === 'number') scores.set(host, score * this.config.weight * SCALE)
    }
    return scores
  }

  /** The candidates that are left, with whom it would have leave. */
  async preempt(scope: Scope, { pod }: PodInfo, candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
    const isShort = this.config.nodeCacheCapable
    const victims = Object.fromEntries(
      candidates.map(({ node, victims, brokenBudgets }) => [
        node.name,
        { Pods: victims.map((victim) => (isShort ? { UID: victim.uid } : victim.pod)), NumPDBViolations: brokenBudgets },
      ]),
    )
    const answer = await this.#call(scope, this.config.preemptVerb, {
      Pod: pod,
      NodeNameToVictims: isShort ? null : victims,
      NodeNameToMetaVictims: isShort ? victims : null,
    })
    const byName = new Map(candidates.map((candidate) => [candidate.node.name, candidate.node]))
    return entriesOf(field(answer, 'NodeNameToMetaVictims')).flatMap(([name, found]) => {
      const node = byName.get(name)
      if (node === undefined) throw new Error(`extender ${this.config.urlPrefix} names the node ${name}, which was no candidate`)
      const chosen = listOf(field(found, 'Pods')).map((one): PodInfo => {
        const victim = node.pods.get(String(field(one, 'UID')))
        if (victim === undefined)
          throw new Error(
            `extender ${this.config.urlPrefix} claims to preempt pod (UID: ${String(field(one, 'UID'))}) on node: ${name}, but the pod is not found on that node`,
          )
        return victim
      })
      if (chosen.length === 0 && this.config.ignorable) return []
      if (chosen.length === 0) throw new Error(`expected at least one victim pod on node ${JSON.stringify(name)}`)
      return [{ node, victims: chosen, brokenBudgets: Number(field(found, 'NumPDBViolations') ?? 0) }]
    })
  }

  async bind(scope: Scope, { namespace, name, uid }: PodInfo, node: NodeState): Promise<void> {
    const answer = await this.#call(scope, this.config.bindVerb, { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node.name })
    const error = field(answer, 'Error')
    if (typeof error === 'string' && error !== '') throw new Error(error)
  }

  #asSent(nodes: readonly NodeState[]): { readonly Nodes: unknown; readonly NodeNames: readonly string[] | null } {
    if (this.config.nodeCacheCapable) return { Nodes: null, NodeNames: nodes.map(({ name }) => name) }
    return { Nodes: { metadata: {}, items: nodes.map(({ node }): core.Node => node) }, NodeNames: null }
  }

  #namesIn(answer: unknown): readonly string[] {
    const names = field(answer, 'NodeNames')
    if (this.config.nodeCacheCapable && Array.isArray(names)) return names.map(String)
    return listOf(field(field(answer, 'Nodes'), 'items')).map((node) => String(field(field(node, 'metadata'), 'name')))
  }

  async #call(scope: Scope, verb: string, body: unknown): Promise<unknown> {
    using limited = scope.child({ timeoutMs: this.config.timeoutMs })
    const answer = await this.#transport.send(limited, {
      method: 'POST',
      target: `/${verb}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (answer.status !== 200) {
      answer.discard()
      throw new Error(`failed ${verb} with extender at URL ${this.config.urlPrefix.replace(/\/+$/, '')}/${verb}, code ${answer.status}`)
    }
    const parts: Uint8Array[] = []
    let size = 0
    for await (const chunk of answer.chunks()) {
      size += chunk.length
      if (size > LONGEST_ANSWER_BYTES) throw new Error(`extender ${this.config.urlPrefix} answers more than ${LONGEST_ANSWER_BYTES} bytes`)
      parts.push(chunk)
    }
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  }
}

/** Extenders are written against types without names for their fields in JSON: readers take any case. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const own = Object.entries(value)
  return (own.find(([key]) => key === name) ?? own.find(([key]) => key.toLowerCase() === name.toLowerCase()))?.[1]
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : []
const textsOf = (value: unknown): ReadonlyMap<string, string> => new Map(entriesOf(value).map(([name, text]) => [name, String(text)]))
