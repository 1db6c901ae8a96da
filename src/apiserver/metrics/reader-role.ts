import type { rbac } from '#api'

/** Who may view a namespace may see what its pods use. */
export const metricsReaderRole: rbac.ClusterRole = {
  metadata: {
    name: 'system:aggregated-metrics-reader',
    labels: Object.fromEntries(['view', 'edit', 'admin'].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true'])),
  },
  rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }],
}
