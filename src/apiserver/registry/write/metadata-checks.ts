import { type FieldErrors, type ObjectMeta, Path, type Resource, validateObjectMeta, validateObjectMetaUpdate } from '#api'

/**
 * The metadata of a changed object is checked by what all kinds have in common and once more by the kind's own rules, so that clients
 * are told of a mistake as often as kube-apiserver tells them. Some kinds check an update like a new object as well (`again`,
 * or before: `first`), and some of these do nothing else (`only`).
 */
const OWN_CHECKS: Readonly<Record<string, 'again' | 'first' | 'only'>> = {
  'certificatesigningrequests.certificates.k8s.io': 'only',
  'clusterrolebindings.rbac.authorization.k8s.io': 'first',
  'clusterroles.rbac.authorization.k8s.io': 'first',
  configmaps: 'again',
  'controllerrevisions.apps': 'again',
  'csinodes.storage.k8s.io': 'only',
  endpoints: 'again',
  'endpointslices.discovery.k8s.io': 'only',
  'flowschemas.flowcontrol.apiserver.k8s.io': 'only',
  'ingressclasses.networking.k8s.io': 'again',
  'ingresses.networking.k8s.io': 'again',
  'mutatingadmissionpolicies.admissionregistration.k8s.io': 'only',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': 'only',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': 'only',
  'jobs.batch': 'first',
  nodes: 'again',
  persistentvolumeclaims: 'again',
  persistentvolumes: 'only',
  'resourceclaims.resource.k8s.io': 'again',
  'rolebindings.rbac.authorization.k8s.io': 'first',
  'roles.rbac.authorization.k8s.io': 'first',
  secrets: 'again',
  serviceaccounts: 'again',
  'validatingadmissionpolicies.admissionregistration.k8s.io': 'only',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': 'only',
  'validatingwebhookconfigurations.admissionregistration.k8s.io': 'only',
  'volumeattachments.storage.k8s.io': 'only',
  'volumeattributesclasses.storage.k8s.io': 'again',
}

const METADATA = Path.of('metadata')
/** A name that stands in a path already. */
const anyName = (): readonly string[] => []

/** All mistakes in the metadata of an update, as often as they are told. Nearly always none: then each rule has been looked at twice. */
export function checkChangedMetadata(
  resource: Resource,
  meta: ObjectMeta,
  old: ObjectMeta,
  subresource: string,
  errors: FieldErrors,
): void {
  const { anyFinalizer = false } = resource.strategy
  const asNew = { namespaced: resource.namespaced, standardFinalizers: false, validateName: anyName }
  const found: FieldErrors = []
  validateObjectMeta(meta, asNew, METADATA, found)
  const changed: FieldErrors = []
  validateObjectMetaUpdate(meta, old, METADATA, changed, { standardFinalizers: !anyFinalizer })
  if (found.length === 0 && changed.length === 0) return
  errors.push(...found)
  validateObjectMetaUpdate(meta, old, METADATA, errors, { standardFinalizers: false })
  const { group, plural } = resource
  const own = subresource === '' ? OWN_CHECKS[group === '' ? plural : `${plural}.${group}`] : undefined
  // The name is the stored one, which was checked when it was new.
  const asNewToo = (): void => validateObjectMeta(meta, { ...asNew, standardFinalizers: !anyFinalizer }, METADATA, errors)
  if (own === 'first') asNewToo()
  if (own !== 'only') errors.push(...changed)
  if (own === 'again' || own === 'only') asNewToo()
}
