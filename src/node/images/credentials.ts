import type { core } from '#api'
import type { ImageCredentials } from '../cri/runtime.ts'

interface AuthEntry {
  readonly username?: string
  readonly password?: string
  readonly auth?: string
  readonly identitytoken?: string
  readonly registrytoken?: string
}

/** The registry that an image name means, in the form in which credentials name it. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  return rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost') ? first : 'docker.io'
}

/** What a pod may log in with, and the Secret that says it. */
export interface PullSecret {
  readonly credentials: ImageCredentials
  readonly secret: core.Secret
}

/** Credentials for an image among pull secrets, the most specific path first. A secret that cannot be read has none. */
export function credentialsFor(image: string, secrets: readonly core.Secret[]): PullSecret[] {
  const found: (PullSecret & { readonly length: number })[] = []
  const registry = registryOf(image)
  const name = registry === 'docker.io' && !image.startsWith('docker.io/') ? `docker.io/${image}` : image
  for (const secret of secrets) {
    for (const [key, entry] of Object.entries(entriesOf(secret))) {
      const [host = '', ...path] = key
        .replace(/^https?:\/\//, '')
        .replace(/\/$/, '')
        .split('/')
      const place = [
        host === 'index.docker.io' ? 'docker.io' : host,
        ...(path[0] === 'v1' || path[0] === 'v2' ? path.slice(1) : path),
      ].join('/')
      if (!matches(name, place)) continue
      found.push({ length: place.length, credentials: credentialsOf(entry, key), secret })
    }
  }
  return found.toSorted((a, b) => b.length - a.length).map(({ credentials, secret }) => ({ credentials, secret }))
}

/** `*` stands for one label of the host name. */
function matches(image: string, place: string): boolean {
  const [imageHost = '', ...imagePath] = image.split('/')
  const [host = '', ...path] = place.split('/')
  const labels = host.split('.')
  const imageLabels = imageHost.split('.')
  if (labels.length !== imageLabels.length || !labels.every((label, at) => label === '*' || label === imageLabels[at])) return false
  return path.every((part, at) => part === imagePath[at])
}

function entriesOf(secret: core.Secret): Record<string, AuthEntry> {
  try {
    if (secret.type === 'kubernetes.io/dockerconfigjson') {
      const parsed = JSON.parse(Buffer.from(secret.data?.['.dockerconfigjson'] ?? '', 'base64').toString('utf8')) as {
        auths?: Record<string, AuthEntry>
      }
      return parsed.auths ?? {}
    }
    if (secret.type === 'kubernetes.io/dockercfg')
      return JSON.parse(Buffer.from(secret.data?.['.dockercfg'] ?? '', 'base64').toString('utf8')) as Record<string, AuthEntry>
  } catch {
    return {}
  }
  return {}
}

function credentialsOf(entry: AuthEntry, serverAddress: string): ImageCredentials {
  const [user = '', ...password] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':')
  return {
    username: entry.username ?? user,
    password: entry.password ?? password.join(':'),
    auth: '',
    serverAddress,
    identityToken: entry.identitytoken ?? '',
    registryToken: entry.registrytoken ?? '',
  }
}
