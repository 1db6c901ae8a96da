import type { Service } from '../../../types/core-v1.gen.ts'
import { cidrFormWarnings, ipFormWarnings } from '../../../validation/form-warnings.ts'

const OLD_HINTS = 'service.kubernetes.io/topology-aware-hints'

export function serviceWarnings({ metadata, spec = {} }: Service): readonly string[] {
  const warnings: string[] = []
  if (metadata?.annotations?.[OLD_HINTS] !== undefined)
    warnings.push(`annotation ${OLD_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`)
  const { clusterIPs = [], externalIPs = [], loadBalancerIP = '', loadBalancerSourceRanges = [], externalName = '' } = spec
  const headless = spec.clusterIP === 'None'
  const named = spec.type === 'ExternalName'
  if (!headless) clusterIPs.forEach((address, i) => ipFormWarnings(address, `spec.clusterIPs[${i}]`, warnings))
  if (headless) {
    if (loadBalancerIP !== '') warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity !== undefined && spec.sessionAffinity !== 'None')
      warnings.push('spec.SessionAffinity is ignored for headless services')
  }
  externalIPs.forEach((address, i) => ipFormWarnings(address, `spec.externalIPs[${i}]`, warnings))
  if (externalIPs.length > 0 && !headless && !named)
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  if (loadBalancerIP !== '') ipFormWarnings(loadBalancerIP, 'spec.loadBalancerIP', warnings)
  loadBalancerSourceRanges.forEach((range, i) => cidrFormWarnings(range.trim(), `spec.loadBalancerSourceRanges[${i}]`, warnings))
  if (externalIPs.length > 0 && named) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  if (externalName !== '' && !named) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  if (spec.trafficDistribution === 'PreferClose')
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  return warnings
}
