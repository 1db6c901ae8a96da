import { createHmac, timingSafeEqual } from 'node:crypto'
import { UserError, certificatesOf, publicKeyPin, readYaml } from '#base'
import type { core } from '#api'
import type { BootstrapToken } from './bootstrap-token.ts'

/** What a machine that wants to join learns of a cluster before it trusts anybody. */
export interface ClusterInfo {
  /** `https://HOST:PORT` */
  readonly server: string
  /** PEM. */
  readonly authority: string
}

export const CLUSTER_INFO = { namespace: 'kube-public', name: 'cluster-info' } as const
const SIGNATURE = 'jws-kubeconfig-'
const NO_TRUST =
  'nothing of it was used: make sure that the address is that of your cluster, and take a new command from: sampan token create --print-join-command'

export const clusterInfoText = ({ server, authority }: ClusterInfo): string =>
  `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: '', cluster: { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') } }],
      contexts: [],
      users: [],
      'current-context': '',
    },
    undefined,
    2,
  )}\n`

/** Whether there is a signature for the token, good or not. */
export const isSignedFor = ({ data = {} }: core.ConfigMap, { id }: BootstrapToken): boolean => data[`${SIGNATURE}${id}`] !== undefined

/**
 * Reads what anybody could have sent: it has to be signed with the token's secret, and its authority to be one of those that the person who joins has named.
 * Both, since everybody who has ever joined with the token could sign. Throws `UserError`.
 */
export function trustedClusterInfo({ data = {} }: core.ConfigMap, token: BootstrapToken, pins: readonly string[]): ClusterInfo {
  const text = data['kubeconfig']
  if (text === undefined) throw new UserError('the cluster does not say how to reach it: cluster-info in kube-public is empty', NO_TRUST)
  const signature = data[`${SIGNATURE}${token.id}`]
  if (signature === undefined)
    throw new UserError(
      `the cluster does not know the token ${token.id}, or it has ended`,
      'take a new command where the server is: sampan token create --print-join-command',
    )
  if (!isSignedWith(text, signature, token))
    throw new UserError(`what the cluster says of itself is not signed with the secret of the token ${token.id}`, NO_TRUST)
  const info = clusterInfoOf(text)
  const found = certificatesOf(info.authority)
  const isPinned = found.length > 0 && found.every((certificate) => pins.includes(publicKeyPin(certificate)))
  if (!isPinned)
    throw new UserError(
      `the cluster's authority is not the one that was named: its public key is ${found.map(publicKeyPin).join(', ') || 'not there'}, not ${pins.join(' or ')}`,
      NO_TRUST,
    )
  return info
}

/** A JWS (RFC 7515, HS256) whose content lies beside it. */
function isSignedWith(content: string, signature: string, { id, secret }: BootstrapToken): boolean {
  const [header = '', between, given = '', ...more] = signature.split('.')
  if (between !== '' || more.length > 0) return false
  try {
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { readonly alg?: unknown; readonly kid?: unknown }
    if (alg !== 'HS256' || kid !== id) return false
  } catch {
    return false
  }
  const right = createHmac('sha256', secret)
    .update(`${header}.${Buffer.from(content).toString('base64url')}`)
    .digest()
  const sent = Buffer.from(given, 'base64url')
  return sent.length === right.length && timingSafeEqual(sent, right)
}

function clusterInfoOf(text: string): ClusterInfo {
  const { clusters = [] } = readYaml(Buffer.from(text)).value as {
    readonly clusters?: readonly { readonly cluster?: Readonly<Record<string, unknown>> }[]
  }
  const { server, 'certificate-authority-data': data } = clusters[0]?.cluster ?? {}
  if (clusters.length !== 1 || typeof server !== 'string' || typeof data !== 'string' || !server.startsWith('https://'))
    throw new UserError('the cluster does not say how to reach it: cluster-info in kube-public names no server with TLS', NO_TRUST)
  return { server, authority: Buffer.from(data, 'base64').toString() }
}
