import type { Service } from '../../types/core-v1.gen.ts'
import { parseCidr, parseIp } from '../../validation/ip.ts'

const OLD_HINTS = 'service.kubernetes.io/topology-aware-hints'

export function serviceWarnings({ metadata, spec = {} }: Service): readonly string[] {
  const warnings: string[] = []
  if (metadata?.annotations?.[OLD_HINTS] !== undefined)
    warnings.push(`annotation ${OLD_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`)
  const { clusterIPs = [], externalIPs = [], loadBalancerIP = '', loadBalancerSourceRanges = [], externalName = '' } = spec
  const headless = spec.clusterIP === 'None'
  if (!headless) clusterIPs.forEach((address, i) => formWarning(address, `spec.clusterIPs[${i}]`, warnings))
  externalIPs.forEach((address, i) => formWarning(address, `spec.externalIPs[${i}]`, warnings))
  if (loadBalancerIP !== '') formWarning(loadBalancerIP, 'spec.loadBalancerIP', warnings)
  loadBalancerSourceRanges.forEach((range, i) => rangeWarning(range.trim(), `spec.loadBalancerSourceRanges[${i}]`, warnings))
  if (headless) {
    if (loadBalancerIP !== '') warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity !== undefined && spec.sessionAffinity !== 'None')
      warnings.push('spec.SessionAffinity is ignored for headless services')
  }
  if (externalIPs.length > 0) warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  if (externalName !== '' && spec.type !== 'ExternalName')
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  if (spec.trafficDistribution === 'PreferClose')
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  return warnings
}

function formWarning(address: string, path: string, warnings: string[]): void {
  const ip = parseIp(address)
  if (ip === undefined || ip.text === address) return
  if (ip.family === 6)
    warnings.push(
      `${path}: IPv6 address ${JSON.stringify(address)} should be in RFC 5952 canonical format (${JSON.stringify(ip.text)}), which may be more compact`,
    )
}

function rangeWarning(range: string, path: string, warnings: string[]): void {
  const cidr = parseCidr(range)
  if (cidr === undefined || cidr.ip.family === 4) return
  const text = `${cidr.ip.text}/${cidr.prefix}`
  if (text !== range)
    warnings.push(
      `${path}: IPv6 CIDR value ${JSON.stringify(range)} should be in RFC 5952 canonical format (${JSON.stringify(text)}), which may be more compact`,
    )
}
