import type { core } from '#api'

/** The variables by which containers find services without DNS, in the form of Docker's links and Kubernetes' own. */
export function serviceVariables(services: readonly core.Service[]): Map<string, string> {
  const variables = new Map<string, string>()
  for (const service of services) {
    const address = service.spec?.clusterIP ?? ''
    const [first] = service.spec?.ports ?? []
    if (address === '' || address === 'None' || first === undefined) continue
    const host = address.includes(':') ? `[${address}]` : address
    const prefix = upper(service.metadata?.name ?? '')
    variables.set(`${prefix}_SERVICE_HOST`, address)
    variables.set(`${prefix}_SERVICE_PORT`, String(first.port))
    for (const port of service.spec?.ports ?? [])
      if (port.name !== undefined && port.name !== '') variables.set(`${prefix}_SERVICE_PORT_${upper(port.name)}`, String(port.port))
    variables.set(`${prefix}_PORT`, `${protocolOf(first)}://${host}:${first.port}`)
    for (const port of service.spec?.ports ?? []) {
      const protocol = protocolOf(port)
      const link = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`
      variables.set(link, `${protocol}://${host}:${port.port}`)
      variables.set(`${link}_PROTO`, protocol)
      variables.set(`${link}_PORT`, String(port.port))
      variables.set(`${link}_ADDR`, address)
    }
  }
  return variables
}

const upper = (name: string): string => name.toUpperCase().replaceAll('-', '_')
const protocolOf = (port: core.ServicePort): string => (port.protocol ?? 'TCP').toLowerCase()
