import {
  type FieldErrors,
  type KubeObject,
  Path,
  type Resource,
  type ScaleSubresource,
  apiVersionOf,
  builtInSchema,
  fieldError,
  statusError,
} from '#api'
import { metaOf } from '../write/object-rules.ts'
import type { ExpectedKind } from '../write/read-object.ts'

export interface Scale extends KubeObject {
  spec?: { replicas?: number }
  status?: { replicas: number; selector?: string }
}

export const SCALE: ExpectedKind = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  schema: builtInSchema('autoscaling', 'v1', 'Scale'),
}

/** The size of an object as `autoscaling/v1` Scale. */
export function scaleOf(scale: ScaleSubresource<KubeObject>, object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metaOf(object)
  const replicas = scale.replicas(object)
  const selector = scale.selector(object)
  return {
    kind: 'Scale',
    apiVersion: apiVersionOf(SCALE),
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: scale.statusReplicas(object), ...(selector === '' ? {} : { selector }) },
  }
}

/** Brings the wanted size into a draft of the object. Throws `StatusError` 422. */
export function applyScale(scale: ScaleSubresource<KubeObject>, resource: Resource, draft: KubeObject, wanted: Scale): void {
  const errors: FieldErrors = []
  const replicas = wanted.spec?.replicas ?? 0
  // Custom resources are checked by their own rules, under the path of their definition.
  if (replicas < 0 && !resource.typedItems)
    errors.push(fieldError.invalid(Path.of('spec', 'replicas'), replicas, 'must be greater than or equal to 0'))
  if (errors.length > 0) throw statusError.invalid(SCALE, metaOf(draft).name ?? '', errors)
  const { resourceVersion, uid } = metaOf(wanted)
  // Custom resources are scaled whoever is meant.
  if (!resource.typedItems && uid !== undefined && uid !== '' && uid !== metaOf(draft).uid) {
    throw statusError.conflict(
      { group: resource.group, plural: `${resource.plural}/scale` },
      metaOf(draft).name ?? '',
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metaOf(draft).uid ?? ''}`,
    )
  }
  // Custom resources cannot be updated without one: the present one stands where none is asked for.
  if (!resource.typedItems || (resourceVersion ?? '') !== '') metaOf(draft).resourceVersion = resourceVersion
  scale.setReplicas(draft, replicas)
}
