import type { Scope } from '#base'
import { type core, isAlreadyExists, isNotFound, keyOf, type networking, refs, familyOf } from '#api'
import type { Engine } from '#store'
import type { ObjectReader, ObjectWriter } from '../contract.ts'

type Service = core.Service

/** Tells all servers of a cluster that a port or an address is taken. It is claimed before the Service that holds it is stored. */
export interface Claims<T> {
  /** False when somebody else has it. */
  claim(scope: Scope, one: T, service: Service): Promise<boolean>
  /** Gives it back. Nothing happens when it is not this Service's. */
  release(scope: Scope, one: T, service: Service): Promise<void>
  /** Whether somebody is known to have it: `claim` would be in vain. */
  isClaimed(one: T): boolean
}

const FAMILY = 'ipaddress.kubernetes.io/ip-family'
const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by'
const ALLOCATOR = 'ipallocator.k8s.io'

/** An IPAddress object for each cluster address, as kube-apiserver keeps them. */
export class AddressClaims implements Claims<string> {
  readonly #reader: ObjectReader
  readonly #writer: () => ObjectWriter

  constructor(reader: ObjectReader, writer: () => ObjectWriter) {
    this.#reader = reader
    this.#writer = writer
  }

  isClaimed(address: string): boolean {
    return this.#reader.get(refs.ipaddresses, '', address) !== undefined
  }

  async claim(scope: Scope, address: string, service: Service): Promise<boolean> {
    try {
      await this.#writer().create(scope, refs.ipaddresses, addressObject(address, service))
      return true
    } catch (error) {
      if (isAlreadyExists(error)) return false
      throw error
    }
  }

  async release(scope: Scope, name: string, service: Service): Promise<void> {
    const known = this.#reader.get(refs.ipaddresses, '', name)
    if (known !== undefined && ownerOf(known) !== keyOf(service)) return
    await this.remove(scope, name)
  }

  /** Whosever it is. */
  async remove(scope: Scope, name: string): Promise<void> {
    await this.#writer()
      .delete(scope, refs.ipaddresses, '', name)
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
  }
}

export function addressObject(name: string, { metadata }: Service): networking.IPAddress {
  return {
    metadata: { name, labels: { [FAMILY]: familyOf(name), [MANAGED_BY]: ALLOCATOR } },
    spec: { parentRef: { group: '', resource: 'services', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' } },
  }
}

/** Whether Services' addresses are what this object is for, and not somebody's own records. */
export function isFromAllocator({ metadata }: networking.IPAddress): boolean {
  return metadata?.labels?.[MANAGED_BY] === ALLOCATOR
}

/** The key of the Service that an address is for; undefined when it is for something else. */
export function ownerOf({ spec }: networking.IPAddress): string | undefined {
  const { group = '', resource, namespace = '', name = '' } = spec?.parentRef ?? {}
  return group === '' && resource === 'services' ? `${namespace}/${name}` : undefined
}

const PORTS = '/registry/nodeports/'

/** A key of the store for each node port: no kind of the API speaks of them. For stores that several servers share. */
export class PortClaims implements Claims<number> {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  isClaimed(): boolean {
    return false
  }

  async claim(_: Scope, number: number, service: Service): Promise<boolean> {
    const key = PORTS + String(number)
    const value = Buffer.from(keyOf(service))
    const { succeeded } = await this.#engine.commit({ compare: [{ key, modRevision: 0 }], operations: [{ kind: 'put', key, value }] })
    return succeeded
  }

  async release(_: Scope, number: number, service: Service): Promise<void> {
    const key = PORTS + String(number)
    const found = await this.#engine.get(key)
    if (found === undefined || Buffer.from(found.value).toString() !== keyOf(service)) return
    await this.#engine.commit({ compare: [{ key, modRevision: found.modRevision }], operations: [{ kind: 'delete', key }] })
  }

  /** Ports that are claimed, and by which Service. */
  async all(): Promise<ReadonlyMap<number, string>> {
    const { items } = await this.#engine.range({ prefix: PORTS })
    return new Map(items.map(({ key, value }) => [Number(key.slice(PORTS.length)), Buffer.from(value).toString()]))
  }
}
