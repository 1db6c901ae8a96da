import { UserError } from '#base'
import { type FieldErrors, Path, fieldError } from '#api'
import { type DocumentKind, readDocument } from '../auth/configured/shape.ts'
import type { CollectorAddress } from './exporter.ts'

export interface TracingConfiguration {
  readonly collector: CollectorAddress
  /** Of a million requests that belong to no trace yet, how many are recorded. */
  readonly perMillion: number
}

const KIND: DocumentKind = {
  group: 'apiserver.config.k8s.io',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  kind: 'TracingConfiguration',
  fields: { endpoint: 'text', samplingRatePerMillion: 'number' },
}
const DEFAULT_ENDPOINT = 'localhost:4317'
const DEFAULT_PORT = 4317
const MOST = 1_000_000
const SCHEMES = 'Options are none, dns, unix, or unix-abstract.  See https://github.com/grpc/grpc/blob/master/doc/naming.md'

/** Reads a TracingConfiguration. Throws `UserError` that names the file and the field. */
export function readTracing(text: string, file: string): TracingConfiguration {
  const { endpoint = DEFAULT_ENDPOINT, samplingRatePerMillion: rate = 0 } = readDocument<{
    readonly endpoint?: string
    readonly samplingRatePerMillion?: number
  }>(text, file, KIND)
  const errors: FieldErrors = []
  const ratePath = Path.of('samplingRatePerMillion')
  if (!Number.isInteger(rate)) errors.push(fieldError.invalid(ratePath, rate, 'must be an integer'))
  else if (rate < 0) errors.push(fieldError.invalid(ratePath, rate, 'sampling rate must be positive'))
  else if (rate > MOST)
    errors.push(fieldError.invalid(ratePath, rate, 'sampling rate per million must be less than or equal to one million'))
  const collector = addressOf(endpoint, (why) => errors.push(fieldError.invalid(Path.of('endpoint'), endpoint, why)))
  const [first] = errors
  if (first !== undefined || collector === undefined)
    throw new UserError(`${file}: ${errors.map(({ field, message }) => `${field}: ${message}`).join('; ')}`, `the file is a ${KIND.kind}`)
  return { collector, perMillion: rate }
}

/** The forms in which gRPC names a server. */
function addressOf(endpoint: string, refuse: (why: string) => void): CollectorAddress | undefined {
  const [, scheme = 'dns', rest = endpoint] = /^([a-z][a-z0-9+.-]*):(?!\d+$)(.*)$/i.exec(endpoint) ?? []
  switch (scheme) {
    case 'unix':
    case 'unix-abstract': {
      const path = rest.replace(/^\/\/(?=\/)/, '')
      if (path === '' || path.startsWith('//')) break
      return { socketPath: scheme === 'unix' ? path : `\0${path}` }
    }
    case 'dns': {
      // A server of names in front of the path would be another one than the machine's: there is one way to look names up.
      const target = rest.startsWith('///') ? rest.slice(3) : rest
      const url = `http://${target}`
      if (target === '' || target.includes('/') || !URL.canParse(url)) break
      const { hostname, port } = new URL(url)
      return { url: `http://${hostname}:${port === '' ? (target.endsWith(':80') ? 80 : DEFAULT_PORT) : port}` }
    }
    default:
      refuse(`unsupported scheme: ${scheme}.  ${SCHEMES}`)
      return undefined
  }
  refuse('a host with a port is needed, dns:///HOST:PORT, unix:///PATH or unix-abstract:NAME')
  return undefined
}
