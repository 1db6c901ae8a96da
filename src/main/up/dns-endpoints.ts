import { type KubeObject, type core, type discovery, familyOf } from '#api'

/** The objects, with the Service of names at this address. */
export const withDnsService = (objects: readonly KubeObject[], address: string): readonly KubeObject[] =>
  objects.map((object) =>
    object.kind === 'Service' && object.metadata?.name === 'kube-dns'
      ? { ...object, spec: { ...(object as core.Service).spec, clusterIP: address } }
      : object,
  )

/** Every node answers names itself, under an address that all of them have: packets to it never leave a node. */
export function dnsEndpoints(address: string): discovery.EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kube-dns-node', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
    addressType: familyOf(address),
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  }
}
