import { type Scope, messageOf, readSigningRequest } from '#base'
import type { certificates } from '#api'
import type { NodeWrite } from './node-write.ts'
import { forbidden } from '../refuse.ts'

/** Their certificates name a node. */
const NODE_SIGNERS: ReadonlySet<string> = new Set(['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'])

/** A node asks for certificates in its own name, also where somebody would approve another one. */
export async function restrictSigningRequest(_scope: Scope, { node, request }: NodeWrite): Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== '') return
  const { signerName, request: encoded } = (request.object as certificates.CertificateSigningRequest).spec
  if (!NODE_SIGNERS.has(signerName)) return
  const own = `system:node:${node}`
  let commonName: string
  try {
    ;({ commonName } = (await readSigningRequest(Buffer.from(encoded, 'base64').toString())).subject)
  } catch (error) {
    throw forbidden(request, `unable to parse csr: ${messageOf(error)}`)
  }
  if (commonName !== own) throw forbidden(request, `can only create a node CSR with CN=${own}`)
}
