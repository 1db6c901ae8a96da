import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UserError, readYaml } from '#base'
import type { SocketOptions } from './socket.ts'

/** One context of a kubeconfig: where to go, as whom, and the namespace that commands mean when they name none. */
export interface KubeconfigContext {
  readonly name: string
  readonly namespace: string
  readonly connection: SocketOptions
}

interface ConfigDocument {
  readonly 'current-context'?: string
  readonly clusters?: readonly { readonly name?: string; readonly cluster?: ClusterEntry }[]
  readonly contexts?: readonly { readonly name?: string; readonly context?: ContextEntry }[]
  readonly users?: readonly { readonly name?: string; readonly user?: UserEntry }[]
}
interface ClusterEntry {
  readonly server?: string
  readonly 'certificate-authority'?: string
  readonly 'certificate-authority-data'?: string
  readonly 'tls-server-name'?: string
  readonly 'insecure-skip-tls-verify'?: boolean
  readonly 'proxy-url'?: string
}
interface ContextEntry {
  readonly cluster?: string
  readonly user?: string
  readonly namespace?: string
}
interface UserEntry {
  readonly 'client-certificate'?: string
  readonly 'client-certificate-data'?: string
  readonly 'client-key'?: string
  readonly 'client-key-data'?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly [other: string]: unknown
}

/** Taken on trust here; what is used of it is looked at below. */
function configOf(value: unknown): ConfigDocument {
  return typeof value === 'object' && value !== null ? value : {}
}

const REFUSED_USER_FIELDS = ['exec', 'auth-provider', 'username', 'password', 'as', 'as-uid', 'as-groups', 'as-user-extra']

/** Reads one context (default: the current one). Paths in the file are relative to it; a token file is read anew for each request. */
export async function loadKubeconfig(path: string, contextName?: string): Promise<KubeconfigContext> {
  const refuse = (why: string): UserError => new UserError(`${path}: ${why}`)
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw refuse(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  let document: ConfigDocument
  try {
    document = configOf(readYaml(bytes).value)
  } catch (cause) {
    throw refuse(`is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`)
  }

  const name = contextName ?? document['current-context']
  if (name === undefined || name === '') throw refuse('has no current-context, and none was named')
  const context = document.contexts?.find((entry) => entry.name === name)?.context
  if (context === undefined) throw refuse(`has no context "${name}"`)
  const cluster = document.clusters?.find((entry) => entry.name === context.cluster)?.cluster
  if (cluster?.server === undefined) throw refuse(`context "${name}": cluster "${context.cluster ?? ''}" has no server`)
  if (cluster['proxy-url'] !== undefined) throw refuse(`cluster "${context.cluster ?? ''}": proxy-url is not supported`)
  const user: UserEntry = document.users?.find((entry) => entry.name === context.user)?.user ?? {}
  for (const field of REFUSED_USER_FIELDS) {
    if (user[field] !== undefined)
      throw refuse(`user "${context.user ?? ''}": ${field} is not supported; use a client certificate, a token or a token file`)
  }

  const at = (file: string): string => resolve(dirname(path), file)
  const material = async (data: string | undefined, file: string | undefined): Promise<Uint8Array | undefined> => {
    if (data !== undefined) return Buffer.from(data, 'base64')
    return file === undefined || file === '' ? undefined : readFile(at(file))
  }
  const [ca, certificate, key] = await Promise.all([
    material(cluster['certificate-authority-data'], cluster['certificate-authority']),
    material(user['client-certificate-data'], user['client-certificate']),
    material(user['client-key-data'], user['client-key']),
  ])
  const { tokenFile } = user
  const token = tokenFile === undefined ? user.token : async (): Promise<string> => (await readFile(at(tokenFile), 'utf8')).trim()
  return {
    name,
    namespace: context.namespace ?? 'default',
    connection: {
      server: cluster.server,
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
      ...(token === undefined ? {} : { token }),
      ...(cluster['tls-server-name'] === undefined ? {} : { serverName: cluster['tls-server-name'] }),
      ...(cluster['insecure-skip-tls-verify'] ? { insecureSkipVerify: true } : {}),
    },
  }
}
