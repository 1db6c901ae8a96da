import { type Scope, UserError, messageOf } from '#base'
import { type core, quantityValue } from '#api'
import { type Hint, type Hints, NO_HINTS, type NodeMask, maskOf, nodesIn } from '../alignment/hints.ts'
import type { AlignedProvider } from '../alignment/provider.ts'
import { type AnyContainer, initContainersOf, isSidecar, mainContainersOf, qosClassOf, uidOf } from '../pods/pod-facts.ts'
import { PluginRefused } from '../refusal.ts'
import { SavedFile } from '../saved-file.ts'
import type { Topology } from '../topology/machine-topology.ts'
import { type Block, type MemoryState, type MemoryWish, chooseNodes, memoryHints, memoryState, usableOf } from './memory-state.ts'
import { type ReservedMemory, isMemory } from './reserved-memory.ts'

/** As the kubelet names the fields. */
interface Saved {
  readonly policyName: string
  readonly entries: Readonly<
    Record<
      string,
      Readonly<Record<string, readonly { readonly numaAffinity: readonly number[]; readonly type: string; readonly size: number }[]>>
    >
  >
}

/** What a container's memory is to be of: what it asks for, when its pod has all that it asks for guaranteed. */
function wishOf(pod: core.Pod, container: AnyContainer): MemoryWish {
  if (qosClassOf(pod) !== 'Guaranteed' || pod.spec?.resources !== undefined) return new Map()
  const asked = { ...container.resources?.limits, ...container.resources?.requests }
  return new Map(Object.entries(asked).flatMap(([name, amount]) => (isMemory(name) ? [[name, quantityValue(amount)] as const] : [])))
}

/** At any one time, as for processors. */
function wishOfPod(pod: core.Pod): MemoryWish {
  const names = new Set([...initContainersOf(pod), ...mainContainersOf(pod)].flatMap((container) => [...wishOf(pod, container).keys()]))
  return new Map(
    [...names].map((name) => {
      let sidecars = 0
      let most = 0
      for (const container of initContainersOf(pod)) {
        const own = wishOf(pod, container).get(name) ?? 0
        if (isSidecar(pod, container)) sidecars += own
        else most = Math.max(most, sidecars + own)
      }
      return [
        name,
        Math.max(
          most,
          mainContainersOf(pod).reduce((sum, container) => sum + (wishOf(pod, container).get(name) ?? 0), sidecars),
        ),
      ]
    }),
  )
}

/** Memory of few nodes for containers whose pods have all that they ask for guaranteed (the kubelet's static memory manager policy). */
export class PinnedMemory implements AlignedProvider {
  readonly #path: string
  readonly #file: SavedFile<Saved>
  readonly #usable: ReadonlyMap<number, ReadonlyMap<string, number>>
  /** By pod and container, in the order in which they were given. */
  readonly #given = new Map<string, Map<string, readonly Block[]>>()

  constructor(path: string, topology: Topology, reserved: ReservedMemory) {
    this.#path = path
    this.#file = new SavedFile(path)
    this.#usable = usableOf(topology, reserved)
  }

