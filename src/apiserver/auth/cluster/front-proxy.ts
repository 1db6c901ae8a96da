import type { CertificatePlan, Scope } from '#base'
import { type core, deepEqual, isAlreadyExists, refs } from '#api'
import type { ObjectWriter, StartReader } from '../../contract.ts'
import { clientLeaf } from './certificates.ts'

/** Below the folder of the cluster's keys: an authority of its own, since whoever it signs for may say that he is anybody. */
export const FRONT_PROXY = { folder: 'front-proxy', client: 'front-proxy-client' } as const

const AUTHORITY_LIFE_MS = 3650 * 86_400_000

export function frontProxyCertificates(): CertificatePlan {
  return {
    authority: { file: 'ca', commonName: 'front-proxy-ca', lifetimeMs: AUTHORITY_LIFE_MS },
    leaves: [clientLeaf(FRONT_PROXY.client, { commonName: FRONT_PROXY.client })],
    signingKeys: [],
  }
}

/**
 * Tells the servers behind this one whom to believe: the authority of users' client certificates, and the one of the certificate with
 * which this server passes requests on. Brought up to date at each start.
 */
export async function publishAuthentication(
  scope: Scope,
  reader: Pick<StartReader, 'peek'>,
  writer: ObjectWriter,
  { clientAuthority, frontProxyAuthority }: { readonly clientAuthority: string; readonly frontProxyAuthority: string },
): Promise<void> {
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' }
  const list = (...values: string[]): string => JSON.stringify(values)
  const wanted: core.ConfigMap = {
    metadata,
    data: {
      'client-ca-file': clientAuthority,
      'requestheader-allowed-names': list(FRONT_PROXY.client),
      'requestheader-client-ca-file': frontProxyAuthority,
      'requestheader-extra-headers-prefix': list('X-Remote-Extra-'),
      'requestheader-group-headers': list('X-Remote-Group'),
      'requestheader-uid-headers': list('X-Remote-Uid'),
      'requestheader-username-headers': list('X-Remote-User'),
    },
  }
  const stored = reader.peek(refs.configmaps, metadata.namespace, metadata.name)
  if (stored === undefined) {
    await writer.create(scope, refs.configmaps, wanted).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  } else if (!deepEqual(stored.data, wanted.data)) await writer.update(scope, refs.configmaps, { ...stored, data: wanted.data })
}
