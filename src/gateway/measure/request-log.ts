import { type Socket, connect } from 'node:net'
import type { Scope, Timer } from '#base'
import type { Slot } from '../haproxy/state.ts'
import { RING } from './ring.ts'
import type { Measurements } from './measurements.ts'
import type { ObservedRoutes } from './observed-routes.ts'
import { type RequestLine, readLines } from './request-line.ts'

/** How often is looked, while there is little to read: a look costs the same for one request and for a hundred. */
const LOOK_EVERY_MS = 200
/** While there are policies: so much later a breaker opens at most. */
const LOOK_FOR_POLICIES_MS = 20
const MUCH_BYTES = 2048
const BUFFER_BYTES = 32_768
const AGAIN_MS = 500
/** An old process may have answers under way whose lines are still to come. */
const OLD_STAYS_MS = 5000
const LONGEST_LINE = 4096

/** Which backend of the configuration is whose, as it is known to the process whose lines these are. */
export interface BackendNames {
  slotAt(number: number): { readonly key: string; readonly slot: Slot } | undefined
}

/** How a breaker stands. */
export interface BreakerNow {
  readonly namespace: string
  readonly policy: string
  readonly service: string
  readonly state: string
}

/** Who acts on what requests under a policy have come to. */
export interface Observer {
  readonly isWatching: boolean
  breakers(): readonly BreakerNow[]
  /** The line is not to be kept, nor in the next one. */
  count(line: RequestLine, backend: string, address: string | undefined): void
}

/** Reads the lines of the HAProxy that serves, and counts them. */
export class RequestLog {
  readonly #socketPath: string
  readonly #measurements: Measurements
  readonly #routes: ObservedRoutes
  readonly #observer: Observer
  #reader: Reader | undefined

  constructor(socketPath: string, measurements: Measurements, routes: ObservedRoutes, observer: Observer) {
    this.#observer = observer
    this.#routes = routes
    this.#socketPath = socketPath
    this.#measurements = measurements
  }

  /** A new process serves; the one before has its last lines read. */
  follow(scope: Scope, names: BackendNames): void {
    const before = this.#reader
    this.#reader = new Reader(scope, this.#socketPath, names, this.#measurements, this.#routes, this.#observer)
    if (before !== undefined) scope.clock.after(OLD_STAYS_MS, () => before.close(), { background: true })
    before?.leave()
  }

  /** Idempotent. */
  close(): void {
    this.#reader?.close()
    this.#reader = undefined
  }
}

class Reader {
  readonly #scope: Scope
  readonly #socketPath: string
  readonly #names: BackendNames
  readonly #measurements: Measurements
  readonly #routes: ObservedRoutes
  readonly #observer: Observer
  #socket: Socket | undefined
  #timer: Timer | undefined
  #rest = Buffer.alloc(0)
  #isFirst = true
  #isLeft = false

  constructor(
    scope: Scope,
    socketPath: string,
    names: BackendNames,
    measurements: Measurements,
    routes: ObservedRoutes,
    observer: Observer,
  ) {
    this.#observer = observer
    this.#routes = routes
    this.#scope = scope
    this.#socketPath = socketPath
    this.#names = names
    this.#measurements = measurements
    this.#open()
  }

  /** Its process gets no new requests: when the connection ends, so does this. */
  leave(): void {
    this.#isLeft = true
  }

  close(): void {
    this.#isLeft = true
    this.#timer?.cancel()
    this.#socket?.destroy()
  }

  #open(): void {
    const { clock } = this.#scope
    // A buffer of our own: a socket that is paused then leaves everything to the kernel, and wakes nobody.
    const buffer = Buffer.alloc(BUFFER_BYTES)
    const socket: Socket = connect({
      path: this.#socketPath,
      onread: {
        buffer,
        callback: (length) => {
          this.#take(buffer.subarray(0, length))
          if (length >= MUCH_BYTES) return true
          this.#timer = clock.after(this.#observer.isWatching ? LOOK_FOR_POLICIES_MS : LOOK_EVERY_MS, () => socket.resume(), {
            background: true,
          })
          return false
        },
      },
    })
    this.#socket = socket
    this.#rest = Buffer.alloc(0)
    // The first look reads what was written since the process began; one after a broken connection would count that twice.
    socket.write(`show events ${RING} -w${this.#isFirst ? '' : ' -n'}\n`)
    socket.unref()
    socket.on('connect', () => {
      this.#isFirst = false
      this.#measurements.isReading = true
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#timer?.cancel()
      if (this.#isLeft) return
      this.#measurements.isReading = false
      this.#timer = clock.after(AGAIN_MS, () => this.#open(), { background: true })
    })
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const read = readLines(bytes, (line) => {
      const found = line.backend === undefined ? undefined : this.#names.slotAt(line.backend)
      const address = found === undefined ? undefined : addressOf(found.slot, line.server)
      if (line.route !== undefined) this.#routes.count(line, found?.key, address)
      if (found === undefined) return
      this.#measurements.count(found.key, address, line)
      if (line.policy !== undefined) this.#observer.count(line, found.key, address)
    })
    const left = bytes.subarray(read)
    this.#rest = left.length > LONGEST_LINE ? Buffer.alloc(0) : Buffer.from(left)
  }
}

/** `address:port` of a server, one that is leaving included. */
function addressOf({ servers, leaving }: Slot, number: number | undefined): string | undefined {
  if (number === undefined) return undefined
  const name = `s${number}`
  for (const [words, one] of servers) if (one === name) return addressIn(words)
  const words = leaving.get(name)
  return words === undefined ? undefined : addressIn(words)
}

/** What a server is to HAProxy begins with where it is. */
const addressIn = (words: string): string => words.split(' ', 1)[0] ?? words
