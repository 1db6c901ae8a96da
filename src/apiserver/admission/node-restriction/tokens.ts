import type { Scope } from '#base'
import { type authentication, type core, refs, statusError } from '#api'
import type { NodeWrite } from './node-write.ts'
import { forbidden } from '../refuse.ts'

/** A node gets tokens for the pods that run on it, bound to the very pod, for audiences that the pod asks for. */
export async function restrictToken(scope: Scope, write: NodeWrite): Promise<void> {
  const { node, request, reader } = write
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return
  const { spec } = request.object as authentication.TokenRequest
  const bound = spec?.boundObjectRef
  if (!bound || bound.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name)
    throw forbidden(request, 'node requested token not bound to a pod')
  if (!bound.uid) throw forbidden(request, 'node requested token with a pod binding without a uid')
  const pod = reader.get(refs.pods, request.namespace, bound.name)
  if (pod === undefined) throw statusError.notFound(refs.pods, bound.name)
  if (bound.uid !== pod.metadata?.uid) {
    const why = `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw forbidden(request, why)
  }
  if (pod.spec?.nodeName !== node) throw forbidden(request, 'node requested token bound to a pod scheduled on a different node')
  await restrictAudiences(scope, write, pod, spec?.audiences ?? [])
}

async function restrictAudiences(
  scope: Scope,
  { request, reader, authorizer }: NodeWrite,
  pod: core.Pod,
  audiences: readonly string[],
): Promise<void> {
  if (audiences.length > 1) throw forbidden(request, 'node may only request 0 or 1 audiences')
  const [audience = ''] = audiences
  if (podAudiences(reader, pod).has(audience)) return
  // The extra right for nodes of clusters whose drivers ask for tokens in ways that the API does not show.
  const { user, namespace } = request
  const decision = await authorizer.authorize(scope, {
    user,
    verb: 'request-serviceaccounts-token-audience',
    isResource: true,
    group: '',
    version: 'v1',
    resource: audience,
    subresource: '',
    namespace,
    name: request.name,
    path: '',
  })
  if (decision.kind !== 'allow') throw forbidden(request, `audience ${JSON.stringify(audience)} not found in pod spec volume`)
}

/** What the pod's volumes ask tokens for; the empty word stands for the API server. */
function podAudiences(reader: NodeWrite['reader'], pod: core.Pod): ReadonlySet<string> {
  const audiences = new Set<string>()
  const addDriver = (driver: string | undefined): void => {
    const asked = driver === undefined ? [] : (reader.get(refs.csidrivers, '', driver)?.spec.tokenRequests ?? [])
    for (const { audience } of asked) audiences.add(audience ?? '')
  }
  const namespace = pod.metadata?.namespace ?? ''
  for (const volume of pod.spec?.volumes ?? []) {
    for (const { serviceAccountToken } of volume.projected?.sources ?? [])
      if (serviceAccountToken) audiences.add(serviceAccountToken.audience ?? '')
    addDriver(volume.csi?.driver)
    const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata?.name ?? ''}-${volume.name}` : undefined)
    const volumeName = claim === undefined ? undefined : reader.get(refs.persistentvolumeclaims, namespace, claim)?.spec?.volumeName
    addDriver(volumeName === undefined ? undefined : reader.get(refs.persistentvolumes, '', volumeName)?.spec?.csi?.driver)
  }
  return audiences
}
