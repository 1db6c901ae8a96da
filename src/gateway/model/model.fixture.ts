import type { core, discovery, networking } from '#api'
import type { ReadCertificate } from './certificate.ts'
import { CONTROLLER } from './classes.ts'
import { type GatewayModel, modelOf } from './model.ts'
import { KnownServers } from './servers.ts'

/** A world for the model: namespace `x`, class `sampan`, Services that are named, each with two pods unless said otherwise. */
export interface World {
  readonly ingresses: readonly networking.Ingress[]
  readonly classes?: readonly networking.IngressClass[]
  readonly services?: Readonly<Record<string, core.ServiceSpec>>
  readonly slices?: Readonly<Record<string, readonly discovery.EndpointSlice[]>>
  readonly certificates?: Readonly<Record<string, ReadCertificate>>
}

export const sampanClass: networking.IngressClass = { metadata: { name: 'sampan' }, spec: { controller: CONTROLLER } }

export function modelIn({ ingresses, classes = [sampanClass], services = {}, slices = {}, certificates = {} }: World): GatewayModel {
  const servers = new KnownServers({
    service: (key) => {
      const spec = services[key.replace('x/', '')]
      return spec === undefined ? undefined : { metadata: { namespace: 'x', name: key.replace('x/', '') }, spec }
    },
    slices: (key) => slices[key.replace('x/', '')] ?? [slice(['10.1.0.1', '10.1.0.2'])],
  })
  return modelOf({
    ingresses,
    classes,
    servers: (key, port) => servers.of(key, port),
    certificate: (key) => certificates[key],
    nowMs: Date.parse('2026-01-01T00:00:00Z'),
  })
}

export const web: core.ServiceSpec = { ports: [{ name: 'web', port: 80, protocol: 'TCP' }] }

export const slice = (
  addresses: readonly string[],
  conditions: discovery.EndpointConditions = { ready: true },
  port = 8080,
): discovery.EndpointSlice => ({
  addressType: 'IPv4',
  ports: [{ name: 'web', port, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions })),
})

export function ingress(name: string, spec: networking.IngressSpec, metadata: networking.Ingress['metadata'] = {}): networking.Ingress {
  return {
    kind: 'Ingress',
    metadata: { namespace: 'x', name, uid: name, creationTimestamp: '2025-01-01T00:00:00Z', ...metadata },
    spec: { ingressClassName: 'sampan', ...spec },
  }
}

export const to = (name: string, port: networking.ServiceBackendPort = { number: 80 }): networking.IngressBackend => ({
  service: { name, port },
})

export const rule = (host: string | undefined, path: string, pathType = 'Prefix', backend = to('a')): networking.IngressRule => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: [{ path, pathType, backend }] },
})
