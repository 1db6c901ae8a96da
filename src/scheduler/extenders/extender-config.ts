import type { SocketOptions } from '#client'
import type { Fields } from '../config/fields.ts'

/** One server that is asked, as the configuration has it. A verb that is empty is not one of its own. */
export interface ExtenderConfig {
  readonly urlPrefix: string
  readonly filterVerb: string
  readonly preemptVerb: string
  readonly prioritizeVerb: string
  readonly bindVerb: string
  readonly weight: number
  readonly timeoutMs: number
  /** It knows the nodes: their names are enough. */
  readonly nodeCacheCapable: boolean
  readonly managedResources: readonly { readonly name: string; readonly ignoredByScheduler: boolean }[]
  /** Pods are scheduled though it does not answer. */
  readonly ignorable: boolean
  readonly tls: Pick<SocketOptions, 'ca' | 'certificate' | 'key' | 'serverName' | 'insecureSkipVerify'>
}

const DEFAULT_TIMEOUT_MS = 5000
const LONGEST_NAME = 316
const RESOURCE = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

/** `readFile` reads what the configuration names. Those that may be ignored are asked last. */
export function readExtenders(root: Fields, readFile: (path: string) => string | undefined): readonly ExtenderConfig[] {
  const managed = new Set<string>()
  const extenders = root.list('extenders').map((fields) => readExtender(fields, managed, readFile))
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== '').length
  if (binders > 1) throw root.wrong('extenders', `have ${binders} that bind: only one extender can implement bind`)
  return [...extenders.filter(({ ignorable }) => !ignorable), ...extenders.filter(({ ignorable }) => ignorable)]
}

function readExtender(fields: Fields, managed: Set<string>, readFile: (path: string) => string | undefined): ExtenderConfig {
  const urlPrefix = fields.text('urlPrefix') ?? ''
  const prioritizeVerb = fields.text('prioritizeVerb') ?? ''
  const weight = fields.number('weight') ?? 0
  if (prioritizeVerb !== '' && weight <= 0) throw fields.wrong('weight', 'must have a positive weight applied to it')
  const enableHttps = fields.flag('enableHTTPS') ?? false
  if (!URL.canParse(urlPrefix) || !/^https?:$/.test(new URL(urlPrefix).protocol)) throw fields.wrong('urlPrefix', 'is no http or https URL')
  const read: ExtenderConfig = {
    urlPrefix,
    filterVerb: fields.text('filterVerb') ?? '',
    preemptVerb: fields.text('preemptVerb') ?? '',
    prioritizeVerb,
    bindVerb: fields.text('bindVerb') ?? '',
    weight,
    timeoutMs: readTimeoutMs(fields),
    nodeCacheCapable: fields.flag('nodeCacheCapable') ?? false,
    managedResources: fields.list('managedResources').map((one) => {
      const resource = { name: one.text('name') ?? '', ignoredByScheduler: one.flag('ignoredByScheduler') ?? false }
      if (!RESOURCE.test(resource.name) || resource.name.length > LONGEST_NAME || /(^|\.)kubernetes\.io\//.test(resource.name))
        throw one.wrong('name', `${JSON.stringify(resource.name)} is an invalid extended resource name`)
      if (managed.has(resource.name)) throw one.wrong('name', 'duplicate extender managed resource name')
      managed.add(resource.name)
      one.end()
      return resource
    }),
    ignorable: fields.flag('ignorable') ?? false,
    tls: readTls(fields.object('tlsConfig'), enableHttps, readFile),
  }
  fields.end()
  return read
}

function readTimeoutMs(fields: Fields): number {
  const read = fields.durationMs('httpTimeout') ?? 0
  return read === 0 ? DEFAULT_TIMEOUT_MS : Math.ceil(read)
}

/** With `enableHTTPS` and no authority, certificates are not looked at: as Kubernetes has it. */
function readTls(fields: Fields | undefined, enableHttps: boolean, readFile: (path: string) => string | undefined): ExtenderConfig['tls'] {
  const pem = (name: string): string | undefined => {
    const [data, path] = [fields?.text(`${name}Data`), fields?.text(`${name}File`)]
    if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8')
    if (fields === undefined || path === undefined || path === '') return undefined
    const text = readFile(path)
    if (text === undefined) throw fields.wrong(`${name}File`, `names ${path}, which cannot be read`)
    return text
  }
  const [ca, certificate, key] = [pem('ca'), pem('cert'), pem('key')]
  const serverName = fields?.text('serverName') ?? ''
  const insecure = (fields?.flag('insecure') ?? false) || (enableHttps && ca === undefined)
  if (fields !== undefined && (certificate === undefined) !== (key === undefined))
    throw fields.wrong('certData', 'needs a key, and a key needs a certificate')
  if (fields !== undefined && fields.isSet('insecure') && insecure && ca !== undefined)
    throw fields.wrong('insecure', 'does not go with an authority of certificates')
  fields?.end()
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
    ...(serverName === '' ? {} : { serverName }),
    ...(insecure ? { insecureSkipVerify: true } : {}),
  }
}
