import type { Json } from './dialect.ts'

/** Every version that Kubernetes can read options in, served or not: custom resources are described in terms of all of them. */
const OPTION_VERSIONS: Readonly<Record<string, string>> = {
  '': 'v1',
  'admissionregistration.k8s.io': 'v1 v1alpha1 v1beta1',
  apps: 'v1 v1beta1 v1beta2',
  'authentication.k8s.io': 'v1 v1alpha1 v1beta1',
  'authorization.k8s.io': 'v1 v1beta1',
  autoscaling: 'v1 v2',
  batch: 'v1 v1beta1',
  'certificates.k8s.io': 'v1 v1alpha1 v1beta1',
  'coordination.k8s.io': 'v1 v1alpha2 v1beta1',
  'discovery.k8s.io': 'v1 v1beta1',
  'events.k8s.io': 'v1 v1beta1',
  extensions: 'v1beta1',
  'flowcontrol.apiserver.k8s.io': 'v1 v1beta1 v1beta2 v1beta3',
  'internal.apiserver.k8s.io': 'v1alpha1',
  'networking.k8s.io': 'v1 v1beta1',
  'node.k8s.io': 'v1 v1alpha1 v1beta1',
  policy: 'v1 v1beta1',
  'rbac.authorization.k8s.io': 'v1 v1alpha1 v1beta1',
  'resource.k8s.io': 'v1 v1alpha3 v1beta1 v1beta2',
  'scheduling.k8s.io': 'v1 v1alpha2 v1beta1',
  'storage.k8s.io': 'v1 v1alpha1 v1beta1',
  'storagemigration.k8s.io': 'v1beta1',
}

/** What only the whole server reads, beside those: reviews that it sends, definitions and API services. */
const SERVER_VERSIONS: Readonly<Record<string, string>> = {
  'admission.k8s.io': 'v1 v1beta1',
  'apiextensions.k8s.io': 'v1 v1beta1',
  'apiregistration.k8s.io': 'v1 v1beta1',
  'imagepolicy.k8s.io': 'v1alpha1',
}

/** DeleteOptions of every group and version, as documents of custom resources name them. */
export const deleteOptionsKinds = (): readonly Json[] => kindsOf('DeleteOptions', OPTION_VERSIONS)

/** A kind that is spoken in every group (DeleteOptions, WatchEvent), as the one document of everything names it. */
export const kindsOfEveryGroup = (kind: string): readonly Json[] => kindsOf(kind, { ...OPTION_VERSIONS, ...SERVER_VERSIONS })

function kindsOf(kind: string, all: Readonly<Record<string, string>>): readonly Json[] {
  const groups = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))
  return groups.flatMap(([group, versions]) => versions.split(' ').map((version) => ({ group, kind, version })))
}