  /** What was given is still given. Throws `UserError` when the file is no such book or does not fit the machine. */
  async start(): Promise<void> {
    const wrong = (why: string): UserError =>
      new UserError(`${this.#path} does not fit this node: ${why}`, 'drain the node, remove the file, then start the agent again')
    const saved = await this.#file.load().catch((error: unknown) => {
      throw wrong(messageOf(error))
    })
    for (const [uid, containers] of Object.entries(saved?.entries ?? {}))
      for (const [name, blocks] of Object.entries(containers)) {
        for (const { numaAffinity, type } of blocks)
          for (const id of numaAffinity) if (this.#usable.get(id)?.has(type) !== true) throw wrong(`there is no ${type} on a node ${id}`)
        this.#add(
          uid,
          name,
          blocks.map(({ numaAffinity, type, size }) => ({ nodes: maskOf(numaAffinity), type, bytes: size })),
        )
      }
    for (const type of new Set(this.#blocks.map((block) => block.type))) {
      const given = this.#blocks.reduce((sum, block) => sum + (block.type === type ? block.bytes : 0), 0)
      const most = [...this.#usable.values()].reduce((sum, amounts) => sum + (amounts.get(type) ?? 0), 0)
      if (given > most) throw wrong(`it gives away ${given} bytes of ${type}, and there are ${most}`)
    }
  }
  async keepOnly(present: ReadonlySet<string>): Promise<void> {
    await this.#takeBack([...this.#given.keys()].filter((uid) => !present.has(uid)))
  }

  of(podUid: string, container: string): readonly Block[] {
    return this.#given.get(podUid)?.get(container) ?? []
  }
  /** What of each node containers can have. */
  get usable(): readonly Block[] {
    return [...this.#usable].flatMap(([id, amounts]) =>
      [...amounts].flatMap(([type, bytes]) => (bytes === 0 ? [] : [{ nodes: 1 << id, type, bytes }])),
    )
  }

  hints(pod: core.Pod, container: AnyContainer | undefined): Hints {
    const wish = container === undefined ? wishOfPod(pod) : wishOf(pod, container)
    if (wish.size === 0) return NO_HINTS
    const whose = container === undefined ? [...initContainersOf(pod), ...mainContainersOf(pod)] : [container]
    const [had] = whose.map(({ name }) => this.of(uidOf(pod), name)).filter((blocks) => blocks.length > 0)
    const hints = had === undefined ? this.#hints(pod, container, wish) : [{ nodes: had[0]?.nodes, preferred: true }]
    return new Map([...wish.keys()].map((name) => [name, hints]))
  }

  async allocate(_: Scope, pod: core.Pod, container: AnyContainer, asked: NodeMask | undefined): Promise<void> {
    const wish = wishOf(pod, container)
    const uid = uidOf(pod)
    if (wish.size === 0 || this.of(uid, container.name).length > 0) return
    const nodes = chooseNodes(this.#state, wish, asked, this.#hints(pod, container, wish))
    if (nodes === undefined)
      throw new PluginRefused('[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available')
    const blocks = [...wish].map(([type, bytes]): Block => ({ nodes, type, bytes }))
    for (const block of blocks) this.#takeOver(pod, container, block)
    this.#add(uid, container.name, blocks)
    await this.#save()
  }

  async release(_: Scope, pod: core.Pod): Promise<void> {
    await this.#takeBack([uidOf(pod)])
  }

  async #takeBack(uids: readonly string[]): Promise<void> {
    const had = uids.filter((uid) => this.#given.delete(uid))
    if (had.length > 0) await this.#save()
  }

  get #blocks(): readonly Block[] {
    return [...this.#given.values()].flatMap((containers) => [...containers.values()].flat())
  }
  get #state(): MemoryState {
    return memoryState(this.#usable, this.#blocks)
  }

  #hints(pod: core.Pod, container: AnyContainer | undefined, wish: MemoryWish): readonly Hint[] {
    const left = (mask: NodeMask, type: string): number =>
      this.#ended(pod, container)
        .flatMap((name) => this.of(uidOf(pod), name))
        .reduce((sum, block) => sum + (block.nodes === mask && block.type === type ? block.bytes : 0), 0)
    return memoryHints(this.#state, wish, left)
  }

  /** Init containers that have ended when this one starts. */
  #ended(pod: core.Pod, container: AnyContainer | undefined): string[] {
    const inits = initContainersOf(pod)
    const at = inits.findIndex(({ name }) => name === container?.name)
    return (at === -1 ? inits : inits.slice(0, at)).flatMap((one) => (isSidecar(pod, one) ? [] : [one.name]))
  }

  /** What an init container had and needs no more goes to the ones after it. */
  #takeOver(pod: core.Pod, container: AnyContainer, { nodes, type, bytes }: Block): void {
    let rest = bytes
    for (const name of this.#ended(pod, container)) {
      const blocks = this.of(uidOf(pod), name).map((block) => {
        if (block.nodes !== nodes || block.type !== type) return block
        const part = Math.min(block.bytes, rest)
        rest -= part
        return { ...block, bytes: block.bytes - part }
      })
      if (blocks.length > 0) this.#add(uidOf(pod), name, blocks)
    }
  }

  #add(podUid: string, container: string, blocks: readonly Block[]): void {
    const containers = this.#given.get(podUid) ?? new Map<string, readonly Block[]>()
    this.#given.set(podUid, containers.set(container, blocks))
  }

  #save(): Promise<void> {
    const entry = ({ nodes, type, bytes }: Block) => ({ numaAffinity: nodesIn(nodes), type, size: bytes })
    return this.#file.save(() => ({
      policyName: 'Static',
      entries: Object.fromEntries(
        [...this.#given].map(([uid, containers]) => [
          uid,
          Object.fromEntries([...containers].map(([name, blocks]) => [name, blocks.map(entry)])),
        ]),
      ),
    }))
  }
}
