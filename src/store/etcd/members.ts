import { readFileSync } from 'node:fs'
import { type Scope, messageOf } from '#base'
import { StoreClosed, StoreUnavailable, StoreUncertain } from '../errors.ts'
import { RpcFailed, Session, type TlsFiles } from '#base/grpc'
import { unfitEtcd } from './versions.ts'
import { statusAnswer } from './wire.ts'

export interface EtcdTarget {
  /** `http://host:port` or `https://host:port` of one or more members. */
  readonly endpoints: readonly string[]
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

const SERVICE_PACKAGE = 'etcdserverpb'
/** How long a call looks for a member that takes it: longer than an election, or the restart of one process. */
const PATIENCE_MS = 8_000
const CALL_WITHIN_MS = 10_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
/** Status of gRPC with which etcd says that another member may do better, or the same one later. */
const UNAVAILABLE = 14
/** With these it says so before it has done anything. */
const UNDONE: ReadonlySet<string> = new Set(['etcdserver: no leader', 'etcdserver: too many requests'])

/** The members of etcd behind one connection, which moves to the next member when one fails. */
export class Members {
  readonly #scope: Scope
  readonly #target: EtcdTarget
  #at = 0
  #session: Promise<Session> | undefined
  #wasUp = false
  #wasEverUp = false

  /** Lives as long as the scope. */
  constructor(scope: Scope, target: EtcdTarget) {
    this.#scope = scope
    this.#target = target
    scope.signal.addEventListener(
      'abort',
      () =>
        void this.#session?.then(
          (session) => session.close(),
          () => undefined,
        ),
      { once: true },
    )
  }

  /**
   * One call. A read is asked again, of other members too, until it has waited long enough; a write only while it is certain that
   * nothing has happened. Rejects with `StoreUnavailable` (nothing has happened), `StoreUncertain` (it may have), or `RpcFailed`:
   * a refusal of etcd.
   */
  async call(method: string, message: Uint8Array, isWrite: boolean, headers: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
    const { clock } = this.#scope
    const endMs = clock.monotonic() + PATIENCE_MS
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      let failure: RpcFailed
      try {
        const session = await this.session()
        try {
          return await session.unary(`${SERVICE_PACKAGE}.${method}`, message, CALL_WITHIN_MS, headers)
        } catch (error) {
          if (!(error instanceof RpcFailed)) throw error
          failure = error
          if (failure.status === undefined || failure.status === UNAVAILABLE) this.leave(session)
        }
      } catch (error) {
        if (!(error instanceof RpcFailed)) throw error
        failure = error
      }
      if (this.#scope.signal.aborted) throw new StoreClosed()
      if (isWrite && failure.mayHaveHappened) throw new StoreUncertain(failure)
      if (failure.status !== undefined && failure.status !== UNAVAILABLE && !failure.mayHaveHappened) throw failure
      if (clock.monotonic() + pauseMs > endMs) throw new StoreUnavailable(failure)
      await this.pause(pauseMs)
    }
  }

  /** The connection, made if need be to the first member that answers. Rejects with `RpcFailed` that names what was wrong with each. */
  async session(): Promise<Session> {
    if (this.#scope.signal.aborted) throw new StoreClosed()
    const current = this.#session
    if (current !== undefined) {
      const session = await current.catch(() => undefined)
      if (session?.isUsable === true) return session
      // Others may have begun to connect meanwhile.
      if (this.#session !== current) return this.session()
    }
    this.#session = this.#connect()
    return this.#session
  }

  /** The next call goes to another member. What is under way on this one may finish. */
  leave(session: Session): void {
    session.retire()
  }

  async pause(delayMs: number): Promise<void> {
    await this.#scope.sleep(delayMs).catch(() => {
      throw new StoreClosed()
    })
  }

  async #connect(): Promise<Session> {
    const { endpoints } = this.#target
    const wrong: string[] = []
    for (let tried = 0; tried < endpoints.length; tried++) {
      const endpoint = endpoints[this.#at++ % endpoints.length] ?? ''
      try {
        const session = await Session.connect(this.#scope, endpoint, { ...this.#files(endpoint), undone: UNDONE })
        // Whoever opens the store judges the first member. Others may be older than that one, while an upgrade goes on.
        if (this.#wasEverUp) await refuseUnfit(session)
        this.#scope.log.info('connected to etcd', { endpoint })
        this.#wasUp = true
        this.#wasEverUp = true
        return session
      } catch (error) {
        wrong.push(`${endpoint}: ${messageOf(error)}`)
      }
    }
    if (this.#wasUp) this.#scope.log.warn('etcd is away', { members: wrong })
    this.#wasUp = false
    throw new RpcFailed(wrong.join('; '), undefined, false)
  }

  /** Read for each connection, so that a renewed certificate is used without a restart. */
  #files(endpoint: string): TlsFiles {
    const { caFile, certFile, keyFile } = this.#target
    if (!endpoint.startsWith('https:')) return {}
    return {
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    }
  }
}

/** Ends the connection, and rejects, when the member is of a version that will not do. */
async function refuseUnfit(session: Session): Promise<void> {
  const { version } = statusAnswer(await session.unary(`${SERVICE_PACKAGE}.Maintenance/Status`, new Uint8Array(0), CALL_WITHIN_MS, {}))
  const unfit = unfitEtcd(version)
  if (unfit === undefined) return
  session.close()
  throw new RpcFailed(unfit.why, undefined, false)
}
