import { X509Certificate } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { UserError, readFileIfThere } from '#base'
import type { ServerTrust } from '../../../remote/server-caller.ts'
import { type DocumentKind, type Shape, readDocument } from '../shape.ts'

/** Where a webhook is and how this server shows who it is, as a kubeconfig says it. */
export interface WebhookAddress {
  readonly url: string
  readonly trust: ServerTrust
  readonly authorization: () => string | undefined
}

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly clusters?: readonly Named<'cluster', ClusterEntry>[]
  readonly users?: readonly Named<'user', UserEntry>[]
  readonly contexts?: readonly Named<'context', { readonly cluster?: string; readonly user?: string }>[]
}
type Named<K extends string, T> = { readonly name?: string } & { readonly [key in K]?: T }
type ClusterEntry = Readonly<Partial<Record<'server' | 'certificate-authority' | 'certificate-authority-data' | 'tls-server-name', string>>>
type UserEntry = Readonly<
  Partial<
    Record<
      'client-certificate' | 'client-certificate-data' | 'client-key' | 'client-key-data' | 'token' | 'tokenFile' | 'username' | 'password',
      string
    >
  >
>

const texts = (...names: readonly string[]): Readonly<Record<string, Shape>> =>
  Object.fromEntries(names.map((name) => [name, 'text' as const]))
const named = (name: string, fields: Readonly<Record<string, Shape>>): Shape => ({
  listOf: { fields: { name: 'text', [name]: { fields } } },
})

/** What is not among these fields (`exec`, `proxy-url`, `insecure-skip-tls-verify`, …) is refused by its name. */
const KUBECONFIG: DocumentKind = {
  group: '',
  versions: ['v1'],
  kind: 'Config',
  fields: {
    'current-context': 'text',
    preferences: 'anything',
    clusters: named('cluster', texts('server', 'certificate-authority', 'certificate-authority-data', 'tls-server-name')),
    users: named(
      'user',
      texts('client-certificate', 'client-certificate-data', 'client-key', 'client-key-data', 'token', 'tokenFile', 'username', 'password'),
    ),
    contexts: named('context', texts('cluster', 'user', 'namespace')),
  },
}

/** Reads the context that the file is set to. Throws `UserError`. */
export function readWebhookKubeconfig(file: string): WebhookAddress {
  const text = readFileIfThere(file)
  if (text === undefined) throw new UserError(`the kubeconfig ${file} cannot be read`, 'name an existing file')
  const config = readDocument<Kubeconfig>(text, file, KUBECONFIG)
  const refuse = (what: string): never => {
    throw new UserError(`${file}: ${what}`, 'the cluster of the current context is the webhook, its user this server')
  }
  const current = config['current-context'] ?? ''
  const context = config.contexts?.find(({ name }) => name === current)?.context ?? refuse(`there is no context ${JSON.stringify(current)}`)
  const cluster =
    config.clusters?.find(({ name }) => name === context.cluster)?.cluster ??
    refuse(`there is no cluster ${JSON.stringify(context.cluster ?? '')}`)
  const user = config.users?.find(({ name }) => name === context.user)?.user
  if (user === undefined && (context.user ?? '') !== '') refuse(`there is no user ${JSON.stringify(context.user)}`)
  const url = cluster.server ?? ''
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') refuse(`server ${JSON.stringify(url)}: must be an https URL`)

  const pem = (data: string | undefined, path: string | undefined, what: string): string | undefined => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString()
    if (path === undefined || path === '') return undefined
    return readFileIfThere(resolve(dirname(file), path)) ?? refuse(`${what}: ${path} cannot be read`)
  }
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], 'certificate-authority')
  if (ca !== undefined && !isCertificate(ca)) refuse('certificate-authority holds no certificate')
  const certificate = pem(user?.['client-certificate-data'], user?.['client-certificate'], 'client-certificate')
  const key = pem(user?.['client-key-data'], user?.['client-key'], 'client-key')
  if ((certificate === undefined) !== (key === undefined)) refuse('client-certificate and client-key belong together')
  const serverName = cluster['tls-server-name']
  return {
    url,
    trust: {
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
    },
    authorization: () => authorizationOf(user, dirname(file)),
  }
}

/** The file of a token is read anew each time: others renew it. */
function authorizationOf(user: UserEntry | undefined, folder: string): string | undefined {
  const { token, tokenFile, username, password = '' } = user ?? {}
  const said = tokenFile === undefined ? token : (readFileIfThere(resolve(folder, tokenFile))?.trim() ?? token)
  if (said !== undefined && said !== '') return `Bearer ${said}`
  return username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}
