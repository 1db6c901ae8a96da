import { UserError, messageOf } from '#base'
import { SavedFile } from '../saved-file.ts'
import { type NumberSet, formatNumbers, parseNumbers } from '../topology/number-list.ts'

/** As the kubelet names the fields. */
interface Saved {
  readonly policyName: string
  readonly defaultCpuSet: string
  readonly entries: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** Which processors are whose, by pod and container; it outlives the agent. */
export class CpuBook {
  readonly #path: string
  readonly #file: SavedFile<Saved>
  readonly #pods = new Map<string, Map<string, NumberSet>>()

  constructor(path: string) {
    this.#path = path
    this.#file = new SavedFile(path)
  }

  /**
   * What was given is still given. Throws `UserError` when the file is no such book, or processors in it are not among `usable` or have two
   * owners: to go on would mean to give away what somebody has.
   */
  async load(usable: NumberSet): Promise<void> {
    const wrong = (why: string): UserError =>
      new UserError(`${this.#path} does not fit this node: ${why}`, 'drain the node, remove the file, then start the agent again')
    const saved = await this.#file.load().catch((error: unknown) => {
      throw wrong(messageOf(error))
    })
    if (saved === undefined) return
    const seen = new Map<number, string>()
    for (const [uid, containers] of Object.entries(saved.entries ?? {}))
      for (const [name, text] of Object.entries(containers)) {
        const cpus = parseNumbers(text)
        if (!cpus.isSubsetOf(usable)) throw wrong(`it gives away the processors ${text}, and there are ${formatNumbers(usable)}`)
        // Containers of one pod that run one after the other share.
        for (const cpu of cpus) {
          if ((seen.get(cpu) ?? uid) !== uid) throw wrong(`processor ${cpu} has two owners`)
          seen.set(cpu, uid)
        }
        this.#add(uid, name, cpus)
      }
  }

  of(podUid: string, container: string): NumberSet | undefined {
    return this.#pods.get(podUid)?.get(container)
  }
  /** Whatever any container has. */
  get given(): NumberSet {
    return new Set([...this.#pods.values()].flatMap((containers) => [...containers.values()].flatMap((cpus) => [...cpus])))
  }
  get pods(): readonly string[] {
    return [...this.#pods.keys()]
  }
  hasAny(podUid: string): boolean {
    return this.#pods.has(podUid)
  }

  /** Resolves when it is on disk. */
  async give(podUid: string, container: string, cpus: NumberSet, shared: () => NumberSet): Promise<void> {
    this.#add(podUid, container, cpus)
    await this.#save(shared)
  }
  /** Takes back what these pods have. */
  async takeBack(podUids: readonly string[], shared: () => NumberSet): Promise<boolean> {
    const had = podUids.filter((uid) => this.#pods.delete(uid))
    if (had.length > 0) await this.#save(shared)
    return had.length > 0
  }

  #add(podUid: string, container: string, cpus: NumberSet): void {
    const containers = this.#pods.get(podUid) ?? new Map<string, NumberSet>()
    this.#pods.set(podUid, containers.set(container, cpus))
  }

  #save(shared: () => NumberSet): Promise<void> {
    return this.#file.save(() => ({
      policyName: 'static',
      defaultCpuSet: formatNumbers(shared()),
      entries: Object.fromEntries(
        [...this.#pods].map(([uid, containers]) => [
          uid,
          Object.fromEntries([...containers].map(([name, cpus]) => [name, formatNumbers(cpus)])),
        ]),
      ),
    }))
  }
}
