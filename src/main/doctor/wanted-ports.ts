import { running } from '../background/processes.ts'
import { USUAL_PORT, rangesOf } from '../instance/instance.ts'
import { machineAddress } from '../instance/machine-address.ts'
import { KUBELET_PORT } from '../node/agent.ts'
import { GATEWAY, MEASURE_PORT, SERVER, agentOf } from '../up/commands.ts'
import type { Examined } from './doctor-facts.ts'
import type { WantedPort } from './ports.ts'

/** What the parts of the cluster that do not run will listen on, in this machine's own network. Nodes with a network of their own meet nobody there. */
export function wantedPorts({ stateDir, instance, isIsolated }: Examined): readonly WantedPort[] {
  const stopped = (name: string): boolean => running(stateDir, name) === undefined
  const server: WantedPort = {
    protocol: 'tcp',
    address: '*',
    port: instance?.securePort ?? USUAL_PORT,
    what: 'the API server',
    isFlexible: instance === undefined,
  }
  const isElsewhere = instance === undefined ? isIsolated : instance.network !== undefined
  const address = instance?.nodes[0].address ?? machineAddress() ?? '*'
  const dns = instance?.dnsAddress ?? rangesOf(0).dnsAddress
  const fixed = (protocol: WantedPort['protocol'], at: string, port: number, what: string): WantedPort => ({
    protocol,
    address: at,
    port,
    what,
    isFlexible: false,
  })
  return [
    ...(instance?.joined === undefined && stopped(SERVER.name) ? [server] : []),
    ...(!isElsewhere && stopped(agentOf(0).name)
      ? [fixed('tcp', address, KUBELET_PORT, "the node agent's API"), fixed('udp', dns, 53, 'DNS'), fixed('tcp', dns, 53, 'DNS')]
      : []),
    ...(!isElsewhere && instance?.gateway === true && stopped(GATEWAY.name)
      ? [80, 443, MEASURE_PORT].map((port) => fixed('tcp', address, port, 'the gateway'))
      : []),
  ]
}
