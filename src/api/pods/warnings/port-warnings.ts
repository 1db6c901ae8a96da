import type * as core from '../../types/core-v1.gen.ts'

interface Seen {
  readonly at: string
  readonly port: core.ContainerPort
}

/** Ports of all containers that run at the same time. */
export function portWarnings({ containers, initContainers }: core.PodSpec, path: string, warnings: string[]): void {
  const named = new Map<string, string>()
  initContainers?.forEach((container, i) => {
    if (container.ports !== undefined)
      portsOfOne(container.ports, `${path}.initContainers[${i}]`, container.restartPolicy === 'Always' ? named : new Map(), warnings)
  })
  containers?.forEach((container, i) => {
    if (container.ports !== undefined) portsOfOne(container.ports, `${path}.containers[${i}]`, named, warnings)
  })
}

function portsOfOne(ports: readonly core.ContainerPort[], path: string, named: Map<string, string>, warnings: string[]): void {
  const seen: Seen[] = []
  ports.forEach((port, i) => {
    const at = `${path}.ports[${i}]`
    const { name = '', hostPort = 0, hostIP = '' } = port
    if (name !== '') {
      const first = named.get(name)
      if (first === undefined) named.set(name, at)
      else
        warnings.push(
          `${at}: duplicate port name ${JSON.stringify(name)} with ${first}, services and probes that select ports by name will use ${first}`,
        )
    }
    if (hostIP !== '' && hostPort === 0) warnings.push(`${at}: hostIP set without hostPort: ${shown(port)}`)
    const same = seen.find((other) => other.port.containerPort === port.containerPort && other.port.protocol === port.protocol)
    if (same !== undefined) {
      const [a, b] = [same.port, port]
      if ((a.hostPort ?? 0) === hostPort && (a.hostIP ?? '') === (b.hostIP ?? ''))
        warnings.push(`${at}: duplicate port definition with ${same.at}`)
      else if ((a.hostPort ?? 0) === 0 && hostPort === 0) warnings.push(`${at}: overlapping port definition with ${same.at}`)
    }
    seen.push({ at, port })
  })
}

const shown = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: core.ContainerPort): string =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`
