import { request } from 'node:https'
import { createInterface } from 'node:readline'
import type { Random } from '#base'
import type { Change, Gap, Ledger, State } from './ledger.ts'
import { type ServerProcess, oneConnection } from './server-process.ts'

/** Values of all usual lengths: a batch then ends anywhere in a page of the file. */
const LONGEST_FILL = 2000

/** Of one writer. What is there is read after each crash: thousands of rounds must not make that longer and longer. */
const MOST_NAMES = 60
/** How soon a watcher tries again. Each try of many would take time from the server that is coming back. */
const AWAY_MS = 40

interface StoredMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly data?: { readonly value?: string }
}

const stateOf = ({ metadata, data }: StoredMap): State => ({ value: data?.value ?? '', revision: Number(metadata.resourceVersion) })

/** What a writer needs to know of the round that it writes in. */
export interface Round {
  /** Nobody is to write any more: the server is gone, or has been asked enough. */
  isOver(): boolean
  /** Part of what is behind the server was killed: an answer may be that nobody knows. */
  readonly mayFail: boolean
}

/** Creates, updates and deletes ConfigMaps of its own over one connection until the round is over, or it is not known what has become of a request. */
export async function write(
  server: ServerProcess,
  path: string,
  prefix: string,
  random: Random,
  ledger: Ledger,
  round: Round,
): Promise<void> {
  const agent = oneConnection()
  const pick = (below: number): number => Math.floor(random.float() * below)
  try {
    for (let turn = 0; ; turn++) {
      const { names } = ledger
      const dice = pick(10)
      const known = dice < 5 && names.length < MOST_NAMES ? undefined : names[pick(names.length)]
      const kind = known === undefined ? 'ADDED' : dice % 5 < 4 ? 'MODIFIED' : 'DELETED'
      const name = known ?? `${prefix}-${turn}`
      const value = `${prefix}-${turn}`
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value, fill: 'x'.repeat(pick(LONGEST_FILL)) } }
      ledger.intend(kind, name, value)
      const answer = await (kind === 'ADDED'
        ? server.call('POST', path, body, agent)
        : kind === 'MODIFIED'
          ? server.call('PUT', `${path}/${name}`, body, agent)
          : server.call('DELETE', `${path}/${name}`, undefined, agent))
      // An error does not say whether it happened.
      if (answer.status >= 500 && round.mayFail) return
      if (answer.status >= 300) throw new Error(`${kind} ${name} is answered with ${answer.status}: ${answer.body}`)
      ledger.confirm(kind, name, value, kind === 'DELETED' ? undefined : stateOf(JSON.parse(answer.body) as StoredMap).revision)
      if (round.isOver()) return
    }
  } catch (error) {
    // A server may close a connection that has been quiet for long, which on a busy machine it is between two requests: one more that was not answered.
    if (!server.isGone && !isCutOff(error)) throw error
  } finally {
    agent.destroy()
  }
}

const isCutOff = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ECONNRESET'

/** Everything below `path`, and the revision of the list. */
export async function listed(server: ServerProcess, path: string): Promise<{ revision: number; items: ReadonlyMap<string, State> }> {
  const { body } = await server.must('GET', path)
  const list = JSON.parse(body) as { metadata: { resourceVersion: string }; items: readonly StoredMap[] }
  return {
    revision: Number(list.metadata.resourceVersion),
    items: new Map(list.items.map((item) => [item.metadata.name, stateOf(item)])),
  }
}

/** A watcher that goes on from the last event that it has seen, across any number of crashes. */
export class Follower {
  readonly events: Change[] = []
  readonly gaps: Gap[] = []
  readonly #server: ServerProcess
  readonly #path: string
  #last: number
  #stopped = false
  #isTooLate = false
  #cut: () => void = () => undefined
  readonly done: Promise<void>

  constructor(server: ServerProcess, path: string, fromRevision: number) {
    this.#server = server
    this.#path = path
    this.#last = fromRevision
    this.done = this.#follow()
  }

  get last(): number {
    return this.#last
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cut()
    await this.done
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#watch()
      } catch {
        // The server is away: again, from where we are.
        await new Promise((resolve) => setTimeout(resolve, AWAY_MS))
      }
    }
  }

  async #watch(): Promise<void> {
    const target = `${this.#path}?watch=true&resourceVersion=${this.#last}&allowWatchBookmarks=true`
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sent = request(this.#server.options('GET', target), (response) => {
      response.on('error', reject)
      if (response.statusCode === 410) {
        response.resume()
        this.#afterGap().then(resolve, reject)
        return
      }
      const lines = createInterface({ input: response })
      lines
        .on('line', (line) => this.#take(line, reject))
        .on('error', reject)
        .on('close', () => {
          if (this.#isTooLate) this.#afterGap().then(resolve, reject)
          else resolve()
        })
    })
    this.#cut = () => sent.destroy(new Error('enough'))
    sent.on('error', reject).end()
    return promise
  }

  #take(line: string, refuse: (error: Error) => void): void {
    let event: { readonly type: string; readonly object: StoredMap & { readonly code?: number } }
    try {
      event = JSON.parse(line) as typeof event
    } catch {
      // The rest of the line went down with the server.
      return refuse(new Error('cut off'))
    }
    if (event.type === 'ERROR') {
      if (event.object.code !== 410) return refuse(new Error(line))
      this.#isTooLate = true
      return
    }
    const { value, revision = 0 } = stateOf(event.object)
    if (event.type !== 'BOOKMARK')
      this.events.push({ kind: event.type as Change['kind'], name: event.object.metadata.name, value, revision })
    this.#last = Math.max(this.#last, revision)
  }

  async #afterGap(): Promise<void> {
    const { revision } = await listed(this.#server, this.#path)
    this.#isTooLate = false
    this.gaps.push({ after: this.#last, upTo: revision })
    this.#last = revision
  }
}
