import { parseCidr, parseIp } from './ip.ts'

/** Addresses that are taken and not written as they should be. `path` is that of the address as text. */
export function ipFormWarnings(address: string, path: string, warnings: string[]): void {
  const ip = parseIp(address)
  if (ip?.family === 6 && ip.text !== address)
    warnings.push(`${path}: IPv6 address ${JSON.stringify(address)} should be in RFC 5952 canonical format (${JSON.stringify(ip.text)})`)
}

export function cidrFormWarnings(range: string, path: string, warnings: string[]): void {
  const cidr = parseCidr(range)
  if (cidr?.ip.family !== 6) return
  const text = `${cidr.ip.text}/${cidr.prefix}`
  if (text !== range)
    warnings.push(`${path}: IPv6 CIDR value ${JSON.stringify(range)} should be in RFC 5952 canonical format (${JSON.stringify(text)})`)
}

/** Of a load balancer's addresses in a status. */
export function ingressWarnings(ingress: readonly { readonly ip?: string | undefined }[] = []): readonly string[] {
  const warnings: string[] = []
  for (const [i, { ip = '' }] of ingress.entries()) ipFormWarnings(ip, `status.loadBalancer.ingress[${i}]`, warnings)
  return warnings
}
