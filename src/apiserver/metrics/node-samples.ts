import type { IncomingMessage } from 'node:http'
import { type Scope, messageOf } from '#base'
import type { core } from '#api'
import { nodeAddress } from '../stream/node-address.ts'
import type { ToNodes } from '../stream/pod-log.ts'
import { type Look, type NodeUsed, readLook, usableLooks, usedBetween } from './node-usage.ts'

/** Answers younger than this are given again: several who ask all the time do not make the node busy. */
const FRESH_MS = 300
/** Between the two looks that a node needs when nobody has asked for a while. */
const BETWEEN_MS = 1_000
const SELDOM_MS = 5_000
const TIMEOUT_MS = 3_000
const MOST_BYTES = 16 * 1024 * 1024

interface Known {
  /** In the order of time: the newest one that is old enough for a window, and those after it. */
  readonly looks: readonly Look[]
  readonly used: NodeUsed
}

/**
 * Looks at nodes when somebody asks, and not otherwise: nothing runs while nobody does. Rates need two looks; who asks again within a
 * minute gets what was used since the last time.
 */
export class NodeSamples {
  readonly #nodes: ToNodes
  readonly #known = new Map<string, Known>()
  readonly #pending = new Map<string, Promise<NodeUsed | undefined>>()

  constructor(nodes: ToNodes) {
    this.#nodes = nodes
  }

  /** By the node's name. A node that does not answer is left out. */
  async of(scope: Scope, nodes: readonly core.Node[]): Promise<ReadonlyMap<string, NodeUsed>> {
    const answers = await Promise.all(
      nodes.filter(hasAgent).map(async (node) => {
        const name = node.metadata?.name ?? ''
        // Whoever asks while a look is under way gets its outcome.
        const pending = this.#pending.get(name) ?? this.#ask(scope, node).finally(() => this.#pending.delete(name))
        this.#pending.set(name, pending)
        return [name, await pending] as const
      }),
    )
    return new Map(answers.flatMap(([name, used]) => (used === undefined ? [] : [[name, used]])))
  }

  /** Nodes that are gone need not be remembered. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
  }

  async #ask(scope: Scope, node: core.Node): Promise<NodeUsed | undefined> {
    const name = node.metadata?.name ?? ''
    try {
      const known = this.#known.get(name)
      const nowMs = scope.clock.now()
      const looks = [...usableLooks(known?.looks ?? [], nowMs)]
      const newest = looks.at(-1)
      if (known !== undefined && newest !== undefined && nowMs - newest.atMs < FRESH_MS) return known.used
      let [before] = looks
      if (before === undefined) {
        before = await this.#look(scope, node)
        looks.push(before)
        await scope.sleep(BETWEEN_MS)
      }
      let look = await this.#look(scope, node)
      looks.push(look)
      // Containers that began since: who asks seldom should not have to ask twice, who asks all the time need not wait.
      if (look.atMs - before.atMs > SELDOM_MS && [...look.samples.keys()].some((id) => before?.samples.has(id) === false)) {
        before = look
        await scope.sleep(BETWEEN_MS)
        look = await this.#look(scope, node)
        looks.push(look)
      }
      const used = usedBetween(before, look)
      this.#known.set(name, { looks, used })
      return used
    } catch (error) {
      scope.check()
      scope.log.debug('a node does not say what it uses', { node: name, error: messageOf(error) })
      return undefined
    }
  }

  async #look(scope: Scope, node: core.Node): Promise<Look> {
    using limited = scope.child({ timeoutMs: TIMEOUT_MS })
    const at = nodeAddress(node, this.#nodes.isAllowed)
    const request = { method: 'GET', path: '/metrics/resource', headers: {} }
    const answer = await this.#nodes.backends.send(limited, { kind: 'node', at, verified: true }, request)
    if (answer.statusCode !== 200) {
      answer.destroy()
      throw new Error(`the node answered with status ${answer.statusCode ?? 0}`)
    }
    return readLook(await textOf(answer), scope.clock.now())
  }
}

/** A simulated node has no agent that could be asked, and names no port of one. */
const hasAgent = (node: core.Node): boolean => (node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0) > 0

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) {
      answer.destroy()
      throw new Error('the answer is too large')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
