import { type KeyPair, type Scope, createAuthority, issueLeaf } from '#base'
import { type discovery, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { CUSTOM, MEASURE } from './paths.ts'

const DAY_MS = 86_400_000
const LIFE_MS = 365 * DAY_MS
/** The Service that the APIServices lead to; its endpoints are this gateway. */
const SERVICE = { namespace: 'kube-system', name: 'sampan-gateway-measure' } as const
const NAMES = [`${SERVICE.name}.${SERVICE.namespace}.svc`, `${SERVICE.name}.${SERVICE.namespace}.svc.cluster.local`]

export interface Registration {
  readonly certificate: KeyPair
  /** PEM of who has signed it: of this gateway alone. */
  readonly authority: string
}

export async function makeCertificate(scope: Scope, address: string): Promise<Registration> {
  // Another name than the server's: a certificate whose issuer is called as itself is taken for its own.
  const authority = await createAuthority(scope, 'sampan-gateway-measure-ca', LIFE_MS)
  const subject = { commonName: SERVICE.name }
  const certificate = await issueLeaf(scope, authority, {
    subject,
    usages: ['serverAuth'],
    names: [...NAMES, address],
    lifetimeMs: LIFE_MS,
  })
  return { certificate, authority: authority.certificate }
}

/**
 * Says to the cluster where the figures are: endpoints of the Service, and in the APIServices by whose authority the certificate is. Both are there already,
 * made by who set the gateway up: it needs no right to make APIs. Leaves APIServices alone that lead elsewhere, and resolves with their names.
 */
export async function register(
  scope: Scope,
  client: Client,
  { authority }: Registration,
  address: string,
  port: number,
): Promise<readonly string[]> {
  const slice: discovery.EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: SERVICE.name, namespace: SERVICE.namespace, labels: { 'kubernetes.io/service-name': SERVICE.name } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  }
  const caBundle = Buffer.from(authority).toString('base64')
  const services = client.resource(refs.apiservices)
  const elsewhere: string[] = []
  for (const { group, version } of [MEASURE, CUSTOM]) {
    const name = `${version}.${group}`
    try {
      const { spec, metadata } = await services.get(scope, { name })
      if (spec?.service?.name !== SERVICE.name || spec.service.namespace !== SERVICE.namespace) elsewhere.push(name)
      else if (spec.caBundle !== caBundle)
        await services.patch(scope, { name }, { type: 'merge', body: { metadata: { uid: metadata?.uid }, spec: { caBundle } } })
    } catch (error) {
      if (!isNotFound(error)) throw error
      elsewhere.push(name)
    }
  }
  // Last: nobody is asked before it is known whose certificate he will show.
  await client.resource(refs.endpointslices).patch(scope, SERVICE, { type: 'apply', body: slice }, { force: true })
  return elsewhere
}
