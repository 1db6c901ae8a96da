import { join } from 'node:path'
import type { HostOptions } from '#node'
import { PAUSE_IMAGE } from '#images'
import {
  CLUSTER_CIDR,
  DNS_ADDRESS,
  DNS_SERVICE,
  type Instance,
  POD_CIDR,
  SERVICE_CIDR,
  netnsPath,
  nodeName,
  proxyTable,
} from '../instance/instance.ts'

/** The components of an instance, as command lines. Pure: the same instance always gives the same ones. */
export const COMPONENTS = ['server', 'agent'] as const
export type Component = (typeof COMPONENTS)[number]

const ENTRY = join(import.meta.dirname, '..', 'sampan.ts')

export function componentCommand(component: Component, stateDir: string, instance: Instance): readonly string[] {
  const sampan = [process.execPath, '--disable-warning=ExperimentalWarning', ENTRY]
  return component === 'server'
    ? [...sampan, 'server', ...serverArguments(stateDir, instance)]
    : [...inside(instance), ...sampan, 'agent', ...agentArguments(stateDir, instance)]
}

/** What runs in the node's network. */
export function inside(instance: Instance): readonly string[] {
  const netns = netnsPath(instance)
  return netns === undefined ? [] : ['nsenter', `--net=${netns}`]
}

function serverArguments(stateDir: string, instance: Instance): readonly string[] {
  return [
    ['--state-dir', stateDir],
    ['--secure-port', String(instance.securePort)],
    ['--advertise-address', instance.machineAddress],
    ['--service-cluster-ip-range', SERVICE_CIDR],
    ['--node', `${nodeName(instance)}=${instance.nodeAddress}`],
  ].flat()
}

function agentArguments(stateDir: string, instance: Instance): readonly string[] {
  const name = nodeName(instance)
  const host = hostOptions(stateDir, instance)
  return [
    ['--kubeconfig', join(stateDir, `node-${name}.kubeconfig`)],
    ['--node-name', name],
    ['--node-ip', instance.nodeAddress],
    ['--instance', host.instance],
    ['--root-dir', host.rootDir],
    ['--pod-cidr', host.podCidr],
    ...host.clusterCidrs.map((cidr) => ['--cluster-cidr', cidr]),
    ...(host.netns === undefined ? [] : [['--netns', host.netns]]),
    ['--cluster-dns', DNS_SERVICE],
    ['--tls-cert-file', join(stateDir, 'pki', `serving-${name}.crt`)],
    ['--tls-private-key-file', join(stateDir, 'pki', `serving-${name}.key`)],
    ['--client-ca-file', join(stateDir, 'ca.crt')],
    ['--proxy-kubeconfig', join(stateDir, 'proxy.kubeconfig')],
    ['--proxy-table', proxyTable(instance)],
    ['--dns-address', DNS_ADDRESS],
  ].flat()
}

export function hostOptions(stateDir: string, instance: Instance): HostOptions {
  const netns = netnsPath(instance)
  return {
    instance: instance.name,
    rootDir: join(stateDir, 'node'),
    podCidr: POD_CIDR,
    clusterCidrs: [CLUSTER_CIDR, SERVICE_CIDR],
    sandboxImage: PAUSE_IMAGE,
    ...(netns === undefined ? {} : { netns }),
  }
}
