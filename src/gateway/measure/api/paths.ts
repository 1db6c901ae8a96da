import { POD_METRICS, SERVICE_METRICS } from '../windows.ts'

export const MEASURE = { group: 'measure.sampan.io', version: 'v1alpha1' } as const
export const CUSTOM = { group: 'custom.metrics.k8s.io', version: 'v1beta2' } as const

/** What a path asks for. Anybody who is known may ask what there is; figures are a matter of rules. */
export type Asked =
  | { readonly kind: 'discovery'; readonly document: object }
  | { readonly kind: 'prometheus' }
  | { readonly kind: 'counts'; readonly namespace: string; readonly service: string }
  | { readonly kind: 'service-metric'; readonly namespace: string; readonly service: string; readonly metric: string }
  | { readonly kind: 'pod-metric'; readonly namespace: string; readonly pod: string; readonly metric: string }

/** Undefined: there is nothing. */
export function askedOf(path: string): Asked | undefined {
  const parts = path.split('/').slice(1)
  if (path === '/metrics') return { kind: 'prometheus' }
  const document = discoveryOf(path)
  if (document !== undefined) return { kind: 'discovery', document }
  const [apis, group, version, scope, namespace = '', plural, name = '', metric, ...more] = parts
  if (apis !== 'apis' || scope !== 'namespaces' || namespace === '' || name === '' || more.length > 0) return undefined
  if (group === MEASURE.group && version === MEASURE.version && plural === 'services' && metric === undefined)
    return { kind: 'counts', namespace, service: name }
  if (group !== CUSTOM.group || version !== CUSTOM.version || metric === undefined) return undefined
  if (plural === 'services') return { kind: 'service-metric', namespace, service: name, metric }
  return plural === 'pods' ? { kind: 'pod-metric', namespace, pod: name, metric } : undefined
}

function discoveryOf(path: string): object | undefined {
  switch (path.replace(/\/$/, '')) {
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [groupOf(MEASURE), groupOf(CUSTOM)] }
    case `/apis/${MEASURE.group}`:
      return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(MEASURE) }
    case `/apis/${CUSTOM.group}`:
      return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(CUSTOM) }
    case `/apis/${MEASURE.group}/${MEASURE.version}`:
      return resourcesOf(MEASURE, [resource('services', 'ServiceMeasurement')])
    case `/apis/${CUSTOM.group}/${CUSTOM.version}`:
      return resourcesOf(CUSTOM, [
        ...SERVICE_METRICS.map((metric) => resource(`services/${metric}`, 'MetricValueList')),
        ...POD_METRICS.map((metric) => resource(`pods/${metric}`, 'MetricValueList')),
      ])
    default:
      return undefined
  }
}

type GroupVersion = typeof MEASURE | typeof CUSTOM

function groupOf({ group, version }: GroupVersion): object {
  const one = { groupVersion: `${group}/${version}`, version }
  return { name: group, versions: [one], preferredVersion: one }
}

const resourcesOf = ({ group, version }: GroupVersion, resources: readonly object[]): object => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${group}/${version}`,
  resources,
})

const resource = (name: string, kind: string): object => ({ name, singularName: '', namespaced: true, kind, verbs: ['get'] })
