import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Identity, ReplaceableIdentity, type Scope, UserError } from '#base'
import type { Client } from '#client'
import { type CertificateOrder, keepRenewed, orderCertificate, storedPair } from '#node'

/** Files below the agent's folder of certificates; each holds a certificate and its key. */
export const AGENT_CERTIFICATES = { node: 'node-client.pem', proxy: 'proxy-client.pem', serving: 'node-serving.pem' } as const

const SIGNERS = {
  client: 'kubernetes.io/kube-apiserver-client',
  node: 'kubernetes.io/kube-apiserver-client-kubelet',
  serving: 'kubernetes.io/kubelet-serving',
} as const

const nodeSubject = (nodeName: string): CertificateOrder['subject'] => ({
  commonName: `system:node:${nodeName}`,
  organizations: ['system:nodes'],
})

/** What a node is to the API. */
export const nodeOrder = (nodeName: string): CertificateOrder => ({
  signerName: SIGNERS.node,
  usage: 'client auth',
  subject: nodeSubject(nodeName),
})
/** The proxy reads what a node may not: it has a name of its own, as everywhere. */
export const PROXY_ORDER: CertificateOrder = {
  signerName: SIGNERS.client,
  usage: 'client auth',
  subject: { commonName: 'system:kube-proxy' },
}
/** For the agent's own API. */
export const servingOrder = (nodeName: string, addresses: readonly string[]): CertificateOrder => ({
  signerName: SIGNERS.serving,
  usage: 'server auth',
  subject: nodeSubject(nodeName),
  names: [nodeName, ...addresses],
})

/** The certificates of an agent that gets them from the cluster: there when the agent needs them, renewed before they end. */
export interface AgentCertificates {
  readonly node: Identity
  /** Ordered as the node if it is not there. */
  proxy(scope: Scope, client: Client): Promise<Identity>
  serving(scope: Scope, client: Client, addresses: readonly string[]): Promise<Identity>
  /** Renews the node's own for as long as the scope lives. */
  keep(scope: Scope, client: Client): void
}

/** Throws `UserError` when the node has no certificate that is good: only a new token helps then. */
export function agentCertificates(scope: Scope, folder: string, nodeName: string): AgentCertificates {
  const fileOf = (name: keyof typeof AGENT_CERTIFICATES): string => join(folder, AGENT_CERTIFICATES[name])
  const file = fileOf('node')
  const pair = storedPair(file, scope.clock.now())
  if (pair === undefined)
    throw new UserError(
      existsSync(file) ? `the node's certificate ${file} has ended` : `the node has no certificate in ${file}`,
      'make a token where the server is (sampan token create --print-join-command) and join again',
    )
  const node = new ReplaceableIdentity(pair)
  const keptFor = async (own: Scope, client: Client, name: 'proxy' | 'serving', order: CertificateOrder): Promise<Identity> => {
    const kept = { file: fileOf(name), order }
    const onWait = (request: string): void => own.log.info('a certificate was asked for', { request })
    const identity = new ReplaceableIdentity(storedPair(kept.file, own.clock.now()) ?? (await orderCertificate(own, client, kept, onWait)))
    void keepRenewed(own, client, { file: kept.file, order: () => order }, identity)
    return identity
  }
  return {
    node,
    proxy: (own, client) => keptFor(own, client, 'proxy', PROXY_ORDER),
    serving: (own, client, addresses) => keptFor(own, client, 'serving', servingOrder(nodeName, addresses)),
    keep: (own, client) => void keepRenewed(own, client, { file, order: () => nodeOrder(nodeName) }, node),
  }
}
