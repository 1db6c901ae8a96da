import { defineResource } from '../../../define.ts'
import * as refs from '../../../refs.gen.ts'
import type { Service } from '../../../types/core-v1.gen.ts'
import { nameIsDnsLabel } from '../../../validation/names.ts'
import { serviceWarnings } from './service-warnings.ts'
import { isExternal, isReachable, needsHealthCheck } from './reach.ts'
import { validateService, validateServiceStatus, validateServiceUpdate } from './service-validation.ts'

const AFFINITY_SECONDS = 10_800

export const services = defineResource(refs.services, {
  strategy: {
    validateName: nameIsDnsLabel,
    createOnUpdate: true,
    defaults,
    prepareForCreate: (service) => {
      service.status = { loadBalancer: {} }
      normaliseAddresses(service, undefined)
    },
    prepareForUpdate: (service, old) => {
      if (old.status === undefined) delete service.status
      else service.status = old.status
      normaliseAddresses(service, old)
      dropForType(service, old)
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    warnings: serviceWarnings,
    deleteAnswer: 'object',
  },
  columns: {
    Type: ({ spec }) => spec?.type ?? '',
    'Cluster-IP': ({ spec }) => (spec?.clusterIPs?.[0] ?? spec?.clusterIP ?? '') || '<none>',
    'External-IP': externalAddresses,
    'Port(s)': ({ spec }) =>
      (spec?.ports ?? [])
        .map((port) => `${port.port}${(port.nodePort ?? 0) > 0 ? `:${port.nodePort}` : ''}/${port.protocol ?? 'TCP'}`)
        .join(',') || '<none>',
    Selector: ({ spec }) =>
      Object.entries(spec?.selector ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(',') || '<none>',
  },
  selectable: { 'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '', 'spec.type': ({ spec }) => spec?.type ?? '' },
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: (service, old) => {
        if (old.spec === undefined) delete service.spec
        else service.spec = old.spec
      },
      validateUpdate: validateServiceStatus,
    },
  },
})

function defaults(service: Service): void {
  const { spec } = service
  if (spec?.type === 'LoadBalancer')
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if ((ingress.ip ?? '') !== '') ingress.ipMode ??= 'VIP'
  if (spec === undefined) return
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {}
    spec.sessionAffinityConfig.clientIP ??= {}
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= AFFINITY_SECONDS
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  if (isReachable(spec)) spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

/** `clusterIP` and the first of `clusterIPs` are one thing; who speaks only of the first means both. */
function normaliseAddresses({ spec }: Service, old: Service | undefined): void {
  if (spec === undefined) return
  const { clusterIP = '' } = spec
  if (old === undefined) {
    if (clusterIP !== '' && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [clusterIP]
    return
  }
  const before = old.spec?.clusterIP ?? ''
  const keepsAddresses = spec.type !== 'ExternalName' && old.spec?.type !== 'ExternalName'
  // Who leaves the list out of an update means the one that is there.
  if (keepsAddresses && clusterIP !== '' && (spec.clusterIPs ?? []).length === 0 && old.spec?.clusterIPs !== undefined)
    spec.clusterIPs = [...old.spec.clusterIPs]
  const { clusterIPs } = spec
  const sameList = JSON.stringify(clusterIPs ?? []) === JSON.stringify(old.spec?.clusterIPs ?? [])
  if (clusterIP === before) return
  if (before === '' && (clusterIPs ?? []).length === 0) spec.clusterIPs = [clusterIP]
  else if (clusterIP === '' && sameList) delete spec.clusterIPs
  else if (clusterIP !== '' && before !== '' && sameList && spec.clusterIPs !== undefined) spec.clusterIPs = [clusterIP]
}

/** Its node ports as one text, whatever their order. */
const nodePortsOf = ({ spec }: Service): string =>
  [...new Set((spec?.ports ?? []).map(({ nodePort = 0 }) => nodePort).filter((port) => port > 0))].sort((a, b) => a - b).join()

/** What a change of type leaves behind goes, when the writer has not touched it. */
function dropForType(service: Service, old: Service): void {
  const { spec } = service
  const before = old.spec
  if (spec === undefined || before === undefined) return
  const untouched = (field: keyof typeof spec): boolean => JSON.stringify(spec[field]) === JSON.stringify(before[field])
  if (spec.type === 'ExternalName' && before.type !== 'ExternalName') {
    if (untouched('clusterIP') && untouched('clusterIPs')) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    if (untouched('ipFamilies')) delete spec.ipFamilies
    if (untouched('ipFamilyPolicy')) delete spec.ipFamilyPolicy
    if (untouched('internalTrafficPolicy')) delete spec.internalTrafficPolicy
  }
  if (isReachable(before) && !isReachable(spec) && untouched('externalTrafficPolicy')) delete spec.externalTrafficPolicy
  if (isExternal(before) && !isExternal(spec) && nodePortsOf(service) === nodePortsOf(old))
    for (const port of spec.ports ?? []) delete port.nodePort
  if (needsHealthCheck(before) && !needsHealthCheck(spec) && untouched('healthCheckNodePort')) delete spec.healthCheckNodePort
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (untouched('allocateLoadBalancerNodePorts')) delete spec.allocateLoadBalancerNodePorts
    if (untouched('loadBalancerClass')) delete spec.loadBalancerClass
    if (service.status !== undefined) service.status = { ...service.status, loadBalancer: {} }
  }
}

function externalAddresses({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? []
  switch (spec?.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '')
      return [...ingress, ...external].join(',') || '<pending>'
    }
    default:
      return external.join(',') || '<none>'
  }
}
