import type * as core from '../../types/core-v1.gen.ts'

interface Place {
  readonly at: string
  readonly port: core.ContainerPort
}

/** Of the ports of all containers, those that run one after the other too: first what they are, then what they are called. */
export function portWarnings({ containers = [], initContainers = [] }: core.PodSpec, path: string, warnings: string[]): void {
  if (!containers.some(hasPorts) && !initContainers.some(hasPorts)) return
  const places = [...placesOf(initContainers, `${path}.initContainers`), ...placesOf(containers, `${path}.containers`)]
  warnNumbers(places, warnings)
  warnNames(places, warnings)
}

const hasPorts = ({ ports }: core.Container): boolean => ports !== undefined

const placesOf = (containers: readonly core.Container[], path: string): readonly Place[] =>
  containers.flatMap(({ ports = [] }, i) => ports.map((port, k) => ({ at: `${path}[${i}].ports[${k}]`, port })))

function warnNumbers(places: readonly Place[], warnings: string[]): void {
  const before = new Map<string, Place[]>()
  for (const place of places) {
    const { at, port } = place
    if ((port.hostIP ?? '') !== '' && (port.hostPort ?? 0) === 0) warnings.push(`${at}: hostIP set without hostPort: ${shown(port)}`)
    const key = `${port.containerPort}/${port.protocol}`
    const others = before.get(key)
    if (others === undefined) before.set(key, [place])
    else {
      for (const other of others) {
        const how = likeness(port, other.port)
        if (how !== undefined) warnings.push(`${at}: ${how} port definition with ${other.at}`)
      }
      others.push(place)
    }
  }
}

/** How two definitions of the same port of the same protocol are in each other's way. */
function likeness(a: core.ContainerPort, b: core.ContainerPort): string | undefined {
  const [hostA = 0, hostB = 0, ipA = '', ipB = ''] = [a.hostPort, b.hostPort, a.hostIP, b.hostIP]
  if (hostA === hostB && ipA === ipB) return 'duplicate'
  if (hostA === 0 || hostB === 0) return 'overlapping'
  return hostA === hostB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous' : undefined
}

function warnNames(places: readonly Place[], warnings: string[]): void {
  const first = new Map<string, string>()
  for (const { at, port } of places) {
    const { name = '' } = port
    if (name === '') continue
    const other = first.get(name)
    if (other === undefined) first.set(name, at)
    else
      warnings.push(
        `${at}: duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`,
      )
  }
}

const shown = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: core.ContainerPort): string =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`
