import { type KubeObject, type Resource, type Status, apiVersionOf, normalizeObject } from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import { namespaceOf, saidName } from './match.ts'
import type { Review } from './review-schema.ts'

/** The question to a webhook: an AdmissionReview of the version that it understands. `resource` is the version in which it is asked. */
export function reviewOf(
  request: AdmissionRequest,
  resource: Resource,
  version: string,
  uid: string,
  shown: { readonly object: unknown; readonly old: unknown },
): unknown {
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: { uid, ...askedFacts(request, resource), object: shown.object ?? null, oldObject: shown.old ?? null },
  }
}

/** What webhooks and policies are told of a request beside its objects. */
export function askedFacts(request: AdmissionRequest, resource: Resource): object {
  const { user, subresource } = request
  const kindOf = (of: Resource): unknown => spokenKind(request, of)
  const resourceOf = ({ group, version, plural }: Resource): unknown => ({ group, version, resource: plural })
  return {
    kind: kindOf(resource),
    resource: resourceOf(resource),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: kindOf(request.resource),
    requestResource: resourceOf(request.resource),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...nonEmpty('name', saidName(request)),
    ...nonEmpty('namespace', namespaceOf(request)),
    operation: request.operation,
    userInfo: {
      ...nonEmpty('username', user.name),
      ...nonEmpty('uid', user.uid ?? ''),
      ...(user.groups.length === 0 ? {} : { groups: user.groups }),
      ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
    },
    dryRun: request.dryRun,
    options: Object.keys(request.options).length === 0 ? null : request.options,
  }
}

const nonEmpty = (name: string, value: string): object => (value === '' ? {} : { [name]: value })

/** The kind that the body has: another one than the resource's where a subresource speaks its own. */
function spokenKind({ subresource, object }: AdmissionRequest, of: Resource): unknown {
  const { group, version, kind } = of
  const below = of.subresources[subresource]
  if (below?.type === 'scale') return { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  if (below?.type !== 'special') return { group, version, kind }
  if (below.speaks !== undefined) return { group: below.speaks.group, version: below.speaks.version, kind: below.speaks.kind }
  const [apiVersion = '', spoken = kind] = [object?.apiVersion, object?.kind]
  const slash = apiVersion.lastIndexOf('/')
  return apiVersion === ''
    ? { group, version, kind }
    : { group: slash === -1 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind: spoken }
}

/** An object as it goes over the wire; one of another kind than the resource's goes as it is. */
export function wireForm(resource: Resource, object: KubeObject | undefined): unknown {
  if (object === undefined) return undefined
  const isOwn =
    object.kind === undefined || (object.kind === resource.kind && (object.apiVersion ?? apiVersionOf(resource)) === apiVersionOf(resource))
  if (!isOwn) return object
  return normalizeObject(
    resource.schema,
    { ...object, kind: resource.kind, apiVersion: apiVersionOf(resource) },
    { keepResourceVersion: true },
  )
}

export interface Verdict {
  readonly allowed: boolean
  readonly result: Partial<Status> | undefined
  readonly warnings: readonly string[]
  readonly patch: string | undefined
  /** For the audit log. */
  readonly annotations: readonly (readonly [key: string, value: string])[]
}

/** What a webhook has answered. Throws an `Error` that says what is wrong with the answer. */
export function verdictOf({ apiVersion, kind, response }: Review, version: string, uid: string, isMutating: boolean): Verdict {
  if (response === undefined) throw new Error('webhook response was absent')
  const { patch = '', patchType } = response
  // What an answer of v1beta1 says of itself has never been looked at.
  if (version === 'v1') {
    if ((response.uid ?? '') !== uid)
      throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`)
    const said = `${apiVersion?.includes('/') === true ? '' : '/'}${apiVersion ?? ''}, Kind=${kind ?? ''}`
    if (said !== REVIEW_V1) throw new Error(`expected webhook response of ${REVIEW_V1}, got ${said}`)
    checkPatch(patch, patchType, isMutating)
  }
  return {
    allowed: response.allowed === true,
    result: response.status,
    warnings: (response.warnings ?? []).filter(isHeaderText),
    patch: isMutating && patch !== '' ? patch : undefined,
    annotations: Object.entries(response.auditAnnotations ?? {}),
  }
}

const REVIEW_V1 = 'admission.k8s.io/v1, Kind=AdmissionReview'

function checkPatch(patch: string, patchType: string | undefined, isMutating: boolean): void {
  if (!isMutating) {
    if (patch !== '') throw new Error('validating webhook may not return response.patch')
    if (patchType !== undefined) throw new Error('validating webhook may not return response.patchType')
    return
  }
  if (patch !== '' && patchType === undefined) throw new Error('webhook returned response.patch but not response.patchType')
  if (patch === '' && patchType !== undefined) throw new Error('webhook returned response.patchType but not response.patch')
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
}

/** Others cannot be sent on in a header, and are left out. */
const isHeaderText = (text: string): boolean => !/\p{Cc}/u.test(text)
