import { rfc3339 } from '#base'
import { BOUNDS } from './histogram.ts'
import type { Measurements } from './measurements.ts'

/** The counts of one Service as an object of the API group `measure.sampan.io`. */
export function measurementOf(measurements: Measurements, namespace: string, service: string): object {
  const { requests, errors, failed, aborted, seconds, buckets } = measurements.ofService(`${namespace}/${service}`)
  return {
    kind: 'ServiceMeasurement',
    apiVersion: 'measure.sampan.io/v1alpha1',
    metadata: { name: service, namespace },
    instance: measurements.instance,
    since: rfc3339(measurements.sinceMs),
    requests,
    errors,
    connectionErrors: failed,
    aborted,
    durationSeconds: { sum: seconds, bounds: BOUNDS, counts: [...buckets] },
  }
}
