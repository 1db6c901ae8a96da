import { type Scope, messageOf } from '#base'
import { type KubeObject, StatusError, type core, isNotFound, refs } from '#api'
import type { Client, ResourceClient } from '#client'
import { NamedWatches } from '../named-watches.ts'
import { fetchText } from './ask-issuer.ts'
import { type KeySet, type ReadKeySet, readKeySet } from './key-set.ts'
import { type KeyPlace, placeKey } from './token-rules.ts'

/** Keys that are fetched are looked at again so often, and sooner when a token names one that is not among them. */
const AGAIN_MS = 300_000
const LEAST_BETWEEN_MS = 30_000
const AFTER_FAILURE_MS = { least: 2000, most: 60_000 }
/** Each is asked from time to time for as long as a route names it. */
const MOST_ADDRESSES = 64

interface Source {
  readonly place: KeyPlace
  readonly scope: ReturnType<Scope['child']>
  /** Undefined: it was not read yet. */
  read: ReadKeySet | undefined
  reading: Promise<void> | undefined
  readMs: number
  failures: number
}

type ObjectPlace = Extract<KeyPlace, { kind: 'configmap' | 'secret' }>

export interface KeySourcesOptions {
  readonly fetch?: (scope: Scope, uri: string) => Promise<string>
}

/** The keys that routes name, each read for as long as one does. Good ones are kept while no others can be had from an address; from an object that says something else they are not. */
export class KeySources {
  readonly #scope: Scope
  readonly #client: Client
  readonly #fetch: (scope: Scope, uri: string) => Promise<string>
  readonly #onChange: (place: string) => void
  readonly #sources = new Map<string, Source>()
  readonly #watches: Readonly<Record<ObjectPlace['kind'], NamedWatches<KubeObject>>>

  /** `onChange`: the place, as `placeKey` calls it, holds something else than before. */
  constructor(scope: Scope, client: Client, onChange: (place: string) => void, { fetch = fetchText }: KeySourcesOptions = {}) {
    this.#scope = scope
    this.#client = client
    this.#fetch = fetch
    this.#onChange = onChange
    const watches = <T extends KubeObject>(kind: ObjectPlace['kind'], source: ResourceClient<T>): NamedWatches<T> =>
      new NamedWatches(scope, source, (object) => {
        for (const one of this.#sources.values()) if (one.place.kind === kind && objectOf(one.place) === object) void this.#read(one)
      })
    this.#watches = {
      configmap: watches<core.ConfigMap>('configmap', client.resource(refs.configmaps)),
      secret: watches<core.Secret>('secret', client.resource(refs.secrets)),
    }
  }

  /** Undefined: not read yet, and `onChange` is going to say when. */
  get(place: KeyPlace): ReadKeySet | undefined {
    return this.#sources.get(placeKey(place))?.read
  }

  follow(place: KeyPlace): void {
    const key = placeKey(place)
    if (this.#sources.has(key)) return
    const source: Source = { place, scope: this.#scope.child(), read: undefined, reading: undefined, readMs: -Infinity, failures: 0 }
    this.#sources.set(key, source)
    if (place.kind !== 'uri') {
      this.#watches[place.kind].follow(objectOf(place))
      void this.#read(source)
    } else if ([...this.#sources.values()].filter((one) => one.place.kind === 'uri').length > MOST_ADDRESSES) {
      source.read = { problem: `keys are fetched from ${MOST_ADDRESSES} addresses at most` }
    } else void this.#readAgain(source)
  }

  leave(place: KeyPlace): void {
    const key = placeKey(place)
    this.#sources.get(key)?.scope.cancel()
    this.#sources.delete(key)
    if (place.kind === 'uri') return
    const isNamed = [...this.#sources.values()].some((one) => one.place.kind === place.kind && objectOf(one.place) === objectOf(place))
    if (!isNamed) this.#watches[place.kind].leave(objectOf(place))
  }

  /** Objects that may not be watched are read. */
  lookAgain(): void {
    for (const source of this.#sources.values()) if (source.place.kind !== 'uri') void this.#read(source)
  }

  /** Resolves when all that are named were read, or could not be. */
  async settled(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((source) => source.reading ?? Promise.resolve()))
  }

  /** The newest keys, for a token that is signed with one that is not known; soon after the last time they are what they are. */
  async newest(place: KeyPlace): Promise<KeySet | undefined> {
    const source = this.#sources.get(placeKey(place))
    if (source === undefined) return undefined
    const isDue = this.#scope.clock.monotonic() - source.readMs >= LEAST_BETWEEN_MS
    if (place.kind === 'uri') await (source.reading ?? (isDue ? this.#read(source) : undefined))
    return source.read !== undefined && 'keys' in source.read ? source.read : undefined
  }

  async #readAgain(source: Source): Promise<void> {
    const { scope } = source
    while (!scope.signal.aborted) {
      const { least, most } = AFTER_FAILURE_MS
      await this.#read(source)
      const pauseMs = source.failures === 0 ? AGAIN_MS : Math.min(least * 2 ** (source.failures - 1), most)
      await scope.sleep(pauseMs).catch(() => undefined)
    }
  }

  /** One at a time; never rejects. An object that changes while it is read is read again. */
  #read(source: Source): Promise<void> {
    if (source.reading !== undefined && source.place.kind === 'uri') return source.reading
    const reading = (source.reading ?? Promise.resolve()).then(() => this.#readOnce(source))
    source.reading = reading
    void reading.finally(() => {
      if (source.reading === reading) source.reading = undefined
    })
    return reading
  }

  async #readOnce(source: Source): Promise<void> {
    const { place, scope, read: before } = source
    if (scope.signal.aborted) return
    source.readMs = this.#scope.clock.monotonic()
    const now = await this.#textAt(scope, place).then(readKeySet, (error: unknown) => ({ problem: messageOf(error).slice(0, 120) }))
    if (scope.signal.aborted) return
    source.failures = 'problem' in now ? source.failures + 1 : 0
    const isKept = place.kind === 'uri' && 'problem' in now && before !== undefined && 'keys' in before
    if (isKept) {
      scope.log.warn('keys of tokens were not read again, those before are good', { place: placeKey(place), problem: now.problem })
      return
    }
    source.read = now
    if (shownOf(before) !== shownOf(now)) this.#onChange(placeKey(place))
  }

  async #textAt(scope: Scope, place: KeyPlace): Promise<string> {
    if (place.kind === 'uri') return this.#fetch(scope, place.uri)
    const { kind, namespace, name, key } = place
    try {
      const { data = {} } =
        kind === 'configmap'
          ? await this.#client.resource(refs.configmaps).get(scope, { namespace, name })
          : await this.#client.resource(refs.secrets).get(scope, { namespace, name })
      const text = data[key]
      if (text === undefined) throw new Error(`it has no key ${key}`)
      return kind === 'secret' ? Buffer.from(text, 'base64').toString('utf8') : text
    } catch (error) {
      if (isNotFound(error)) throw new Error('it does not exist', { cause: error })
      throw error instanceof StatusError ? new Error(`it cannot be read: ${messageOf(error)}`, { cause: error }) : error
    }
  }
}

const objectOf = (place: KeyPlace): string => (place.kind === 'uri' ? '' : `${place.namespace}/${place.name}`)
const shownOf = (read: ReadKeySet | undefined): string | undefined =>
  read === undefined ? undefined : 'problem' in read ? read.problem : read.fingerprint
