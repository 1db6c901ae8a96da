import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { type Scope, rfc3339Micro } from '#base'
import { type KubeObject, type coordination, isNotFound, refs } from '#api'
import type { ApiServer } from '#apiserver'
import { keepDoing } from './keep-doing.ts'

const NAMESPACE = 'kube-system'
const KIND_LABEL = 'apiserver.kubernetes.io/identity'
const KIND = 'kube-apiserver'
/** kube-apiserver's periods. */
const LEASE_S = 3600
const RENEW_EVERY_MS = 10_000
const CLEAN_EVERY_MS = LEASE_S * 1000
const FAILURE = 'the identity of this server is not kept'

/**
 * Says in a Lease of kube-system that this server is there (KEP 1965), and removes those of servers that have not said so for an hour. `end` resolves when
 * nothing is under way; the Lease stays until it is old, as kube-apiserver's does.
 */
export async function keepIdentity(
  scope: Scope,
  server: Pick<ApiServer, 'reader' | 'writer'>,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<{ end(): Promise<void> }> {
  const own = scope.child()
  const peer = `${address.includes(':') ? `[${address}]` : address}:${port}`
  const name = identityOf(`${hostname()} ${peer}`)
  const holder = `${name}_${scope.random.uuid()}`
  const keep = (): Promise<void> => renew(own, server, name, holder, peer)
  await keep()
  await clean(own, server)
  const running = Promise.all([
    keepDoing(own, RENEW_EVERY_MS, FAILURE, keep),
    keepDoing(own, CLEAN_EVERY_MS, FAILURE, () => clean(own, server)),
  ])
  return {
    async end() {
      own.cancel()
      await running
    },
  }
}

/** One name for one place, over all its starts. */
function identityOf(place: string): string {
  return `apiserver-${base32(createHash('sha256').update(place).digest().subarray(0, 16))}`
}

async function renew(
  scope: Scope,
  { reader, writer }: Pick<ApiServer, 'reader' | 'writer'>,
  name: string,
  holderIdentity: string,
  peer: string,
): Promise<void> {
  const before = reader.get(refs.leases, NAMESPACE, name)
  const lease: coordination.Lease = {
    metadata: {
      ...before?.metadata,
      name,
      namespace: NAMESPACE,
      labels: { ...before?.metadata?.labels, [KIND_LABEL]: KIND, 'kubernetes.io/hostname': hostname() },
      annotations: { ...before?.metadata?.annotations, 'kubernetes.io/peer-advertise-address': peer },
    },
    spec: { ...before?.spec, holderIdentity, leaseDurationSeconds: LEASE_S, renewTime: rfc3339Micro(scope.clock.now()) },
  }
  await (before === undefined ? writer.create(scope, refs.leases, lease) : writer.update(scope, refs.leases, lease))
}

async function clean(scope: Scope, { reader, writer }: Pick<ApiServer, 'reader' | 'writer'>): Promise<void> {
  for (const lease of reader.list(refs.leases, NAMESPACE)) {
    if (lease.metadata?.labels?.[KIND_LABEL] !== KIND || !isOld(lease, scope.clock.now())) continue
    await writer.delete(scope, refs.leases, NAMESPACE, lease.metadata.name ?? '').catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
}

/** Not renewed within its own time; one that names no time is. */
function isOld({ spec }: KubeObject & Pick<coordination.Lease, 'spec'>, nowMs: number): boolean {
  const { renewTime, leaseDurationSeconds } = spec ?? {}
  return renewTime === undefined || leaseDurationSeconds === undefined || Date.parse(renewTime) + leaseDurationSeconds * 1000 < nowMs
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** RFC 4648 in lower case, unpadded. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let kept = 0
  for (const byte of bytes) {
    kept = (kept << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(kept >> (bits - 5)) & 31]
    kept &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(kept << (5 - bits)) & 31]
}
