import { MIRROR_POD_ANNOTATION, type core, isMirrorPod, podReferences, refs, statusError } from '#api'
import type { NodeWrite } from './node-write.ts'
import { forbidden } from '../refuse.ts'

/** A node may show its static pods, owned by itself, and give itself nothing by them: no account, no secret, no claim of any kind. */
export function restrictMirrorPod({ node, request, reader }: NodeWrite): void {
  const pod = request.object as core.Pod
  const who = `node ${JSON.stringify(node)}`
  const refuse = (why: string): never => {
    throw forbidden(request, why)
  }
  if (!isMirrorPod(pod)) refuse(`pod does not have "${MIRROR_POD_ANNOTATION}" annotation, ${who} can only create mirror pods`)
  if (pod.spec?.nodeName !== node) refuse(`${who} can only create pods with spec.nodeName set to itself`)

  const [owner, ...more] = pod.metadata?.ownerReferences ?? []
  if (more.length > 0) refuse(`${who} can only create pods with a single owner reference set to itself`)
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw forbidden(request, `${who} can only create pods with an owner reference set to itself`)
  }
  if (owner.controller !== true) refuse(`${who} can only create pods with a controller owner reference set to itself`)
  if (owner.blockOwnerDeletion === true) refuse(`${who} must not set blockOwnerDeletion on an owner reference`)
  const stored = reader.get(refs.nodes, '', node)
  if (stored === undefined) throw statusError.notFound(refs.nodes, node)
  if (owner.uid !== stored.metadata?.uid) refuse(`node ${node} UID mismatch: expected ${owner.uid} got ${stored.metadata?.uid ?? ''}`)

  const found = podReferences(pod)
  const cannot = (what: string): never => refuse(`${who} can not create pods that reference ${what}`)
  if (found.serviceAccount !== '') cannot('a service account')
  if (found.secrets.size > 0) cannot('secrets')
  if (found.configMaps.size > 0) cannot('configmaps')
  if (found.trustBundles) cannot('clustertrustbundles')
  if (found.podCertificates) cannot('podcertificates')
  if (found.claims.size > 0) cannot('persistentvolumeclaims')
  if (pod.spec?.resourceClaims?.length || found.resourceClaims.size > 0) cannot('resourceclaims')
}
