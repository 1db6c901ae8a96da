import assert from 'node:assert/strict'
import { it } from 'node:test'
import { metricsText } from '#base'
import { ProbeTally } from '../probes/probe-tally.ts'
import { volumeMetrics } from './volume-metrics.ts'

it('probes are counted by result, with how long successful answers took, until their container has ended', () => {
  const tally = new ProbeTally()
  const pod = { metadata: { namespace: 'a', name: 'p', uid: 'u' } }
  tally.note('c1', pod, 'main', 'Readiness', 'success', 0.02)
  tally.note('c1', pod, 'main', 'Readiness', 'success', 60)
  tally.note('c1', pod, 'main', 'Readiness', 'failure', 1)
  tally.note('c2', pod, 'side', 'Liveness', 'failure', 1)
  tally.forget('c2')
  const labels = 'container="main",namespace="a",pod="p",probe_type="Readiness"'
  const lines = metricsText(tally.families()).split('\n')
  const said = (name: string, more = ''): string | undefined =>
    lines
      .find((line) => line.startsWith(`${name}{${labels}${more}} `))
      ?.split(' ')
      .at(-1)
  assert.equal(said('prober_probe_total', ',pod_uid="u",result="successful"'), '2')
  assert.equal(said('prober_probe_total', ',pod_uid="u",result="failed"'), '1')
  assert.equal(said('prober_probe_duration_seconds_bucket', ',le="0.01"'), '0')
  assert.equal(said('prober_probe_duration_seconds_bucket', ',le="0.025"'), '1')
  assert.equal(said('prober_probe_duration_seconds_bucket', ',le="10"'), '1')
  assert.equal(said('prober_probe_duration_seconds_bucket', ',le="+Inf"'), '2')
  assert.equal(said('prober_probe_duration_seconds_count'), '2')
  assert.equal(said('prober_probe_duration_seconds_sum'), '60.02')
  assert.ok(lines.includes('# TYPE prober_probe_duration_seconds histogram'))
  assert.ok(!lines.some((line) => line.includes('side')))
})

it('volumes of claims are told of once each, with what their drivers say', () => {
  const volume = (name: string | undefined, more: object) => ({
    time: '',
    name: 'v',
    ...(name === undefined ? {} : { pvcRef: { namespace: 'a', name } }),
    volumeHealthStats: { abnormal: false },
    ...more,
  })
  const data = volume('data', { capacityBytes: 100, availableBytes: 60, usedBytes: 40 })
  const text = metricsText(
    volumeMetrics([data, data, volume(undefined, { capacityBytes: 7 }), volume('odd', { volumeHealthStats: { abnormal: true } })]),
  )
  assert.deepEqual(
    text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
    [
      'kubelet_volume_stats_capacity_bytes{namespace="a",persistentvolumeclaim="data"} 100',
      'kubelet_volume_stats_available_bytes{namespace="a",persistentvolumeclaim="data"} 60',
      'kubelet_volume_stats_used_bytes{namespace="a",persistentvolumeclaim="data"} 40',
      'kubelet_volume_stats_health_status_abnormal{namespace="a",persistentvolumeclaim="data"} 0',
      'kubelet_volume_stats_health_status_abnormal{namespace="a",persistentvolumeclaim="odd"} 1',
    ],
  )
})
