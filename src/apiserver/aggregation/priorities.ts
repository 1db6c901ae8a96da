/** How built-in groups are ordered among all: groups by the first number, versions of one by the second; higher stands first. */
export const BUILT_IN_PRIORITIES: Readonly<Record<string, readonly [group: number, version: number]>> = {
  '/v1': [18_000, 1],
  'apps/v1': [17_800, 15],
  'events.k8s.io/v1': [17_750, 15],
  'authentication.k8s.io/v1': [17_700, 15],
  'authorization.k8s.io/v1': [17_600, 15],
  'autoscaling/v2': [17_500, 30],
  'autoscaling/v1': [17_500, 15],
  'batch/v1': [17_400, 15],
  'certificates.k8s.io/v1': [17_300, 15],
  'networking.k8s.io/v1': [17_200, 15],
  'policy/v1': [17_100, 15],
  'rbac.authorization.k8s.io/v1': [17_000, 15],
  'storage.k8s.io/v1': [16_800, 15],
  'admissionregistration.k8s.io/v1': [16_700, 15],
  'apiextensions.k8s.io/v1': [16_700, 15],
  'scheduling.k8s.io/v1': [16_600, 15],
  'coordination.k8s.io/v1': [16_500, 15],
  'node.k8s.io/v1': [16_300, 15],
  'discovery.k8s.io/v1': [16_200, 15],
  'resource.k8s.io/v1': [16_200, 21],
  'flowcontrol.apiserver.k8s.io/v1': [16_100, 21],
}
/** Of groups that CustomResourceDefinitions make. */
export const CUSTOM_PRIORITY = [1000, 100] as const
/** Of groups that Kubernetes leaves to servers behind it. */
export const ADDED_PRIORITY = [100, 100] as const
/** Whose object says nothing of it: what announces APIServices itself. */
export const UNANNOUNCED = 'apiregistration.k8s.io'
